"""Ctrl-C, SIGTERM and SIGHUP: whenever they come, one orderly end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Raises `KeyboardInterrupt` at the first signal, or tells whoever has taken over.

    Signals that were ignored when the command began stay ignored, as `nohup` and shells in the background
    want it.
    """

    def __init__(self) -> None:
        self._ends: list[Callable[[], None]] = []
        self._raised = False

    def install(self) -> None:
        """Begin to listen."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on)

    @contextmanager
    def told(self, end: Callable[[], None]) -> Iterator[None]:
        """Call `end` at every signal meanwhile, inside the signal's handler, and raise nothing."""
        self._ends.append(end)
        try:
            yield
        finally:
            self._ends.pop()

    def _on(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._ends:
            self._ends[-1]()
        elif not self._raised:
            # A second one must not tear what the first one unwinds.
            self._raised = True
            raise KeyboardInterrupt
