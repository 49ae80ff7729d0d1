"""Compares two runs: step by step, and how they began and ended.

Steps are put beside each other by what was done in them (the longest row of steps with the same actions that
both have); those between are compared in order. Numbers that name things, such as an order's, are left out of
addresses, so that two runs of the same task are not told apart by them.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from harness.clearance import Act
from harness.errors import TraceError
from harness.trace.events import RunFinished
from harness.trace.pictures import Compared, compare
from harness.trace.reader import Trace, member, sandbox_name
from harness.trace.timeline import Deed, Exchange, Step, timeline
from harness.words import describe, spent, visible

What = Literal[
    "model",
    "policy",
    "task",
    "sandbox",
    "step",
    "address",
    "title",
    "screen",
    "action",
    "target",
    "verdict",
    "result",
    "request",
    "answer",
    "outcome",
    "check",
    "output",
]
"""What differs; a `step` is one that only one run has, an `answer` a person's."""
_ID: Final = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?<![0-9A-Za-z])(?:[0-9a-f]{16,}|[0-9]{5,})(?![0-9A-Za-z])"
)


class Difference(NamedTuple):
    """One thing that is not the same."""

    what: What
    """What."""
    steps: tuple[int | None, int | None]
    """The steps in the first run and in the second; nothing for the run as a whole."""
    one: str
    """What it is in the first run; empty if there is none."""
    other: str
    """What it is in the second."""
    screens: tuple[str, str] | None = None
    """The names of the two pictures, where they differ."""
    pixels: Compared | None = None
    """How they differ; nothing where a picture cannot be read."""


class Pair(NamedTuple):
    """Two steps that stand beside each other; nothing where only one run has such a step."""

    one: Step | None
    other: Step | None


@dataclass(frozen=True, slots=True)
class Diff:
    """How two runs differ."""

    runs: tuple[str, str]
    """Their names."""
    differences: tuple[Difference, ...]
    """How they began, then step by step, then how they ended."""
    pairs: tuple[Pair, ...] = field(repr=False)
    """Their steps, side by side."""
    seconds: tuple[float, float]
    """From start to end: it is never the same, and is no difference."""
    cost: tuple[str, str]
    """What the models cost, in words: no difference either."""

    @property
    def first(self) -> Difference | None:
        """The first thing that came out differently in a step; else in how they began or ended."""
        in_steps = (one for one in self.differences if one.steps != (None, None))
        return next(in_steps, self.differences[0] if self.differences else None)

    @property
    def first_screens(self) -> Difference | None:
        """The first step whose pictures differ."""
        return next((one for one in self.differences if one.screens is not None), None)


def diff(one: Trace, other: Trace, *, pixels: bool = True) -> Diff:
    """Compare two runs.

    Args:
        one: the first.
        other: the second.
        pixels: whether to compare pictures that are not the same file.
    """
    pairs = align(timeline(one).steps, timeline(other).steps)
    found = [*_beginnings(one, other)]
    for pair in pairs:
        found += _step(pair, (one, other), pixels=pixels)
    found += _ends(one, other)
    finishes = one.finish, other.finish
    return Diff(
        runs=(one.header.run_id, other.header.run_id),
        differences=tuple(found),
        pairs=tuple(pairs),
        seconds=(one.seconds, other.seconds),
        cost=(_cost(finishes[0]), _cost(finishes[1])),
    )


def align(one: Sequence[Step], other: Sequence[Step]) -> list[Pair]:
    """Put steps beside each other."""
    keys = [done(step) for step in one], [done(step) for step in other]
    matcher = difflib.SequenceMatcher(None, *keys, autojunk=False)
    pairs: list[Pair] = []
    for _, start, end, begin, stop in matcher.get_opcodes():
        left: list[Step | None] = [*one[start:end]]
        right: list[Step | None] = [*other[begin:stop]]
        longest = max(len(left), len(right))
        left += [None] * (longest - len(left))
        right += [None] * (longest - len(right))
        pairs += [Pair(a, b) for a, b in zip(left, right, strict=True)]
    return pairs


