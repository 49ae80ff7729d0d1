"""The embedded default: Chromium behind bubblewrap, on any Linux, without a daemon."""

import os
from pathlib import Path

from playwright.async_api import Browser

from harness.errors import SandboxError
from harness.sandbox import chromium, managed
from harness.sandbox.base import SandboxInfo, SandboxOptions
from harness.sandbox.confine import RELAY_PORT, Confinement, find_tools, real_user
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.launch import Launch, preamble
from harness.sandbox.rundir import RunFolder, reachable

LAYERS = (
    "user, mount, process, network, IPC, host name and cgroup namespaces",
    "no network but the gateway's Unix socket",
    "seccomp filter",
    "read-only system, empty home, no environment of the host",
    "limits on processes, files and memory-backed folders",
    "Chromium's own sandbox",
    "managed browser policy",
)


class BubblewrapSandbox(HostedSandbox):
    """A browser with namespaces of its own, whose only way out is the gateway's Unix socket."""

    kind = "bubblewrap"

    def __init__(self, options: SandboxOptions) -> None:
        """Take what it is told; nothing starts before `open`."""
        super().__init__(options)
        self._own: RunFolder | None = None
        self._user: int | None = None

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        user = ("a user of this machine for this run alone",) if self._user is not None else ()
        return SandboxInfo(
            kind=self.kind,
            isolated=True,
            browser=self.version,
            layers=LAYERS + user,
            seed=self.options.seed,
            warmed=self.warmed,
        )

    def _home(self) -> Path:
        # Root's own folders are closed to the user that the browser runs as; then one of ours is used.
        if os.geteuid() == 0 and not reachable(self.options.runtime):
            self._own = self._own or RunFolder.create()
            return self._own.path
        return self.options.runtime

    async def _start(self, launch: Launch, socket: Path, spki: str) -> Browser:
        tools = find_tools()
        root = os.geteuid() == 0
        self._user = real_user(launch.folder) if root else None
        program = chromium.find_chromium(shared=self._user is not None)
        outside_usr = () if program.is_relative_to("/usr") else (program.parent,)
        walls = Confinement(
            folder=launch.folder,
            tools=tools,
            user=self._user,
            socket=self._near(socket, launch.folder),
            programs=outside_usr,
            policy=managed.document(self.options.reach),
            downloads=launch.downloads,
        )

        def script() -> str:
            walls.build()
            return walls.script(str(program), preamble(launch.folder, f"{chromium.HOME_INSIDE}/profile"))

        return await launch.start(
            script, chromium.flags(RELAY_PORT, spki, self.options.seed), chromium_sandbox=True
        )

    async def _end(self) -> None:
        self._take_over()
        self._forget()
        if self._own:
            self._own.remove()

    def _take_over(self) -> None:
        # Playwright's copies of the browser's files keep the browser's user as their owner.
        kept = self.options.downloads
        if self._user is not None and kept.is_dir():
            for file in kept.iterdir():
                if file.lstat().st_uid == self._user:
                    os.chown(file, os.geteuid(), os.getegid(), follow_symlinks=False)

    def _near(self, socket: Path, folder: Path) -> Path:
        if self._user is None or reachable(socket.parent):
            return socket
        try:
            os.link(socket, folder / "gateway.sock")
        except OSError as error:
            raise SandboxError(
                f"the browser's own user cannot reach {socket}: make the run's folder with "
                "harness.sandbox.rundir.RunFolder.create()"
            ) from error
        return folder / "gateway.sock"
