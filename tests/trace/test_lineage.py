"""Runs that went on with others are found by their first lines."""

from datetime import UTC, datetime
from pathlib import Path

from harness.trace.events import Resumed, RunStarted
from harness.trace.lineage import resumers
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
