"""What becomes of a run when its engine restarts, dies, or has no room: with an engine of the test's own."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import docker as sdk
import pytest
import pytest_asyncio
from engines import needs_docker, socket
from harness.action import Goto
from harness.errors import SandboxError
from harness.sandbox.docker import DockerSandbox
from harness.sandbox.ends import FOLDER
from harness.sandbox.engine import Engine
from harness.sandbox.recipe import IMAGE
from tests.sandbox.places import do, opened, until

pytestmark = [
    needs_docker,
    pytest.mark.long,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine here"),
    pytest.mark.skipif(shutil.which("dockerd") is None, reason="no engine's program is installed here"),
]


ROOM = 1_500_000_000
"""Bytes of memory that the engine has for a disk."""


async def run(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command)
    assert await process.wait() == 0


class OwnEngine:
    """An engine beside the machine's own, with its own data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "docker.sock"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("dockerd", "--bridge=none", "--iptables=false", f"--host=unix://{self.socket}"),
                *(f"--data-root={self.folder}/data", f"--exec-root={self.folder}/exec"),
                *("--pidfile", str(self.folder / "pid")),
                stdout=log,
                stderr=log,
            )
        await until(self.answers, 60)

    async def answers(self) -> bool:
        engine = Engine(self.socket)
        try:
            await asyncio.to_thread(engine.facts)
        except SandboxError:
            return False
        finally:
            engine.close()
        return True

    async def end(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)
        await self._process.wait()
        self._process = None

    async def close(self) -> None:
        if self._process is not None:
            await self.end(signal.SIGTERM)

    def containers(self) -> list[str]:
        engine = Engine(self.socket)
        try:
            return [one["Id"] for one in engine.containers(FOLDER)]
        finally:
            engine.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def own() -> AsyncIterator[OwnEngine]:
    folder = Path(tempfile.mkdtemp(prefix="eng-", dir="/tmp"))
    (folder / "data").mkdir()
    await run("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "none", str(folder / "data"))
    engine = OwnEngine(folder)
    await engine.start()
    theirs, ours = (
        sdk.APIClient(f"unix://{one}", version="auto", timeout=120) for one in (socket(), engine.socket)
    )
    try:
        image = theirs.get_image(IMAGE)
        await asyncio.to_thread(
            lambda: list(ours.load_image(image))  # type: ignore[no-untyped-call]
        )
        for client in (theirs, ours):
            client.close()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", f"unix://{engine.socket}")
            yield engine
    finally:
        await engine.close()
        await run("umount", str(folder / "data"))
        shutil.rmtree(folder, ignore_errors=True)


async def fails(sandbox: DockerSandbox) -> str:
    said: list[str] = []

    async def once() -> bool:
        with contextlib.suppress(TimeoutError):
            try:
                await sandbox.observe()
            except SandboxError as error:
                said.append(str(error))
        return bool(said)

    await until(once, 60)
    return said[0]


async def test_an_engine_that_is_restarted_ends_the_run_with_a_reason(own: OwnEngine) -> None:
    async with opened(DockerSandbox) as (sandbox, run, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await own.end(signal.SIGTERM)
        await own.start()
        assert "the browser died" in await fails(sandbox)
    assert not run.path.exists()
    assert own.containers() == []


async def test_an_engine_that_is_gone_ends_the_run_with_a_reason_and_the_next_start_sweeps(
    own: OwnEngine,
) -> None:
    async with opened(DockerSandbox) as (sandbox, run, _):
        await do(sandbox, Goto(url="http://shop.test/"))
        await own.end(signal.SIGTERM)
        said = await fails(sandbox)
        assert "the browser died" in said
        assert "does not answer" in said
    assert not run.path.exists()
    await own.start()
    async with opened(DockerSandbox):
        pass
    assert own.containers() == []


async def test_an_engine_without_room_says_so(own: OwnEngine) -> None:
    filler = own.folder / "data" / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"\0" * ROOM)
    try:
        with pytest.raises(SandboxError, match="no space left on device"):
            async with opened(DockerSandbox):
                pass
    finally:
        filler.unlink()
    assert own.containers() == []
    async with opened(DockerSandbox) as (sandbox, _, _):
        assert (await do(sandbox, Goto(url="http://shop.test/"))).ok
