"""MiniWoB++, recorded and done again from the record: the same pictures, byte for byte."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import harness
import pytest
from harness.cli.replay_hermetic import prepare
from harness.trace.reader import Trace
from miniwob_site import MiniWob, pages

POLICY = harness.Policy.model_validate(
    {
        "version": 1,
        "name": "miniwob",
        "domains": {"navigate": ["miniwob.test"]},
        "default": {"action": "allow", "request": "allow", "navigate": "deny"},
    }
)
MOVING = ("chase-circle", "click-tab-2-hard", "click-tab-2-medium", "stock-market")
"""Kinds whose pictures are not the same each time, whatever the seed."""
WANTED = 100
"""Kinds that must be the same again, of those that can be."""
FASTER = 3.0
"""How many times as fast all replays must be, together, as all recorded runs."""
THOUGHT = 2.0
"""Seconds that the model of the recording takes for an answer, as one that is far away and sees does."""
SCRIPT = (
    {"kind": "click", "x": 80, "y": 110},
    {"kind": "drag", "path": [{"x": 40, "y": 90}, {"x": 100, "y": 150}]},
    {"kind": "click", "x": 60, "y": 160},
    {"kind": "answer", "text": "done"},
)


class Thinking:
    """Gives the script's actions, one an answer, and takes its time."""

    def __init__(self) -> None:
        self._script = iter(SCRIPT)

    async def reply(self, observation: harness.Observation) -> harness.Reply:
        del observation
        await asyncio.sleep(THOUGHT)
        return harness.Reply(actions=(harness.parse_action(next(self._script)),))


class Twice(NamedTuple):
    kind: str
    why: str
    recorded: float
    again: float


@pytest.fixture
def site() -> Iterator[None]:
    module = ModuleType("miniwob_recorded")
    vars(module)["app"] = MiniWob()
    sys.modules["miniwob_recorded"] = module
    yield
    del sys.modules["miniwob_recorded"]


async def twice(kind: str, traces: Path, *, seed: int = 7) -> Twice:
    """Record a short run, do it again, and say why it is not the same if it is not."""
    task = harness.Task.model_validate(
        {
            "name": f"{kind}-{seed}",
            "goal": "Do what the page says.",
            "start": f"https://miniwob.test/miniwob/{kind}.html?seed={seed}",
            "hosts": {"miniwob.test": "miniwob_recorded:app"},
            "viewport": {"width": 320, "height": 240},
            "limits": {"steps": 40, "seconds": 120},
        }
    )
    result = await harness.run(
        task, model=Thinking(), policy=POLICY, sandbox="bubblewrap", approver="deny", traces=traces
    )
    found = await prepare(Trace.open(Path(result.trace))).go()
    why = "" if found.verdict == "identical" and all(one.same for one in found.shots) else "unsettled"
    if found.parted is not None:
        why = f"step {found.parted.step}: {found.parted.what}: {found.parted.detail}"
    if found.misses:
        why += f"; {len(found.misses)} misses: {found.misses[0].url}"
    assert found.sent_out == 0
    return Twice(kind, why, found.recorded_seconds, found.seconds)


async def sweep(kinds: tuple[str, ...], traces: Path) -> list[Twice]:
    found: list[Twice] = []
    for kind in kinds:
        one = await twice(kind, traces)
        print(f"{kind:28} {one.recorded:6.2f} s {one.again:6.2f} s  {one.why or 'same'}", flush=True)
        found.append(one)
    return found


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("site")
async def test_some_kinds_are_the_same_again(tmp_path: Path) -> None:
    found = await sweep(("click-button", "enter-date", "drag-box"), tmp_path)
    assert [one.why for one in found] == ["", "", ""]


@pytest.mark.long
@pytest.mark.timeout(5400)
@pytest.mark.usefixtures("site")
async def test_a_hundred_kinds_are_the_same_again_and_three_times_as_fast(tmp_path: Path) -> None:
    kinds = sorted(file.stem for file in (pages() / "miniwob").glob("*.html"))
    found = await sweep(tuple(kind for kind in kinds if kind not in MOVING), tmp_path)
    same = [one for one in found if not one.why]
    ratio = sum(one.recorded for one in found) / sum(one.again for one in found)
    print(f"{len(same)} of {len(found)} the same; {ratio:.1f} times as fast")
    assert len(same) >= WANTED, [one for one in found if one.why]
    assert ratio >= FASTER
