"""Process groups: programs that are run, and ended, with all that they started."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import SandboxError


async def run(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, what: str
) -> tuple[int, str, str]:
    """Run a program in a group of its own and give its exit code, output and errors.

    Args:
        command: a program and its arguments.
        environment: all that it has.
        seconds: after which its group is killed.
        what: names it in the error.

    Raises:
        SandboxError: if it takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise SandboxError(f"{what} did not end within {seconds:g} s") from error
    finally:
        if process.returncode is None:
            await kill(process)
    return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")


async def kill(process: asyncio.subprocess.Process) -> None:
    """Kill the group that a process leads, and wait for the process."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def kill_marked(group: int, mark: str, proc: Path = Path("/proc")) -> bool:
    """Kill a group by its number, if one of its processes has a text in its command line.

    A number that was written down may belong to somebody else by now; the mark is one that nobody else has.

    Returns:
        Whether there was such a group.
    """
    wanted = os.fsencode(mark)
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            ours = os.getpgid(int(entry.name)) == group and wanted in (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if ours:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
            return True
    return False
