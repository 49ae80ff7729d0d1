"""The lines of `events.jsonl`: how one is sealed into the chain, and how a file of them is read.

A line is one JSON object in printable ASCII with `seq`, `time`, the event's fields, `prev` and `hash`, in
this order and without spaces, ended by a newline. `hash` is the last member, so the rule is one of bytes:

    line  =  {"seq":7,"time":"2026-01-02T03:04:05.678Z",…,"prev":"<8 hex>","hash":"<64 hex>"}
    body  =  line without its last 75 bytes (`,"hash":"<64 hex>"}`), and a `}` put back
    hash  =  hex SHA-256 of: the 64 hex digits that are the hash of the line before, then body;
             before the first line these digits are 64 zeros
    prev  =  the first 8 digits of that hash, to find a line's place by eye

This checks a chain without the harness:

    import hashlib, sys
    before = b"0" * 64
    for number, line in enumerate(open(sys.argv[1], "rb").read().splitlines(), 1):
        body, label, given = line[:-75] + b"}", line[-75:-66], line[-66:-2]
        assert label == b',"hash":"' and line.endswith(b'"}'), f"line {number} has another shape"
        assert hashlib.sha256(before + body).hexdigest().encode() == given, f"line {number} does not follow"
        before = given
    print("head", before.decode())
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.files import regular

FILE = "events.jsonl"
"""The name of the file in a run's folder."""
START = "0" * 64
"""Stands for the hash of the line before the first."""
LONGEST = 16 * 1024 * 1024
"""Bytes a line may have, so that a hostile file cannot fill the memory."""

_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_LABEL = b',"hash":"'
TAIL = len(_LABEL) + 64 + 2
"""Bytes at the end of a line that its hash does not cover."""


class Line(NamedTuple):
    """One line of a file, as it stands there."""

    number: int
    """From 1."""
    raw: bytes
    """Without the newline."""
    whole: bool
    """False for a last line without a newline."""
    huge: bool
    """Whether it is longer than a line may be; then nothing after it is read."""


def stamp(moment: datetime) -> str:
    """Write a moment as UTC with milliseconds: `2026-01-02T03:04:05.678Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short(digest: str) -> str:
    """Give what `prev` says of the hash of the line before."""
    return digest[:8]


def seal(seq: int, time: str, fields: Mapping[str, JsonValue], prev: str) -> tuple[bytes, str]:
    """Make a line, newline included, and its hash.

    Raises:
        ValueError: if a value has no JSON form.
    """
    whole = {"seq": seq, "time": time, **fields, "prev": short(prev)}
    body = _JSON.encode(whole).encode("ascii")
    digest = hashlib.sha256(prev.encode("ascii") + body).hexdigest()
    return body[:-1] + _LABEL + digest.encode("ascii") + b'"}\n', digest


def sealed_with(raw: bytes, before: str) -> bool:
    """Whether a line's hash is right after a line with the hash `before`."""
    return follows(raw + b"\n", before.encode("ascii"))


def follows(raw: bytes, before: bytes) -> bool:
    """Whether a line, newline included, has the right hash after a line with the hash `before`."""
    if len(raw) <= TAIL + 1 or raw[-TAIL - 1 : -67] != _LABEL or raw[-3:] != b'"}\n':
        return False
    body = b"%b%b}" % (before, raw[: -TAIL - 1])
    return hashlib.sha256(body).hexdigest() == raw[-67:-3].decode("latin-1")


def begins(raw: bytes, seq: int) -> bool:
    """Whether bytes are what a write of line `seq` that was cut off leaves: its beginning, or not even that.

    A machine that lost its power may leave zeros where the bytes were to be.
    """
    raw = raw.rstrip(b"\0")
    start = b'{"seq":%d,"time":"' % seq
    if not (start.startswith(raw[: len(start)]) and raw.isascii() and b"\0" not in raw):
        return False
    try:
        _, end = json.JSONDecoder().raw_decode(raw.decode("ascii"))
    except (ValueError, RecursionError):
        return True
    return end == len(raw)


def parse(raw: bytes) -> dict[str, JsonValue]:
    """Read a line as JSON.

    Raises:
        ValueError: if it is not one object in ASCII, or names a member twice.
    """
    try:
        found = json.loads(raw.decode("ascii"), object_pairs_hook=_once, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not ASCII") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


def lines(file: Path) -> Iterator[Line]:
    """Read a file line by line, in bounded memory.

    Raises:
        TraceError: if it is missing, not a regular file, or cannot be read.
    """
    return (as_line(raw, number) for number, raw in enumerate(raw_lines(file), 1))


def raw_lines(file: Path) -> Iterator[bytes]:
    """Read a file line by line, newlines included; what is longer than a line may be is cut and is the last.

    Raises:
        TraceError: as `lines`.
    """
    try:
        with regular(file) as opened:
            while raw := opened.readline(LONGEST + 1):
                yield raw
                if len(raw) > LONGEST and raw[-1:] != b"\n":
                    return
    except OSError as error:
        raise TraceError(f"{file}: cannot be read: {error.strerror or error}") from error


def as_line(raw: bytes, number: int) -> Line:
    """Say of what `raw_lines` gave what it is; numbers count from 1."""
    whole = raw.endswith(b"\n")
    return Line(number, raw.removesuffix(b"\n"), whole, huge=not whole and len(raw) > LONGEST)


def events_file(path: Path) -> Path:
    """Find the events file of a run's folder; the file itself is taken too.

    Raises:
        TraceError: if there is none.
    """
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        what = f"has no {FILE}, so it is not a trace" if path.is_dir() else "there is no such trace"
        raise TraceError(f"{path}: {what}; `harness trace ls` lists the traces there are")
    return file


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it names a member twice")
    return found


def _no_constant(word: str) -> JsonValue:
    raise ValueError(f"{word} is not JSON")
