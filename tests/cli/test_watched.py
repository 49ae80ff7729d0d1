"""Whoever watches a run is told what is on disk, no secrets, and cannot end it."""

from pathlib import Path

import pytest
from harness.cli.watched import Watched
from harness.secrets import Held, Vault
from harness.trace.events import Event, Failed
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from tests.replay.lines import BEGUN, trace

SECRET = "correct horse battery"


def failed(message: str) -> Failed:
    return Failed(step=1, error="Trouble", message=message)


def begun(folder: Path) -> TraceWriter:
    writer = TraceWriter.create(folder / "run", now=lambda: BEGUN)
    writer.write(trace(folder).header)
    return writer


def test_an_event_is_on_disk_before_anybody_is_told(tmp_path: Path) -> None:
    seen: list[int] = []
    writer = begun(tmp_path)
    watched = Watched(writer, lambda _: seen.append(len(Trace.open(tmp_path / "run").events)), Vault(()))
    watched.write(failed("a"), sync=True)
    watched.write(failed("b"), sync=True)
    assert seen == [2, 3]
    assert watched.head == writer.head
    name = watched.blob(b"bytes")
    writer.close()
    assert Trace.open(tmp_path / "run").blobs.get(name) == b"bytes"


def test_a_watcher_that_fails_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def watch(_: Event) -> None:
        raise KeyError("oops")

    writer = begun(tmp_path)
    Watched(writer, watch, Vault(())).write(failed("a"))
    writer.close()
    assert len(Trace.open(tmp_path / "run").events) == 2
    told = capsys.readouterr()
    assert "the watcher failed" in told.out + told.err


def test_secrets_are_told_nobody(tmp_path: Path) -> None:
    told: list[Event] = []
    writer = begun(tmp_path)
    Watched(
        writer, told.append, Vault((Held("key", SECRET, may=lambda _: False, goes=lambda _: False),))
    ).write(failed(f"it said {SECRET}"))
    writer.close()
    (one,) = told
    assert SECRET not in one.model_dump_json()
    assert "it said" in one.model_dump_json()
