"""What every export has in common: a file that is there whole or not at all, and JSON of what is exact."""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from harness.errors import InputError, TraceError


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a place beside `out` to write a file or folder at; it takes the place of `out` when all went well.

    Raises:
        InputError: if `out` is a folder that has something in it, or lies in none.
        TraceError: if something cannot be written; nothing of it is left.
    """
    if not out.parent.is_dir():
        raise InputError(f"{out}: there is no folder {out.parent}; make it, or name another place with --out")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: is a folder that is not empty; name another place with --out")
    partial = out.with_name(f".{out.name[:200]}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
        if out.is_dir():
            out.rmdir()
        partial.replace(out)
    except OSError as error:
        why = error.strerror or error
        raise TraceError(f"{out}: cannot be written: {why}; name another place with --out") from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def missing(extra: str, error: ImportError) -> InputError:
    """Say which extra to install for a format whose packages are not there."""
    name = (error.name or str(error)).partition(".")[0]
    return InputError(f"this format needs the package {name!r}: pip install 'computer-use-harness[{extra}]'")


def dump(value: JsonValue) -> str:
    """Give JSON on one line, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def iso(time: datetime) -> str:
    """Give a time as RFC 3339 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def millis(time: datetime, since: datetime) -> float:
    """Give milliseconds between two times, never less than none."""
    return max(round((time - since).total_seconds() * 1000, 3), 0.0)


def seconds(time: datetime) -> float:
    """Give seconds since 1970."""
    return time.timestamp()


def nanos(time: datetime) -> int:
    """Give nanoseconds since 1970, exactly."""
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def pipe(path: Path, descriptor: int) -> None:
    """Copy a file to an open descriptor, such as standard output's.

    Raises:
        OSError: if either end fails.
    """
    with path.open("rb") as file, os.fdopen(os.dup(descriptor), "wb") as target:
        shutil.copyfileobj(file, target)
