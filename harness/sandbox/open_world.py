"""A browser without any wall, in a network where every name and address leads to one listener.

The containment suite's first control: what does nothing here says nothing about a wall. It reaches no network
of this machine; where it thinks that it reaches the internet, it reaches a Unix socket.
"""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser

from harness.errors import SandboxError
from harness.sandbox import chromium, open_net
from harness.sandbox.base import SandboxInfo, SandboxOptions
from harness.sandbox.confine import find_tools
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.launch import Launch, preamble

_FLAGS = (
    "--ignore-certificate-errors",
    # Whether a public page may ask a private address is a matter of Chromium's version, not of a wall.
    "--disable-features=LocalNetworkAccessChecks,PrivateNetworkAccessRespectPreflightResults",
)


class OpenSandbox(HostedSandbox):
    """A plain browser that can reach everything, where everything is one listener.

    Args:
        options: as for any sandbox.
        ports: those on which every address answers, over TCP and UDP. 53 must be among them for names to
            be found.
    """

    kind = "open"

    def __init__(self, options: SandboxOptions, ports: Sequence[int]) -> None:
        super().__init__(options)
        self._ports = tuple(ports)

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        return SandboxInfo(kind=self.kind, isolated=False, browser=self.version)

    async def _start(self, launch: Launch, socket: Path, spki: str) -> Browser:
        del spki
        program = chromium.find_chromium()
        home = shlex.quote(str(launch.folder))

        def script() -> str:
            walls = open_command(launch.folder, socket, self._ports, (str(program),))
            return (
                f"#!/bin/sh\n{preamble(launch.folder, str(launch.folder / 'profile'))}"
                f"export HOME={home} TMPDIR={home} LANG=C.UTF-8 PATH=/usr/bin:/bin\n"
                f'exec {shlex.join(walls)} "$@"\n'
            )

        return await launch.start(script, _FLAGS, chromium_sandbox=False)

    async def _end(self) -> None:
        if self._launch:
            shutil.rmtree(self._launch.folder, ignore_errors=True)


def open_command(folder: Path, socket: Path, ports: Sequence[int], program: Sequence[str]) -> tuple[str, ...]:
    """Give the command that runs a program in a network where every address leads to one listener.

    The program sees the files of this machine as they are; open files are passed on to it.

    Args:
        folder: of this command alone: what it needs is written there.
        socket: where the listener is.
        ports: those on which every address answers, over TCP and UDP.
        program: what is run, with its arguments.

    Raises:
        SandboxError: if a tool is missing.
        OSError: if the folder cannot be written.
    """
    names, ready = folder / "resolv.conf", folder / "ready"
    names.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "ascii")
    listens = (sys.executable, "-I", str(open_net.__file__), str(socket), str(ready))
    net = shlex.join((*listens, *map(str, ports)))
    inside = (
        f"{net} 3>&- 4>&- </dev/null & until [ -e {shlex.quote(str(ready))} ]; do "
        'kill -0 $! 2>/dev/null || exit 127; sleep 0.02; done; exec "$@"'
    )
    return (
        *(find_tools()["bwrap"], "--dev-bind", "/", "/", "--ro-bind", str(names)),
        *(_names(), "--proc", "/proc", "--die-with-parent"),
        *("--unshare-user", "--unshare-net", "--unshare-pid", "--uid", "0", "--gid", "0"),
        *("--cap-add", "CAP_NET_ADMIN", "--cap-add", "CAP_NET_BIND_SERVICE"),
        *("--", "/bin/sh", "-c", inside, "sh", *program),
    )


def _names() -> str:
    file = Path("/etc/resolv.conf")
    if not file.exists():
        raise SandboxError("there is no /etc/resolv.conf that another could take the place of")
    return str(file.resolve())
