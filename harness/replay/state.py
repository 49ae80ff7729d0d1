"""What a run keeps beside its trace so that another can go on with it: cookies, and what web apps wrote.

    <run>/state/             mode 0700; never part of the trace, never exported or packed
      cookies.json           mode 0600: the browser's cookies, after every look and every action
      hosts/shop.test/       what an app of this process wrote, if it takes `state`
      brief                  if nobody asked for it: all of it goes when the run ends as it should

Cookies are credentials. They are deleted when the run ends in a way that nobody goes on from. What a page
keeps elsewhere in the browser (local storage, service workers) is not kept.
"""

import os
import shutil
from pathlib import Path

from harness.action import Action
from harness.clearance import Cleared, Target
from harness.errors import SandboxError
from harness.sandbox.base import ActOutcome, Sandbox, SandboxInfo, Sessioned
from harness.screen import Screen

FOLDER = "state"
"""The name of the folder in a run's folder."""


class State:
    """The folder of one run."""

    def __init__(self, run: Path) -> None:
        """Use `state` in a run's folder, which is made by `make`."""
        self.folder = run / FOLDER
        self.hosts = self.folder / "hosts"
        """Where web apps of this process keep what they write."""
        self._cookies = self.folder / "cookies.json"
        self._brief = self.folder / "brief"

    @property
    def brief(self) -> bool:
        """Whether all of it is deleted, and not the cookies alone, when nobody goes on with the run."""
        return self._brief.exists()

    @property
    def there(self) -> bool:
        """Whether the run kept anything."""
        return self.folder.is_dir()

    def make(self, before: "State | None" = None, *, brief: bool = False) -> None:
        """Make the folder, with what a run before this one kept.

        Args:
            before: that run's.
            brief: as the property.

        Raises:
            SandboxError: if it cannot be made.
        """
        try:
            self.folder.mkdir(mode=0o700)
            if brief:
                self._brief.touch()
            if before is not None and before.hosts.is_dir():
                shutil.copytree(before.hosts, self.hosts)
        except OSError as error:
            raise SandboxError(f"{self.folder}: cannot be made: {error.strerror or error}") from error

    def cookies(self) -> str | None:
        """Give the cookies; nothing if there are none.

        Raises:
            SandboxError: if they cannot be read.
        """
        try:
            return self._cookies.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise SandboxError(f"{self._cookies}: cannot be read: {error}") from None

    def keep(self, cookies: str) -> None:
        """Keep cookies, whole or not at all.

        Raises:
            SandboxError: if they cannot be written.
        """
        partial = self._cookies.with_suffix(".partial")
        try:
            partial.unlink(missing_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(cookies)
            partial.rename(self._cookies)
        except OSError as error:
            raise SandboxError(f"{self._cookies}: cannot be written: {error.strerror or error}") from error

    def forget(self) -> None:
        """Delete the cookies, and all else if it is brief. Safe to call twice, and without a folder."""
        if self.brief:
            shutil.rmtree(self.folder)
        for file in (self._cookies, self._cookies.with_suffix(".partial")):
            file.unlink(missing_ok=True)


class Remembering:
    """A sandbox whose cookies are kept after every look and every action."""

    def __init__(self, sandbox: Sandbox, state: State) -> None:
        """Stand in front of a sandbox. One that gives no cookies is left as it is."""
        self._sandbox = sandbox
        self._source = sandbox if isinstance(sandbox, Sessioned) else None
        self._state = state
        self._kept: str | None = None

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        return self._sandbox.info

    async def open(self, socket: Path, spki: str) -> None:
        """Start the browser."""
        await self._sandbox.open(socket, spki)

    async def observe(self) -> Screen:
        """Give the screen."""
        screen = await self._sandbox.observe()
        await self._keep()
        return screen

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch."""
        return await self._sandbox.ground(action)

    async def place(self) -> str:
        """Name what is looked at."""
        return await self._sandbox.place()

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good."""
        outcome = await self._sandbox.act(cleared)
        await self._keep()
        return outcome

    async def close(self) -> None:
        """End the browser."""
        await self._sandbox.close()

    async def _keep(self) -> None:
        if self._source is None:
            return
        cookies = await self._source.cookies()
        if cookies != self._kept:
            self._state.keep(cookies)
            self._kept = cookies
