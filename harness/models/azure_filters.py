"""What Azure says of content: what its filters held back, which of them did not run, what its shields saw.

It says so in the `content_filters` of a Responses answer, in the `prompt_filter_results` and `choices` of a
Chat Completions answer, and in an error beside its `code` or under `innererror`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import JsonValue

from harness.clearance import Incident, SafetySignal
from harness.models.dialect import JsonObject

_Where = Literal["prompt", "answer"]
_SHIELDS: Final[Mapping[str, str]] = {
    "jailbreak": "an attempt to override the rules of the model",
    "indirect_attack": "instructions in what the model was shown",
}
_LISTS: Final[Mapping[str, _Where]] = {
    "content_filters": "answer",
    "prompt_filter_results": "prompt",
    "choices": "answer",
}
_RESULTS: Final = ("content_filter_results", "content_filter_result")
_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Filtered:
    """What the filters found."""

    held: tuple[str, ...] = ()
    """What was held back, each once, such as `violence (medium)`."""
    taken: tuple[Incident, ...] = ()
    """The same, for each place where it was held back."""
    unrun: tuple[Incident, ...] = ()
    """Filters that did not run."""
    shields: tuple[str, ...] = ()
    """What prompt shields saw, whether or not it was held back: `jailbreak`, `indirect_attack`."""

    @property
    def said(self) -> str:
        """Which filters held something back, in one line; empty if none did."""
        return ", ".join(self.held)

    def signals(self, provider: str) -> tuple[SafetySignal, ...]:
        """Give what prompt shields saw as warnings, which are judged before anything is done."""
        said = "Azure's prompt shield sees {}."
        return tuple(
            SafetySignal(provider=provider, code=code, message=said.format(_SHIELDS[code]))
            for code in self.shields
        )


def filtered(body: JsonValue) -> Filtered:
    """Read the filter results of an answer or of an error, whatever it is."""
    held: dict[str, None] = {}
    shields: dict[str, None] = {}
    taken: list[Incident] = []
    unrun: list[Incident] = []
    for where, entry in _entries(body):
        here = [what for name, verdict in _verdicts(entry) for what in _held(name, verdict)][:_MOST]
        if entry.get("blocked") is True and not here:
            here = ["blocked, without a category"]
        if here:
            taken.append(_incident(f"held back a part of the {where}: {', '.join(here)}"))
            held |= dict.fromkeys(here)
        for name, verdict in _verdicts(entry):
            match verdict:
                case {"code": code} if name == "error":
                    unrun.append(_incident(f"did not run on the {where}: {_text(code)}"))
                case {"detected": True} | {"filtered": True} if name in _SHIELDS:
                    shields[name] = None
                case _:
                    pass
    return Filtered(tuple(held)[:_MOST], tuple(taken[:_MOST]), tuple(unrun[:_MOST]), tuple(shields))


def why_refused(error: JsonValue) -> str:
    """Say why a prompt was refused, from the `error` of an HTTP 400; empty if no filter says that it was."""
    found = filtered(error)
    seen = " and ".join(_SHIELDS[one] for one in found.shields)
    return "; ".join(one for one in (found.said, seen and f"refused by Azure's prompt shield: {seen}") if one)


def _entries(body: JsonValue) -> Iterator[tuple[_Where, JsonObject]]:
    if not isinstance(body, dict):
        return
    yield "answer", body
    for name, where in _LISTS.items():
        several = body.get(name)
        for one in several if isinstance(several, list) else ():
            if isinstance(one, dict):
                yield "prompt" if one.get("source_type") == "prompt" else where, one
    inner = body.get("innererror")
    if isinstance(inner, dict):
        yield "prompt", inner


def _verdicts(entry: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    for results in _RESULTS:
        found = entry.get(results)
        for name, verdict in found.items() if isinstance(found, dict) else ():
            # Blocklists of one's own have a verdict each.
            for one in verdict if isinstance(verdict, list) else [verdict]:
                if isinstance(one, dict):
                    yield name, one


def _held(name: str, verdict: JsonObject) -> Iterator[str]:
    match verdict:
        case {"filtered": True, "severity": str(severity)}:
            yield f"{_text(name)} ({_text(severity)})"
        case {"filtered": True, "detected": True}:
            yield f"{_text(name)} (detected)"
        case {"filtered": True}:
            yield _text(name)
        case _:
            pass


def _incident(what: str) -> Incident:
    return Incident(fault="content_filter", message=f"the content filter {what}")


def _text(value: JsonValue) -> str:
    return str(value)[:80].encode("utf-8", "replace").decode()
