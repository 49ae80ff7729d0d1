"""What Gemini answers, read part by part: words, thoughts, calls, and why it ended."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from harness.clearance import Fault, Usage
from harness.models.dialect import JsonObject, Trouble, Unusable
from harness.models.functions import arguments

MOST_PARTS: Final = 200
"""Parts of one answer that are read."""
ALLOWED: Final = frozenset({"regular", "allow", "allowed"})
"""Decisions of the vendor's safety check that ask for nothing."""
_DECISION: Final = "safety_decision"
_BASE64: Final = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64"))
_AGAIN: Final = frozenset({"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"})
_ENDS: Final[Mapping[str, Fault]] = {
    "MAX_TOKENS": "truncated",
    "CONTINUATION": "truncated",
    "FINISH_REASON_UNSPECIFIED": "truncated",
    "": "truncated",
    "OTHER": "refused",
    "LANGUAGE": "refused",
    "ESCALATION": "refused",
    "PUP_LIMITED_DISABLED": "unauthorized",
    "UNEXPECTED_TOOL_CALL": "unknown_tool",
    "TOO_MANY_TOOL_CALLS": "too_large",
    "MISSING_THOUGHT_SIGNATURE": "rejected",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One function call of an answer."""

    id: str
    """The vendor's id; empty if it has none."""
    name: str
    """What is called; empty if it is not said."""
    args: JsonObject | Unusable
    """With what, or why that cannot be read."""
    item: JsonObject | None
    """The part that is sent back as history; nothing if it cannot be."""


@dataclass(frozen=True, slots=True)
class Warned:
    """What the vendor's safety check says of a call."""

    decision: str
    """Its name for it."""
    explanation: str
    """Its words."""

    @property
    def blocked(self) -> bool:
        """Whether the call must not be done, whoever says yes."""
        return "block" in self.decision.lower()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an answer."""

    item: JsonObject | None
    """What is sent back as history, word for word; nothing if it cannot be."""
    words: str = ""
    """What it says."""
    thought: bool = False
    """Whether these words are a summary of its thoughts."""
    call: Asked | None = None
    """What it calls."""
    problem: str = ""
    """What is wrong with it."""


def words(value: object, longest: int = 2000) -> str:
    """Give a text as it is, shortened, with what no UTF-8 can hold replaced; empty if it is no text."""
    return value[:longest].encode(errors="replace").decode() if isinstance(value, str) else ""


def candidate(answer: Mapping[str, JsonValue]) -> Mapping[str, JsonValue] | None:
    """Give the first candidate; nothing if there is none."""
    match answer.get("candidates"):
        case [dict() as first, *_]:
            return first
        case _:
            return None


def blocked(answer: Mapping[str, JsonValue]) -> str:
    """Say why the request was not answered at all; empty if the vendor does not say."""
    feedback = answer.get("promptFeedback")
    if not isinstance(feedback, dict) or not feedback.get("blockReason"):
        return ""
    said = words(feedback.get("blockReasonMessage"), 500)
    return f"{words(feedback['blockReason'], 80) or 'unknown reason'}{f': {said}' if said else ''}"


def ended(one: Mapping[str, JsonValue]) -> tuple[Fault, str] | None:
    """Say what is wrong with how an answer ended; nothing if it came to its end.

    Raises:
        Trouble: if the vendor says that what the model wrote could not be read.
    """
    reason, said = words(one.get("finishReason"), 80), words(one.get("finishMessage"), 500)
    shown = f"{reason or 'no finish reason'}{f': {said}' if said else ''}"
    if reason == "STOP":
        return None
    if reason in _AGAIN:
        raise Trouble("malformed", f"the model's answer could not be read ({shown})", again=True, ends=False)
    return _ENDS.get(reason, "malformed"), f"the answer ended with {shown}"


def parts(one: Mapping[str, JsonValue]) -> list[Part]:
    """Read the parts of a candidate, in order."""
    content = one.get("content")
    found = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(found, list):
        return []
    read = [_part(part) for part in found[:MOST_PARTS]]
    if len(found) > MOST_PARTS:
        read.append(Part(None, problem=f"more than {MOST_PARTS} parts in one answer"))
    return read


def _part(part: JsonValue) -> Part:
    if not isinstance(part, dict):
        return Part(None, problem=f"a part is no object, but {type(part).__name__}")
    signature = part.get("thoughtSignature")
    signed: JsonObject = {"thoughtSignature": signature} if _signature(signature) else {}
    problem = "a thought's signature is not base64" if signature is not None and not signed else ""
    thought = part.get("thought") is True
    if thought:
        signed["thought"] = True
    if "functionCall" in part:
        call = _call(part["functionCall"], signed)
        return Part(call.item, call=call, problem=problem)
    text = part.get("text")
    if isinstance(text, str):
        return Part(
            {"text": words(text, len(text)), **signed}, words(text, len(text)), thought, problem=problem
        )
    if signed and not part.keys() - {"thought", "thoughtSignature", "text"}:
        return Part(signed, problem=problem)
    return Part(None, problem=f"a part of another kind: {', '.join(words(key, 40) for key in part)[:200]}")


def _call(found: JsonValue, signed: JsonObject) -> Asked:
    if not isinstance(found, dict):
        return Asked("", "", Unusable("malformed", f"a call is no object, but {type(found).__name__}"), None)
    call_id, name, given = words(found.get("id"), 500), words(found.get("name"), 500), found.get("args")
    if isinstance(given, str):
        return Asked(call_id, name, Unusable("malformed", "the arguments are no object, but text"), None)
    try:
        args = dict(arguments(given))
        json.dumps(args, allow_nan=False)
    except Unusable as unusable:
        return Asked(call_id, name, unusable, None)
    except ValueError as error:
        # 1e999 is JSON, and infinity is not: it could not be sent back.
        return Asked(call_id, name, Unusable("bad_arguments", f"a number is too large: {error}"), None)
    item: JsonObject = {"name": name}
    if given is not None:
        item["args"] = args
    if call_id:
        item["id"] = call_id
    return Asked(call_id, name, args, {"functionCall": item, **signed} if name else None)


def _signature(value: JsonValue) -> bool:
    """Whether it is base64 as the SDK's types read it."""
    try:
        _BASE64.validate_json(json.dumps(value))
    except ValidationError:
        return False
    return isinstance(value, str)


def warned(args: Mapping[str, JsonValue]) -> Warned | None:
    """Give what the safety check says of a call; nothing if it asks for nothing."""
    if _DECISION not in args:
        return None
    match args[_DECISION]:
        case {"decision": str(decision), **rest}:
            explanation = words(rest.get("explanation"))
        case str(decision):
            explanation = ""
        case _:
            decision, explanation = "", ""
    if decision.lower() in ALLOWED:
        return None
    return Warned(words(decision, 100) or "unknown", explanation)


def bare(args: Mapping[str, JsonValue]) -> JsonObject:
    """Give the arguments without what the safety check added."""
    return {name: value for name, value in args.items() if name != _DECISION}


def identity(answer: Mapping[str, JsonValue], items: Sequence[JsonValue]) -> str:
    """Give the vendor's id for an answer, or one made from what it says."""
    found = words(answer.get("responseId"), 100)
    return found or hashlib.sha256(json.dumps(items).encode()).hexdigest()[:16]


def usage(answer: Mapping[str, JsonValue]) -> Usage:
    """Give what the vendor says was used; nothing where it does not say."""
    found = answer.get("usageMetadata")
    if not isinstance(found, dict) or _count(found.get("promptTokenCount")) is None:
        return Usage()
    # What is zero is left out of this JSON.
    return Usage(
        input_tokens=_sum(found, "promptTokenCount", "toolUsePromptTokenCount"),
        cached_tokens=_count(found.get("cachedContentTokenCount")),
        output_tokens=_sum(found, "candidatesTokenCount", "thoughtsTokenCount"),
    )


def _sum(found: Mapping[str, JsonValue], *fields: str) -> int:
    return sum(_count(found.get(field)) or 0 for field in fields)


def _count(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**40:
        return None
    return value
