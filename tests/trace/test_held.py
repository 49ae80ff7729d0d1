"""A trace is held by its writer, and then by one who goes on with it, whoever else asks."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace.events import Noted
from harness.trace.held import Claim, held
from harness.trace.writer import TraceWriter

HOLDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from harness.trace.writer import TraceWriter
writer = TraceWriter.create(Path(sys.argv[1]), now=lambda: datetime.now(UTC))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_trace_is_held_while_it_is_written_and_by_nobody_after(tmp_path: Path) -> None:
    writer = TraceWriter.create(tmp_path / "run", now=lambda: datetime.now(UTC))
    assert held(tmp_path / "run")
    with pytest.raises(TraceError, match="its run still goes on"):
        Claim.take(tmp_path / "run")
    writer.write(Noted(text="asking does not end the hold"))
    assert held(tmp_path / "run" / "events.jsonl")
    writer.close()
    assert not held(tmp_path / "run")


def test_one_at_a_time_goes_on_with_a_run(tmp_path: Path) -> None:
    TraceWriter.create(tmp_path / "run", now=lambda: datetime.now(UTC)).close()
    with Claim.take(tmp_path / "run") as claim:
        assert held(tmp_path / "run")
        with pytest.raises(TraceError, match="being gone on with"):
            Claim.take(tmp_path / "run")
        claim.release()
        claim.release()
    Claim.take(tmp_path / "run").release()
    assert not held(tmp_path / "run")


def test_a_hold_dies_with_its_process(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "run")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "held\n"
    assert held(tmp_path / "run")
    os.kill(child.pid, signal.SIGKILL)
    child.wait(30)
    child.stdout.close()
    child.stdin.close()
    assert not held(tmp_path / "run")


def test_what_is_no_trace_is_said(tmp_path: Path) -> None:
    for ask in (held, Claim.take):
        with pytest.raises(TraceError, match="not a trace"):
            ask(tmp_path)
