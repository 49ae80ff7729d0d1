"""Standard input, output and error, whatever state the caller left them in."""

import errno
import io
import json
import os
import stat
import sys
from typing import Any, TextIO

from harness.errors import HarnessError


def prepare() -> None:
    """Make the three standard streams safe to use.

    One that is closed is opened onto nothing, so that no file of the run takes its number. What an encoding
    cannot say is written as escapes.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - has no keyword
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), write_through=True)
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), write_through=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show(text: str) -> None:
    """Print a result on standard output. A reader that left, as `| head` or a closed terminal, is no error.

    Raises:
        HarnessError: if it cannot be written, such as on a full disk.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        left = error.errno == errno.EPIPE or (error.errno == errno.EIO and _is_device(sys.stdout))
        _hush(sys.stdout)
        if left:
            return
        raise HarnessError(
            f"standard output cannot be written: {error.strerror or error}; send it to another place"
        ) from error


def show_json(value: Any) -> None:
    """Print a value as JSON on standard output, in an encoding that it has.

    Raises:
        HarnessError: if it cannot be written.
    """
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    show(json.dumps(value, indent=2, ensure_ascii=plain, default=str))


def say(text: str) -> None:
    """Print for people on standard error; nobody being there is no reason to stop."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _hush(sys.stderr)


def _is_device(stream: TextIO) -> bool:
    return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)


def _hush(stream: TextIO) -> None:
    # What is still in the buffer must go somewhere when Python ends, or Python complains.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
