"""A warm pool: sandboxes that were started ahead, each bound to one run when it is needed, and never again.

    start ahead ─▶ ready ─▶ taken by a run ─▶ ends with it
                     └─▶ died, or the pool is closed ─▶ thrown away

What waits is a folder, a socket that is listened at, a certificate authority and a browser with a blank tab.
Nobody answers at the socket before the run's own gateway does, so nothing gets out meanwhile.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

import structlog

from harness.errors import InputError, SandboxError
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.rundir import RunFolder

TYPICAL: Final = 300 * 1024**2
"""Bytes of memory that one sandbox is taken to need until one was measured."""

_LEAST_PAUSE: Final = 1.0
_MOST_PAUSE: Final = 60.0
_log = structlog.get_logger(__name__)


class Door(Protocol):
    """A socket that is listened at and an authority, which the run's gateway takes over."""

    @property
    def spki(self) -> str:
        """Base64 SHA-256 of the authority's key."""
        ...

    def close(self) -> None:
        """Close what was not handed over. Safe to call twice."""
        ...


D = TypeVar("D", bound=Door)


@dataclass(frozen=True, eq=False)
class Warm(Generic[D]):
    """A sandbox that waits for its run, and all that belongs to it. Whoever takes it closes it."""

    sandbox: HostedSandbox
    """Started; `bind` and `open` are still to come."""
    folder: RunFolder
    """The run's folder."""
    door: D
    """For the run's gateway."""
    socket: Path
    """Where the door is."""
    memory: int = 0
    """Bytes that it had when it was ready."""

    async def close(self) -> None:
        """End it and leave nothing behind. Safe to call twice."""
        try:
            await self.sandbox.close()
        finally:
            self.door.close()
            self.folder.remove()


class WarmPool(Generic[D]):
    """Sandboxes of one kind for one policy's reach, started ahead.

    Args:
        make: makes an unopened sandbox whose own folder is the one given.
        door: makes a door at a path.
        size: sandboxes that wait at a time, at most.
        most_memory: bytes that all that wait, or are being started to wait, may have together. What a run
            has taken counts no more.
        pause: seconds after one was taken before another is started: its run goes first.

    Raises:
        InputError: if the pool could never hold a sandbox.
    """

    def __init__(
        self,
        make: Callable[[Path], HostedSandbox],
        door: Callable[[Path], D],
        *,
        size: int,
        most_memory: int,
        pause: float = 1.0,
    ) -> None:
        if size < 1:
            raise InputError(f"a pool of {size} sandboxes: give a size of 1 at least")
        if most_memory < TYPICAL:
            raise InputError(
                f"a pool with {most_memory / 1024**2:.0f} MiB: one sandbox takes about "
                f"{TYPICAL // 1024**2} MiB"
            )
        self._make, self._door = make, door
        self._size, self._most_memory, self._pause = size, most_memory, pause
        self._ready: list[Warm[D]] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._dropping: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None
        self._each = TYPICAL
        self._failures = 0
        self._trouble: SandboxError | None = None
        self._waiting = 0
        self._news = asyncio.Event()
        self._open = False

    @property
    def waiting(self) -> tuple[Warm[D], ...]:
        """What can be taken now."""
        return tuple(self._ready)

    async def __aenter__(self) -> Self:
        """Begin to start sandboxes, in the background."""
        self._open = True
        self._fill()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """End every sandbox that was not taken, and every start under way. Safe to call twice."""
        self._open = False
        if self._later:
            self._later.cancel()
        for task in tuple(self._starting):
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        while self._ready:
            self._drop(self._ready.pop())
        await asyncio.gather(*self._dropping, return_exceptions=True)
        self._tell()

    async def ready(self) -> None:
        """Wait until no more is to be started.

        Raises:
            SandboxError: if one could not be started; or if the pool is not open.
        """
        while self._open:
            if self._trouble:
                raise self._trouble
            if not self._starting and self._later is None:
                return
            await self._news.wait()
        raise SandboxError("the pool is not open: use `async with`")

    async def take(self) -> Warm[D] | None:
        """Take a sandbox for one run, and start another in its place.

        Returns:
            One that still answers; nothing if none is ready nor soon will be: then start one as usual.
        """
        while self._open:
            while self._ready:
                one = self._ready.pop(0)
                self._after(self._pause)
                try:
                    awake = await one.sandbox.awake()
                except BaseException:
                    self._drop(one)
                    raise
                if self._closed():
                    await one.close()
                    return None
                if awake:
                    return one
                self._drop(one)
            if self._waiting >= len(self._starting):
                return None
            self._waiting += 1
            try:
                await self._news.wait()
            finally:
                self._waiting -= 1
        return None

    def _closed(self) -> bool:
        return not self._open

    def _fill(self) -> None:
        self._later = None
        while self._open and len(self._ready) + len(self._starting) < self._size and self._room():
            task = asyncio.get_running_loop().create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._started)
        self._tell()

    def _room(self) -> bool:
        used = sum(one.memory for one in self._ready)
        return used + (len(self._starting) + 1) * self._each <= self._most_memory

    def _after(self, seconds: float) -> None:
        if self._later:
            self._later.cancel()
        self._later = asyncio.get_running_loop().call_later(seconds, self._fill) if self._open else None

    async def _start(self) -> None:
        one = await self._warmed()
        # What it takes is known only now.
        self._each = max(self._each, one.memory)
        used = sum(other.memory for other in (one, *self._ready))
        if not self._open or used > self._most_memory:
            _log.warning("a sandbox that was started ahead is thrown away: it is too big", bytes=one.memory)
            self._drop(one)
            return
        self._ready.append(one)
        one.sandbox.browser.on("disconnected", lambda _: self._died(one))

    async def _warmed(self) -> Warm[D]:
        folder = RunFolder.create()
        try:
            socket = folder.path / "gateway.sock"
            door = self._door(socket)
            try:
                sandbox = self._make(folder.path)
                try:
                    await sandbox.warm(socket, door.spki)
                    memory = await sandbox.memory()
                except BaseException:
                    await sandbox.close()
                    raise
            except BaseException:
                door.close()
                raise
        except BaseException:
            folder.remove()
            raise
        return Warm(sandbox, folder, door, socket, memory)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._failures, self._trouble = 0, None
            if self._open and self._later is None:
                self._fill()
        elif self._open:
            self._trouble = error if isinstance(error, SandboxError) else SandboxError(_said(error))
            self._after(min(_MOST_PAUSE, _LEAST_PAUSE * 2**self._failures))
            self._failures += 1
            _log.warning("a sandbox could not be started ahead", why=_said(error))
        self._tell()

    def _died(self, one: Warm[D]) -> None:
        if one in self._ready:
            self._ready.remove(one)
            self._drop(one)
            self._after(_LEAST_PAUSE)

    def _drop(self, one: Warm[D]) -> None:
        task = asyncio.get_running_loop().create_task(one.close())
        self._dropping.add(task)
        task.add_done_callback(self._dropped)

    def _dropped(self, task: asyncio.Task[None]) -> None:
        self._dropping.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.warning("a sandbox that was started ahead did not end in order", why=_said(error))

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def _said(error: BaseException) -> str:
    return str(error) if isinstance(error, SandboxError) else f"{type(error).__name__}: {error}"
