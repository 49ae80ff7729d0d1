"""Writes what was said so far as Anthropic's messages: each call answered once, the picture last."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from harness.models.dialect import Heard, JsonObject, Outcome, Seen, Turn

LEFT_OUT: Final = "(screenshot left out)"
"""What stands where a picture was."""
DONE: Final = "Done."
NOT_EXECUTED: Final = "Not executed: an earlier action in this turn was refused or failed."
_MOST_MARKS: Final = 2
"""The request has four breakpoints; tools and system take one each."""


def messages(turns: Sequence[Turn], marks: Sequence[int]) -> list[JsonValue]:
    """Write the turns, the oldest first; a cache may end after the last ones of `marks`."""
    found: list[JsonValue] = []
    before: Heard | None = None
    ends = set(marks[-_MOST_MARKS:])
    for place, turn in enumerate(turns):
        content = _question(turn.seen, before)
        if place in ends:
            content[-1]["cache_control"] = {"type": "ephemeral"}
        found.append({"role": "user", "content": [*content]})
        before = turn.heard
        if turn.heard is not None and turn.heard.items:
            found.append({"role": "assistant", "content": list(turn.heard.items)})
    return found


def kept(content: Sequence[Mapping[str, JsonValue]]) -> tuple[JsonValue, ...]:
    """Give the blocks of an answer that the vendor takes back, word for word.

    It refuses empty text, thinking that was cut off before it was signed, and thinking that nothing follows.
    """
    taken = [dict(one) for one in content if _taken(one)]
    while taken and taken[-1]["type"] in ("thinking", "redacted_thinking"):
        taken.pop()
    return tuple(taken)


def _taken(block: Mapping[str, JsonValue]) -> bool:
    match block:
        case {"type": "text"}:
            return bool(str(block.get("text") or "").strip())
        case {"type": "thinking"}:
            return bool(block.get("signature"))
        case _:
            return True


def _question(seen: Seen, before: Heard | None) -> list[JsonObject]:
    results = list(_results(seen, before))
    picture: list[JsonObject] = [_image(seen.picture.png)] if seen.picture is not None else []
    said: list[JsonObject] = [_text(seen.text)]
    if not picture:
        said.append(_text(LEFT_OUT))
    if not results:
        return [*said, *picture]
    last = results[-1]
    inside = last["content"]
    if not isinstance(inside, list):
        raise AssertionError("results are written with lists of blocks")
    # A result that tells of an error may hold nothing but text.
    if last.get("is_error"):
        last["content"] = [*inside, *said]
        return [*results, *picture]
    last["content"] = [*inside, *said, *picture]
    return results


def _results(seen: Seen, before: Heard | None) -> Iterator[JsonObject]:
    """Answer each call of the answer before, in order."""
    if before is None:
        return
    came = {one.call.id: one for one in seen.outcomes}
    broken = False
    for block in before.items:
        if not isinstance(block, dict) or block.get("type") != "tool_use":
            continue
        outcome = came.get(str(block.get("id")))
        if outcome is None or (broken and outcome.call.count == 0 and outcome.ok):
            outcome = None
        yield _result(block, outcome)
        broken = broken or outcome is None or not outcome.ok


def _result(block: JsonObject, outcome: Outcome | None) -> JsonObject:
    result: JsonObject = {"type": "tool_result", "tool_use_id": block.get("id")}
    if block.get("toolset_name") is not None:
        result["toolset_name"] = block["toolset_name"]
    if outcome is None or not outcome.ok:
        return {**result, "is_error": True, "content": [_text(_why_not(outcome))]}
    content: list[JsonValue] = [_text(outcome.text if outcome.text.strip() else DONE)]
    if outcome.picture is not None:
        content.append(_image(outcome.picture))
    return {**result, "content": content}


def _why_not(outcome: Outcome | None) -> str:
    text = outcome.text.strip() if outcome is not None else ""
    if text in ("", "not executed"):
        return NOT_EXECUTED
    return f"Not executed{text[12:]}" if text.startswith("not executed") else text


def _text(text: str) -> JsonObject:
    return {"type": "text", "text": text}


def _image(png: bytes) -> JsonObject:
    data = base64.standard_b64encode(png).decode("ascii")
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
