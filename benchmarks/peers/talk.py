"""A program inside a peer's network that is asked line by line, in JSON, over its standard input."""

import asyncio
import contextlib
import itertools
import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import PeerError, World

_MOST = 64 * 1024 * 1024
_TAIL = 800


class Talk:
    """One program; whatever it started ends with it."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._pipes: tuple[asyncio.StreamWriter, asyncio.StreamReader] | None = None
        self._ids = itertools.count(1)
        self._log = Path()

    async def start(self, world: World, program: tuple[str, ...], env: Mapping[str, str]) -> None:
        """Start a program in its network."""
        self._log = world.folder / "peer.log"
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *world.command(*program),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env={"HOME": str(world.folder), "PATH": "/usr/local/bin:/usr/bin:/bin", **env},
                cwd=world.folder,
                limit=_MOST,
                # Ctrl-C is this process's: it ends the program in its own time.
                start_new_session=True,
            )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018 - both are pipes
        self._pipes = self._process.stdin, self._process.stdout

    async def ask(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Ask, and give the answer with the same `id`; other lines are passed over.

        Raises:
            PeerError: if there is no answer in time, or the program has ended.
        """
        number = next(self._ids)
        await self.tell({**message, "id": number})
        try:
            async with asyncio.timeout(seconds):
                while line := await self._open[1].readline():
                    with contextlib.suppress(json.JSONDecodeError):
                        found = json.loads(line)
                        if isinstance(found, dict) and found.get("id") == number:
                            return found
        except TimeoutError as error:
            raise PeerError(f"no answer within {seconds:g} s") from error
        except ValueError as error:
            raise PeerError(f"its answer is longer than {_MOST} bytes") from error
        raise PeerError(f"it ended: {self._tail()}")

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send a line."""
        sink = self._open[0]
        try:
            sink.write(json.dumps(message).encode() + b"\n")
            await sink.drain()
        except OSError as error:
            raise PeerError(f"it ended: {self._tail()}") from error

    async def close(self) -> None:
        """End the program, and with its process namespace all that it started."""
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            await self._process.wait()

    @property
    def _open(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        if self._pipes is None:
            raise PeerError("it is not open")
        return self._pipes

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text("utf-8", "replace")[-_TAIL:].strip() or "without a word"
        return "without a word"
