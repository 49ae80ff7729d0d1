"""A running container, seen from inside by a program and from outside through `/proc`."""

import contextlib
import errno
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import docker
import pytest
import pytest_asyncio
from engines import needs_docker
from engines import socket as engine_socket
from harness.action import Goto
from harness.errors import SandboxError
from harness.sandbox import seccomp, seccomp_docker
from harness.sandbox.docker import DOOR, DockerSandbox
from harness.sandbox.insider_docker import SHARED, DockerInsider
from harness.sandbox.rundir import RunFolder
from harness.sandbox.seccomp import FAMILIES, REFUSED
from tests.sandbox.places import command, content, descendants, do, link, opened, stand_in
from tests.sandbox.test_confine import CALLS
from tests.sandbox.test_confine import FAMILIES as TRY_FAMILIES

pytestmark = [needs_docker, pytest.mark.asyncio(loop_scope="module")]

WRITABLE = """
import json, os
found = []
for top, folders, files in os.walk("/"):
    parts = top.split("/")
    if parts[1] == "proc" and len(parts) > 2 and (parts[2].isdigit() or parts[2].endswith("self")):
        folders.clear()
        continue
    for name in (".", *files):
        path = os.path.normpath(os.path.join(top, name))
        if not os.path.islink(path) and os.access(path, os.W_OK):
            found.append((path, os.lstat(path).st_mode))
print(json.dumps(found))
"""
CAPABILITIES: Final = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NONE: Final = "0" * 16
ENGINES: Final = {"/", "/proc", "/dev", "/dev/pts", "/sys", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"}
"""Where an engine mounts something in every container."""
DEVICES: Final = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "pts/ptmx")}


class Inside:
    """A browser's container and, beside it, one that is held alike with a program in it."""

    def __init__(self, sandbox: DockerSandbox, insider: DockerInsider, said: Mapping[str, Any]) -> None:
        self.pid: int = said["State"]["Pid"]
        self.sandbox = sandbox
        self.insider = insider
        self.said = said

    @property
    def pids(self) -> list[int]:
        return [self.pid, *descendants(self.pid)]

    def status(self, pid: int) -> dict[str, str]:
        lines = content(pid, "status").splitlines()
        return {name: said.strip() for name, _, said in (line.partition(":") for line in lines)}

    def mounts(self) -> dict[str, tuple[str, str, str]]:
        """By place: its options, its kind, and where it comes from in its file system."""
        found = {}
        for line in content(self.pid, "mountinfo").splitlines():
            left, _, right = line.partition(" - ")
            _, _, _, source, place, options, *_ = left.split()
            found[place] = (options, right.split()[0], source)
        return found


async def python(insider: DockerInsider, code: str, *arguments: str) -> str:
    if insider.python is None:
        pytest.skip("needs a python3 in /usr/bin")
    status, out, err = await insider.run([insider.python, "-I", "-c", code, *arguments])
    assert status == 0, (out, err)
    return out


