"""Reads the body of a Chat Completions answer, whatever it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from harness.clearance import Incident, SafetySignal, Usage
from harness.models.azure_filters import filtered
from harness.models.body import clean
from harness.models.dialect import JsonObject, Trouble, Unusable
from harness.models.functions import arguments

MOST_CALLS: Final = 100
"""Tool calls of one answer that are read."""
LONGEST_TEXT: Final = 500_000
"""Characters of an answer's text that are read."""
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_MOST_TOKENS = 10**12


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a function."""

    id: str
    """The vendor's, or ours where it has none."""
    name: str
    """What is called."""
    arguments: JsonValue
    """JSON text, or already an object."""

    @property
    def history(self) -> JsonObject:
        """What is sent back: servers refuse a history whose names or arguments are not well-formed."""
        name = _NOT_A_NAME.sub("_", self.name)[:64] or "unknown"
        given = self.arguments if isinstance(self.arguments, str) else json.dumps(self.arguments or {})
        function: JsonObject = {"name": name, "arguments": given if _is_object(given) else "{}"}
        return {"id": self.id, "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says."""

    words: str
    """Its text, without what it thought aloud before."""
    reasoning: str
    """What it thought aloud, where the server gives it."""
    calls: tuple[ToolCall, ...]
    """What it calls, in order."""
    stop: Unusable | None
    """Why nothing of it is executed: it was cut off, held back, or is a refusal."""
    calling: bool
    """Whether it means to call something, by what the server says or by a mark that nobody has read."""
    usage: Usage
    """What it used."""
    signals: tuple[SafetySignal, ...]
    """The vendor's warnings."""
    incidents: tuple[Incident, ...]
    """What was wrong with it."""
    id: str
    """The vendor's id."""


def said(answer: JsonValue) -> Said:
    """Read an answer.

    Raises:
        Trouble: if it is none.
    """
    choice = _choice(answer)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Trouble("malformed", "the answer's first choice holds no message", again=True, ends=False)
    found = filtered(answer)
    incidents = [*found.taken, *found.unrun]
    text = _content(message.get("content"), incidents)
    if len(text) > LONGEST_TEXT:
        raise Trouble("too_large", f"the answer's text is {len(text)} characters", ends=False)
    thinking, closed, words = text.rpartition("</think>")
    calls = _calls(message.get("tool_calls"), incidents)
    return Said(
        words=words.strip(),
        reasoning=(
            thinking if closed else clean(message.get("reasoning_content") or message.get("reasoning"))
        ),
        calls=calls,
        stop=_stop(choice.get("finish_reason"), message),
        calling=choice.get("finish_reason") == "tool_calls" or "<tool_call>" in words,
        usage=_usage(answer),
        signals=found.signals("azure"),
        incidents=tuple(incidents),
        id=clean(answer.get("id"))[:200] if isinstance(answer, dict) else "",
    )


def _choice(answer: JsonValue) -> Mapping[str, JsonValue]:
    match answer:
        case {"choices": [dict(choice), *_]}:
            return choice
        case {"choices": []}:
            raise Trouble("empty", "the answer holds no choice", again=True, ends=False)
        case {"error": error}:
            # Some servers say 200 and mean something else.
            raise Trouble("server_error", clean(json.dumps(error))[:2000], again=True, ends=False)
        case _:
            raise Trouble("malformed", "the answer is no chat completion", again=True, ends=False)


def _content(content: JsonValue, incidents: list[Incident]) -> str:
    match content:
        case None:
            return ""
        case str():
            return clean(content)
        case list():
            parts = [clean(one["text"]) for one in content if isinstance(one, dict) and "text" in one]
            return "".join(parts)
        case _:
            said = f"the answer's content is no text, but {type(content).__name__}"
            incidents.append(Incident(fault="malformed", message=said))
            return ""


def _calls(listed: JsonValue, incidents: list[Incident]) -> tuple[ToolCall, ...]:
    if listed is None:
        return ()
    if not isinstance(listed, list):
        message = f"tool_calls is no list, but {type(listed).__name__}"
        incidents.append(Incident(fault="malformed", message=message))
        return ()
    if len(listed) > MOST_CALLS:
        message = f"more than {MOST_CALLS} calls in one answer; what comes after them is not executed"
        incidents.append(Incident(fault="too_large", message=message))
    calls: list[ToolCall] = []
    ids: set[str] = set()
    for number, one in enumerate(listed[:MOST_CALLS]):
        call = _call(one, f"call_{number}")
        if call.id in ids:
            call = ToolCall(f"call_{number}_again", call.name, call.arguments)
        ids.add(call.id)
        calls.append(call)
    return tuple(calls)


def _call(one: JsonValue, otherwise: str) -> ToolCall:
    if not isinstance(one, dict):
        return ToolCall(otherwise, "", None)
    call_id = clean(one.get("id"))[:200] or otherwise
    match one:
        case {"function": dict(function)}:
            return ToolCall(call_id, clean(function.get("name"))[:200], function.get("arguments"))
        case {"custom": dict(custom)}:
            return ToolCall(call_id, f"custom tool {clean(custom.get('name'))[:200]}", None)
        case _:
            return ToolCall(call_id, "", None)


def _stop(finish: JsonValue, message: Mapping[str, JsonValue]) -> Unusable | None:
    refusal = clean(message.get("refusal"))
    if refusal.strip():
        return Unusable("refused", f"the model refuses: {refusal}")
    match finish:
        case "length":
            return Unusable("truncated", "the answer was cut off at its longest; nothing of it is executed")
        case "content_filter":
            return Unusable("content_filter", "the answer was cut off by the vendor's content filter")
        case "error" | "abort":
            return Unusable("cut_off", "the server broke the answer off")
        case _:
            pass
    if message.get("function_call"):
        return Unusable("unknown_tool", "function_call is not offered; call functions as tool_calls")
    return None


def _usage(answer: JsonValue) -> Usage:
    match answer:
        case {"usage": dict(usage)}:
            return Usage(
                input_tokens=_count(usage.get("prompt_tokens")),
                cached_tokens=_detail(usage, "cached_tokens"),
                cache_write_tokens=_detail(usage, "cache_write_tokens"),
                output_tokens=_count(usage.get("completion_tokens")),
            )
        case _:
            return Usage()


def _detail(usage: Mapping[str, JsonValue], name: str) -> int | None:
    details = usage.get("prompt_tokens_details")
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_TOKENS:
        return None
    return value


def _is_object(text: str) -> bool:
    try:
        return bool(text.strip()) and isinstance(arguments(text), dict)
    except Unusable:
        return False
