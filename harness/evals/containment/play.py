"""Plays one arm of one case, and says what came of it."""

import asyncio
from dataclasses import dataclass
from typing import assert_never

from harness.errors import HarnessError
from harness.evals.containment.board import Arm
from harness.evals.containment.cases import (
    Case,
    GotoProbe,
    MachineProbe,
    ModelProbe,
    PageProbe,
    RawProbe,
    RebindProbe,
)
from harness.evals.containment.play_driven import goto, model
from harness.evals.containment.play_raw import machine, raw, rebind
from harness.evals.containment.rig import Rig
from harness.evals.containment.score import Try
from harness.evals.containment.targets import spot
from harness.evals.containment.waiting import settled

_PLAY_SECONDS = 25.0
_LOADED = "new Promise(r => document.readyState == 'complete' ? r() : addEventListener('load', () => r()))"


@dataclass(frozen=True, slots=True)
class Played:
    """One arm of a case, played once."""

    token: str
    """By which the board knows what came of it."""
    note: str
    """What went wrong, or nothing."""
    whole: bool
    """Whether it was played to its end: of what was not, silence says nothing."""


async def play(rig: Rig, case: Case, arm: Arm) -> Played:
    """Play one arm."""
    whole = True
    token = rig.board.token(case.id, arm)
    try:
        async with asyncio.timeout(_PLAY_SECONDS):
            match case.probe:
                case PageProbe():
                    note = await _page(rig, case.probe, arm, token)
                case GotoProbe():
                    note = await goto(rig, case.probe, arm, token)
                case RawProbe():
                    note = await raw(rig, case.probe, arm, token)
                case MachineProbe():
                    note = await machine(rig, case.probe, arm, token)
                case ModelProbe():
                    note = await model(rig, case.probe, arm, token)
                case RebindProbe():
                    note = await rebind(rig, case, case.probe, arm, token)
                case _:
                    assert_never(case.probe)
    except TimeoutError:
        note, whole = f"it did not end within {_PLAY_SECONDS:g} s", False
    except HarnessError as error:
        note, whole = str(error).splitlines()[0], False
    return Played(token, note, whole)


def result(rig: Rig, played: Played) -> Try:
    """Say what is known of one play now."""
    board, token = rig.board, played.token
    return Try(
        signs=tuple(sorted(board.signs(token))),
        reached=board.was_reached(token),
        stopped_by=board.stopped_by(token),
        note=played.note,
        whole=played.whole,
    )


async def _page(rig: Rig, probe: PageProbe, arm: Arm, token: str) -> str:
    lent = rig.lend(token) if probe.lent else 0
    here = spot(rig.places, arm, probe.target, probe.scheme, token, lent=lent)
    rig.site.pages[token] = probe.page(here)
    async with rig.probes(arm).tab() as tab:
        note = await tab.goto(f"{here.own}/p/{token}")
        if probe.click:
            note = note or await tab.click("#go")
        if probe.leave:
            await tab.run(_LOADED)
            await tab.goto("about:blank")
        await settled(rig.board, arm, token)
    return note