def done(step: Step) -> str:
    """Say what was done in a step, the same for the same actions."""
    actions = [deed.action.model_dump(mode="json") for deed in step.deeds if deed.action is not None]
    return json.dumps([place(step.observed.url) if step.observed else "", actions], sort_keys=True)


def place(url: str) -> str:
    """Give an address without the numbers in it that name things."""
    return _ID.sub("…", url)


def as_json(found: Diff) -> dict[str, Any]:
    """Give everything as JSON values."""
    return {
        "runs": list(found.runs),
        "same": not found.differences,
        "differences": [
            {
                **one._asdict(),
                "pixels": one.pixels._asdict() | {"share": one.pixels.share} if one.pixels else None,
            }
            for one in found.differences
        ],
        "steps": [
            [pair.one.number if pair.one else None, pair.other.number if pair.other else None]
            for pair in found.pairs
        ],
        "seconds": list(found.seconds),
        "cost": list(found.cost),
    }


def lines(found: Diff, most: int = 50) -> Iterator[str]:
    """Say it for people: the first difference, then all of them."""
    one, other = (visible(name, 120) for name in found.runs)
    yield f"one    {one}: {found.seconds[0]:.1f} s{found.cost[0]}"
    yield f"other  {other}: {found.seconds[1]:.1f} s{found.cost[1]}"
    first = found.first
    if first is None:
        yield "no differences but in time"
        return
    yield ""
    yield f"first difference: {_where(first)}"
    yield from _sides(first)
    yield ""
    yield f"{len(found.differences):,} differences"
    for difference in found.differences[:most]:
        yield _where(difference)
        yield from _sides(difference)
    if len(found.differences) > most:
        yield f"and {len(found.differences) - most:,} more; --json has them all"


def _where(one: Difference) -> str:
    match one.steps:
        case (None, None):
            return f"run: {one.what}"
        case (int(left), int(right)) if left == right:
            return f"step {left}: {one.what}"
        case (left, right):
            return f"step {left or 'none'} and {right or 'none'}: {one.what}"


def _sides(one: Difference) -> Iterator[str]:
    yield f"  one    {visible(one.one, 300) or 'nothing'}"
    yield f"  other  {visible(one.other, 300) or 'nothing'}"
    if one.pixels is not None:
        yield f"  {one.pixels}"


def _beginnings(one: Trace, other: Trace) -> Iterator[Difference]:
    a, b = one.header, other.header
    if a.model != b.model:
        yield Difference("model", (None, None), a.model, b.model)
    if a.policy_sha256 != b.policy_sha256:
        named = [f"{member(each.policy, 'name')} ({each.policy_sha256[:12]})" for each in (a, b)]
        yield Difference("policy", (None, None), named[0], named[1])
    if a.task != b.task:
        changed = [
            json.dumps(_without_same(each.task, whole.task), sort_keys=True)[:1000]
            for each, whole in ((a, b), (b, a))
        ]
        yield Difference("task", (None, None), changed[0], changed[1])
    places = sandbox_name(a.sandbox), sandbox_name(b.sandbox)
    if places[0] != places[1]:
        yield Difference("sandbox", (None, None), *places)


def _without_same(value: Any, other: Any) -> Any:
    if not isinstance(value, dict) or not isinstance(other, dict):
        return value
    return {name: one for name, one in value.items() if name not in other or other[name] != one}


def _step(pair: Pair, traces: tuple[Trace, Trace], *, pixels: bool) -> Iterator[Difference]:
    a, b = pair
    if a is None or b is None:
        steps = a.number if a else None, b.number if b else None
        yield Difference("step", steps, _summary(a), _summary(b))
        return
    steps = a.number, b.number
    seen = a.observed, b.observed
    if seen[0] is not None and seen[1] is not None:
        if place(seen[0].url) != place(seen[1].url):
            yield Difference("address", steps, seen[0].url, seen[1].url)
        if seen[0].title != seen[1].title:
            yield Difference("title", steps, seen[0].title, seen[1].title)
        shots = seen[0].screenshot, seen[1].screenshot
        if shots[0] != shots[1]:
            how = _pixels(traces, shots) if pixels else None
            yield Difference("screen", steps, shots[0][:12], shots[1][:12], shots, how)
    yield from _rows("action", steps, [_did(one) for one in a.deeds], [_did(one) for one in b.deeds])
    yield from _deeds(steps, a.deeds, b.deeds)
    yield from _rows(
        "request", steps, [_asked(one) for one in a.exchanges], [_asked(one) for one in b.exchanges]
    )


