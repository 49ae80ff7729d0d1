"""Finds the step at which a run went wrong: by a run of the same task that went well, or by a check.

Against a good run: steps are put beside each other, and two of them are *as they should be* if they show the
same address (without the numbers that name things) and title, the same picture but for a few pixels, and what
was done in them and what became of it is the same. The last such step is where the run was still as it should
be; the step after it is the first of those from which the two runs never meet again.

By a check: it is tried on recorded looks. What costs little (an address, a text that was recorded) is tried
on every look, which is always right. What has to be read from pictures is searched for by halving, which is
right only if the check, once it no longer holds, never holds again; that it was searched so is said.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any, Final, NamedTuple

from harness.checks import TextReader, shows
from harness.clearance import Act
from harness.errors import InputError, TraceError
from harness.screen import Screenshot
from harness.task import Check, StateCheck, TextCheck, UrlCheck
from harness.trace.diff import align, done, place
from harness.trace.events import Observed
from harness.trace.pictures import compare
from harness.trace.reader import Trace
from harness.trace.timeline import Step, timeline
from harness.words import describe, visible

ALIKE: Final = 0.01
"""The share of pixels in which two pictures may differ and still be the same: a clock, a caret."""


class Spot(NamedTuple):
    """A step of a run, for people."""

    step: int
    """Its number."""
    url: str
    """Where it was."""
    words: str
    """What was done in it."""
    screenshot: str | None
    """Names the picture; nothing if nothing was seen."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a run went wrong."""

    last: Spot | None
    """The last step at which all was still well; nothing if it never was."""
    first: Spot | None
    """The first step from which it never was again; nothing if it was well to the end."""
    good: Spot | None
    """The step of the good run that stands where `first` does; nothing without one."""
    how: str
    """How it was found, and what that means."""


def against(bad: Trace, good: Trace) -> Turn:
    """Find where a run left the way of another that went well."""
    pairs = align(timeline(bad).steps, timeline(good).steps)
    met = -1
    for index in range(len(pairs) - 1, -1, -1):
        if _alike(pairs[index].one, pairs[index].other, bad, good):
            met = index
            break
    later = pairs[met + 1 :]
    first = next((pair.one for pair in later if pair.one is not None), None)
    other = next((pair.other for pair in later if pair.other is not None), None)
    how = "compared step by step, from the end; after the first of them the two runs never meet again"
    last = pairs[met].one if met >= 0 else None
    return Turn(_spot(last), _spot(first), _spot(other), how)


def by_check(trace: Trace, check: Check, reader: TextReader | None = None, *, every: bool = False) -> Turn:
    """Find where a check stopped holding for good.

    Args:
        trace: the run.
        check: what should hold.
        reader: reads texts from pictures, where the trace does not have them.
        every: whether every picture is read, and none is left out by halving.

    Raises:
        InputError: if it is a check that recorded looks, or halving, cannot answer.
    """
    steps = [step for step in timeline(trace).steps if step.observed is not None]
    match check:
        case UrlCheck(url=pattern):
            wanted = pattern.replace("[", "[[]")
            held = [step.observed is not None and fnmatchcase(step.observed.url, wanted) for step in steps]
        case TextCheck(text=text) if all(step.observed and step.observed.text for step in steps):
            held = [_shows(trace, step.observed, text) for step in steps]
        case TextCheck(text=text):
            if reader is None:
                raise InputError(
                    "the trace does not have the text of every screen, and nothing here reads it"
                )
            return _read(trace, steps, text, reader, every=every)
        case StateCheck():
            raise InputError(
                "a check of an application's state cannot be tried on recorded looks; use one of url or text"
            )
    return _linear(steps, held)


def _linear(steps: Sequence[Step], held: Sequence[bool]) -> Turn:
    last = max((place for place, holds in enumerate(held) if holds), default=-1)
    turns = sum(one != other for one, other in pairwise(held))
    once = "it changed once" if turns == 1 else f"it changed {turns} times"
    how = f"tried on every one of {len(steps)} looks; {once}"
    return _turn(steps, last, how)


