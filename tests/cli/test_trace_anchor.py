"""`harness trace anchor`, and `verify --anchor|--tsa-ca`."""

import json
from pathlib import Path

import pytest
from authority import Authority
from tests.cli.commands import Command
from tests.cli.test_trace import trace

__all__ = ["trace"]


def test_a_head_is_kept_in_a_file_and_a_rewritten_trace_is_found(command: Command, trace: Path) -> None:
    told = command("trace", "anchor", "traces/r1", "--to", "heads.jsonl")
    assert told.code == 0, told
    told = command("trace", "verify", "traces/r1", "--anchor", "heads.jsonl")
    assert (told.code, "anchor holds" in told.out) == (0, True)
    assert command("trace", "verify", "traces/r1", "--anchor", "nowhere").code == 5
    lines = (trace / "events.jsonl").read_bytes().splitlines(keepends=True)
    (trace / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    assert command("trace", "verify", "traces/r1").code == 0
    told = command("trace", "verify", "traces/r1", "--anchor", "heads.jsonl", "--json")
    assert told.code == 5
    found = json.loads(told.out)
    assert (found["ok"], found["anchors"][0]["state"]) == (False, "cut off")
    (trace / "events.jsonl").write_bytes(b"".join(lines).replace(b"worth knowing", b"worth hiding."))
    told = command("trace", "anchor", "traces/r1", "--to", "heads.jsonl")
    assert (told.code, "does not verify" in told.err) == (5, True)


def test_a_run_that_no_anchor_knows_does_not_verify_against_it(command: Command, trace: Path) -> None:
    (trace.parent.parent / "heads.jsonl").touch()
    told = command("trace", "verify", "traces/r1", "--anchor", "heads.jsonl")
    assert (told.code, "anchor missing" in told.out) == (5, True)
    told = command("trace", "verify", "traces/r1", "--anchor", "policy.yaml")
    assert (told.code, "anchor broken" in told.out) == (5, True)


def test_an_authority_stamps_a_head_over_http(command: Command, trace: Path, tmp_path: Path) -> None:
    tsa, other = Authority(tmp_path / "tsa"), Authority(tmp_path / "other")
    with tsa.serving() as url:
        wrong = command("trace", "anchor", "traces/r1", "--tsa", url, "--tsa-ca", str(other.ca))
        assert (wrong.code, "the time stamp is refused" in wrong.err) == (5, True)
        assert not (trace / "anchor.tsr").exists()
        told = command("trace", "anchor", "traces/r1", "--tsa", url, "--tsa-ca", str(tsa.ca))
        assert told.code == 0, told
        assert "3 lines stamped at 20" in told.out
    told = command("trace", "verify", "traces/r1", "--tsa-ca", str(tsa.ca))
    assert (told.code, "anchor holds: anchor.tsr" in told.out) == (0, True)
    told = command("trace", "verify", "traces/r1")
    assert (told.code, "anchor unchecked: anchor.tsr" in told.out) == (0, True)
    told = command("trace", "verify", "traces/r1", "--tsa-ca", str(other.ca))
    assert (told.code, "anchor broken" in told.out) == (5, True)
    (trace / "anchor.tsr").unlink()
    told = command("trace", "verify", "traces/r1", "--tsa-ca", str(tsa.ca))
    assert (told.code, "anchor missing" in told.out) == (5, True)


@pytest.mark.parametrize(("status", "kind"), [(500, "application/timestamp-reply"), (200, "text/html")])
def test_what_is_no_answer_is_said(
    command: Command, trace: Path, tmp_path: Path, status: int, kind: str
) -> None:
    tsa = Authority(tmp_path / "tsa", status=status, kind=kind)
    with tsa.serving() as url:
        told = command("trace", "anchor", "traces/r1", "--tsa", url)
    assert (told.code, f"answered {status} with {kind}" in told.err) == (4, True)
    assert not (trace / "anchor.tsr").exists()
    told = command("trace", "anchor", "traces/r1", "--tsa", url)
    assert (told.code, "cannot be asked" in told.err) == (4, True)


@pytest.mark.usefixtures("trace")
def test_what_cannot_be_meant_is_said(command: Command) -> None:
    for words, why in (
        (["--tsa", "tsa.example.com"], "write a whole URL"),
        (["--tsa", "file:///etc/passwd"], "write a whole URL"),
        (["--to", "heads", "--tsa-ca", "ca.pem"], "goes with --tsa URL only"),
        ([], "one of the arguments --to --tsa is required"),
    ):
        told = command("trace", "anchor", "traces/r1", *words)
        assert (told.code, why in told.err) == (2, True)
