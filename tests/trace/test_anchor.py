"""Heads kept elsewhere, and the rewritten traces that they find."""

import fcntl
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.errors import TraceError
from harness.trace.anchor import Anchored, anchored, append, hashes_at, usable
from harness.trace.reader import Trace
from harness.trace.statement import Statement
from harness.trace.verify import verify
from tests.trace.conftest import EPOCH
from tests.trace.test_verify import rewritten


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "heads.jsonl"


def said(run: Path, lines: int | None = None) -> Statement:
    events = Trace.open(run).events
    number = lines or len(events)
    return Statement.of("run-1", number, events[number - 1].hash, EPOCH)


def states(kept: Path, run: Path) -> list[str]:
    return [one.state for one in anchored(kept, run / "events.jsonl", "run-1")]


def test_heads_of_a_growing_trace_hold_at_their_lines(run: Path, kept: Path) -> None:
    append(kept, Statement.of("another", 1, "ab" * 32, EPOCH))
    for lines in (1, 10, None):
        append(kept, said(run, lines))
    append(kept, Statement.of("another", 2, "cd" * 32, EPOCH + timedelta(hours=1)))
    found = anchored(kept, run / "events.jsonl", "run-1")
    assert [(one.state, one.lines) for one in found] == [
        ("holds", 1),
        ("holds", 10),
        ("holds", verify(run).lines),
    ]
    assert found[1].detail == f"{kept}: line 10 is as it was anchored at 2026-01-02T03:04:05.678Z"
    assert found[1].time == "2026-01-02T03:04:05.678Z"
    assert anchored(kept, run / "events.jsonl", "r") == (
        Anchored("missing", f"{kept}: no line is about run 'r'"),
    )


def test_the_hashes_of_lines_are_computed_and_not_read(run: Path) -> None:
    events = Trace.open(run).events
    file = run / "events.jsonl"
    assert hashes_at(file, {1, 5, 9999}) == {1: events[0].hash, 5: events[4].hash}
    assert hashes_at(file, set()) == {}
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"step":1', b'"step":9')
    file.write_bytes(b"".join(lines))
    assert hashes_at(file, {5})[5] != events[4].hash


def test_a_trace_that_was_rewritten_as_a_whole_or_cut_off_is_found(run: Path, kept: Path) -> None:
    for lines in (2, 10, None):
        append(kept, said(run, lines))
    whole = (run / "events.jsonl").read_bytes()

    def other(lines: list[dict[str, Any]]) -> None:
        lines[5]["time"] = "2026-01-02T03:04:09.000Z"
        lines[-1]["head"] = ""

    rewritten(run, other)
    assert states(kept, run) == ["holds", "differs", "differs"]
    (run / "events.jsonl").write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    assert verify(run).ok
    assert states(kept, run) == ["holds", "holds", "cut off"]
    (run / "events.jsonl").write_bytes(whole[:-1])
    assert states(kept, run) == ["holds", "holds", "cut off"]


def test_an_anchor_file_that_was_changed_is_found_and_nothing_after_that_counts(
    run: Path, kept: Path
) -> None:
    for lines in (2, 10, None):
        append(kept, said(run, lines))
    whole = kept.read_bytes()
    rows = whole.splitlines(keepends=True)
    for changed, found in (
        (whole.replace(b'"lines":10', b'"lines":11'), ["broken", "holds"]),
        (b"".join([rows[0], rows[2]]), ["broken", "holds"]),
        (b"".join([rows[1], rows[0], rows[2]]), ["broken", "missing"]),
        (whole + b"{}\n", ["broken", "holds", "holds", "holds"]),
        (whole[:-9], ["holds", "holds"]),
    ):
        kept.write_bytes(changed)
        assert states(kept, run) == found
    kept.write_bytes(whole.replace(b'"lines":10', b'"lines":11'))
    assert "line 2: it was changed" in anchored(kept, run / "events.jsonl", "run-1")[0].detail


def test_what_a_writer_that_died_left_is_cut_off_and_the_chain_goes_on(run: Path, kept: Path) -> None:
    append(kept, said(run, 2))
    one = kept.read_bytes()
    append(kept, said(run, 10))
    two = kept.read_bytes()
    for torn in (two[:-5], one + b'{"se', one):
        kept.write_bytes(torn)
        append(kept, said(run, 10))
        assert kept.read_bytes() == two


def test_no_other_file_is_ever_changed(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    for data in (b"Dear Ada,\nhow are you", b"Dear Ada", b"{}\n", b"x" * 50_000, b"\n"):
        file.write_bytes(data)
        for use in (lambda: usable(file), lambda: append(file, said(run))):
            with pytest.raises(TraceError, match="is no anchor file"):
                use()
        assert file.read_bytes() == data
    with pytest.raises(TraceError, match="cannot be written"):
        append(tmp_path, said(run))
    with pytest.raises(TraceError, match="cannot be written"):
        usable(tmp_path / "gone" / "heads.jsonl")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TraceError, match="cannot be written"):
        append(tmp_path / "pipe", said(run))
    with pytest.raises(TraceError, match="too long to anchor"):
        append(tmp_path / "new", said(run).model_copy(update={"run_id": "r" * 5000}))


def test_a_writer_that_never_lets_go_is_not_waited_for_for_ever(run: Path, kept: Path) -> None:
    usable(kept)
    ticks = iter(range(100))
    with kept.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TraceError, match="another writer has had it for too long"):
            append(kept, said(run), wait=3, clock=lambda: float(next(ticks)))
    assert kept.read_bytes() == b""


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from harness.trace.anchor import append
from harness.trace.statement import Statement
for number in range(1, 21):
    append(Path(sys.argv[1]), Statement.of(sys.argv[2], number, "ab" * 32, datetime.now(UTC)), wait=60)
"""


def test_many_writers_at_a_time_keep_one_chain(kept: Path, run: Path) -> None:
    names = ["a", "b", "c"]
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(kept), name]) for name in names]
    assert [one.wait(90) for one in started] == [0, 0, 0]
    assert len(kept.read_bytes().splitlines()) == 60
    for name in names:
        found = anchored(kept, run / "events.jsonl", name)
        assert [one.lines for one in found] == list(range(1, 21))
        assert "broken" not in [one.state for one in found]
