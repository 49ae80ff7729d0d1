import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace import lines as room
from harness.trace.lines import LONGEST, START, events_file, lines, parse, seal, sealed_with, stamp


def documented_script() -> str:
    """The script in the docstring, as anyone would copy it."""
    assert room.__doc__ is not None
    code = room.__doc__.split("without the harness:\n")[1]
    return "\n".join(line.removeprefix("    ") for line in code.splitlines())


def checked_by_script(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-c", documented_script(), str(file)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_documented_script_accepts_a_trace_and_names_a_changed_line(run: Path) -> None:
    file = run / "events.jsonl"
    assert len(documented_script().strip().splitlines()) <= 15
    accepted = checked_by_script(file)
    last = json.loads(file.read_text().splitlines()[-1])
    assert accepted.returncode == 0, accepted.stderr
    assert accepted.stdout == f"head {last['hash']}\n"
    written = file.read_bytes()
    file.write_bytes(written.replace(b'"step":2', b'"step":7', 1))
    refused = checked_by_script(file)
    changed = next(number for number, line in enumerate(written.splitlines(), 1) if b'"step":2' in line)
    assert refused.returncode != 0
    assert f"line {changed} does not follow" in refused.stderr


def test_a_line_is_ascii_in_the_documented_order() -> None:
    line, digest = seal(
        3, "2026-01-02T03:04:05.678Z", {"kind": "noted", "text": "é\u202e\u2028\n\ud800"}, "ab" * 32
    )
    assert line.endswith(b"\n")
    assert line[:-1].isascii()
    assert b"\n" not in line[:-1]
    assert list(json.loads(line)) == ["seq", "time", "kind", "text", "prev", "hash"]
    assert parse(line[:-1])["text"] == "é\u202e\u2028\n\ud800"
    assert json.loads(line)["prev"] == "abababab"
    assert json.loads(line)["hash"] == digest
    assert sealed_with(line[:-1], "ab" * 32)
    assert not sealed_with(line[:-1], START)


@pytest.mark.parametrize("raw", [b"", b"{}", b"x" * 75, b'{"hash":"' + b"0" * 64 + b'"}', b"\xff" * 200])
def test_what_has_no_seal_is_not_sealed(raw: bytes) -> None:
    assert not sealed_with(raw, START)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b'{"a":1,"a":2}', "names a member twice"),
        (b"[1]", "not a JSON object"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":"\xc3\xa9"}', "byte 6 is not ASCII"),
        (b'{"a":', "Expecting value"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "too deeply"),
        (b'{"a":' + b"9" * 5000 + b"}", "integer string"),
    ],
)
def test_what_is_not_json_is_said(raw: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(raw)


def test_a_value_without_json_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        seal(0, "", {"x": float("nan")}, START)


def test_moments_are_written_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, timezone(timedelta(hours=2)))
    assert stamp(moment) == "2026-01-02T01:04:05.678Z"
    assert re.fullmatch(r"[-\d]+T[:\d]+\.000Z", stamp(datetime(2026, 1, 2, tzinfo=UTC)))


def test_lines_are_read_whole_torn_or_huge(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"one\n\ntorn")
    assert [(line.number, line.raw, line.whole) for line in lines(file)] == [
        (1, b"one", True),
        (2, b"", True),
        (3, b"torn", False),
    ]
    with file.open("wb") as opened:
        opened.truncate(LONGEST + 10)
    (only,) = lines(file)
    assert only.huge
    assert not only.whole


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"has no events\.jsonl"):
        events_file(tmp_path)
    with pytest.raises(TraceError, match="there is no such trace"):
        events_file(tmp_path / "gone")
    with pytest.raises(TraceError, match="not a regular file"):
        list(lines(Path("/dev/zero")))
    with pytest.raises(TraceError, match="cannot be read"):
        list(lines(tmp_path / "gone"))
