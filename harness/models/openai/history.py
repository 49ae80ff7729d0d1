"""Writes what was said so far, the way the Responses API wants it back.

An answer goes back word for word, and every call in it has to be answered. A call that may not be (a safety
check of it was not approved), or cannot be (it was cut off, or has no id), does not go back, nor does the
reasoning that led to it; what became of it is told in a user's message instead.
"""

import base64
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Final

from pydantic import JsonValue

from harness.models.dialect import Call, Heard, JsonObject, Outcome, Seen, Unusable
from harness.models.images import Detail
from harness.models.openai.answer import COMPUTER, FUNCTION, checks

LEFT_OUT: Final = "(screenshot left out)"


def kept(heard: Heard, seen: Seen) -> tuple[list[JsonObject], dict[str, JsonObject]]:
    """Give the items of an answer that go back, and those of them that must be answered, by their ids.

    Args:
        heard: the answer.
        seen: what is said to it.
    """
    items: list[JsonObject] = []
    calls: dict[str, JsonObject] = {}
    left = set(seen.acknowledged)
    for item in heard.items:
        if not isinstance(item, dict):
            continue
        if not _is_call(item):
            items.append(item)
        elif _stands(item, seen, calls, left):
            left -= _checked(item)
            calls[str(item["call_id"])] = item
            items.append(item)
        else:
            while items and items[-1].get("type") == "reasoning":
                items.pop()
    while items and items[-1].get("type") == "reasoning":
        items.pop()  # the API refuses reasoning that nothing follows
    return items, calls


def said(seen: Seen, calls: dict[str, JsonObject], output: str, detail: Detail) -> list[JsonObject]:
    """Write what a model is sent at one step.

    Args:
        seen: what it is.
        calls: what must be answered in it.
        output: the type of a screenshot that answers a computer call.
        detail: how closely a screenshot in a message is looked at.
    """
    left = dict(calls)
    items: list[JsonObject] = []
    notes: list[str] = []
    outcomes = list(seen.outcomes)
    answered = {one.call.id for one in outcomes}
    outcomes += [
        Outcome(Call(name, "call"), ok=False, text="not executed") for name in left if name not in answered
    ]
    image = _image(seen)
    for outcome in outcomes:
        item = left.pop(outcome.call.id, None)
        if item is not None and item.get("type") == FUNCTION:
            text = outcome.text or ("done" if outcome.ok else "not done")
            items.append({"type": "function_call_output", "call_id": outcome.call.id, "output": text})
            continue
        if item is not None:
            items.append(_shown(item, image, output))
        if outcome.text or not outcome.ok:
            notes.append(_note(outcome))
    content: list[JsonValue] = [{"type": "input_text", "text": "\n".join([*notes, seen.text])}]
    if not image:
        content.append({"type": "input_text", "text": LEFT_OUT})
    elif all(item.get("type") != "computer_call_output" for item in items):
        content.append({"type": "input_image", "image_url": image, "detail": detail})
    return [*items, {"type": "message", "role": "user", "content": content}]


def _is_call(item: JsonObject) -> bool:
    kind = item.get("type")
    return isinstance(kind, str) and (
        kind in (COMPUTER, FUNCTION) or (kind.endswith("_call") and "call_id" in item)
    )


def _stands(item: JsonObject, seen: Seen, taken: Collection[str], approved: AbstractSet[str]) -> bool:
    """Whether a call can be answered, and may be."""
    call_id = item.get("call_id")
    if not isinstance(call_id, str) or not call_id or call_id in taken:
        return False
    if item.get("status") not in (None, "completed"):
        return False
    if item.get("type") == FUNCTION:
        return True
    if item.get("type") != COMPUTER or seen.picture is None:
        return False
    try:
        return _checked(item) <= approved
    except Unusable:
        return False


def _checked(item: JsonObject) -> AbstractSet[str]:
    """Ids of a call's safety checks; an approval is for one call."""
    return {str(one["id"]) for one in checks(item)}


def _shown(item: JsonObject, image: str, output: str) -> JsonObject:
    answer: JsonObject = {
        "type": "computer_call_output",
        "call_id": item["call_id"],
        "output": {"type": output, "image_url": image},
    }
    passed: list[JsonValue] = [
        {name: one[name] for name in ("id", "code", "message") if name in one} for one in checks(item)
    ]
    if passed:
        answer["acknowledged_safety_checks"] = passed
    return answer


def _note(outcome: Outcome) -> str:
    name = outcome.call.name[:80] or "call"
    text = (
        f"{name}: {outcome.text}"
        if outcome.ok
        else f"Your {name} call was not done in full: {outcome.text or 'no reason given'}"
    )
    # A `<` is written by its number: what is quoted can close no mark.
    return text.replace("<", "\\u003c")


def _image(seen: Seen) -> str:
    if seen.picture is None:
        return ""
    return f"data:image/png;base64,{base64.b64encode(seen.picture.png).decode()}"
