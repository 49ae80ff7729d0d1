"""A program inside the walls that is not the browser: what an attacker has who took the browser over.

It stands behind walls built like a browser's, with the gateway's socket among them, and can be used in two
ways: `run` starts a program there, and `dial` gives a connection that begins inside and ends at the relay,
for bytes that no browser would send.

`beside` gives the one that belongs to a kind of sandbox.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from harness.errors import SandboxError
from harness.sandbox import group
from harness.sandbox.confine import RELAY_PORT, Confinement, find_tools, real_user

_START_SECONDS = 15.0
PYTHON = Path("/usr/bin/python3")
"""The machine's own, which every program inside can be given."""


class Insider(Protocol):
    """Walls of their own around whatever program is named."""

    @property
    def python(self) -> str | None:
        """A Python inside, if this machine has one where the walls let it be seen."""
        ...

    async def open(self) -> None:
        """Build the walls and start the way in to the relay.

        Raises:
            SandboxError: if it does not start.
        """
        ...

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection from inside to the relay.

        Raises:
            OSError: if there is none.
        """
        ...

    async def run(self, command: Sequence[str], seconds: float = 30.0) -> tuple[int, str, str]:
        """Run a program inside, and give its exit code, output and errors.

        Raises:
            SandboxError: if it takes too long.
        """
        ...

    async def close(self) -> None:
        """End what runs inside. Safe to call twice."""
        ...


def beside(kind: str, folder: Path, socket: Path, oci_runtime: str | None = None) -> Insider | None:
    """Give the insider that stands behind the walls of a kind of sandbox, not opened.

    Args:
        kind: the sandbox's.
        folder: an empty folder that any user can pass through, in the run's own.
        socket: the gateway's Unix socket.
        oci_runtime: what runs the container, if it is one.

    Returns:
        Nothing if there are no walls.
    """
    match kind:
        case "bubblewrap":
            return BubblewrapInsider(folder, socket)
        case "docker":
            from harness.sandbox.insider_docker import DockerInsider  # noqa: PLC0415 - as in `choose`

            return DockerInsider(folder, socket, oci_runtime)
        case _:
            return None


class BubblewrapInsider:
    """A program behind bubblewrap's walls.

    Args:
        folder: an empty folder that any user can pass through.
        socket: the gateway's Unix socket.
    """

    def __init__(self, folder: Path, socket: Path) -> None:
        user = real_user(folder) if os.geteuid() == 0 else None
        self._door = folder / "files" / "relay.sock"
        self._walls = Confinement(folder, find_tools(), user, socket=socket, downloads=folder / "files")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def python(self) -> str | None:
        """A Python inside, if there is one."""
        return str(PYTHON) if PYTHON.exists() else None

    async def open(self) -> None:
        """Build the walls and start the way in, as `Insider.open` says."""
        self._walls.build()
        socat = self._walls.tools["socat"]
        inner = (f"UNIX-LISTEN:{self._door},fork,mode=600", f"TCP:127.0.0.1:{RELAY_PORT},nodelay")
        self._process = await asyncio.create_subprocess_exec(
            *("/bin/sh", "-c", self._walls.script(), "sh", socat, *inner),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not self._door.is_socket():
                    if self._process.returncode is not None:
                        raise SandboxError("the way into the sandbox ended at once: run `harness doctor`")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise SandboxError("the way into the sandbox did not open") from error

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection from inside to the relay."""
        return await asyncio.open_unix_connection(self._door)

    async def run(self, command: Sequence[str], seconds: float = 30.0) -> tuple[int, str, str]:
        """Run a program inside."""
        return await self._walls.probe(command, seconds)

    async def close(self) -> None:
        """End what runs inside. Safe to call twice."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        await group.kill(process)


async def outside(
    arguments: Sequence[str], environment: Mapping[str, str], seconds: float = 20.0
) -> tuple[int, str, str]:
    """Run a Python program without walls, as the control of one inside; gives what `Insider.run` does.

    Raises:
        SandboxError: if it takes too long.
    """
    command = (sys.executable, *arguments)
    return await group.run(
        command, {"PATH": "/usr/bin:/bin", **environment}, seconds, "a program outside the sandbox"
    )