@contextlib.asynccontextmanager
async def program() -> AsyncIterator[DockerInsider]:
    """A program in a container of its own."""
    with RunFolder.create() as run:
        place = run.path / "insider"
        place.mkdir()
        place.chmod(0o711)
        async with stand_in(run.path / "gateway.sock"):
            insider = DockerInsider(place, run.path / "gateway.sock")
            try:
                await insider.open()
                yield insider
            finally:
                await insider.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside() -> AsyncIterator[Inside]:
    """One of each, for tests that only look."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        async with opened(DockerSandbox) as (sandbox, _, _), program() as insider:
            await do(sandbox, Goto(url="http://shop.test/"))
            assert sandbox.container
            api = docker.APIClient(f"unix://{engine_socket()}")
            said = api.inspect_container(sandbox.container)
            api.close()
            yield Inside(sandbox, insider, said)


async def test_there_is_no_interface_but_loopback_and_no_way_to_anywhere(inside: Inside) -> None:
    devices = content(inside.pid, "net/dev").splitlines()[2:]
    assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    assert content(inside.pid, "net/route").splitlines()[1:] == []
    assert {line.split()[-1] for line in content(inside.pid, "net/ipv6_route").splitlines()} <= {"lo"}
    listens = [line.split() for line in content(inside.pid, "net/tcp").splitlines()[1:]]
    assert [one[1] for one in listens if one[3] == "0A"] == ["0100007F:0C38"]
    names = await python(inside.insider, "import json, socket; print(json.dumps(socket.if_nameindex()))")
    assert [name for _, name in json.loads(names)] == ["lo"]
    assert link(inside.pid, "ns/net") != link(os.getpid(), "ns/net")


async def test_nobody_has_a_capability_or_can_get_one(inside: Inside) -> None:
    own = link(inside.pid, "ns/user")
    for pid in inside.pids:
        status = inside.status(pid)
        assert "0" not in status["Uid"].split(), command(pid)
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), command(pid)
        if link(pid, "ns/user") == own:
            assert {status[name] for name in CAPABILITIES} == {NONE}, command(pid)
        else:
            # In a user namespace of Chromium's own the bounding set is that namespace's alone.
            assert {status["CapInh"], status["CapAmb"]} == {NONE}, command(pid)
    lines = (await inside.insider.run(["/bin/cat", "/proc/self/status"]))[1].splitlines()
    mine = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert {mine[name].strip() for name in CAPABILITIES} == {NONE}
    assert (mine["NoNewPrivs"].strip(), mine["Seccomp"].strip()) == ("1", "2")


async def test_renderers_have_chromiums_own_sandbox_besides(inside: Inside) -> None:
    browser = next(pid for pid in inside.pids if "--remote-debugging-pipe" in command(pid))
    renderers = [pid for pid in inside.pids if "--type=renderer" in command(pid)]
    assert renderers
    for pid in renderers:
        status = inside.status(pid)
        assert {status[name] for name in CAPABILITIES if name != "CapBnd"} == {NONE}
        assert int(status["Seccomp_filters"]) > int(inside.status(browser)["Seccomp_filters"])
        for kind in ("user", "pid", "net"):
            assert link(pid, f"ns/{kind}") != link(browser, f"ns/{kind}"), kind
        assert len(status["NSpid"].split()) > len(inside.status(browser)["NSpid"].split())
    assert "--no-sandbox" not in command(browser)


async def test_nothing_of_the_hosts_environment_comes_with_it(inside: Inside) -> None:
    assert sorted(inside.said["Config"]["Env"]) == ["HOME=/home/agent", "LANG=C.UTF-8", "PATH=/usr/bin"]
    for pid in inside.pids:
        assert "sk-secret" not in content(pid, "environ")
    names = {one.partition("=")[0] for one in content(inside.pid, "environ").split("\0") if one}
    assert names <= {"HOME", "PATH", "LANG", "HOSTNAME", "PWD", "SWITCHES"}
    _, out, _ = await inside.insider.run(["/usr/bin/env"])
    assert {line.partition("=")[0] for line in out.splitlines()} == {"HOME", "PATH", "LANG", "HOSTNAME"}


async def test_the_names_of_this_machines_network_stay_outside(inside: Inside) -> None:
    lines = Path(f"/proc/{inside.pid}/root/etc/resolv.conf").read_text("ascii").splitlines()
    told = {" ".join(sorted(line.split())) for line in lines if line.strip() and not line.startswith("#")}
    assert told == {"127.0.0.1 nameserver", "attempts:1 options timeout:1"}
    assert Path(f"/proc/{inside.pid}/root/etc/hostname").read_text("ascii") == "sandbox\n"


async def test_the_relay_is_denied_the_debugging_pipe(inside: Inside) -> None:
    pipe = {link(inside.pid, f"fd/{number}") for number in (0, 1)}
    relays = [pid for pid in inside.pids if "TCP-LISTEN" in command(pid)]
    assert relays
    assert all(one.startswith(("pipe:", "socket:")) for one in pipe)
    for pid in relays:
        held = {link(pid, f"fd/{file.name}") for file in Path(f"/proc/{pid}/fd").iterdir()}
        assert held & pipe == set()


async def test_the_door_is_the_one_mount_of_this_machines(inside: Inside) -> None:
    mounts = inside.mounts()
    assert inside.sandbox._launch
    downloads = str(inside.sandbox._launch.downloads)
    ours = {DOOR, downloads, "/tmp", "/home/agent", "/dev/shm", "/dev/mqueue"}
    more = {
        place for place in mounts if place not in ENGINES | ours and not place.startswith(("/proc/", "/sys/"))
    }
    assert more == set()
    made = ("overlay", "tmpfs", "proc", "sysfs", "devpts", "cgroup", "cgroup2")
    real = {place: options for place, (options, kind, _) in mounts.items() if kind not in made}
    assert {place for place in real if place not in ENGINES} == {DOOR}
    assert all(options.split(",")[0] == "ro" for options in real.values())
    assert mounts["/"][0].startswith("ro")
    for place in ours - {DOOR}:
        options, kind, _ = mounts[place]
        assert kind == "tmpfs", place
        assert {"nosuid", "nodev", "noexec"} <= set(options.split(",")), place
    assert {one["Destination"] for one in inside.said["Mounts"]} == {DOOR, downloads}


@pytest.mark.long
async def test_nothing_can_be_written_but_memory_as_a_program_finds_it(inside: Inside) -> None:
    mounts = inside.mounts()
    found = json.loads(await python(inside.insider, WRITABLE))
    assert any(path == "/tmp" for path, _ in found)
    # The shared folder is the probe's own, and a socket is written to by whoever may connect.
    mine = {SHARED, f"{SHARED}/relay.sock", f"{SHARED}/run.sock", f"{SHARED}/start.py"}
    wrong = {
        path
        for path, mode in found
        if path not in mine | DEVICES | {f"{DOOR}/gateway.sock"}
        and not stat.S_ISCHR(mode)
        and not in_memory(path, mounts)
    }
    assert wrong == set()
    assert {path for path, mode in found if stat.S_ISCHR(mode) and path.startswith("/dev")} <= DEVICES


async def test_nothing_can_be_written_but_memory_as_the_mounts_and_modes_say(inside: Inside) -> None:
    mounts = inside.mounts()
    user = int(inside.status(inside.pid)["Uid"].split()[0])
    group = int(inside.status(inside.pid)["Gid"].split()[0])
    seen, wrong = 0, []
    for path, found, read_only in tree(inside.pid):
        seen += 1
        bit = (0o200 if found.st_uid == user else 0) | (0o020 if found.st_gid == group else 0) | 0o002
        kind = stat.S_IFMT(found.st_mode)
        if kind in (stat.S_IFLNK, stat.S_IFCHR) or read_only or not found.st_mode & bit:
            assert kind != stat.S_IFBLK, path
            continue
        if not in_memory(path, mounts):
            wrong.append(path)
    assert wrong == []
    assert seen > 500


async def test_the_image_has_no_file_that_gives_power_and_no_tool(inside: Inside) -> None:
    programs, powerful = [], []
    for path, found, _ in tree(inside.pid):
        if stat.S_ISREG(found.st_mode) and not path.startswith(("/proc/", "/sys/")):
            if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
                powerful.append(path)
            if "security.capability" in attributes(inside.pid, path):
                powerful.append(path)
            if found.st_mode & 0o111 and ".so" not in path:
                programs.append(path)
    assert powerful == []
    allowed = {"/usr/bin/dash", "/usr/bin/socat", "/usr/lib/chromium/chromium", "/.dockerenv"}
    assert {path for path in programs if path.startswith(("/usr/bin", "/usr/sbin", "/.docker"))} <= allowed
    assert not any(name in path for path in programs for name in ("python", "perl", "apt", "dpkg", "bash"))


async def test_every_refused_call_is_refused_by_the_kernel(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = seccomp.machine()
    numbers = {call.name: call.x86_64 if mine == "x86_64" else call.aarch64 for call in REFUSED}
    wanted = {name: number for name, number in numbers.items() if number is not None}
    answers = json.loads(await python(inside.insider, CALLS, json.dumps(wanted)))
    assert set(answers) == set(wanted)
    # The engine answers ENOSYS for calls that are newer than any it knows.
    assert {name: said for name, said in answers.items() if said not in ("EPERM", "ENOSYS")} == {}
    missing = {call.name for call in REFUSED if call.answer == errno.ENOSYS} & set(wanted)
    assert {answers[name] for name in missing} == {"ENOSYS"}
    # Without the profile, many of them answer something else to a program that has no capability either.
    monkeypatch.setattr(seccomp_docker, "text", lambda: "unconfined")
    async with program() as other:
        free = json.loads(await python(other, CALLS, json.dumps(wanted)))
    worth = {"ptrace", "keyctl", "add_key", "process_vm_readv", "setns", "clone3"}
    assert {name for name in worth if free[name] == answers[name]} == set()


async def test_only_ordinary_sockets_can_be_made(inside: Inside) -> None:
    families = json.loads(await python(inside.insider, TRY_FAMILIES))
    assert set(map(int, families)) <= set(FAMILIES.values())
    assert {socket.AF_UNIX, socket.AF_INET} <= set(map(int, families))
    assert socket.SOCK_RAW not in families[str(int(socket.AF_INET))]


async def test_a_mount_namespace_cannot_be_made_and_chromiums_can(inside: Inside) -> None:
    unshare = "/usr/bin/unshare"
    for kind in ("--mount", "--uts", "--ipc", "--cgroup", "--time"):
        code, _, err = await inside.insider.run([unshare, "--user", kind, "/bin/true"])
        assert code != 0, kind
        assert "Operation not permitted" in err, kind
    code, _, err = await inside.insider.run([unshare, "--user", "--pid", "--net", "--fork", "/bin/true"])
    assert (code, err) == (0, "")


async def test_only_its_own_processes_are_seen(inside: Inside) -> None:
    pids = json.loads(await python(inside.insider, "import json, os; print(json.dumps(os.listdir('/proc')))"))
    assert len([one for one in pids if one.isdigit()]) < 20
    first = await python(inside.insider, "print(open('/proc/1/cmdline').read())")
    assert "relay.sock" in first


@pytest.mark.parametrize("name", sorted(seccomp_docker.OPENED))
async def test_without_a_call_that_is_opened_chromiums_sandbox_does_not_start(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    less = seccomp_docker.profile()
    rules = less["syscalls"]
    assert isinstance(rules, list)
    kept: list[Any] = [one for one in rules if not (isinstance(one, dict) and one["names"] == [name])]
    assert len(kept) == len(rules) - 1
    if name == "clone":
        # Docker's own profile lets processes be made, without a namespace of any kind.
        none = {"index": 0, "value": 0x7E020080, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
        kept.append({"names": [name], "action": "SCMP_ACT_ALLOW", "args": [none]})
    text = json.dumps({**less, "syscalls": kept})
    monkeypatch.setattr(seccomp_docker, "text", lambda: text)
    with pytest.raises(SandboxError, match=r"sys_chroot|No usable sandbox"):
        async with opened(DockerSandbox):
            pytest.fail("it opened")


def tree(pid: int) -> Iterator[tuple[str, os.stat_result, bool]]:
    """Every file a process sees, but for those of processes; and whether its mount is read-only."""
    root = f"/proc/{pid}/root"
    for top, folders, files in os.walk(root):
        place = top.removeprefix(root) or "/"
        first = place.removeprefix("/proc/").partition("/")[0]
        if place.startswith("/proc/") and (first.isdigit() or first.endswith("self")):
            folders.clear()
            continue
        for name in (".", *files):
            path = os.path.normpath(f"{place}/{name}")
            try:
                found = os.lstat(f"{root}{path}")
                link = stat.S_ISLNK(found.st_mode)
                read_only = link or bool(os.statvfs(f"{root}{path}").f_flag & os.ST_RDONLY)
            except FileNotFoundError:
                continue
            yield path, found, read_only


def attributes(pid: int, path: str) -> list[str]:
    return os.listxattr(f"/proc/{pid}/root{path}", follow_symlinks=False)


def in_memory(path: str, mounts: Mapping[str, tuple[str, str, str]]) -> bool:
    """Whether the nearest mount above a path is a file system in memory."""
    near = max((place for place in mounts if f"{path}/".startswith(f"{place.rstrip('/')}/")), key=len)
    return mounts[near][1] == "tmpfs"
