"""Sandboxes that wait for their run: bounded, replaced, used once, and never left behind."""

import asyncio
import contextlib
import os
import signal
import socket as sockets
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from engines import needs_docker, socket
from harness.action import Click, Goto
from harness.errors import InputError, SandboxError
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.pool import TYPICAL, Warm, WarmPool
from harness.sandbox.rundir import RunFolder
from harness.task import Viewport
from tests.sandbox.places import PAGE, SPKI, descendants, do, newcomers, running, until

GIB = 1024**3
HOLD = """
import asyncio, sys
from tests.sandbox.test_pool import pooled, MAKERS

async def main():
    async with pooled(MAKERS[sys.argv[1]], size=2) as pool:
        await pool.ready()
        print("ready", *(one.folder.path for one in pool.waiting), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Listener:
    """A door without a gateway."""

    spki = SPKI

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listener: sockets.socket | None = sockets.socket(sockets.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(100)

    def hand_over(self) -> sockets.socket:
        assert self._listener is not None
        listener, self._listener = self._listener, None
        return listener

    def close(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None
            self._path.unlink(missing_ok=True)


def bubblewrap(folder: Path) -> HostedSandbox:
    return BubblewrapSandbox(SandboxOptions(downloads=folder / "none", runtime=folder))


def docker(folder: Path) -> HostedSandbox:
    from harness.sandbox.docker import DockerSandbox  # noqa: PLC0415 - only where an engine is

    return DockerSandbox(SandboxOptions(downloads=folder / "none", runtime=folder))


MAKERS: dict[str, Callable[[Path], HostedSandbox]] = {"bubblewrap": bubblewrap, "docker": docker}
KINDS = ["bubblewrap", pytest.param("docker", marks=[needs_docker, pytest.mark.long])]


def pooled(
    make: Callable[[Path], HostedSandbox] = bubblewrap,
    *,
    size: int = 1,
    most_memory: int = 8 * GIB,
    pause: float = 600.0,
) -> WarmPool[Listener]:
    return WarmPool(make, Listener, size=size, most_memory=most_memory, pause=pause)


@contextlib.asynccontextmanager
async def bound(one: Warm[Listener], kept: Path, page: bytes = PAGE) -> AsyncIterator[HostedSandbox]:
    """Bind what was taken to a run whose gateway answers everything with a page."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(page), page)
            )
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_unix_server(answer, sock=one.door.hand_over())
    try:
        async with server:
            one.sandbox.bind(SandboxOptions(downloads=kept, runtime=one.folder.path))
            await one.sandbox.open(one.socket, SPKI)
            yield one.sandbox
    finally:
        await one.close()


async def taken(pool: WarmPool[Listener]) -> Warm[Listener]:
    one = await pool.take()
    assert one is not None
    return one


@pytest.mark.parametrize("kind", KINDS)
async def test_a_run_that_takes_one_finds_a_browser_and_leaves_nothing(kind: str, tmp_path: Path) -> None:
    before = set(descendants(os.getpid()))
    async with pooled(MAKERS[kind], pause=0) as pool:
        await pool.ready()
        one = await taken(pool)
        folder = one.folder.path
        assert one.memory > 50 * 1024**2
        async with bound(one, tmp_path / "kept") as sandbox:
            first = await sandbox.observe()
            assert (first.url, first.notes, first.settled) == ("about:blank", (), True)
            assert (await do(sandbox, Goto(url="http://shop.test/"))).ok
            assert (await sandbox.observe()).title == "Here"
            info = sandbox.info
            assert (info.kind, info.isolated, info.warmed) == (kind, True, True)
            assert (tmp_path / "kept").is_dir()
        assert not folder.exists()
        await pool.ready()
        (other,) = pool.waiting
        assert other.folder.path != folder
        ours = newcomers(before)
    assert not other.folder.path.exists()
    await until(lambda: not any(map(running, ours)))


