"""What was said so far, as Gemini wants it back: its own answers word for word, and each call answered."""

import base64
import json
from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from harness.models.dialect import Heard, JsonObject, Outcome, Seen, Turn
from harness.models.gemini.actions import CURRENT, LEGACY
from harness.models.gemini.answer import bare, warned

LEFT_OUT: Final = "(screenshot left out)"
_PREDEFINED: Final = frozenset((*CURRENT, *LEGACY))
_LONGEST_URL: Final = 2_000
_LONGEST_CALL: Final = 300


def contents(turns: Sequence[Turn]) -> list[JsonValue]:
    """Write the turns as `contents`.

    An answer is left out, and what came of it told in words, if the API would not take it back: when one of
    its calls cannot be answered, or the vendor's safety check asked for a confirmation that nobody gave.
    """
    written: list[JsonValue] = []
    before: Heard | None = None
    for turn in turns:
        if before is None:
            written.append(_plain(turn.seen, ""))
        else:
            written += _after(before, turn.seen)
        before = turn.heard
    return written


def _after(heard: Heard, seen: Seen) -> list[JsonValue]:
    content = heard.items[0] if heard.items else None
    calls = _calls(content)
    if isinstance(content, dict) and not calls and not seen.outcomes:
        return [content, _plain(seen, "")]
    confirmed = _confirmed(heard, seen, calls)
    if content is None or confirmed is None or len(calls) != len(seen.outcomes):
        return [_plain(seen, _told(calls, seen.outcomes))]
    theirs = [index for index, call in enumerate(calls) if call.get("name") in _PREDEFINED]
    newest = theirs[-1] if theirs else len(calls) - 1
    parts: list[JsonValue] = []
    beside: list[JsonValue] = []
    for index, (call, outcome) in enumerate(zip(calls, seen.outcomes, strict=True)):
        shown = seen if index == newest else None
        response = _response(call, outcome, seen.url, shown, acknowledged=index in confirmed)
        pictures = _pictures(outcome, shown)
        if pictures and index in theirs:
            response["parts"] = pictures
        else:
            # Only the vendor's own functions are answered with pictures by every model.
            beside += pictures
        parts.append({"functionResponse": response})
    return [content, {"role": "user", "parts": [*parts, *beside]}]


def _calls(content: JsonValue) -> list[JsonObject]:
    parts = content.get("parts") if isinstance(content, dict) else None
    found: list[JsonObject] = []
    for part in parts if isinstance(parts, list) else ():
        call = part.get("functionCall") if isinstance(part, dict) else None
        if isinstance(call, dict):
            found.append(call)
    return found


def _args(call: JsonObject) -> JsonObject:
    args = call.get("args")
    return args if isinstance(args, dict) else {}


def _confirmed(heard: Heard, seen: Seen, calls: Sequence[JsonObject]) -> frozenset[int] | None:
    """Give the places of the calls to acknowledge; nothing if one of them must not be."""
    found = []
    for index, call in enumerate(calls):
        warning = warned(_args(call))
        if warning is None:
            continue
        if warning.blocked or f"{heard.id}/{index}" not in seen.acknowledged:
            return None
        found.append(index)
    return frozenset(found)


def _response(
    call: JsonObject, outcome: Outcome, url: str, shown: Seen | None, *, acknowledged: bool
) -> JsonObject:
    said = [outcome.text] if outcome.ok and outcome.text else []
    if shown is not None:
        said.append(_text(shown))
    response: JsonObject = {"url": url[:_LONGEST_URL]}
    if not outcome.ok:
        response["error"] = outcome.text
    if said:
        response["output"] = "\n".join(said)
    if acknowledged:
        response["safety_acknowledgement"] = "true"
    found: JsonObject = {"name": call.get("name"), "response": response}
    if "id" in call:
        found["id"] = call["id"]
    return found


def _pictures(outcome: Outcome, shown: Seen | None) -> list[JsonValue]:
    pictures = [outcome.picture] if outcome.picture is not None else []
    if shown is not None and shown.picture is not None:
        pictures.append(shown.picture.png)
    return [{"inlineData": _png(png)} for png in pictures]


def _plain(seen: Seen, told: str) -> JsonObject:
    parts: list[JsonValue] = [{"text": f"{told}\n{_text(seen)}" if told else _text(seen)}]
    if seen.picture is not None:
        parts.append({"inlineData": _png(seen.picture.png)})
    return {"role": "user", "parts": parts}


def _text(seen: Seen) -> str:
    return seen.text if seen.picture is not None else f"{seen.text}\n{LEFT_OUT}"


def _told(calls: Sequence[JsonObject], outcomes: Sequence[Outcome]) -> str:
    if not outcomes:
        return ""
    lines = ["Your last answer is not shown again. What came of it:"]
    for index, outcome in enumerate(outcomes):
        given = bare(_args(calls[index])) if len(calls) == len(outcomes) else {}
        shown = json.dumps(given, ensure_ascii=False)[:_LONGEST_CALL] if given else ""
        became = outcome.text or ("done" if outcome.ok else "not done")
        lines.append(f"- {outcome.call.name}{f' {shown}' if shown else ''}: {became}")
    return "\n".join(lines).replace("<", "\\u003c")


def _png(png: bytes) -> JsonObject:
    return {"mimeType": "image/png", "data": base64.b64encode(png).decode()}
