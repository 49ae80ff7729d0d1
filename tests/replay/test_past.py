"""Which runs may be gone on with, and what they have used."""

from pathlib import Path

import pytest
from harness.clearance import Usage
from harness.errors import InputError, TraceError
from harness.replay.past import Past
from harness.result import RunOutcome
from harness.trace.events import Resumed, RunFinished
from harness.trace.writer import TraceWriter
from tests.replay.dead import POLICY, TASK, Dead


def finished(dead: Dead, outcome: RunOutcome) -> Path:
    head = dead.writer.head
    dead.write(RunFinished(outcome=outcome, exit_code=0, steps=1, seconds=1, head=head))
    return dead.die()


def link(folder: Path, steps: int = 2) -> Resumed:
    return Past.read(folder).resumed.model_copy(update={"steps": steps})


def test_a_run_that_died_is_read_with_all_it_used(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "a")
    dead.look(1)
    dead.act(1)
    request = dead.send(1, "one", outcome="ask")
    dead.ask(1, request)
    dead.approve(1, request)
    dead.answer(1, "one", 200)
    dead.acted(1)
    dead.look(2)
    past = Past.read(dead.die())
    assert (past.task, past.policy) == (TASK, POLICY)
    used = past.used
    assert (used.steps, used.requests, used.uploaded, used.downloaded) == (2, 1, 7, 11)
    # From the first to the thirteenth line, without the second that the person took.
    assert used.seconds == 11
    assert used.usage == Usage(input_tokens=200, output_tokens=10)
    assert request in past.cleared


def test_the_model_takes_up_its_place_where_the_page_came(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "a")
    for step in (1, 2, 3):
        dead.look(step)
    past = Past.read(dead.die())
    assert [past.place(since) for since in (0, 1, 2, 3)] == [10, 20, 30, 31]


@pytest.mark.parametrize("outcome", ["done", "failed", "stopped"])
def test_a_run_that_ended_on_purpose_is_not_gone_on_with(tmp_path: Path, outcome: RunOutcome) -> None:
    folder = finished(Dead(tmp_path / "a"), outcome)
    with pytest.raises(InputError, match="nothing to go on with"):
        Past.read(folder)


@pytest.mark.parametrize("outcome", ["error", "interrupted"])
def test_a_run_that_could_not_go_on_is_gone_on_with(tmp_path: Path, outcome: RunOutcome) -> None:
    assert Past.read(finished(Dead(tmp_path / "a"), outcome)).task == TASK


def test_a_changed_trace_is_not_gone_on_with(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "a")
    dead.look(1)
    file = dead.die() / "events.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"step":1', b'"step":2', 1))
    with pytest.raises(TraceError, match="does not verify, so nobody goes on with it"):
        Past.read(tmp_path / "a")


def test_what_was_gone_on_with_once_is_not_gone_on_with_again(tmp_path: Path) -> None:
    first = Dead(tmp_path / "a")
    first.look(1)
    first.look(2)
    first.die()
    second = Dead(tmp_path / "b", resumed=link(tmp_path / "a"))
    with pytest.raises(InputError, match="b goes on with it at this moment"):
        Past.read(tmp_path / "a")
    second.look(3)
    second.die()
    with pytest.raises(InputError, match=r"b went on with it already; .*--resume .*/b"):
        Past.read(tmp_path / "a")
    past = Past.read(tmp_path / "b")
    assert (past.used.steps, past.used.usage.input_tokens) == (3, 300)
    assert past.place(0) == 30


def test_one_that_never_asked_its_model_leaves_the_run_before_it_to_be_gone_on_with(tmp_path: Path) -> None:
    first = Dead(tmp_path / "a")
    first.look(1)
    first.look(2)
    first.die()
    Dead(tmp_path / "b", resumed=link(tmp_path / "a")).die()
    with pytest.raises(InputError, match=r"did nothing of its own yet: go on with the run .* a$"):
        Past.read(tmp_path / "b")
    assert Past.read(tmp_path / "a").used.steps == 2


def test_the_runs_before_are_needed_as_they_were(tmp_path: Path) -> None:
    first = Dead(tmp_path / "a")
    first.look(1)
    first.die()
    wrong = link(tmp_path / "a").model_copy(update={"head": "0" * 64})
    for name, resumed in (("b", wrong), ("c", wrong.model_copy(update={"run_id": "gone"}))):
        run = Dead(tmp_path / name, resumed=resumed)
        run.look(2)
        run.die()
    with pytest.raises(TraceError, match="is not what was gone on with"):
        Past.read(tmp_path / "b")
    with pytest.raises(InputError, match="went on with gone, which is not beside it"):
        Past.read(tmp_path / "c")


def test_a_run_that_died_before_its_first_line_is_begun_anew(tmp_path: Path) -> None:
    TraceWriter.create(tmp_path / "a", now=Dead(tmp_path / "other")._now).close()
    with pytest.raises(TraceError):
        Past.read(tmp_path / "a")
