"""Whoever starts waits for a turn, and a dead process has none."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from engines import needs_docker
from harness.action import Goto
from harness.errors import SandboxError
from harness.sandbox import hosted, launch
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.process import ProcessSandbox
from harness.sandbox.rundir import RunFolder
from harness.sandbox.slots import slot, usual
from tests.sandbox.places import SPKI, do, opened, stand_in, until

HOLD = """
import asyncio, sys
from pathlib import Path
from harness.sandbox.slots import slot

async def main():
    async with slot(1, base=Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def test_there_is_one_slot_a_core_and_two_at_least() -> None:
    assert [usual(cores) for cores in (0, 1, 2, 3, 64)] == [2, 2, 2, 3, 64]
    assert usual() >= 2


async def test_as_many_as_there_are_slots_hold_one_at_a_time(tmp_path: Path) -> None:
    inside, most, held = 0, 0, []

    async def start() -> None:
        nonlocal inside, most
        async with slot(3, base=tmp_path, seconds=60) as number:
            held.append(number)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(start() for _ in range(12)))
    assert most == 3
    assert sorted(set(held)) == [0, 1, 2]
    assert len(held) == 12
    assert list(tmp_path.iterdir()) == []


async def test_a_wait_that_is_given_up_leaves_the_slots_as_they_were(tmp_path: Path) -> None:
    async with slot(1, base=tmp_path):
        waiting = asyncio.create_task(slot(1, base=tmp_path).__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(SandboxError, match="waited 0 s for its turn: 1 start at a time"):
            await slot(1, base=tmp_path, seconds=0).__aenter__()
    async with slot(1, base=tmp_path, seconds=0) as number:
        assert number == 0


async def test_a_start_that_fails_frees_its_slot(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"):
        async with slot(1, base=tmp_path):
            raise ValueError("no")
    async with slot(1, base=tmp_path, seconds=0):
        pass


async def test_another_process_waits_too_and_a_dead_one_frees_its_slot(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    try:
        assert await other.stdout.readline() == b"held\n"
        with pytest.raises(SandboxError, match="waited"):
            await slot(1, base=tmp_path, seconds=0).__aenter__()
        other.send_signal(signal.SIGKILL)
        await other.wait()
        assert [path.name for path in tmp_path.iterdir()] == ["slot-0"]
        async with slot(1, base=tmp_path, seconds=30) as number:
            assert number == 0
        assert list(tmp_path.iterdir()) == []
    finally:
        if other.returncode is None:
            other.kill()
            await other.wait()


async def test_a_slot_whose_file_was_deleted_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    async with slot(1, base=tmp_path):
        (tmp_path / "slot-0").unlink()
        async with slot(1, base=tmp_path, seconds=0):
            assert (tmp_path / "slot-0").exists()


@pytest.mark.parametrize("wrong", [0, -1])
async def test_a_limit_that_lets_nobody_start_is_an_error(wrong: int, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="1 at least"):
        await slot(wrong, base=tmp_path).__aenter__()


async def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="slot-0 cannot be made"):
        await slot(1, base=tmp_path / "none").__aenter__()


def docker(options: SandboxOptions) -> HostedSandbox:
    from harness.sandbox.docker import DockerSandbox  # noqa: PLC0415 - only where an engine is

    return DockerSandbox(options)


@pytest.mark.parametrize(
    "make", [BubblewrapSandbox, ProcessSandbox, pytest.param(docker, marks=needs_docker)]
)
async def test_the_time_to_start_runs_only_from_the_turn_on(
    make: Callable[[SandboxOptions], HostedSandbox], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hosted, "slot", lambda count: slot(count, base=tmp_path))
    seconds = launch.LAUNCH_SECONDS
    with RunFolder.create() as run:
        async with stand_in(run.path / "gateway.sock"):
            sandbox = make(SandboxOptions(downloads=run.path / "kept", runtime=run.path, starts=1))
            try:
                async with slot(1, base=tmp_path):
                    monkeypatch.setattr(launch, "LAUNCH_SECONDS", 0.0)
                    opening = asyncio.create_task(sandbox.open(run.path / "gateway.sock", SPKI))
                    await until(lambda: any(run.path.glob("sandbox-*")))
                    # If its time ran already, it would end with an error now.
                    done, _ = await asyncio.wait({opening}, timeout=0.5)
                    assert not done
                    monkeypatch.setattr(launch, "LAUNCH_SECONDS", seconds)
                await opening
                assert list(tmp_path.iterdir()) == []
            finally:
                await sandbox.close()


async def many(make: Callable[[SandboxOptions], HostedSandbox], count: int) -> None:
    """Open many at once and look at a page in each while all are open."""
    async with contextlib.AsyncExitStack() as stack:
        places = await asyncio.gather(*(stack.enter_async_context(opened(make)) for _ in range(count)))
        outcomes = await asyncio.gather(*(do(one, Goto(url="http://shop.test/")) for one, *_ in places))
        assert [one.message for one in outcomes if not one.ok] == []
        screens = await asyncio.gather(*(one.observe() for one, *_ in places))
        assert [screen.title for screen in screens] == ["Here"] * count


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_twenty_behind_bubblewrap_start_at_once() -> None:
    await many(BubblewrapSandbox, 20)


@needs_docker
@pytest.mark.long
@pytest.mark.timeout(600)
async def test_twenty_containers_start_at_once() -> None:
    await many(docker, 20)
