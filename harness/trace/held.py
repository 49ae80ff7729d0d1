"""Who holds a trace: its writer while a run lives, and whoever goes on with a run that died.

The hold is an exclusive `flock` on `events.jsonl`. It dies with its process, however that ends, so a trace
that nobody holds belongs to no live run.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import TraceError
from harness.trace.lines import events_file


def hold(descriptor: int) -> None:
    """Hold a trace that was just made, by its open events file, until that is closed.

    Raises:
        OSError: if the file system knows no locks.
    """
    # Nobody but one who asks `held` at this moment could have it, and does not keep it.
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def held(path: Path) -> bool:
    """Say whether somebody holds a trace, given its folder or events file: then it is not to be touched.

    Raises:
        TraceError: if there is no such trace, or it cannot be looked at.
    """
    file = events_file(path)
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise TraceError(f"{file}: cannot be looked at: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


class Claim:
    """A hold on the trace of a run that is over, from `with Claim.take(folder):` to the end of the block."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Self:
        """Take hold of a trace, given its folder or events file.

        Raises:
            TraceError: if its run still goes on, or somebody else goes on with it; or it cannot be opened.
        """
        file = events_file(path)
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise TraceError(f"{file}: cannot be opened: {error.strerror or error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise TraceError(
                f"{file.parent}: its run still goes on, or is being gone on with: wait for the end"
            ) from error
        return cls(descriptor)

    def release(self) -> None:
        """Let go. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        """Give the hold."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go."""
        self.release()
