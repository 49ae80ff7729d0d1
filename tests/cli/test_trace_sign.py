"""`harness trace keygen|sign`, and `verify --key`."""

import json
from pathlib import Path

from tests.cli.commands import Command
from tests.cli.test_trace import trace

__all__ = ["trace"]


def test_a_trace_is_signed_and_checked(command: Command, trace: Path) -> None:
    made = command("trace", "keygen", "key")
    assert made.code == 0
    assert "SHA256:" in made.out
    assert command("trace", "keygen", "key").code == 2
    assert command("trace", "verify", "traces/r1", "--key", "key.pub").code == 5
    signed = command("trace", "sign", "traces/r1", "--key", "key", "--json")
    assert signed.code == 0, signed
    name = json.loads(signed.out)["key_id"]
    assert name in made.out
    told = command("trace", "verify", "traces/r1")
    assert told.code == 0
    assert f"signature unchecked: signed by {name}" in told.out
    assert "--key PUBLIC" in told.out
    told = command("trace", "verify", "traces/r1", "--key", "key.pub")
    assert (told.code, "signature valid" in told.out) == (0, True)
    assert (
        json.loads(command("trace", "verify", "traces/r1", "--json").out)["signature"]["state"] == "unchecked"
    )
    assert command("trace", "keygen", "other").code == 0
    told = command("trace", "verify", "traces/r1", "--key", "other.pub")
    assert (told.code, "signature wrong key" in told.out) == (5, True)
    assert command("trace", "verify", "traces/r1", "--key", "other.pub", "--key", "key.pub").code == 0
    again = command("trace", "sign", "traces/r1", "--key", "other")
    assert (again.code, "is there already" in again.err) == (5, True)
    lines = (trace / "events.jsonl").read_bytes().splitlines(keepends=True)
    (trace / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    told = command("trace", "verify", "traces/r1")
    assert (told.code, "signature does not match" in told.out) == (5, True)


def test_only_what_verifies_and_has_ended_is_signed(command: Command, trace: Path) -> None:
    assert command("trace", "keygen", "key").code == 0
    file = trace / "events.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"worth knowing", b"worth hiding."))
    told = command("trace", "sign", "traces/r1", "--key", "key")
    assert (told.code, "does not verify, so nothing is said for it: line 2" in told.err) == (5, True)
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    told = command("trace", "sign", "traces/r1", "--key", "key")
    assert (told.code, "add --unfinished" in told.err) == (5, True)
    assert not (trace / "signature.json").exists()
    assert command("trace", "sign", "traces/r1", "--key", "key", "--unfinished").code == 0
    assert command("trace", "verify", "traces/r1", "--key", "key.pub").code == 0
    told = command("trace", "sign", "nowhere", "--key", "key")
    assert (told.code, "harness trace ls" in told.err) == (2, True)
    told = command("trace", "sign", "traces/r1", "--key", "key.pub")
    assert (told.code, "key" in told.err, told.err.count("\n")) == (2, True, 1)
