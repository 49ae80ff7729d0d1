"""The walls, tried from inside by programs that run behind them."""

import asyncio
import contextlib
import errno
import json
import os
import platform
import shutil
import socket
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import group, seccomp
from harness.sandbox.confine import RELAY_PORT, Confinement, become, find_tools, real_user
from harness.sandbox.rundir import RunFolder
from tests.sandbox.places import command, descendants, running, until

PYTHON = "/usr/bin/python3"

CALLS = """
import ctypes, errno, json, sys
libc = ctypes.CDLL(None, use_errno=True)
answers = {}
for name, number in json.loads(sys.argv[1]).items():
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(ctypes.c_long(0),) * 6)
    answers[name] = errno.errorcode.get(ctypes.get_errno(), "0") if result == -1 else f"returned {result}"
print(json.dumps(answers))
"""

FAMILIES = """
import json, socket
answers = {}
for family in range(1, 46):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(family, kind).close()
            answers.setdefault(family, []).append(int(kind))
        except OSError:
            pass
print(json.dumps(answers))
"""


@pytest.fixture
def run() -> Iterator[RunFolder]:
    with RunFolder.create() as folder:
        yield folder


@pytest.fixture
def walls(run: RunFolder) -> Confinement:
    user = real_user(run.path) if os.geteuid() == 0 else None
    made = Confinement(run.path, find_tools(), user, downloads=run.path / "downloads")
    made.build()
    return made


@pytest.fixture
async def joined(run: RunFolder) -> AsyncIterator[Confinement]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        writer.write(b"gateway heard " + line)
        await writer.drain()
        writer.close()

    path = run.path / "gateway.sock"
    server = await asyncio.start_unix_server(answer, path)
    user = real_user(run.path) if os.geteuid() == 0 else None
    made = Confinement(run.path, find_tools(), user, socket=path)
    made.build()
    async with server:
        yield made


async def inside(walls: Confinement, *command: str) -> str:
    code, out, err = await walls.probe(command)
    assert code == 0, (out, err)
    return out


async def python(walls: Confinement, code: str, *arguments: str) -> str:
    if not Path(PYTHON).exists():
        pytest.skip("needs a python3 in /usr/bin")
    return await inside(walls, PYTHON, "-I", "-c", code, *arguments)


async def test_every_refused_call_is_refused_by_the_kernel(walls: Confinement) -> None:
    mine = seccomp.machine()
    numbers = {call.name: call.x86_64 if mine == "x86_64" else call.aarch64 for call in seccomp.REFUSED}
    wanted = {name: number for name, number in numbers.items() if number is not None}
    answers = json.loads(await python(walls, CALLS, json.dumps(wanted)))
    expected = {call.name: errno.errorcode[call.answer] for call in seccomp.REFUSED if call.name in wanted}
    assert answers == expected


async def test_only_ordinary_sockets_can_be_made(walls: Confinement) -> None:
    families = json.loads(await python(walls, FAMILIES))
    assert set(map(int, families)) <= set(seccomp.FAMILIES.values())
    assert {socket.AF_UNIX, socket.AF_INET} <= set(map(int, families))
    assert socket.SOCK_RAW not in families[str(int(socket.AF_INET))]


async def test_a_mount_namespace_cannot_be_made_and_a_user_namespace_can(walls: Confinement) -> None:
    code, _, err = await walls.probe(["/usr/bin/unshare", "--user", "--mount", "/bin/true"])
    assert code != 0
    assert "Operation not permitted" in err
    await inside(walls, "/usr/bin/unshare", "--user", "--pid", "--net", "--fork", "/bin/true")


