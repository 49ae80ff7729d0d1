"""Keeps heads of traces elsewhere, so that a trace that was rewritten as a whole is found out.

An anchor file is lines like those of a trace, in a chain of their own, with `seq`, `time`, `run_id`, `lines`,
`head`, `prev` and `hash`. It is only ever appended to, by any number of runs at a time. Keep it where whoever
can write traces cannot rewrite it: another machine, an append-only file, a printed page with its last hash.
"""

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import JsonValue, ValidationError

from harness.errors import TraceError
from harness.trace.lines import START, TAIL, begins, lines, parse, seal, sealed_with
from harness.trace.statement import Statement

WAIT = 10.0
"""Seconds to wait for another writer of the same file."""
_LONGEST = 4096
_PAUSE = 0.02

State = Literal["holds", "unchecked", "differs", "cut off", "missing", "broken"]
"""Whether a trace is the one that was anchored. `unchecked` is an anchor that fits, by nobody knows whom;
`cut off` is a trace with fewer lines; `broken` is an anchor that is none."""


class Anchored(NamedTuple):
    """What an anchor says of a trace."""

    state: State
    """Whether the trace is the one that was anchored."""
    detail: str
    """In words."""
    lines: int | None = None
    """How many lines the trace had."""
    time: str | None = None
    """When it was anchored."""


def append(
    file: Path, said: Statement, *, wait: float = WAIT, clock: Callable[[], float] = time.monotonic
) -> str:
    """Add a head to an anchor file, on the medium, and give the hash of its line.

    Args:
        file: the anchor file; made if it is not there.
        said: what the trace came to.
        wait: seconds to wait for another writer.
        clock: seconds that only grow.

    Raises:
        TraceError: if it cannot be written, or what is there is no anchor file.
    """
    descriptor = _open(file)
    try:
        _lock(descriptor, file, clock() + wait, clock)
        seq, before = _last(descriptor, file)
        fields: dict[str, JsonValue] = {"run_id": said.run_id, "lines": said.lines, "head": said.head}
        line, digest = seal(seq, said.time, fields, before)
        if len(line) > _LONGEST:
            raise TraceError(f"{file}: a run's name of {len(said.run_id):,} characters is too long to anchor")
        left = memoryview(line)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        os.close(descriptor)
    return digest


def usable(file: Path, *, wait: float = WAIT, clock: Callable[[], float] = time.monotonic) -> None:
    """See that an anchor file can be appended to, before a run begins; it is made if it is not there.

    Raises:
        TraceError: if it cannot.
    """
    descriptor = _open(file)
    try:
        _lock(descriptor, file, clock() + wait, clock)
        _last(descriptor, file)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        os.close(descriptor)


def anchored(file: Path, events: Path, run_id: str) -> tuple[Anchored, ...]:
    """Compare a trace with every line about it in an anchor file.

    Args:
        file: the anchor file.
        events: the trace's events file.
        run_id: what the trace calls its run.

    Raises:
        TraceError: if a file cannot be read.
    """
    found, problem = _read(file)
    about = [one for one in found if one.run_id == run_id]
    told: list[Anchored] = [Anchored("broken", f"{file}: {problem}")] if problem else []
    if not about:
        return (*told, Anchored("missing", f"{file}: no line is about run {run_id[:100]!r}"))
    hashes = hashes_at(events, {one.lines for one in about})
    return (*told, *(compared(one, hashes.get(one.lines), f"{file}") for one in about))


def compared(said: Statement, found: str | None, where: str) -> Anchored:
    """Compare what was anchored with the hash that the line has now, if there is such a line."""
    lines, moment = said.lines, said.time
    if found is None:
        what = f"at {moment} the trace had {lines:,} lines, and now it has fewer: its end was cut off"
        return Anchored("cut off", f"{where}: {what}", lines, moment)
    if found != said.head:
        what = (
            f"at {moment} line {lines:,} had the hash {said.head}, and now {found}: the trace was rewritten"
        )
        return Anchored("differs", f"{where}: {what}", lines, moment)
    return Anchored("holds", f"{where}: line {lines:,} is as it was anchored at {moment}", lines, moment)


def hashes_at(events: Path, wanted: Collection[int]) -> dict[int, str]:
    """Compute the hashes of some lines of a trace, by the chain's rule and not by what the lines say.

    Raises:
        TraceError: if the file cannot be read.
    """
    found: dict[int, str] = {}
    before, last = START, max(wanted, default=0)
    for line in lines(events):
        if not line.whole or line.number > last:
            break
        before = hashlib.sha256(before.encode("ascii") + line.raw[:-TAIL] + b"}").hexdigest()
        if line.number in wanted:
            found[line.number] = before
    return found


def _read(file: Path) -> tuple[Sequence[Statement], str]:
    """Give what an anchor file says, and what is wrong with it; nothing after the first fault counts."""
    found: list[Statement] = []
    before = START
    for line in lines(file):
        if not line.whole:
            return found, "" if not line.huge else f"line {line.number}: is too long"
        try:
            fields = parse(line.raw)
            if not sealed_with(line.raw, before) or fields.get("seq") != line.number - 1:
                return (
                    found,
                    f"line {line.number}: it was changed, or lines before it were; no line after it counts",
                )
            kept = {name: fields.get(name) for name in Statement.model_fields}
            found.append(Statement.model_validate(kept))
        except (ValidationError, ValueError):
            return found, f"line {line.number}: is not what an anchor file holds; no line after it counts"
        before = line.raw[-66:-2].decode("ascii")
    return found, ""


def _lock(descriptor: int, file: Path, deadline: float, clock: Callable[[], float]) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if clock() >= deadline:
            raise TraceError(
                f"{file}: another writer has had it for too long; nothing was anchored, try again"
            )
        threading.Event().wait(_PAUSE)


def _last(descriptor: int, file: Path) -> tuple[int, str]:
    """Give the number and the hash that the next line follows; cut off what a write that died left."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - 3 * _LONGEST)
    data = os.pread(descriptor, size - start, start)
    whole = data[: data.rfind(b"\n") + 1]
    found = whole.splitlines()
    seq, before = 0, START
    if found or start:
        seq, before = _follows(found, file)
    if len(whole) < len(data):
        if not begins(data[len(whole) :], seq):
            raise TraceError(f"{file}: is no anchor file; nothing was changed in it, name another")
        os.ftruncate(descriptor, start + len(whole))
    return seq, before


def _follows(found: list[bytes], file: Path) -> tuple[int, str]:
    before = found[-2][-66:-2].decode("ascii", "replace") if len(found) > 1 else START
    try:
        seq = parse(found[-1]).get("seq") if found else None
    except ValueError:
        seq = None
    if not isinstance(seq, int) or not sealed_with(found[-1], before):
        what = "is no anchor file, or its last line does not follow the one before"
        raise TraceError(f"{file}: {what}; nothing was changed in it, name another")
    return seq + 1, found[-1][-66:-2].decode("ascii")


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        raise _unwritable(file, error) from error


def _unwritable(file: Path, error: OSError) -> TraceError:
    return TraceError(
        f"{file}: the anchor cannot be written: {error.strerror or error}; name another file with --anchor"
    )