def _deeds(steps: tuple[int, int], one: Sequence[Deed], other: Sequence[Deed]) -> Iterator[Difference]:
    for a, b in zip(one, other, strict=False):
        if a.action != b.action or a.words != b.words:
            continue
        facets: tuple[tuple[What, str, str], ...] = (
            ("target", _thing(a), _thing(b)),
            ("verdict", _verdicts(a), _verdicts(b)),
            ("answer", _answers(a), _answers(b)),
            ("result", _result(a), _result(b)),
        )
        for what, left, right in facets:
            if left != right:
                yield Difference(what, steps, left, right)


def _rows(
    what: What, steps: tuple[int, int], one: Sequence[str], other: Sequence[str]
) -> Iterator[Difference]:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    for tag, start, end, begin, stop in matcher.get_opcodes():
        if tag != "equal":
            yield Difference(what, steps, "; ".join(one[start:end]), "; ".join(other[begin:stop]))


def _ends(one: Trace, other: Trace) -> Iterator[Difference]:
    a, b = one.finish, other.finish
    outcomes = a.outcome if a else "unfinished", b.outcome if b else "unfinished"
    if outcomes[0] != outcomes[1]:
        reasons = [
            f"{said}: {end.reason}" if end and end.reason else said
            for said, end in zip(outcomes, (a, b), strict=True)
        ]
        yield Difference("outcome", (None, None), reasons[0], reasons[1])
    checks = [
        {
            check.check: "passed" if check.passed else f"failed: {check.detail}"
            for check in timeline(run).checks
        }
        for run in (one, other)
    ]
    for name in dict.fromkeys((*checks[0], *checks[1])):
        left, right = checks[0].get(name, ""), checks[1].get(name, "")
        if left.partition(":")[0] != right.partition(":")[0]:
            yield Difference("check", (None, None), f"{name}: {left}", f"{name}: {right}")
    outputs = [end.outputs if end else {} for end in (a, b)]
    for name in dict.fromkeys((*outputs[0], *outputs[1])):
        values = [json.dumps(each[name])[:1000] if name in each else "" for each in outputs]
        if values[0] != values[1]:
            yield Difference("output", (None, None), f"{name}: {values[0]}", f"{name}: {values[1]}")


def _pixels(traces: tuple[Trace, Trace], shots: tuple[str, str]) -> Compared | None:
    try:
        return compare(traces[0].blobs.get(shots[0]), traces[1].blobs.get(shots[1]))
    except TraceError:
        return None


def _summary(step: Step | None) -> str:
    if step is None:
        return ""
    url = step.observed.url if step.observed else ""
    return f"{'; '.join(_did(deed) for deed in step.deeds) or 'nothing done'} at {url}"


def _did(deed: Deed) -> str:
    return deed.words if deed.action is None else describe(Act(action=deed.action))


def _thing(deed: Deed) -> str:
    target = deed.target
    return "" if target is None else f"{target.role or target.tag} {target.name!r} in {target.frame_origin}"


def _verdicts(deed: Deed) -> str:
    return ", ".join(f"{one.outcome} by {one.rule}" for one in deed.verdicts)


def _answers(deed: Deed) -> str:
    return ", ".join(one.given.approval.decision if one.given else "none" for one in deed.askings)


def _result(deed: Deed) -> str:
    return f"{deed.result.status}: {deed.result.message}".strip(": ") if deed.result else ""


def _asked(exchange: Exchange) -> str:
    said = exchange.verdict
    status = exchange.response.status if exchange.response else None
    end = "" if status is None else f" → {status}"
    return f"{exchange.request.method} {place(exchange.request.url)} {said.outcome} by {said.rule}{end}"


def _cost(finish: RunFinished | None) -> str:
    words = spent(finish.usage) if finish else ""
    return f", {words}" if words else ""