async def test_the_environment_holds_nothing_of_the_hosts(
    walls: Confinement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    lines = (await inside(walls, "/usr/bin/env")).splitlines()
    assert {line.partition("=")[0] for line in lines} == {"HOME", "PATH", "LANG"}
    first = await inside(walls, "/bin/sh", "-c", "tr '\\0' '\\n' </proc/1/environ")
    assert "sk-secret" not in first


async def test_the_hosts_files_are_not_there(walls: Confinement, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    for path in (tmp_path / "secret", Path("/etc/shadow"), Path("/root"), Path("/var/lib"), Path.cwd()):
        code, _, _ = await walls.probe(["/usr/bin/test", "-e", str(path)])
        assert code == 1, path
    assert (await inside(walls, "/bin/ls", "-A", "/home/agent", "/dev/shm")).split() == [
        "/dev/shm:",
        "/home/agent:",
    ]


async def test_nothing_can_be_written_but_memory_and_the_downloads(walls: Confinement) -> None:
    assert walls.downloads
    for folder in ("/", "/usr", "/etc", "/run", "/dev", "/home", str(walls.downloads.parent)):
        code, _, _ = await walls.probe(["/usr/bin/touch", f"{folder}/made"])
        assert code != 0 or folder == str(walls.downloads.parent), folder
    for folder in ("/tmp", "/home/agent", "/dev/shm", str(walls.downloads)):
        await inside(walls, "/usr/bin/touch", f"{folder}/made")
    assert [path.name for path in walls.downloads.iterdir()] == ["made"]
    assert not (walls.folder / "made").exists()


async def test_the_kernels_settings_are_read_only(walls: Confinement) -> None:
    for setting in ("kernel/core_pattern", "vm/drop_caches", "net/ipv4/ip_forward"):
        code, _, err = await walls.probe(["/bin/sh", "-c", f": >>/proc/sys/{setting}"])
        assert code != 0
        assert "Read-only file system" in err or "Permission denied" in err


async def test_the_user_is_nobody_here_and_has_no_power(walls: Confinement) -> None:
    status = await inside(walls, "/bin/cat", "/proc/self/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    if walls.user is not None:
        written = walls.downloads / "mine" if walls.downloads else None
        assert written
        await inside(walls, "/usr/bin/touch", str(written))
        assert written.stat().st_uid == walls.user != 0


async def test_only_its_own_processes_are_seen(walls: Confinement) -> None:
    pids = (await inside(walls, "/bin/sh", "-c", "echo /proc/[0-9]*")).split()
    assert pids == ["/proc/1", "/proc/2"]


async def test_no_open_file_comes_with_it(walls: Confinement, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as kept:
        os.set_inheritable(kept.fileno(), True)  # noqa: FBT003 - it takes no name
        listed = (await inside(walls, "/bin/ls", "/proc/self/fd")).split()
    assert listed == ["0", "1", "2", "3"]


async def test_there_is_no_network_at_all_without_a_socket(walls: Confinement) -> None:
    devices = await inside(walls, "/bin/cat", "/proc/net/dev")
    assert [line.split(":")[0].strip() for line in devices.splitlines()[2:]] == ["lo"]
    assert (await inside(walls, "/bin/cat", "/proc/net/route")).splitlines()[1:] == []
    assert (await inside(walls, "/bin/cat", "/proc/net/tcp")).splitlines()[1:] == []


async def test_the_relay_leads_to_the_gateway_and_nowhere_else(joined: Confinement) -> None:
    ask = (
        "import socket; s = socket.create_connection(('127.0.0.1', %d), 5); s.sendall(b'hello\\n'); "
        "print(s.makefile().read())"
    )
    assert await python(joined, ask % RELAY_PORT) == "gateway heard hello\n\n"
    listening = await inside(joined, "/bin/cat", "/proc/net/tcp")
    assert [line.split()[1] for line in listening.splitlines()[1:]] == [f"0100007F:{RELAY_PORT:04X}"]


async def test_the_relay_is_denied_the_debugging_pipe(joined: Confinement) -> None:
    script = joined.script().removeprefix("#!/bin/sh\n")
    code = "import os; print(*(os.readlink(f'/proc/{p}/fd/{n}') for p in os.listdir('/proc') if p.isdigit() "
    code += "and open(f'/proc/{p}/comm').read() == 'socat\\n' for n in os.listdir(f'/proc/{p}/fd')))"
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", f"exec 3</dev/zero 4>/dev/full\n{script}", "sh", PYTHON, "-I", "-c", code),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert b"socket:" in out
    assert b"/dev/zero" not in out
    assert b"/dev/full" not in out


async def test_only_the_browsers_user_may_connect_to_the_socket(joined: Confinement) -> None:
    assert joined.socket
    found = joined.socket.stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert found.st_uid == (joined.user if joined.user is not None else os.geteuid())


async def test_a_fork_bomb_meets_a_limit(walls: Confinement) -> None:
    bomb = """
import _thread, threading
threading.stack_size(65536)
held, made = _thread.allocate_lock(), 0
held.acquire()
try:
    while made < 5000:
        _thread.start_new_thread(held.acquire, ())
        made += 1
except RuntimeError:
    pass
print(made, flush=True)
import os
os._exit(0)
"""
    assert 1000 < int(await python(walls, bomb)) < 2100


async def test_a_command_that_hangs_is_ended(walls: Confinement) -> None:
    with pytest.raises(SandboxError, match=r"did not end within 0\.5 s"):
        await walls.probe(["/bin/sleep", "60"], seconds=0.5)


async def held(walls: Confinement) -> asyncio.subprocess.Process:
    nothing = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", walls.script(), "sh", "/bin/sleep", "600"),
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        env={},
        start_new_session=True,
    )


async def test_bubblewrap_is_in_the_group_it_was_started_in_and_what_is_inside_is_not(
    walls: Confinement,
) -> None:
    one = await held(walls)
    try:
        await until(lambda: any(command(pid).startswith("/bin/sleep") for pid in descendants(one.pid)))
        ours = [one.pid, *descendants(one.pid)]
        bwraps = {pid for pid in ours if "--die-with-parent" in command(pid)}
        assert {os.getpgid(pid) for pid in bwraps} == {one.pid}
        assert len(bwraps) == 2
        inner = [pid for pid in ours if pid not in bwraps]
        assert inner
        assert not any(one.pid in (os.getpgid(pid), os.getsid(pid)) for pid in inner)
    finally:
        await group.kill(one)
    await until(lambda: not any(map(running, ours)))


@pytest.mark.parametrize("part", range(20))
async def test_killing_the_group_at_any_moment_of_the_start_leaves_nothing(
    part: int, walls: Confinement
) -> None:
    one = await held(walls)
    # The moment is one of twenty over the time that the walls take on a quiet machine; none is waited for.
    end = time.monotonic() + part * 0.002
    ours: set[int] = set()
    while time.monotonic() < end:
        ours |= set(descendants(one.pid))
    await group.kill(one)
    mark = os.fsencode(walls.folder)
    await until(lambda: not any(map(running, ours)) and not marked(mark))


def marked(mark: bytes) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [entry.parent.name] if mark in entry.read_bytes() else []
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be kept out of a folder by its owner")
def test_a_folder_that_the_browsers_user_cannot_reach_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    inner = tmp_path / "run"
    inner.mkdir(mode=0o711)
    with pytest.raises(SandboxError, match="cannot reach"):
        Confinement(inner, find_tools(), real_user(inner)).build()


def test_missing_programs_are_named_with_what_to_type(tmp_path: Path) -> None:
    for name in ("bwrap", "prlimit", "setpriv", "setsid"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/true")
    with pytest.raises(SandboxError, match="needs socat: apt-get install socat"):
        find_tools(str(tmp_path))
    with pytest.raises(SandboxError, match="apt-get install bubblewrap socat util-linux"):
        find_tools(str(tmp_path / "nothing"))


def test_every_run_is_a_user_of_its_own(tmp_path: Path) -> None:
    everything = "0 0 4294967295\n"
    users = {real_user(tmp_path / str(number), everything) for number in range(50)}
    assert len(users) == 50
    assert all(user and 0x70000000 <= user < 0x80000000 for user in users)


def test_a_container_with_few_users_has_one_for_a_run_too(tmp_path: Path) -> None:
    user = real_user(tmp_path, "0 100000 65536\n")
    assert user
    assert 61_184 <= user < 65_536
    assert real_user(tmp_path, "0 1000 1\n") is None
    assert become(find_tools(), None) == ()


def test_this_machine_has_a_table() -> None:
    assert seccomp.machine() == platform.machine()
    assert sys.byteorder == "little"
