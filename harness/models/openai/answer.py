"""Reads an answer of the Responses API, whatever it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from harness.action import Action, Answer
from harness.clearance import Fault, SafetySignal, Usage
from harness.models.azure_filters import Filtered, filtered, why_refused
from harness.models.dialect import (
    LONGEST_THOUGHT,
    Heard,
    Hearing,
    JsonObject,
    Trouble,
    Unusable,
)
from harness.models.functions import EXTRAS, call
from harness.models.openai.actions import actions
from harness.models.scaling import Space

COMPUTER: Final = "computer_call"
FUNCTION: Final = "function_call"
MOST_CHECKS: Final = 50
"""Safety checks of one call; a call with more is not read."""
_LONGEST: Final = 2_000
_PASSING: Final[Mapping[str, Fault]] = {
    "server_error": "server_error",
    "vector_store_timeout": "server_error",
    "rate_limit_exceeded": "rate_limited",
}
_FORBIDDEN: Final = frozenset(
    {
        "content_filter",
        "invalid_prompt",
        "bio_policy",
        "misalignment_policy_violation",
        "image_content_policy_violation",
    }
)


@dataclass(frozen=True, slots=True)
class Chained(Heard):
    """An answer that says which answer it continues."""

    parent: str = ""
    """The id of that answer; empty if it is the first, or nothing is kept at the vendor's."""


def read(answer: JsonValue, space: Space, provider: str) -> Chained:
    """Read the body of an answer that `harness.models.body.checked` let through.

    Raises:
        Trouble: if nothing of it can be used.
    """
    if not isinstance(answer, dict):
        raise _malformed(f"the answer is no object, but {type(answer).__name__}")
    filters = filtered(answer)
    unfinished = _unfinished(answer, filters.said)
    output = answer.get("output")
    if not isinstance(output, list):
        raise _malformed("the answer has no list 'output'")
    reading = _Reading(space, provider, unfinished)
    for item in output:
        reading.take(item)
    heard = reading.end(answer, filters)
    return Chained(
        actions=heard.actions,
        calls=heard.calls,
        thought=heard.thought,
        signals=heard.signals,
        usage=heard.usage,
        incidents=heard.incidents,
        items=heard.items,
        id=_text(answer.get("id")),
        parent=_text(answer.get("previous_response_id")),
    )


def checks(item: JsonObject) -> Sequence[JsonObject]:
    """Give the vendor's pending safety checks of a call.

    Raises:
        Unusable: if they cannot be read: then nobody knows what there is to approve.
    """
    given = item.get("pending_safety_checks")
    if given is None:
        return ()
    found = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    ids = {_text(one.get("id")) for one in found} - {""}
    if not isinstance(given, list) or len(given) > MOST_CHECKS or len(ids) != len(given):
        raise Unusable("malformed", "the vendor's safety checks of this call cannot be read")
    return found


