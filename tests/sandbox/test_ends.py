"""The two programs beside a container, run as they are run."""

import asyncio
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker as sdk
import pytest
from engines import needs_docker
from harness.sandbox import ends
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE
from tests.sandbox.places import until

RUN = "run-of-a-test/sandbox"


@pytest.fixture
def engine() -> Iterator[Any]:
    client = sdk.APIClient(f"unix://{engine_socket()}", version="auto")
    yield client
    for one in client.containers(all=True, filters={"label": f"{ends.LABEL}={RUN}"}):
        client.remove_container(one["Id"], force=True)
    client.close()


def made(engine: Any) -> str:
    return str(engine.create_container(IMAGE, labels={ends.LABEL: RUN})["Id"])


def there(engine: Any) -> list[str]:
    return [one["Id"] for one in engine.containers(all=True, filters={"label": f"{ends.LABEL}={RUN}"})]


async def guarding(folder: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", ends.__file__, "guard", str(engine_socket()), RUN, str(folder)),
        stdin=asyncio.subprocess.PIPE,
        env={},
    )


@needs_docker
async def test_a_guard_removes_what_a_harness_left_that_died_without_a_word(
    engine: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "run-1"
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "more").write_text("x")
    one = made(engine)
    guard = await guarding(folder)
    assert guard.stdin
    guard.stdin.close()
    await until(lambda: there(engine) == [])
    # What had been asked for before the end may come only now.
    two = made(engine)
    await until(lambda: there(engine) == [])
    assert one != two
    assert await guard.wait() == 0
    assert not folder.exists()


@needs_docker
async def test_a_guard_leaves_everything_to_a_harness_that_says_goodbye(engine: Any, tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    one = made(engine)
    guard = await guarding(tmp_path)
    assert guard.stdin
    guard.stdin.write(ends.LAST_WORD)
    guard.stdin.close()
    assert await guard.wait() == 0
    assert there(engine) == [one]
    assert tmp_path.exists()


@needs_docker
async def test_a_guard_removes_no_folder_whose_run_lives(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        guard = await guarding(tmp_path)
        assert guard.stdin
        guard.stdin.close()
        assert await guard.wait() == 0
        assert tmp_path.exists()
    finally:
        os.close(lock)


@needs_docker
async def test_a_join_says_what_the_engine_has_against_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    join = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", ends.__file__, "join", str(engine_socket()), "no-such-one", str(log)),
        stderr=asyncio.subprocess.PIPE,
        env={},
    )
    _, said = await join.communicate()
    assert join.returncode == 1
    assert b"the engine says: No such container: no-such-one" in said
