"""Says what judging again found: a table and the first differences for people, everything as JSON."""

from collections.abc import Iterator
from typing import Any

from harness.replay.rejudge import OUTCOMES, UNTOLD, Difference, Rejudged
from harness.words import visible

FOLLOWED = (
    "Each effect was judged as the recorded run went on: what was let through then counts as done, whatever "
    "the new policy says of it."
)
"""What the figures are about."""


def lists(found: Rejudged) -> dict[str, list[Difference]]:
    """Give the differences by what they mean; one may mean several things."""
    return {
        "prevented": [one for one in found.differences if one.prevented],
        "newly_asked": [one for one in found.differences if one.newly_asked],
        "asked_in_vain": [one for one in found.differences if one.in_vain],
        "opened": [one for one in found.differences if one.opened],
        "untold": [one for one in found.differences if one.untold],
    }


def as_json(found: Rejudged) -> dict[str, Any]:
    """Give everything as JSON values; lists name differences by their place."""
    places = {id(one): place for place, one in enumerate(found.differences)}
    return {
        "policy": found.policy,
        "policy_sha256": found.policy_sha256,
        "traces": found.traces,
        "effects": found.effects,
        "followed": FOLLOWED,
        "table": {
            then: {now: found.table[then, now] for now in OUTCOMES} for then in OUTCOMES if then != UNTOLD
        },
        "differences": [_plain(one) for one in found.differences],
        **{name: [places[id(one)] for one in some] for name, some in lists(found).items()},
        "secrets_not_looked_for": sorted(found.unsought),
    }


def _plain(one: Difference) -> dict[str, Any]:
    return {
        "run": one.run,
        "seq": one.seq,
        "line": one.seq + 1,
        "step": one.step,
        "effect": one.words,
        "then": one.then,
        "then_rule": one.then_rule,
        "then_reason": one.then_reason,
        "now": one.now,
        "rule": one.rule,
        "reason": one.reason,
        "happened": one.happened,
        "answer": one.answer,
        "prevented": one.prevented,
    }


def lines(found: Rejudged, most: int = 20) -> Iterator[str]:
    """Say it for people.

    Args:
        found: what was found.
        most: differences that are told; the others are counted.
    """
    runs = "1 trace" if found.traces == 1 else f"{found.traces:,} traces"
    name = f"{visible(found.policy)} ({found.policy_sha256[:12]})"
    yield f"{found.effects:,} effects of {runs}, judged by {name}"
    yield ""
    yield f"{'recorded':<10}" + "".join(f"{now:>16}" for now in OUTCOMES)
    for then in OUTCOMES:
        row = [found.table[then, now] for now in OUTCOMES] if then != UNTOLD else []
        if any(row):
            yield f"{then:<10}" + "".join(f"{number:>16,}" for number in row)
    yield ""
    yield from _meanings(lists(found))
    if found.unsought:
        names = ", ".join(visible(name) for name in sorted(found.unsought))
        yield f"not looked for, because their values are in no trace: the secrets {names}"
    yield FOLLOWED
    for one in found.differences[:most]:
        yield ""
        yield from _difference(one)
    if len(found.differences) > most:
        yield ""
        yield f"and {len(found.differences) - most:,} more differences; --json has them all"


def _meanings(by_meaning: dict[str, list[Difference]]) -> Iterator[str]:
    words = {
        "prevented": "happened, and would now be refused or wait for a person",
        "newly_asked": "allowed then, and a person would now be asked",
        "asked_in_vain": "a person was asked and approved, and would now not be asked",
        "opened": "did not happen, and would now be allowed",
        "untold": "cannot be told, because the trace does not have what a rule asks for",
    }
    for name, what in words.items():
        if by_meaning[name]:
            yield f"{len(by_meaning[name]):>6,}  {what}"
    if not any(by_meaning.values()):
        yield "     0  differences that matter: what was let through would be, and what was not would not"


def _difference(one: Difference) -> Iterator[str]:
    answer = f"; {visible(one.answer, 200)}" if one.answer else ""
    answer += "; it happened" if one.happened else "; it did not happen"
    yield f"{visible(one.run, 120)}, step {one.step}, line {one.seq + 1}: {one.words}"
    yield f"  then {one.then} by {visible(one.then_rule, 120)!r}: {visible(one.then_reason, 300)}{answer}"
    yield f"  now  {one.now} by {visible(one.rule, 120)!r}: {visible(one.reason, 300)}"
