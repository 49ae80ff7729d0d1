"""A program in a container that is held like a browser's."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from engines import needs_docker, socket
from harness.errors import SandboxError
from harness.sandbox import docker, ends
from harness.sandbox.base import SandboxOptions
from harness.sandbox.engine import Engine
from harness.sandbox.insider_docker import SHARED, DockerInsider, insider_host_config
from harness.sandbox.launch import Launch
from harness.sandbox.rundir import RunFolder
from tests.sandbox.places import until

SEES = "import json, os; print(json.dumps([sorted(os.environ), os.getuid(), sorted(os.listdir('/run'))]))"

HOLD_OPEN = """
import asyncio, sys
from harness.sandbox.insider_docker import DockerInsider
from harness.sandbox.rundir import RunFolder

async def main():
    with RunFolder.create() as run:
        place = run.path / "insider"
        place.mkdir()
        place.chmod(0o711)
        async with await asyncio.start_unix_server(lambda r, w: w.close(), run.path / "gateway.sock"):
            insider = DockerInsider(place, run.path / "gateway.sock")
            await insider.open()
            print(run.path, insider.container, flush=True)
            await asyncio.Event().wait()

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def inside() -> AsyncIterator[DockerInsider]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        await writer.drain()
        writer.close()

    with RunFolder.create() as run:
        place = run.path / "insider"
        place.mkdir()
        place.chmod(0o711)
        server = await asyncio.start_unix_server(echo, path=run.path / "gateway.sock")
        insider = DockerInsider(place, run.path / "gateway.sock")
        try:
            async with server:
                await insider.open()
                yield insider
        finally:
            await insider.close()
            await insider.close()


def containers(label: str) -> list[str]:
    engine = Engine(socket())
    try:
        return [one["Id"] for one in engine.containers(label)]
    finally:
        engine.close()


@needs_docker
async def test_bytes_and_programs_go_in_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_X", "1")
    async with inside() as insider:
        assert insider.container in containers(ends.LABEL)
        reader, writer = await insider.dial()
        writer.write(b"hello\n")
        assert await reader.read() == b"heard hello\n"
        writer.close()
        assert insider.python
        _, out, _ = await insider.run([insider.python, "-I", "-c", SEES])
        environment, user, places = json.loads(out)
        assert environment == ["HOME", "HOSTNAME", "LANG", "PATH"]
        assert user not in (0, os.geteuid()) or os.geteuid() != 0
        assert {"harness", "insider"} <= set(places)
        assert await insider.run(["/bin/sh", "-c", "echo no >&2; exit 3"]) == (3, "", "no\n")
        assert (await insider.run(["/nowhere"]))[0] == 127
        with pytest.raises(SandboxError, match=r"did not end within 0\.2 s"):
            await insider.run(["/bin/sleep", "60"], seconds=0.2)
        container = insider.container
    assert container not in containers(ends.LABEL)


@pytest.mark.long
@needs_docker
async def test_it_goes_when_its_harness_is_killed() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_OPEN, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    folder, container = (await process.stdout.readline()).decode().split()
    assert container in containers(ends.LABEL)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(lambda: container not in containers(ends.LABEL) and not Path(folder).exists(), 30)


@needs_docker
async def test_one_that_is_given_up_while_it_is_made_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    create = Engine.create

    def slow(engine: Engine, *arguments: Any, **config: Any) -> str:
        loop.call_soon_threadsafe(asked.set)
        made.append(create(engine, *arguments, **config))
        return made[-1]

    monkeypatch.setattr(Engine, "create", slow)
    with RunFolder.create() as run:
        place = run.path / "insider"
        place.mkdir()
        async with await asyncio.start_unix_server(
            lambda _, out: out.close(), path=run.path / "gateway.sock"
        ):
            insider = DockerInsider(place, run.path / "gateway.sock")
            opening = asyncio.create_task(insider.open())
            await asked.wait()
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await insider.close()
        await until(lambda: bool(made) and made[0] not in containers(ends.LABEL), 30)


def test_it_is_held_as_a_browser_is_but_for_two_mounts(tmp_path: Path) -> None:
    options = SandboxOptions(downloads=tmp_path, runtime=tmp_path)
    launch = Launch(tmp_path / "place")
    browsers = docker.host_config(options, launch, 1234)
    own = insider_host_config(options, launch, 1234, tmp_path / "shared")
    count = len(browsers["mounts"])
    assert {**own, "mounts": own["mounts"][:count]} == browsers
    more = own["mounts"][count:]
    assert [(one["Target"], one["ReadOnly"]) for one in more] == [("/usr", True), (SHARED, False)]


@needs_docker
async def test_a_container_that_ends_at_once_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.sandbox.insider_docker._FIRST", "echo it broke >&2; exit 7")
    with pytest.raises(SandboxError, match="it broke"):
        async with inside():
            pytest.fail("it opened")
