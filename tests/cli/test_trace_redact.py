"""`harness trace redact`."""

import json
import shutil
from pathlib import Path

import pytest
from harness.cli.trace_redact import reader
from harness.trace.patterns import Patterns
from harness.trace.reader import Trace
from harness.trace.redact_pictures import Pictures
from harness.trace.verify import verify
from tests.cli.commands import Command
from tests.cli.test_trace import trace

__all__ = ["trace"]
EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"


def test_a_copy_is_made_and_what_was_removed_is_told(command: Command, trace: Path) -> None:
    told = command("trace", "redact", "traces/r1", "--pattern", "secret=worth [a-z]+")
    assert told.code == 0, told
    out = trace.with_name("r1-redacted")
    assert verify(out).ok
    assert verify(out).beside == ()
    assert "worth knowing" not in (out / "events.jsonl").read_text() + (out / "report.html").read_text()
    assert "1 secret" in told.out
    told = command("trace", "redact", "traces/r1", "--out", "copy", "--pictures", "blank", "--json")
    assert json.loads(told.out) == {"trace": "copy", "removed": {}}
    assert command("trace", "pack", "traces/r1", "--out", "p.zip").code == 0
    told = command("trace", "redact", "p.zip", "--pictures", "blank")
    assert (told.code, told.out.startswith("r1-redacted: a copy of p.zip")) == (0, True)
    told = command("trace", "redact", "traces/r1")
    assert (told.code, "is not empty" in told.err) == (5, True)


@pytest.mark.usefixtures("trace")
def test_what_cannot_be_meant_is_said(command: Command) -> None:
    for words, why in (
        (["--pattern", "x"], "write NAME=REGEX"),
        (["--pattern", "x=a", "--pattern", "x=b"], "there is one of this name already"),
        (["--pattern", "x=("], "not a regular expression"),
        (["--pattern", "card=x"], "a name has letters"),
    ):
        told = command("trace", "redact", "traces/r1", *words)
        assert (told.code, why in told.err) == (2, True)
    told = command("trace", "redact", "nowhere")
    assert (told.code, "harness trace ls" in told.err) == (2, True)


def test_the_local_reader_finds_a_typed_name_in_a_screenshot() -> None:
    trace = Trace.open(EXAMPLE)
    shots = [one.event.screenshot for one in trace.events if one.event.kind == "observed"]
    patterns = Patterns({"name": "Ada Lovelace"})
    pictures = Pictures(patterns, reader())
    png, found = pictures.masked(trace.blobs.get(shots[-1]))
    assert [one.kind for one in found] == ["name", "name"]
    assert pictures.masked(png)[1] == []


@pytest.mark.long
def test_a_recorded_run_is_redacted_with_its_screenshots(command: Command, place: object) -> None:
    del place
    shutil.copytree(EXAMPLE, "run")
    told = command("trace", "redact", "run", "--pattern", "name=Ada Lovelace", "--out", "out", "--json")
    assert told.code == 0, told
    assert json.loads(told.out)["removed"]["name"] > 20
    assert verify(Path("out")).ok
    assert "Lovelace" not in Path("out/report.html").read_text() + Path("out/events.jsonl").read_text()
