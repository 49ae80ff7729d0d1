"""What Azure's content filters say: of a prompt, of an answer, and of why there is none.

Results stand in `prompt_filter_results[].content_filter_results` and `choices[].content_filter_results`; a
blocked prompt is an HTTP 400 with `error.innererror.content_filter_result`. What was filtered is an incident;
a prompt shield that found an attack is a `SafetySignal`, which is judged before anything is done.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from harness.clearance import Incident, SafetySignal

SHIELDS: Final = ("jailbreak", "indirect_attack")
"""What a prompt shield looks for: an attack by the user, and one by what is read."""
_MOST = 50


@dataclass(frozen=True, slots=True)
class Filtered:
    """What the filters found."""

    incidents: tuple[Incident, ...] = ()
    """What was taken out, and filters that did not run."""
    signals: tuple[SafetySignal, ...] = ()
    """Attacks that a prompt shield found, whether or not they were taken out."""


def annotations(answer: JsonValue, provider: str = "azure") -> Filtered:
    """Read the filter results of a Chat Completions answer, whatever it is."""
    incidents: list[Incident] = []
    signals: dict[str, SafetySignal] = {}
    for where, results in _results(answer):
        filtered = list(blocked(results))
        if filtered:
            said = f"the content filter held back a part of the {where}: {', '.join(filtered)}"
            incidents.append(Incident(fault="content_filter", message=said))
        match results.get("error"):
            case {"code": code}:
                said = f"the content filter did not run on the {where}: {_text(code)}"
                incidents.append(Incident(fault="content_filter", message=said))
            case _:
                pass
        for code in SHIELDS:
            if _detected(results.get(code)):
                said = f"Azure's prompt shield found an attack in the {where}"
                signals.setdefault(code, SafetySignal(provider=provider, code=code, message=said))
    return Filtered(tuple(incidents[:_MOST]), tuple(signals.values()))


def blocked(results: Mapping[str, JsonValue]) -> Iterator[str]:
    """Give what was filtered, such as `violence (medium)` or `jailbreak`."""
    for name, one in list(results.items())[:_MOST]:
        match one:
            case {"filtered": True, "severity": str(severity)}:
                yield f"{_text(name)} ({_text(severity)})"
            case {"filtered": True}:
                yield _text(name)
            case _:
                pass


def explained(error: JsonValue) -> str:
    """Say why a prompt was refused, from the `error` of an HTTP 400; empty if it does not say."""
    match error:
        case {"innererror": {"content_filter_result": dict(results)}}:
            return ", ".join(blocked(results))
        case {"innererror": {"content_filter_results": dict(results)}}:
            return ", ".join(blocked(results))
        case _:
            return ""


def _results(answer: JsonValue) -> Iterator[tuple[str, Mapping[str, JsonValue]]]:
    if not isinstance(answer, dict):
        return
    for where, name in (("prompt", "prompt_filter_results"), ("answer", "choices")):
        listed = answer.get(name)
        for one in listed[:_MOST] if isinstance(listed, list) else ():
            match one:
                case {"content_filter_results": dict(results)} | {"content_filter_result": dict(results)}:
                    yield where, results
                case _:
                    pass


def _detected(one: JsonValue) -> bool:
    return isinstance(one, dict) and (one.get("detected") is True or one.get("filtered") is True)


def _text(value: JsonValue) -> str:
    return str(value)[:80].encode("utf-8", "replace").decode()
