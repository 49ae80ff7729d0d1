"""Judging many runs again in several processes."""

import os
import shutil
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from harness.policy import Policy
from harness.replay import processes
from harness.replay.folder import judge, traces_in
from harness.replay.processes import judge_together
from harness.replay.rejudge_words import as_json

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"
NARROW = Policy.model_validate(
    {
        "name": "narrow",
        "rules": [{"name": "all", "on": "action", "when": {"kind": "click"}, "verdict": "ask"}],
    }
)


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, ...]:
    for number in range(9):
        shutil.copytree(EXAMPLE, tmp_path / f"run-{number}")
    events = tmp_path / "run-4" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b"Full name", b"Full nome"))
    return traces_in(tmp_path)


def dies(connection: Connection, _paths: Sequence[Path], _policy: Policy) -> None:
    """Takes two parts, does nothing and dies."""
    connection.send(None)
    connection.recv()
    os._exit(1)


def fails_at_once(_connection: Connection, _paths: Sequence[Path], _policy: Policy) -> None:
    """Does not even begin."""
    os._exit(1)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_several_processes_find_what_one_finds_in_the_same_order(paths: tuple[Path, ...], jobs: int) -> None:
    alone, wrong = judge(paths, NARROW)
    found, problems = judge_together(paths, NARROW, jobs)
    assert problems == wrong
    assert as_json(found) == as_json(alone)
    assert [(one.seq, one.words) for one in found.differences] == [
        (one.seq, one.words) for one in alone.differences
    ]
    assert len(problems) == 1


@pytest.mark.parametrize("helper", [dies, fails_at_once])
def test_what_a_process_that_died_leaves_is_judged_all_the_same(
    paths: tuple[Path, ...], helper: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_serve", helper)
    found, problems = judge_together(paths, NARROW, 2)
    assert (found.traces, len(problems)) == (8, 1)


def test_no_run_is_no_work() -> None:
    found, problems = judge_together((), NARROW, 2)
    assert (found.traces, problems) == (0, ())