async def test_what_a_run_wants_is_told_to_a_sandbox_that_was_there_before_it(tmp_path: Path) -> None:
    page = b"<!doctype html><button style='position:fixed;inset:0' onclick='alert(1)'>x</button>"
    async with pooled() as pool:
        one = await taken(pool)
        async with bound(one, tmp_path, page) as sandbox:
            await do(sandbox, Goto(url="http://shop.test/"))
            await do(sandbox, Click(x=50, y=50))
            screen = await sandbox.observe()
            # The dialog is drawn once: nobody but the run's own driver answers it.
            assert [note for note in screen.notes if "alert" in note] == list(screen.notes)
            assert len(screen.notes) == 1
            target = await sandbox.ground(Click(x=50, y=50))
            assert target is not None
            assert target.tag == "chrome"


@pytest.mark.parametrize(
    "changes", [{"viewport": Viewport(width=600, height=500)}, {"saves": False}, {"settle_cap": 1.0}]
)
async def test_a_run_of_another_size_has_it_all_the_same(changes: dict[str, object], tmp_path: Path) -> None:
    async with pooled() as pool:
        one = await taken(pool)
        try:
            options = SandboxOptions(downloads=tmp_path, runtime=tmp_path).model_copy(update=changes)
            one.sandbox.bind(options)
            await one.sandbox.open(one.socket, SPKI)
            screen = await one.sandbox.observe()
            size = (screen.screenshot.width, screen.screenshot.height)
            assert size == (options.viewport.width, options.viewport.height)
            assert one.sandbox.options.runtime == one.folder.path
        finally:
            await one.close()


async def test_one_is_not_given_to_a_policy_with_another_reach_nor_used_twice(tmp_path: Path) -> None:
    options = SandboxOptions(downloads=tmp_path, runtime=tmp_path)
    async with pooled() as pool:
        one = await taken(pool)
        with pytest.raises(SandboxError, match="another policy"):
            one.sandbox.bind(options.model_copy(update={"reach": ("shop.test",)}))
        with pytest.raises(SandboxError, match="another gateway"):
            await one.sandbox.open(one.socket.with_name("other.sock"), SPKI)
        async with bound(one, tmp_path) as sandbox:
            with pytest.raises(SandboxError, match="opened once"):
                await sandbox.open(one.socket, SPKI)
            with pytest.raises(SandboxError, match="not taken yet"):
                sandbox.bind(options)
        with pytest.raises(SandboxError, match="not taken yet"):
            one.sandbox.bind(options)


async def test_no_more_wait_than_the_size_says() -> None:
    made: list[Path] = []

    def counted(folder: Path) -> HostedSandbox:
        made.append(folder)
        return bubblewrap(folder)

    async with pooled(counted, size=2, pause=0) as pool:
        await pool.ready()
        assert len(pool.waiting) == len(made) == 2
        first, second = await taken(pool), await taken(pool)
        assert first is not second
        await pool.ready()
        assert len(pool.waiting) == 2
        assert len(made) == 4
        await first.close()
        await second.close()
    assert not any(folder.exists() for folder in made)
    assert await pool.take() is None
    with pytest.raises(SandboxError, match="not open"):
        await pool.ready()


async def test_no_more_wait_than_have_room_in_memory() -> None:
    async with pooled(size=3, most_memory=TYPICAL + 1) as pool:
        await pool.ready()
        assert len(pool.waiting) == 1
        assert pool.waiting[0].memory <= TYPICAL + 1


async def test_one_that_takes_more_than_all_may_have_is_thrown_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def huge(_: HostedSandbox) -> int:
        return 2 * TYPICAL

    monkeypatch.setattr(HostedSandbox, "memory", huge)
    async with pooled(size=2, most_memory=TYPICAL) as pool:
        await pool.ready()
        assert pool.waiting == ()
        assert await pool.take() is None


