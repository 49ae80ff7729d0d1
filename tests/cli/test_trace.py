"""Looking at recorded runs with the command."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.trace.events import SCHEMA, Noted, RunFinished, RunStarted
from harness.trace.writer import TraceWriter
from tests.cli.commands import Command, Place


@pytest.fixture
def trace(place: Place) -> Path:
    folder = place.folder / "traces" / "r1"
    writer = TraceWriter.create(folder, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    writer.write(
        RunStarted(
            run_id="r1",
            task={"name": "t"},
            policy={},
            policy_sha256="0" * 64,
            model="local",
            approver="auto",
            sandbox={"kind": "bubblewrap"},
            versions={},
        )
    )
    writer.write(Noted(step=0, text="something worth knowing"))
    writer.write(RunFinished(outcome="done", exit_code=0, reason="", steps=0, seconds=1.0, head=writer.head))
    writer.close()
    return folder


@pytest.mark.usefixtures("trace")
def test_a_whole_trace_verifies(command: Command) -> None:
    told = command("trace", "verify", "traces/r1")
    assert told.code == 0
    assert "3 lines verify, complete" in told.out
    assert json.loads(command("trace", "verify", "traces/r1", "--json").out)["ok"] is True


def test_a_changed_trace_is_told_with_its_line_and_exit_code_5(command: Command, trace: Path) -> None:
    events = trace / "events.jsonl"
    events.write_text(events.read_text().replace("worth knowing", "worth hiding."))
    told = command("trace", "verify", "traces/r1")
    assert told.code == 5
    assert "does not verify" in told.out
    assert "line 2" in told.out
    assert json.loads(command("trace", "verify", "traces/r1", "--json").out)["ok"] is False


def test_a_torn_last_line_is_left_out_and_said(command: Command, trace: Path) -> None:
    events = trace / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-9])
    told = command("trace", "verify", "traces/r1")
    assert told.code == 0
    assert "2 lines verify, unfinished" in told.out
    assert "torn off" in told.out
    assert command("trace", "show", "traces/r1").code == 0


@pytest.mark.parametrize("what", ["show", "verify", "report"])
def test_a_trace_that_is_not_there_says_how_to_find_one(command: Command, what: str) -> None:
    told = command("trace", what, "nowhere")
    assert told.code == 2
    assert "harness trace ls" in told.err
    assert told.out == ""


@pytest.mark.parametrize("what", ["show", "verify", "report"])
def test_a_folder_that_is_no_trace_and_a_newer_trace_are_one_message(
    command: Command, trace: Path, what: str
) -> None:
    told = command("trace", what, "site")
    assert (told.code, told.out) == (5, "")
    assert told.err.count("\n") == 1
    events = trace / "events.jsonl"
    events.write_text(events.read_text().replace(f'"schema":{SCHEMA}', '"schema":99'))
    newer = command("trace", what, "traces/r1")
    assert newer.code == 5
    assert "99" in newer.err + newer.out
    assert "Traceback" not in newer.err


@pytest.mark.usefixtures("trace")
def test_lists_of_traces(command: Command) -> None:
    told = command("trace", "ls")
    assert told.code == 0
    assert told.out.startswith("r1 ")
    assert [one["run_id"] for one in json.loads(command("trace", "ls", "--json").out)] == ["r1"]
    assert command("trace", "ls", "site").out == "no traces in site\n"
    assert command("trace", "ls", "nowhere").code == 2
    assert "is a file" in command("trace", "ls", "policy.yaml").err


def test_a_report_that_cannot_be_written_says_where_to_put_it(command: Command, trace: Path) -> None:
    assert command("trace", "report", "traces/r1").code == 0
    assert (trace / "report.html").stat().st_size > 0
    told = command("trace", "report", "traces/r1", "--out", "policy.yaml/report.html")
    assert told.code != 0
    assert "--out" in told.err
    assert "Traceback" not in told.err


def test_what_lies_beside_a_record_is_told_and_is_no_fault(command: Command, trace: Path) -> None:
    (trace / "notes.txt").touch()
    told = command("trace", "verify", "traces/r1")
    assert told.code == 0
    assert "beside the record: traces/r1/notes.txt: is no part of a trace" in told.out
    (trace / "blobs" / "ab").mkdir(parents=True)
    (trace / "blobs" / "ab" / "cd").touch()
    told = command("trace", "verify", "traces/r1")
    assert told.code == 5
    assert "traces/r1/blobs/ab/cd: no line names it" in told.out
