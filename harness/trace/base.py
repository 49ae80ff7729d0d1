"""The contract between the loop and whatever remembers."""

from typing import Protocol

from harness.trace.events import Event


class Recorder(Protocol):
    """Keeps what happened, in order."""

    @property
    def head(self) -> str:
        """Hash of the last line."""
        ...

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Put one event on disk before returning; `sync` waits for the medium too.

        Raises:
            TraceError: if it cannot be written, such as on a full disk; the run must end.
        """
        ...

    def blob(self, data: bytes) -> str:
        """Keep bytes once and give their hex SHA-256; raises as `write` does."""
        ...