@pytest.mark.parametrize(("size", "memory"), [(0, GIB), (-1, GIB), (1, 1024)])
def test_a_pool_that_could_never_hold_one_is_an_error(size: int, memory: int) -> None:
    with pytest.raises(InputError, match="a pool "):
        pooled(size=size, most_memory=memory)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_that_died_while_it_waited_is_replaced(kind: str, tmp_path: Path) -> None:
    async with pooled(MAKERS[kind]) as pool:
        await pool.ready()
        (dead,) = pool.waiting
        assert dead.sandbox._launch is not None
        leader = int((dead.sandbox._launch.folder / "browser.pid").read_text())
        os.kill(leader, signal.SIGKILL)
        await until(lambda: dead not in pool.waiting)
        await until(lambda: not dead.folder.path.exists())
        await pool.ready()
        one = await taken(pool)
        assert one is not dead
        async with bound(one, tmp_path) as sandbox:
            assert (await sandbox.observe()).url == "about:blank"


async def test_one_whose_tab_does_not_answer_is_not_given() -> None:
    async with pooled(pause=0) as pool:
        await pool.ready()
        (stuck,) = pool.waiting
        assert stuck.sandbox._spare is not None
        tab = stuck.sandbox._spare._parts[0].active
        tab.lose("the page crashed")
        assert await pool.take() is None
        await pool.ready()
        one = await taken(pool)
        assert one is not stuck
        await one.close()
        assert not stuck.folder.path.exists()


async def test_who_comes_while_one_is_being_started_gets_that_one_and_the_next_goes_his_own_way() -> None:
    async with pooled() as pool:
        first, second = await asyncio.gather(pool.take(), pool.take())
        assert first is not None
        assert second is None
        await first.close()


async def test_a_pool_that_cannot_start_any_says_why_and_gives_none() -> None:
    def broken(folder: Path) -> HostedSandbox:
        raise SandboxError(f"no browser for {folder.name[:4]}")

    async with pooled(broken) as pool:
        with pytest.raises(SandboxError, match="no browser for run-"):
            await pool.ready()
        assert await pool.take() is None


async def test_a_pool_that_is_closed_while_it_starts_leaves_nothing() -> None:
    before = set(descendants(os.getpid()))
    folders: list[Path] = []

    def noted(folder: Path) -> HostedSandbox:
        folders.append(folder)
        return bubblewrap(folder)

    async with pooled(noted, size=2):
        await until(lambda: len(newcomers(before)) > 2)
        ours = newcomers(before)
    assert folders
    assert not any(folder.exists() for folder in folders)
    await until(lambda: not any(map(running, ours)))


async def test_an_exception_and_a_cancelled_block_close_the_pool() -> None:
    held: list[Warm[Listener]] = []
    full = asyncio.Event()

    async def block(error: type[Exception] | None) -> None:
        async with pooled() as pool:
            await pool.ready()
            held.extend(pool.waiting)
            full.set()
            if error:
                raise error
            await asyncio.Event().wait()

    with pytest.raises(ZeroDivisionError):
        await block(ZeroDivisionError)
    full.clear()
    task = asyncio.create_task(block(None))
    await full.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(held) == 2
    assert not any(one.folder.path.exists() for one in held)


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_process_that_ends_leaves_no_browser_and_no_container(
    kind: str, number: signal.Signals
) -> None:
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join((str(root), str(root / "tests" / "support")))
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, kind),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert other.stdout is not None
    try:
        async with asyncio.timeout(90):
            words: list[str] = []
            while words[:1] != ["ready"]:
                line = await other.stdout.readline()
                assert line, "it ended before its pool was ready"
                words = line.decode().split()
        folders = [Path(word) for word in words[1:]]
        assert len(folders) == 2
        pids = list(descendants(other.pid))
        other.send_signal(number)
        await other.wait()
    finally:
        if other.returncode is None:
            other.kill()
            await other.wait()
    await until(lambda: not any(map(running, pids)), 30)
    if kind == "docker":
        await until(lambda: _containers(folders) == 0, 30)
    if number != signal.SIGINT:
        # Who has no time to clean up is cleaned up after by whoever comes next.
        RunFolder.create().remove()
    assert not any(folder.exists() for folder in folders)


def _containers(folders: list[Path]) -> int:
    from harness.sandbox.engine import Engine  # noqa: PLC0415 - only where an engine is

    engine = Engine(socket())
    try:
        return sum(len(engine.containers(f"harness.folder={folder}")) for folder in folders)
    finally:
        engine.close()
