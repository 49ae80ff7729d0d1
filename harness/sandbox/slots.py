"""How many sandboxes start at a time: a burst waits in line instead of running out of time all at once.

    <base>/slot-0, slot-1 …      held with flock() while a sandbox starts, and deleted by its holder

All processes of one user share the line. A lock dies with its process, however it ends, so a slot is never
lost; a file that a dead process left is taken and deleted by the next one.
"""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from harness.errors import SandboxError
from harness.sandbox.rundir import base_folder

QUEUE_SECONDS: Final = 600.0
"""How long a start may wait for its turn."""

_POLL: Final = 0.05
_TRIES: Final = 100


def usual(cores: int | None = None) -> int:
    """Give the number of sandboxes that may start at a time: one a core of this machine, and two at least."""
    return max(2, (os.cpu_count() or 1) if cores is None else cores)


@contextlib.asynccontextmanager
async def slot(
    count: int | None = None, *, base: Path | None = None, seconds: float = QUEUE_SECONDS
) -> AsyncIterator[int]:
    """Wait for a turn, and hold it to the end of the block. Cancelling while it waits leaves nothing.

    Args:
        count: how many may start at a time; nothing for `usual()`.
        base: the folder that all who share the line use.
        seconds: to wait at most.

    Yields:
        The number of the slot.

    Raises:
        SandboxError: if no turn came in time, or the folder cannot be written to.
    """
    count = usual() if count is None else count
    if count < 1:
        raise SandboxError(f"{count} sandboxes may start at a time: allow 1 at least")
    folder = base or base_folder()
    number, lock = await _taken(folder, count, seconds)
    try:
        yield number
    finally:
        path = _path(folder, number)
        if _names(path, lock):
            path.unlink(missing_ok=True)
        # A child that was forked and is not yet another program shares the lock: to close is not enough.
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)


async def _taken(folder: Path, count: int, seconds: float) -> tuple[int, int]:
    now = asyncio.get_running_loop().time
    end = now() + seconds
    while True:
        for number in range(count):
            lock = _locked(_path(folder, number))
            if lock is not None:
                return number, lock
        if now() >= end:
            raise SandboxError(
                f"this sandbox waited {seconds:g} s for its turn: {count} start at a time, and none of those "
                "before it came to an end; start fewer at once"
            )
        await asyncio.sleep(_POLL)


def _locked(path: Path) -> int | None:
    for _ in range(_TRIES):
        try:
            lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SandboxError(f"{path} cannot be made, which limits starts: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        # Its holder may have deleted it since it was opened: then it is nobody's slot any more.
        if _names(path, lock):
            return lock
        os.close(lock)
    return None


def _names(path: Path, lock: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(lock))
    except OSError:
        return False


def _path(folder: Path, number: int) -> Path:
    return folder / f"slot-{number}"
