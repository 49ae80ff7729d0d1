"""Ctrl-C, SIGTERM and SIGHUP: whenever they come, one orderly end."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_CODE = 130


class Interrupts:
    """Ends the command at the first signal, or tells whoever has something to end first.

    Signals that were ignored when the command began stay ignored, as `nohup` and shells in the background
    want it.
    """

    def __init__(self) -> None:
        self._ends: list[Callable[[], object]] = []

    def install(self) -> None:
        """Begin to listen."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on)

    @contextmanager
    def told(self, end: Callable[[], object]) -> Iterator[None]:
        """Call `end` at every signal meanwhile, inside the signal's handler."""
        self._ends.append(end)
        try:
            yield
        finally:
            self._ends.pop()

    def _on(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._ends:
            self._ends[-1]()
            return
        # An exception could be swallowed by whatever is being imported, and print would not be safe here.
        try:
            os.write(2, b"harness: interrupted\n")
        finally:
            os._exit(EXIT_CODE)


def unwind() -> None:
    """Raise `KeyboardInterrupt`, for `told` around what must take something away when it ends."""
    raise KeyboardInterrupt
