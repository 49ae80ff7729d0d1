"""For tests of the places: a gateway that answers by itself, and the processes under this one."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from harness.action import Action, Goto
from harness.clearance import Act, Target, Verdict, clear, digest
from harness.sandbox.base import ActOutcome, Sandbox, SandboxOptions
from harness.sandbox.rundir import RunFolder

S = TypeVar("S", bound=Sandbox)
SPKI = "A" * 43 + "="
PAGE = b"<!doctype html><meta charset=utf-8><title>Here</title><h1>Hello \xf0\x9f\x98\x80</h1>"


HOLD_OPEN = """
import asyncio, sys
from harness.sandbox.base import SandboxOptions
from harness.sandbox.choose import choose
from harness.sandbox.rundir import RunFolder

async def main():
    with RunFolder.create() as run:
        async with await asyncio.start_unix_server(lambda r, w: w.close(), run.path / "gateway.sock"):
            sandbox = choose(sys.argv[1], SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            await sandbox.open(run.path / "gateway.sock", "A" * 43 + "=")
            print(run.path, flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""
"""A program that opens the sandbox of its first argument, names its run's folder, and waits."""


@contextlib.asynccontextmanager
async def stand_in(socket: Path, page: bytes = PAGE) -> AsyncIterator[list[str]]:
    """Answer every plain request with a page; give the list of what was asked."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head.split(b"\r\n")[0].decode())
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(page), page)
            )
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, socket)
    async with server:
        yield asked


@contextlib.asynccontextmanager
async def opened(
    make: Callable[[SandboxOptions], S], page: bytes = PAGE, **said: Any
) -> AsyncIterator[tuple[S, RunFolder, list[str]]]:
    """Open a sandbox on a stand-in gateway, with options besides."""
    with RunFolder.create() as run:
        async with stand_in(run.path / "gateway.sock", page) as asked:
            sandbox = make(SandboxOptions(downloads=run.path / "kept", runtime=run.path, **said))
            await sandbox.open(run.path / "gateway.sock", SPKI)
            try:
                yield sandbox, run, asked
            finally:
                await sandbox.close()


async def do(sandbox: Sandbox, action: Action) -> ActOutcome:
    """Perform an action with a good ticket."""
    target: Target | None = await sandbox.ground(action)
    effect = Act(action=action, target=target)
    verdict = Verdict(outcome="allow", rule="test", reason="", policy="0" * 64, effect=digest(effect))
    return await sandbox.act(clear(effect, verdict))


RANDOM = b"""<!doctype html><title>Here</title><script>
document.title = [1, 2, 3].map(Math.random).join(" ")</script>"""


async def randoms(make: Callable[[SandboxOptions], Sandbox], seed: int | None) -> str:
    """Give what a page's first numbers are in a sandbox that was begun with a seed."""
    async with opened(make, RANDOM, seed=seed) as (sandbox, _, _asked):
        await do(sandbox, Goto(url="http://shop.test/"))
        assert sandbox.info.seed == seed
        return (await sandbox.observe()).title


def descendants(pid: int) -> Iterator[int]:
    """Give the processes below one, nearest first."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text("ascii").split()):
                yield child
                yield from descendants(child)


def newcomers(before: set[int]) -> set[int]:
    """Give the processes below this one that came since, without the offspring of those that were there."""
    others = {child for pid in before for child in descendants(pid)}
    return set(descendants(os.getpid())) - before - others


def content(pid: int, name: str) -> str:
    """Give a file about a process, or nothing if the process is gone or somebody else's."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text("utf-8", errors="replace")
    except OSError:
        return ""


def link(pid: int, name: str) -> str:
    """Give where a link about a process leads, or nothing if it is gone or somebody else's."""
    try:
        return str(Path(f"/proc/{pid}/{name}").readlink())
    except OSError:
        return ""


def command(pid: int) -> str:
    """Give a process's command line, or nothing if it is gone."""
    return content(pid, "cmdline").replace("\0", " ")


def running(pid: int) -> bool:
    """Say whether a process is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def listening(pids: list[int]) -> set[str]:
    """Give the TCP addresses of this machine that some processes listen at."""
    inodes: dict[str, str] = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    inodes[fields[9]] = fields[1]
    held: set[str] = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    held.add(str(file.readlink()).removeprefix("socket:[").removesuffix("]"))
    return {inodes[inode] for inode in held if inode in inodes}


async def until(done: Callable[[], bool] | Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    """Wait until something is so; fails after a while."""
    async with asyncio.timeout(seconds):
        while True:
            answer = done()
            if await answer if isinstance(answer, Awaitable) else answer:
                return
            await asyncio.sleep(0.02)