def _read(trace: Trace, steps: Sequence[Step], text: str, reader: TextReader, *, every: bool) -> Turn:
    def holds(place: int) -> bool:
        observed = steps[place].observed
        if observed is None:
            return False
        shot = Screenshot.of(trace.blobs.get(observed.screenshot))
        return shows([line.text for line in reader.read(shot)], text) is not None

    if every:
        return _linear(steps, [holds(place) for place in range(len(steps))])
    last, tried = halve(len(steps), holds)
    if last < 0:
        raise InputError(
            f"{text!r} is not on the first picture, and halving needs a check that held at first; "
            "read all pictures with --every"
        )
    how = (
        f"found by halving, with {tried} of {len(steps)} pictures read: right if the check, once it no "
        "longer held, never held again; --every reads them all"
    )
    return _turn(steps, last, how)


def halve(count: int, holds: Callable[[int], bool]) -> tuple[int, int]:
    """Find the last place at which something holds that holds from the first on and then never again.

    Returns:
        The place, or -1 if it does not hold at the first; and how many places were tried.
    """
    if count == 0:
        return -1, 0
    if not holds(0):
        return -1, 1
    low, high, tried = 0, count, 1
    while high - low > 1:
        middle = (low + high) // 2
        tried += 1
        if holds(middle):
            low = middle
        else:
            high = middle
    return low, tried


def read_check(text: str) -> Check:
    """Read a check as it is typed: `url:https://shop.test/*` or `text:Thank you`.

    Raises:
        InputError: saying what to write instead.
    """
    kind, _, value = text.partition(":")
    match kind.strip():
        case "url" if value.strip():
            return UrlCheck(url=value.strip())
        case "text" if value.strip():
            return TextCheck(text=value.strip())
        case _:
            raise InputError(f"{text!r} is no check; write url:PATTERN or text:WORDS")


def as_json(turn: Turn) -> dict[str, Any]:
    """Give it as JSON values."""
    spots = {"last": turn.last, "first": turn.first, "good": turn.good}
    return {name: spot._asdict() if spot else None for name, spot in spots.items()} | {"how": turn.how}


def lines(turn: Turn) -> list[str]:
    """Say it for people."""
    told = [
        f"still well   {_said(turn.last)}" if turn.last else "it never was as it should be",
        f"went wrong   {_said(turn.first)}" if turn.first else "it was well to the end",
    ]
    if turn.good is not None:
        told.append(f"good run     {_said(turn.good)}")
    return [*told, turn.how]


def _said(spot: Spot) -> str:
    return f"step {spot.step}: {spot.words} at {visible(spot.url, 200)}"


def _turn(steps: Sequence[Step], last: int, how: str) -> Turn:
    first = steps[last + 1] if last + 1 < len(steps) else None
    return Turn(_spot(steps[last]) if last >= 0 else None, _spot(first), None, how)


def _spot(step: Step | None) -> Spot | None:
    if step is None:
        return None
    did = "; ".join(
        describe(Act(action=deed.action, target=deed.target)) if deed.action else visible(deed.words, 200)
        for deed in step.deeds
    )
    seen = step.observed
    return Spot(
        step.number, seen.url if seen else "", did or "nothing done", seen.screenshot if seen else None
    )


def _alike(one: Step | None, other: Step | None, bad: Trace, good: Trace) -> bool:
    if one is None or other is None or done(one) != done(other) or _ends(one) != _ends(other):
        return False
    a, b = one.observed, other.observed
    if a is None or b is None:
        return a is b
    if place(a.url) != place(b.url) or a.title != b.title:
        return False
    if a.screenshot == b.screenshot:
        return True
    try:
        return compare(bad.blobs.get(a.screenshot), good.blobs.get(b.screenshot)).share <= ALIKE
    except TraceError:
        return False


def _ends(step: Step) -> list[str]:
    return [deed.result.status if deed.result else "" for deed in step.deeds]


def _shows(trace: Trace, observed: Observed | None, text: str) -> bool:
    if observed is None or observed.text is None:
        return False
    found = trace.blobs.get(observed.text).decode("utf-8", "replace")
    return shows(found.splitlines(), text) is not None
