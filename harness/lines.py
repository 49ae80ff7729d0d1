"""Lines from a terminal or a pipe, read without a thread and without blocking the event loop."""

import asyncio
import os
import select
import stat
import termios
from collections.abc import Callable
from typing import TextIO

_LONGEST = 64 * 1024


class Lines:
    """Reads whole lines from a file descriptor.

    What a pipe sent ahead is kept for the next question; what was typed ahead on a terminal is dropped,
    because it was typed before the question could be read. Where several wait for a line, such as a person
    who drives and an approval that comes up meanwhile, the newest gets it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Read from a stream's file descriptor; nothing can be read from no stream."""
        self._stream = stream
        self._rest = bytearray()
        self._ended = False
        self._waiting: list[asyncio.Event] = []

    def why_not(self) -> str:
        """Say why nobody can answer here; nothing if somebody can."""
        try:
            fd = self._fd()
            mode = os.fstat(fd).st_mode
        except (OSError, ValueError):
            return "there is no standard input"
        if os.isatty(fd):
            return "" if _in_front(fd) else "the command runs in the background of its terminal"
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            return ""
        return "standard input is neither a terminal nor a pipe"

    @property
    def typed(self) -> bool:
        """Whether a person types here."""
        try:
            return os.isatty(self._fd())
        except (OSError, ValueError):
            return False

    def drop(self) -> None:
        """Forget what was typed ahead on a terminal; a pipe keeps what it sent."""
        if self.typed:
            self._rest.clear()
            self._ended = False
            termios.tcflush(self._fd(), termios.TCIFLUSH)

    async def line(self, tick: Callable[[], float | None]) -> str | None:
        """Wait for one line, without its end; nothing once there will be no more.

        Args:
            tick: called before every wait; gives the seconds to wait until it wants to be called again, or
                nothing when the time is over.

        Raises:
            TimeoutError: when the time is over.
        """
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        fd = self._fd()
        found = self._cut()
        if found is not None or self._ended:
            return found
        self._waiting.append(ready)
        loop.add_reader(fd, self._wake)
        try:
            while True:
                seconds = tick()
                if seconds is None:
                    raise TimeoutError
                try:
                    await asyncio.wait_for(ready.wait(), seconds)
                except TimeoutError:
                    continue
                ready.clear()
                if self._waiting[-1] is not ready:
                    continue
                self._take(fd)
                found = self._cut()
                if found is not None or self._ended:
                    return found
        finally:
            self._waiting.remove(ready)
            if self._waiting:
                self._wake()
            else:
                loop.remove_reader(fd)

    def _wake(self) -> None:
        self._waiting[-1].set()

    def _fd(self) -> int:
        if self._stream is None:
            raise ValueError("no stream")
        return self._stream.fileno()

    def _take(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        # A wake-up can outlive what woke it, and a read of nothing would block the event loop.
        if not poll.poll(0):
            return
        try:
            data = os.read(fd, 4096)
        except OSError:
            data = b""
        self._rest += data
        self._ended = not data or len(self._rest) > _LONGEST

    def _cut(self) -> str | None:
        line, end, rest = bytes(self._rest).partition(b"\n")
        if not end or len(line) > _LONGEST:
            return None
        self._rest[:] = rest
        return line.decode("utf-8", "replace")


def _in_front(fd: int) -> bool:
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return True
