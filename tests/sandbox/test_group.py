"""Programs that end with all that they started."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import group
from tests.sandbox.places import running, until

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


async def test_it_gives_code_output_and_errors() -> None:
    told = await group.run(("sh", "-c", "echo $A; echo b >&2; exit 3"), {**ENVIRONMENT, "A": "a"}, 20, "it")
    assert told == (3, "a\n", "b\n")


async def test_what_takes_too_long_ends_with_what_it_started(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait"
    with pytest.raises(SandboxError, match=r"a slow thing did not end within 2 s"):
        await group.run(("sh", "-c", script), ENVIRONMENT, 2, "a slow thing")
    child = int((tmp_path / "pid").read_text())
    await until(lambda: not running(child))


async def test_a_group_is_killed_by_its_number_only_if_it_bears_the_mark(tmp_path: Path) -> None:
    mark = f"{tmp_path}/mark"
    one = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    two = await asyncio.create_subprocess_exec(
        *("sh", "-c", "sleep 600 & wait", mark), start_new_session=True
    )
    try:
        assert not group.kill_marked(one.pid, mark)
        assert not group.kill_marked(os.getpid(), mark)
        assert one.returncode is None
        assert group.kill_marked(two.pid, mark)
        assert await two.wait() == -signal.SIGKILL
        assert not group.kill_marked(two.pid, mark)
    finally:
        await group.kill(one)
        if two.returncode is None:
            await group.kill(two)