class _Reading:
    def __init__(self, space: Space, provider: str, unfinished: Unusable | None) -> None:
        self._space = space
        self._provider = provider
        self._unfinished = unfinished
        self._hearing = Hearing()
        self._items: list[JsonValue] = []
        self._signals: list[SafetySignal] = []
        self._thought: list[str] = []
        self._words: list[str] = []
        self._ids: set[str] = set()
        self._checked: set[str] = set()

    def take(self, item: JsonValue) -> None:
        if not isinstance(item, dict):
            self._hearing.fault("malformed", f"an item of the answer is no object, but {type(item).__name__}")
            return
        self._items.append(item)
        match item.get("type"):
            case "computer_call":
                self._warned(item)
                self._called(item, "computer", lambda: self._computer(item))
            case "function_call":
                name = _text(item.get("name"))
                self._called(item, name, lambda: [_function(name, item, self._space)])
            case "message":
                self._message(item)
            case "reasoning":
                self._thought += _texts(item.get("summary"), "summary_text", "text")
            case str(kind) if kind.endswith("_call") and "call_id" in item:
                self._called(item, kind[:80], lambda: _unknown(kind))
            case _:
                pass

    def end(self, answer: JsonObject, filters: Filtered) -> Heard:
        hearing, words = self._hearing, "\n".join(self._words)
        thought = "\n".join(self._thought)
        if self._unfinished is not None and not hearing.calls:
            hearing.fault(self._unfinished.fault, str(self._unfinished))
        if not hearing.calls and not hearing.incidents:
            if words.strip():
                hearing.call("", "answer", lambda: [Answer(text=words[:LONGEST_THOUGHT])])
            elif thought.strip():
                hearing.fault("empty", "the answer holds thoughts alone: neither a call nor a final message")
        hearing.incidents += filters.unrun
        return hearing.heard(
            thought,
            usage=_usage(answer.get("usage")),
            signals=(*filters.signals(self._provider), *self._signals),
            items=self._items,
        )

    def _computer(self, item: JsonObject) -> Sequence[Action]:
        ids = {_text(one.get("id")) for one in checks(item)}
        if ids & self._checked:
            raise Unusable("malformed", "a safety check of this call is one of another call")
        self._checked |= ids
        return actions(item, self._space)

    def _called(self, item: JsonObject, name: str, read: Callable[[], Sequence[Action]]) -> None:
        call_id = _text(item.get("call_id"))

        def usable() -> Sequence[Action]:
            if self._unfinished is not None:
                raise self._unfinished
            if item.get("status") not in (None, "completed"):
                raise Unusable("truncated", f"the call is not complete, but {str(item.get('status'))[:80]!r}")
            if not call_id or call_id in self._ids:
                raise Unusable("malformed", "the call has no id of its own")
            return read()

        self._hearing.call(call_id, name, usable)
        self._ids.add(call_id)

    def _warned(self, item: JsonObject) -> None:
        try:
            found = checks(item)
        except Unusable:
            return  # the call cannot be used, and says so
        self._signals += [
            SafetySignal(
                provider=self._provider,
                code=_text(one.get("code"))[:_LONGEST] or "unnamed",
                message=_text(one.get("message"))[:_LONGEST],
                id=_text(one.get("id")),
            )
            for one in found
        ]

    def _message(self, item: JsonObject) -> None:
        words = _texts(item.get("content"), "output_text", "text")
        refusals = _texts(item.get("content"), "refusal", "refusal")
        self._thought += [*words, *refusals]
        if item.get("phase") != "commentary":
            self._words += words
        for refusal in refusals:
            self._hearing.fault("refused", refusal or "the model refuses, and does not say why")


def _function(name: str, item: JsonObject, space: Space) -> Action:
    if name not in EXTRAS:
        raise Unusable("unknown_tool", f"there is no function {name[:80]!r}; there are: {', '.join(EXTRAS)}")
    return call(name, item.get("arguments"), space)


def _unknown(kind: str) -> Sequence[Action]:
    raise Unusable("unknown_tool", f"there is no tool for {kind[:80]!r}")


def _unfinished(answer: JsonObject, held: str) -> Unusable | None:
    """Say why nothing of an answer is done, if so."""
    match answer.get("status"):
        case "completed" | None:
            return Unusable("content_filter", f"held back by the content filter: {held}") if held else None
        case "incomplete":
            details = answer.get("incomplete_details")
            reason = _text(details.get("reason")) if isinstance(details, dict) else ""
            if reason == "content_filter" or held:
                return Unusable("content_filter", f"cut off by the content filter: {held or 'no category'}")
            return Unusable("truncated", f"the answer was cut off: {reason[:80] or 'no reason given'}")
        case "failed":
            raise _failed(answer.get("error"))
        case "cancelled" | "queued" | "in_progress":
            raise Trouble("cut_off", f"the answer came {answer['status']}", again=True, ends=False)
        case other:
            raise _malformed(f"the answer's status is {str(other)[:80]!r}")


def _failed(error: JsonValue) -> Trouble:
    said = error if isinstance(error, dict) else {}
    code, message = _text(said.get("code"))[:80], _text(said.get("message"))[:_LONGEST]
    words = f"the answer failed ({code or 'no code'}): {message}"
    held = why_refused(said)
    if code in _FORBIDDEN or held:
        return Trouble("content_filter", f"{words}{f' [{held}]' if held else ''}", ends=False)
    if code in _PASSING:
        return Trouble(_PASSING[code], words, again=True)
    return Trouble("rejected", words)


def _usage(given: JsonValue) -> Usage:
    if not isinstance(given, dict):
        return Usage()
    details = given.get("input_tokens_details")
    read = details if isinstance(details, dict) else {}
    return Usage(
        input_tokens=_count(given.get("input_tokens")),
        cached_tokens=_count(read.get("cached_tokens")),
        cache_write_tokens=_count(read.get("cache_write_tokens")),
        output_tokens=_count(given.get("output_tokens")),
    )


def _count(value: JsonValue) -> int | None:
    found = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
    return value if found and isinstance(value, int) else None


def _texts(parts: JsonValue, kind: str, name: str) -> list[str]:
    if not isinstance(parts, list):
        return []
    return [_text(one.get(name)) for one in parts if isinstance(one, dict) and one.get("type") == kind]


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _malformed(message: str) -> Trouble:
    return Trouble("malformed", message, again=True, ends=False)
