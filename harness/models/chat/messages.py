"""Writes the messages of a Chat Completions request."""

import base64
from collections.abc import Sequence
from typing import Literal

from harness.models.dialect import JsonObject, Outcome, Seen, Turn
from harness.models.images import Detail
from harness.models.scaling import Space

LEFT_OUT = "(screenshot left out)"
NOTHING = "(no words)"


def system(text: str, role: Literal["system", "user"] = "system") -> JsonObject:
    """What is said once."""
    return {"role": role, "content": text}


def user(seen: Seen, *, before: str = "", detail: Detail | None = None) -> JsonObject:
    """What is seen at one step: words, pictures that calls asked for, and the screenshot."""
    parts: list[JsonObject] = []
    for outcome in seen.outcomes:
        if outcome.picture is not None:
            parts += [
                text(f"What {outcome.call.name} shows, for looking only:"),
                image(outcome.picture, detail),
            ]
    said = f"{before}\n{seen.text}" if before else seen.text
    if seen.picture is None:
        parts.append(text(f"{said}\n{LEFT_OUT}"))
    else:
        parts += [text(f"{said}\n{_shown(seen.picture.space)}"), image(seen.picture.png, detail)]
    return {"role": "user", "content": [*parts]}


def _shown(space: Space) -> str:
    if space.kind == "thousandths":
        return "The screenshot:"
    return f"The screenshot ({space.width} x {space.height} pixels):"


def text(said: str) -> JsonObject:
    """A part of words."""
    return {"type": "text", "text": said}


def image(png: bytes, detail: Detail | None = None) -> JsonObject:
    """A part that is a picture, inside the request itself."""
    url: JsonObject = {"url": f"data:image/png;base64,{base64.b64encode(png).decode()}"}
    if detail is not None:
        url["detail"] = detail
    return {"type": "image_url", "image_url": url}


def assistant(words: str) -> JsonObject:
    """What the model said; servers refuse a message with nothing in it."""
    return {"role": "assistant", "content": words or NOTHING}


def told(outcome: Outcome) -> str:
    """What became of a call, in words that cannot be taken for a mark."""
    said = outcome.text or ("done" if outcome.ok else "not done")
    return said.replace("<", "\\u003c")


def report(outcomes: Sequence[Outcome]) -> str:
    """What became of every call, for a model that has no tool messages."""
    lines = [f"{number}. {one.call.name}: {told(one)}" for number, one in enumerate(outcomes, 1)]
    return "\n".join(["What became of your last answer:", *lines]) if lines else ""


def dialogue(turns: Sequence[Turn], *, detail: Detail | None = None) -> list[JsonObject]:
    """The turns as words alone: question, answer, question with what became of the answer, and so on."""
    messages: list[JsonObject] = []
    for turn in turns:
        messages.append(user(turn.seen, before=report(turn.seen.outcomes), detail=detail))
        if turn.heard is not None:
            messages += [one for one in turn.heard.items if isinstance(one, dict)]
    return messages
