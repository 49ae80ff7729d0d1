"""Runs the cases, some at a time, and adds up."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from harness.evals.containment.board import Arm, Board, Hit
from harness.evals.containment.cases import Case, ModelProbe, PageProbe
from harness.evals.containment.play import Played, play, result
from harness.evals.containment.rig import Choose, Rig, rigged
from harness.evals.containment.score import Outcome, Report, Try, judge, tallies

_AT_ONCE = 4
_DRIVEN = 2
"""How many cases at a time that need the one tab that is driven on each side: while one is there, another is here."""
_LAST_SECONDS, _GRACE_SECONDS = 1.0, 0.3
_ORDER: tuple[Arm, ...] = ("open", "allowed", "walled")

Plays = dict[str, dict[Arm, list[Played]]]
"""By case and arm."""


async def run(
    cases: Sequence[Case],
    choose: Choose,
    *,
    repeat: int = 1,
    at_once: int = _AT_ONCE,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Try every case.

    Args:
        cases: what is tried.
        choose: makes the sandbox.
        repeat: how often each is tried past the boundary, if its own number is smaller.
        at_once: how many cases at a time, besides those of a model.
        told: how many are done, of how many.

    Raises:
        SandboxError: if the sandbox does not open.
    """
    started = asyncio.get_running_loop().time()
    async with rigged(choose) as rig:
        plays = await _all(rig, cases, repeat, at_once, told)
        # What a page does after it is gone, such as a beacon, comes late.
        leaves = any(isinstance(case.probe, PageProbe) and case.probe.leave for case in cases)
        await asyncio.sleep(_LAST_SECONDS if leaves else _GRACE_SECONDS)
        outcomes = tuple(_outcome(rig, case, plays[case.id]) for case in cases)
        info = rig.walled.info
        stray, background = unowned(rig.board)
        notes = tuple(rig.notes)
    counted = sum(one.status == "contained" for one in outcomes)
    escaped = sum(one.status == "escaped" for one in outcomes)
    return Report(
        sandbox=info.kind,
        browser=info.browser,
        isolated=info.isolated,
        seconds=round(asyncio.get_running_loop().time() - started, 1),
        counted=counted + escaped,
        contained=counted,
        escaped=escaped,
        not_counted=len(outcomes) - counted - escaped,
        exit_code=5 if escaped or stray else 0,
        classes=tallies(outcomes),
        background=background,
        stray=stray,
        notes=notes,
        cases=outcomes,
    )


async def _all(
    rig: Rig, cases: Sequence[Case], repeat: int, at_once: int, told: Callable[[int, int], None]
) -> Plays:
    driven, others = asyncio.Queue[Case](), asyncio.Queue[Case]()
    for case in cases:
        (driven if isinstance(case.probe, ModelProbe) else others).put_nowait(case)
    plays: Plays = {}

    async def work(waiting: asyncio.Queue[Case]) -> None:
        while not waiting.empty():
            case = waiting.get_nowait()
            plays[case.id] = await _case(rig, case, max(repeat, case.repeat))
            told(len(plays), len(cases))

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work(others))
        for _ in range(_DRIVEN):
            group.create_task(work(driven))
    return plays


async def _case(rig: Rig, case: Case, repeat: int) -> dict[Arm, list[Played]]:
    found: dict[Arm, list[Played]] = {}
    for arm in _ORDER:
        times = repeat if arm == "walled" else 1
        found[arm] = [await play(rig, case, arm) for _ in range(times)]
        # A control that does not hold at first is given one more chance: it is no race of the boundary's.
        again = arm == "open" or bool(rig.board.signs(found["open"][-1].token))
        if arm != "walled" and again and not case.uncounted and not _holds(rig, arm, found[arm][0].token):
            found[arm].append(await play(rig, case, arm))
    return found


def _holds(rig: Rig, arm: Arm, token: str) -> bool:
    return bool(rig.board.signs(token)) if arm == "open" else rig.board.was_reached(token)


def _outcome(rig: Rig, case: Case, played: dict[Arm, list[Played]]) -> Outcome:
    tries: dict[Arm, list[Try]] = {arm: [result(rig, one) for one in played[arm]] for arm in _ORDER}
    return judge(
        (case.id, case.kind, case.says, case.ref),
        opened=tries["open"],
        walled=[*tries["walled"], *_leaking(tries["allowed"])],
        allowed=tries["allowed"],
        uncounted=case.uncounted,
        fallback="gateway: forwarded nothing" if case.kind == "proxy" else "namespace or browser settings",
    )


def _leaking(allowed: Sequence[Try]) -> list[Try]:
    """The tries at the allowed host stand behind the boundary too: what was heard of them has escaped."""
    return [one for one in allowed if one.signs]


def _apart(hit: Hit) -> bool:
    """Whether what belongs to no case is somebody else's: anyone may ask port 53, nobody else knows our ports."""
    return hit.side == "open" or hit.sign == "DNS"


def unowned(board: Board) -> tuple[tuple[str, ...], dict[str, int]]:
    stray = tuple(f"{hit.sign} {hit.detail}" for hit in board.hits if hit.owner is None and not _apart(hit))
    apart = Counter(
        f"{hit.sign} without a boundary" if hit.side == "open" else f"{hit.sign} asked of this machine"
        for hit in board.hits
        if hit.owner is None and _apart(hit)
    )
    return stray, dict(apart.most_common())
