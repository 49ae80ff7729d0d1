import os
from pathlib import Path
from typing import Any

import pytest
from harness.errors import TraceError
from harness.trace.events import Noted, RunFinished
from harness.trace.reader import Trace, list_traces, member, sandbox_name


def test_a_trace_is_opened_by_folder_or_file(run: Path, story: Any) -> None:
    for path in (run, run / "events.jsonl"):
        trace = Trace.open(path)
        assert [one.event for one in trace.events][:2] == story.events[:2]
        assert trace.header == story.events[0]
        assert trace.finish == story.events[-1]
        assert (trace.steps, trace.seconds, trace.recovered, trace.folder) == (4, 9.4, None, run)
    assert [one.time for one in trace.events] == sorted(one.time for one in trace.events)
    assert trace.blobs.get(next(one for one in story.events if one.kind == "observed").screenshot)


def test_a_trace_can_be_read_while_it_grows(story: Any, folder: Path) -> None:
    story.start()
    first = Trace.open(folder)
    story.look(1, b"\x89PNG\r\n\x1a\n")
    second = Trace.open(folder)
    assert (len(first.events), len(second.events)) == (1, 4)
    assert second.finish is None
    assert second.steps == 1
    assert second.seconds == pytest.approx(0.03)


def test_a_damaged_line_is_named(run: Path) -> None:
    file = run / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    lines[4] = b"{}\n"
    file.write_bytes(b"".join(lines))
    with pytest.raises(TraceError, match=r"line 5: .*harness trace verify"):
        Trace.open(run)


def test_a_run_that_did_not_begin_is_no_trace(story: Any, folder: Path) -> None:
    story.write(Noted(text="x"))
    with pytest.raises(TraceError, match="names no schema"):
        Trace.open(folder)


def test_runs_are_listed_oldest_first_and_broken_ones_too(run: Path, story: Any) -> None:
    root = run.parent
    (root / "bad").mkdir()
    (root / "bad" / "events.jsonl").write_bytes(b"\x00\x01\n")
    (root / "pipe").mkdir()
    os.mkfifo(root / "pipe" / "events.jsonl")
    (root / "no-trace").mkdir()
    (root / "file").write_text("")
    (root / "cut").mkdir()
    whole = (run / "events.jsonl").read_bytes()
    (root / "cut" / "events.jsonl").write_bytes(whole[: whole.rindex(b"\n", 0, -1) + 9])
    found = list_traces(root)
    assert [(one.run_id, one.outcome) for one in found] == [
        ("bad", "broken"),
        ("pipe", "broken"),
        ("cut", "unfinished"),
        ("run-1", "done"),
    ]
    assert "line 1" in str(found[0].problem)
    assert "not a regular file" in str(found[1].problem)
    assert "torn" in str(found[2].problem)
    done = found[3]
    assert (done.task, done.model, done.sandbox) == ("buy-a-mug", "local", "bubblewrap")
    assert (done.steps, done.seconds, done.problem, done.path) == (4, 9.4, None, run)
    assert done.start == Trace.open(run).events[0].time
    assert isinstance(story.events[-1], RunFinished)


def test_a_folder_that_is_not_there_lists_nothing(tmp_path: Path) -> None:
    assert list_traces(tmp_path / "gone") == ()
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="cannot be read"):
        list_traces(tmp_path / "file")


def test_members_of_anything_are_read_as_text() -> None:
    assert member({"name": 3}, "name") == "3"
    assert member([], "name") == member({"name": None}, "name") == ""
    assert sandbox_name("x") == "x"
    assert sandbox_name({"kind": "y", "name": "n"}) == "y"
    assert sandbox_name({"name": "z"}) == "z"
    assert sandbox_name(None) == "?"
