"""A plain Chromium for debugging: it shares this machine's network and files, and says so."""

import asyncio
import contextlib
import os
import shlex
from pathlib import Path

from playwright.async_api import Browser

from harness.sandbox import chromium
from harness.sandbox.base import SandboxInfo, SandboxOptions
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.launch import Launch, preamble

_CHUNK = 65_536


class ProcessSandbox(HostedSandbox):
    """A browser that is told to use the gateway, with nothing that makes it."""

    kind = "process"

    def __init__(self, options: SandboxOptions) -> None:
        """Take what it is told; nothing starts before `open`."""
        super().__init__(options)
        self._relay: Relay | None = None

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        layers = () if os.geteuid() == 0 else ("Chromium's own sandbox",)
        return SandboxInfo(
            kind=self.kind,
            isolated=False,
            browser=self.version,
            layers=layers,
            seed=self.options.seed,
        )

    async def _start(self, launch: Launch, socket: Path, spki: str) -> Browser:
        program = chromium.find_chromium()
        self._relay = Relay(socket)
        port = await self._relay.open()
        home = shlex.quote(str(launch.folder))
        script = (
            f"#!/bin/sh\n{preamble(launch.folder, str(launch.folder / 'profile'))}"
            f"export HOME={home} TMPDIR={home} LANG=C.UTF-8\n"
            f'exec {shlex.quote(str(program))} "$@"\n'
        )
        # Chromium refuses to run its own sandbox as root.
        return await launch.start(
            lambda: script, chromium.flags(port, spki, self.options.seed), chromium_sandbox=os.geteuid() != 0
        )

    async def _end(self) -> None:
        if self._relay:
            await self._relay.close()
        self._forget()


class Relay:
    """A port of this machine's loopback that leads to a Unix socket."""

    def __init__(self, socket: Path) -> None:
        """Lead to a Unix socket; nothing listens before `open`."""
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> int:
        """Listen on a free port and give its number."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop, and drop every connection. Safe to call twice."""
        if self._server:
            self._server.close()
            self._server = None
        tasks = tuple(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.close()
            return
        task = asyncio.ensure_future(self._join(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # A task that is cancelled before its first step never comes to close anything.
        task.add_done_callback(lambda _: writer.close())

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        try:
            there, out = await asyncio.open_unix_connection(self._socket)
            ends.append(out)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, out))
                both.create_task(_copy(there, writer))
        except OSError:
            return
        finally:
            for end in ends:
                end.close()
            for end in ends:
                with contextlib.suppress(OSError):
                    await end.wait_closed()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
