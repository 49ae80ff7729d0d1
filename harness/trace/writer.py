"""Writes a trace while it happens: one line an event, in order, on disk before the caller goes on."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, NoReturn, Self

from harness.clearance import digest
from harness.errors import TraceError
from harness.trace.blobs import FOLDER, BlobStore, sync
from harness.trace.compact import Memory, plain
from harness.trace.events import Event, Requested
from harness.trace.held import hold
from harness.trace.lines import FILE, LONGEST, START, seal, stamp
from harness.trace.redact import Redactor, credential


class _End(NamedTuple):
    seq: int
    head: str
    size: int


class TraceWriter:
    """The `Recorder` that keeps a run in a folder.

    A line is whole in the file when `write` returns, so it outlives the process; with `sync` it, and every
    blob put so far, outlives the machine. If a line cannot be written whole, what is there of it is cut off,
    so that the file still verifies, and every later call is refused with the same reason.
    """

    def __init__(
        self, folder: Path, descriptor: int, now: Callable[[], datetime], redactor: Redactor | None
    ) -> None:
        """Write to an open, empty file; `TraceWriter.create` makes one."""
        self._file = folder / FILE
        self._descriptor = descriptor
        self._now = now
        self._redactor = redactor if redactor and redactor.active else None
        self._blobs = BlobStore(folder / FOLDER)
        self._memory = Memory()
        self._end = _End(0, START, 0)
        self._broken: str | None = None

    @classmethod
    def create(cls, folder: Path, *, now: Callable[[], datetime], redactor: Redactor | None = None) -> Self:
        """Begin a trace in a new or empty folder.

        Args:
            folder: the run's folder, `traces/<run-id>`; made with its parents if it is not there.
            now: the clock, which must give moments with a time zone.
            redactor: keeps secrets out; credentials in request headers are kept out without one too.

        Raises:
            TraceError: if the folder holds something already, or cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise TraceError(
                    f"{folder}: is not empty; a trace is never written over: name another folder"
                )
            descriptor = os.open(
                folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
            hold(descriptor)
            for place in (folder, folder.parent):
                sync(place)
        except FileExistsError:
            raise TraceError(f"{folder}: is a file; name a folder for the trace") from None
        except OSError as error:
            raise TraceError(
                f"{folder}: the trace cannot be started: {error.strerror or error}; "
                "name a folder that can be written to with --traces"
            ) from error
        return cls(folder, descriptor, now, redactor)

    @property
    def head(self) -> str:
        """Hash of the last line; 64 zeros before the first."""
        return self._end.head

    @property
    def lines(self) -> int:
        """How many lines were written."""
        return self._end.seq

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Put one event on disk before returning; `sync` waits for the medium too.

        Raises:
            TraceError: if the event has no JSON form or is too long, and nothing was written; or if the file
                cannot be written, such as on a full disk, and every later call will be refused.
        """
        self._usable()
        end = self._end
        try:
            fields = plain(event, self._redactor)
            short = self._memory.shrink(fields, self._digest(event))
            line, head = seal(end.seq, stamp(self._now()), short, end.head)
        except (ValueError, RecursionError) as error:
            raise TraceError(f"{self._file}: a {event.kind} event cannot be written: {error}") from error
        if len(line) > LONGEST:
            raise TraceError(
                f"{self._file}: a {event.kind} event of {len(line):,} bytes is longer than a line may be "
                f"({LONGEST:,}); keep what is long in it as a blob"
            )
        try:
            self._append(line)
            self._memory.learn(end.seq, fields)
            self._end = _End(end.seq + 1, head, end.size + len(line))
            if sync:
                self._blobs.sync()
                os.fdatasync(self._descriptor)
        except OSError as error:
            self._give_up(error)
        except BaseException:
            self._cut("a write was interrupted")
            raise

    def blob(self, data: bytes) -> str:
        """Keep bytes once and give their hex SHA-256; secrets in texts are replaced first.

        Raises:
            TraceError: if they cannot be written; every later call will be refused.
        """
        self._usable()
        try:
            return self._blobs.put(self._redactor.data(data) if self._redactor else data)
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Wait for the medium and close the file; closing twice does nothing.

        Raises:
            TraceError: if the medium fails.
        """
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            if self._broken is None:
                self._blobs.sync()
                os.fsync(descriptor)
        except OSError as error:
            raise TraceError(f"{self._file}: {error.strerror or error}; the end may be lost") from error
        finally:
            os.close(descriptor)

    def _usable(self) -> None:
        if self._broken is not None:
            raise TraceError(f"{self._file}: nothing more is written, because {self._broken}")
        if self._descriptor < 0:
            raise TraceError(f"{self._file}: nothing more is written, because the trace was closed")

    def _digest(self, event: Event) -> str | None:
        # Whatever was redacted has another digest, which the reader will find.
        if not isinstance(event, Requested) or self._redactor:
            return None
        if any(credential(name) for name, _ in event.request.headers):
            return None
        return digest(event.request)

    def _append(self, line: bytes) -> None:
        if self._file.stat().st_ino != os.fstat(self._descriptor).st_ino:
            raise FileNotFoundError(2, "the file was replaced by another")
        left = memoryview(line)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _give_up(self, error: OSError) -> NoReturn:
        self._cut(error.strerror or str(error))
        raise TraceError(
            f"{self._file}: cannot be written: {self._broken}; free some space or name another folder with "
            "--traces, and start again. What was written before still verifies"
        ) from error

    def _cut(self, why: str) -> None:
        self._broken = why
        try:
            os.ftruncate(self._descriptor, self._end.size)
        except OSError as error:
            self._broken = f"{why}, and the torn line could not be cut off ({error.strerror})"
