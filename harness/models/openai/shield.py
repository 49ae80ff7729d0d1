"""What Azure says of content: what its filters held back, and what its prompt shields saw.

It says so in `content_filters`, `prompt_filter_results` or `content_filter_results` of an answer, and in an
error beside its `code` or under `innererror`.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import JsonValue

from harness.clearance import SafetySignal
from harness.models.dialect import JsonObject

_SHIELDS: Final[Mapping[str, str]] = {
    "jailbreak": "Azure's prompt shield sees an attempt to override the rules of the model.",
    "indirect_attack": "Azure's prompt shield sees instructions in what the model was shown.",
}
_LISTS: Final = ("content_filters", "prompt_filter_results")
_RESULTS: Final = ("content_filter_results", "content_filter_result")
_MOST: Final = 50


def held_back(found: JsonValue) -> str:
    """Say which filters held something back, in an answer or an error; empty if none did."""
    said: dict[str, None] = {}
    blocked = False
    for result in _entries(found):
        blocked |= result.get("blocked") is True
        for category, verdict in _verdicts(result):
            if verdict.get("filtered") is True:
                severity = verdict.get("severity")
                detected = "detected" if verdict.get("detected") is True else "filtered"
                said[f"{category[:80]} ({severity[:80] if isinstance(severity, str) else detected})"] = None
    if not said and blocked:
        return "blocked, without a category"
    return ", ".join(list(said)[:_MOST])


def signals(answer: JsonObject, provider: str) -> tuple[SafetySignal, ...]:
    """Give what prompt shields saw in what the model was sent, whether or not it was held back."""
    seen: dict[str, None] = {}
    for result in _entries(answer):
        for category, verdict in _verdicts(result):
            if category in _SHIELDS and verdict.get("detected") is True:
                seen[category] = None
    return tuple(SafetySignal(provider=provider, code=code, message=_SHIELDS[code]) for code in seen)


def _entries(found: JsonValue) -> Iterator[JsonObject]:
    if not isinstance(found, dict):
        return
    yield found
    for name in _LISTS:
        several = found.get(name)
        if isinstance(several, list):
            yield from (one for one in several if isinstance(one, dict))
    inner = found.get("innererror")
    if isinstance(inner, dict):
        yield inner


def _verdicts(result: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for name in _RESULTS:
        verdicts = result.get(name)
        if isinstance(verdicts, dict):
            yield from ((one, verdict) for one, verdict in verdicts.items() if isinstance(verdict, dict))
