"""Runs that went on with others are found by their first lines."""

from datetime import UTC, datetime
from pathlib import Path

from harness.trace.events import Resumed, RunStarted
from harness.trace.lineage import kin, resumers
from harness.trace.reader import Trace, list_traces
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.trace.writer import TraceWriter


def begun(folder: Path, resumed: str | None) -> Path:
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    link = None if resumed is None else Resumed(run_id=resumed, head="0" * 64, steps=1)
    writer.write(
        RunStarted(
            run_id=folder.name,
            task={},
            policy={},
            policy_sha256="",
            model="m",
            approver="a",
            sandbox="s",
            versions={},
            resumed=link,
        )
    )
    writer.close()
    return folder


def test_only_runs_that_name_it_are_given(tmp_path: Path) -> None:
    first = begun(tmp_path / "a", None)
    begun(tmp_path / "c", "a")
    begun(tmp_path / "b", "a")
    begun(tmp_path / "d", "b")
    (tmp_path / "e").mkdir()
    (tmp_path / "f").write_text("no trace")
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "events.jsonl").write_text('{"resumed":{"run_id":"a"}')
    assert [one.name for one in resumers(first, "a")] == ["b", "c"]
    assert resumers(tmp_path / "d", "d") == ()


def test_show_ls_and_report_say_who_went_on_with_whom(tmp_path: Path) -> None:
    begun(tmp_path / "a", None)
    begun(tmp_path / "b", "a")
    begun(tmp_path / "c", "b")
    trace = Trace.open(tmp_path / "b")
    told = ("It goes on with a after step 1.", "c went on with it, or was to.")
    assert kin(trace) == told
    shown = "\n".join(lines(trace))
    write_report(trace, tmp_path / "b.html")
    page = (tmp_path / "b.html").read_text()
    assert all(one in shown and one in page for one in told)
    assert [one.resumed for one in list_traces(tmp_path)] == [None, "a", "b"]
    assert trace.steps == 1
