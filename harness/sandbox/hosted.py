"""What the places have in common: a folder, a launch and a driver, opened and closed in order."""

import asyncio
import contextlib
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from playwright.async_api import Browser, Error

from harness.action import Action
from harness.clearance import Cleared, Target
from harness.errors import SandboxError
from harness.sandbox.base import ActOutcome, SandboxInfo, SandboxOptions
from harness.sandbox.browser import Driver
from harness.sandbox.downloads import copy
from harness.sandbox.launch import Launch
from harness.sandbox.slots import slot
from harness.screen import Screen

_T = TypeVar("_T")


class HostedSandbox(ABC):
    """A browser on this machine. A place says how it is confined; the driver does the rest."""

    kind: str

    def __init__(self, options: SandboxOptions) -> None:
        """Take what it is told; nothing starts before `open`."""
        self.options = options
        self._launch: Launch | None = None
        self._driver: Driver | None = None
        self._spare: Driver | None = None
        self._ahead: tuple[Path, str] | None = None
        self._browser: Browser | None = None
        self._closed = False

    @property
    @abstractmethod
    def info(self) -> SandboxInfo:
        """What it is."""

    @abstractmethod
    async def _start(self, launch: Launch, socket: Path, spki: str) -> Browser:
        """Start the browser in its place."""

    @abstractmethod
    async def _end(self) -> None:
        """Take down what the place made besides the browser."""

    @property
    def container(self) -> str | None:
        """The id of the container that the browser is in, if it is in one."""
        return None

    def _forget(self) -> None:
        """Delete the place's own files, unless they are to be looked at."""
        if self._launch and not self.options.leave:
            shutil.rmtree(self._launch.folder, ignore_errors=True)

    def _take(self, source: Path, target: Path) -> int:
        """Copy a file that the browser wrote, and give its size.

        Raises:
            OSError: if it is not a plain file in the folder for downloads.
        """
        return copy(source, target, self._launch.downloads if self._launch else None)

    async def _cause(self) -> str:
        """Say what happened to browser or page, if the place knows."""
        return ""

    def _home(self) -> Path:
        """Give the folder for the place's own files."""
        return self.options.runtime

    @property
    def browser(self) -> Browser:
        """The browser itself, for `harness.sandbox.probe`.

        Raises:
            SandboxError: if it is not open.
        """
        if self._browser is None or self._closed:
            raise SandboxError("the sandbox is not open")
        return self._browser

    @property
    def version(self) -> str:
        """The browser and its version, once open."""
        return f"Chromium {self._browser.version}" if self._browser else ""

    @property
    def warmed(self) -> bool:
        """Whether it was started ahead of its run."""
        return self._ahead is not None

    async def open(self, socket: Path, spki: str) -> None:
        """Start the browser, as `Sandbox.open` says; one that was started ahead is only taken up.

        Raises:
            SandboxError: with what to install or to do.
        """
        if self._driver or self._closed or (self._launch and not self._ahead):
            raise SandboxError("a sandbox is opened once: make a new one for every run")
        if self._ahead and self._ahead != (socket, spki):
            raise SandboxError("this sandbox was started ahead for the door of another gateway")
        try:
            self._make(self.options.downloads)
            if self._ahead:
                await self._explained(self._take_up())
            else:
                await self._begin(socket, spki, ahead=False)
        except BaseException:
            await self.close()
            raise
        self._driver, self._spare = self._spare, None

    async def warm(self, socket: Path, spki: str) -> None:
        """Start the browser ahead of a run that is not known yet; `bind` and `open` follow.

        Args:
            socket: where the run's gateway will be, listened at already.
            spki: as `Sandbox.open` takes it.

        Raises:
            SandboxError: with what to install or to do.
        """
        if self._launch or self._closed:
            raise SandboxError("a sandbox is started once: make a new one for every run")
        try:
            spare = await self._begin(socket, spki, ahead=True)
            # The first picture of a browser is slow: its run is not to wait for it.
            await self._explained(spare.observe())
        except BaseException:
            await self.close()
            raise
        self._ahead = (socket, spki)

    def bind(self, options: SandboxOptions) -> None:
        """Tell a sandbox that was started ahead what its run wants; folder and walls stay what they are.

        Raises:
            SandboxError: if its browser was told to reach other places than the run may.
        """
        mine = self.options
        if self._spare is None or self._closed:
            raise SandboxError("only a sandbox that was started ahead, and not taken yet, is bound to a run")
        if options.reach != mine.reach:
            raise SandboxError(
                "this sandbox was started ahead for another policy: its browser reaches others"
            )
        kept = {name: vars(mine)[name] for name in ("runtime", "oci_runtime", "starts", "leave", "seed")}
        self.options = options.model_copy(update=kept)

    async def awake(self) -> bool:
        """Whether a browser that was started ahead still answers."""
        alive = self._launch is not None and self._launch.alive and not self._closed
        return alive and self._spare is not None and await self._spare.answers()

    async def memory(self) -> int:
        """Give the bytes of memory that it has now, its driver's among them."""
        return await asyncio.to_thread(self._memory)

    async def observe(self) -> Screen:
        """Wait until the screen is still, within a cap, and give it."""
        return await self._explained(self._opened().observe())

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch."""
        return await self._explained(self._opened().ground(action))

    async def find(self, like: Target) -> tuple[Target, ...]:
        """Say where something is that was described elsewhere."""
        return await self._explained(self._opened().find(like))

    async def place(self) -> str:
        """Name what is looked at."""
        return await self._explained(self._opened().place())

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good."""
        return await self._explained(self._opened().act(cleared))

    async def cookies(self) -> str:
        """Give the browser's cookies as JSON."""
        return await self._explained(self._opened().cookies())

    async def bring(self, cookies: str) -> None:
        """Take up the cookies of a browser before this one."""
        await self._explained(self._opened().bring(cookies))

    async def close(self) -> None:
        """End the browser and leave nothing behind."""
        self._closed = True
        driver, launch = self._driver or self._spare, self._launch
        self._driver = self._spare = None
        try:
            if driver:
                with contextlib.suppress(Error, SandboxError):
                    await driver.close()
        finally:
            try:
                if launch:
                    # Whoever replays a recording wants nothing of its browser but what was seen.
                    await launch.stop(at_once=self.options.pinned is not None)
            finally:
                await self._end()

    def _prepare(self, socket: Path) -> Launch:
        if not socket.is_socket():
            raise SandboxError(f"no gateway listens at {socket}: open the gateway before the sandbox")
        try:
            home = Path(tempfile.mkdtemp(prefix="sandbox-", dir=self._home()))
            home.chmod(0o711)
        except OSError as error:
            raise SandboxError(f"the run's folders cannot be made: {error}") from error
        return Launch(home)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SandboxError(f"the run's folders cannot be made: {error}") from error

    async def _begin(self, socket: Path, spki: str, *, ahead: bool) -> Driver:
        self._launch = self._prepare(socket)
        async with slot(self.options.starts):
            self._browser = await self._start(self._launch, socket, spki)
            self._spare = driver = Driver(self._browser, self.options, self._take)
            await self._explained(driver.start(ahead=ahead))
        return driver

    async def _take_up(self) -> None:
        if self._spare is None or self._browser is None:
            raise SandboxError("this sandbox was started ahead and not bound to a run")
        if self._spare.suits(self.options):
            self._spare.bind(self.options)
            return
        await self._spare.close()
        self._spare = Driver(self._browser, self.options, self._take)
        await self._spare.start()

    def _memory(self) -> int:
        return self._launch.memory() if self._launch else 0

    def _opened(self) -> Driver:
        if self._driver is None:
            raise SandboxError("the sandbox is not open")
        return self._driver

    async def _explained(self, doing: Awaitable[_T]) -> _T:
        try:
            return await doing
        except (Error, SandboxError) as error:
            if self._launch and not self._launch.alive:
                cause = await self._cause()
                died = f"the browser died: {cause}" if cause else "the browser died"
                raise SandboxError(self._launch.why(f"{died}; the run cannot go on")) from error
            if isinstance(error, SandboxError):
                cause = await self._cause()
                said = self.options.secrets.hide(f"{error}: {cause}" if cause else str(error))
                if said != str(error):
                    raise (SandboxError if cause else type(error))(said) from None
                raise
            message = self.options.secrets.hide(error.message)
            raise SandboxError(f"the browser did not do as it was told: {message}") from None
