"""What processes take, seen from outside."""

import asyncio
import os
import sys
from pathlib import Path

from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.memory import family, parent, used
from harness.sandbox.rundir import RunFolder
from tests.sandbox.places import SPKI, stand_in

HOLD = "import sys; held = bytearray(%d); print('there', flush=True); sys.stdin.read()"
MIB = 1024 * 1024


async def test_a_family_has_what_its_youngest_took() -> None:
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", '"$@"; exit 0', "sh", sys.executable, "-c", HOLD % (64 * MIB)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert shell.stdin is not None
    assert shell.stdout is not None
    try:
        assert await shell.stdout.readline() == b"there\n"
        assert parent(shell.pid) == os.getpid()
        below = list(family(shell.pid))
        assert below[0] == shell.pid
        assert len(below) == 2
        assert 64 * MIB < used(shell.pid) < 200 * MIB
        assert used(below[1]) > 64 * MIB
    finally:
        shell.stdin.close()
        await shell.wait()
    assert used(shell.pid) == 0
    assert parent(shell.pid) is None


def test_where_maps_are_hidden_the_status_tells(tmp_path: Path) -> None:
    (tmp_path / "7" / "task" / "7").mkdir(parents=True)
    (tmp_path / "7" / "task" / "7" / "children").write_text("8 ")
    (tmp_path / "7" / "status").write_text("Name:\tx\nPPid:\t1\nRssAnon:\t 100 kB\nRssShmem:\t 20 kB\n")
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "smaps_rollup").write_text(
        "0-1 ---p 0 [rollup]\nPss:\t 90 kB\nPss_Anon:\t 20 kB\nPss_File:\t 60 kB\nPss_Shmem:\t 10 kB\n"
    )
    assert list(family(7, tmp_path)) == [7, 8]
    assert used(7, tmp_path) == 150 * 1024
    assert used(9, tmp_path) == 0


async def test_a_sandbox_knows_what_it_takes() -> None:
    with RunFolder.create() as run:
        async with stand_in(run.path / "gateway.sock"):
            sandbox = BubblewrapSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            assert await sandbox.memory() == 0
            await sandbox.open(run.path / "gateway.sock", SPKI)
            try:
                taken = await sandbox.memory()
            finally:
                await sandbox.close()
            assert 50 * MIB < taken < 2048 * MIB
            assert await sandbox.memory() == 0
