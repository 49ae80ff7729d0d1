"""`harness trace pack|unpack`, and packs where traces are named."""

import json
from pathlib import Path

import pytest
from harness.trace.verify import verify
from tests.cli.commands import Command
from tests.cli.test_trace import trace

__all__ = ["trace"]


def test_a_pack_is_verified_shown_and_reported_as_it_is(command: Command, trace: Path) -> None:
    (trace / "notes.txt").touch()
    told = command("trace", "pack", "traces/r1")
    assert told.code == 0, told
    assert "left out, as it is no part of a trace: notes.txt" in told.out
    file = trace.with_name("r1.zip")
    assert command("trace", "verify", "traces/r1.zip").out.startswith(
        "traces/r1.zip: 3 lines verify, complete"
    )
    assert "something worth knowing" in command("trace", "show", "traces/r1.zip").out
    assert len(json.loads(command("trace", "show", "traces/r1.zip", "--json").out)) == 3
    assert command("trace", "report", "traces/r1.zip").out == "traces/r1.html\n"
    assert "something worth knowing" in trace.with_name("r1.html").read_text()
    assert command("trace", "unpack", "traces/r1.zip", "--out", "there").out == "there/r1\n"
    assert verify(Path("there/r1")).ok
    file.write_bytes(file.read_bytes()[:-30])
    told = command("trace", "verify", "traces/r1.zip")
    assert (told.code, "is no pack of a trace" in told.err) == (5, True)


@pytest.mark.usefixtures("trace")
def test_a_signature_in_a_pack_is_checked(command: Command) -> None:
    assert command("trace", "keygen", "key").code == 0
    assert command("trace", "sign", "traces/r1", "--key", "key").code == 0
    told = command("trace", "pack", "traces/r1", "--out", "p.zip", "--json")
    assert json.loads(told.out) == {"pack": "p.zip", "left_out": []}
    told = command("trace", "verify", "p.zip", "--key", "key.pub")
    assert (told.code, "signature valid" in told.out) == (0, True)


@pytest.mark.usefixtures("trace")
def test_what_is_not_there_is_said(command: Command) -> None:
    told = command("trace", "pack", "nowhere")
    assert (told.code, "harness trace ls" in told.err) == (2, True)
    told = command("trace", "unpack", "nowhere.zip")
    assert (told.code, "harness trace pack" in told.err) == (2, True)
