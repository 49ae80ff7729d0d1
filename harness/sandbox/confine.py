"""The walls: what bubblewrap is told, as a small script that ends by becoming the program inside.

    Playwright ─exec─▶ wrapper (sh) ─exec─▶ setpriv ─exec─▶ bwrap ─▶ prlimit ─▶ setsid ─▶ sh ─┬─▶ relay
                                                                                             └─exec─▶ program

Playwright talks to the browser over the open files 3 and 4, which every `exec` passes on and the relay is
denied. The same walls hold any other program, so that tests and `harness doctor` can try them from inside.

Both processes of bwrap stay in the wrapper's process group, so that to kill the group ends all that is inside
at any moment; `--new-session` would let the inner one leave it before it is bound to the life of the outer.
"""

import hashlib
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import SandboxError
from harness.sandbox import group, managed, seccomp
from harness.sandbox.chromium import HOME_INSIDE
from harness.sandbox.rundir import reachable

RELAY_PORT = 3128
"""Where the relay listens, on the loopback of the sandbox alone."""

SOCKET_INSIDE = "/run/gateway.sock"

INSTALL = {
    "bwrap": "apt-get install bubblewrap",
    "socat": "apt-get install socat",
    "setpriv": "apt-get install util-linux",
    "prlimit": "apt-get install util-linux",
    "setsid": "apt-get install util-linux",
}
"""What to type for each program that the walls are made of."""

_MIB = 1024 * 1024
_SIZES = {"/tmp": 2048 * _MIB, HOME_INSIDE: 1024 * _MIB, "/dev/shm": 1024 * _MIB}  # noqa: S108
_LIMITS = ("--core=0", "--nproc=2048", "--nofile=16384", f"--fsize={4096 * _MIB}", "--memlock=8388608")
_ETC = {
    "passwd": f"agent:x:1000:1000::{HOME_INSIDE}:/bin/false\n",
    "group": "agent:x:1000:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "machine-id": "",
    "ld.so.cache": "",
}
_BORROWED = ("fonts", "alternatives", "ld.so.cache")

_INSIDE = """\
[ -z "$RELAY" ] || {
    "$RELAY" "TCP-LISTEN:$PORT,bind=127.0.0.1,fork,backlog=256,max-children=512,nodelay" \\
        "UNIX-CONNECT:$SOCKET" 3>&- 4>&- </dev/null &
    listening() {
        while read -r _ here _ state _; do
            [ "$here $state" = "$LISTENING" ] && return 0
        done </proc/net/tcp
        return 1
    }
    until listening; do
        kill -0 $! 2>/dev/null || { echo "the relay did not start" >&2; exit 127; }
    done
}
unset RELAY PORT SOCKET LISTENING PWD OLDPWD
exec "$@"
"""


def find_tools(path: str | None = None) -> Mapping[str, str]:
    """Find the programs that the walls are made of.

    Raises:
        SandboxError: naming what is missing and what to type.
    """
    wanted = [name for name in INSTALL if name != "setpriv" or os.geteuid() == 0]
    tools = {name: found for name in wanted if (found := shutil.which(name, path=path))}
    missing = [name for name in wanted if name not in tools]
    if missing:
        packages = dict.fromkeys(INSTALL[name].removeprefix("apt-get install ") for name in missing)
        raise SandboxError(
            f"the bubblewrap sandbox needs {', '.join(missing)}: apt-get install {' '.join(packages)}"
        )
    return tools


def real_user(folder: Path, uid_map: str | None = None) -> int | None:
    """Choose the unprivileged user of this machine that a run started by root becomes.

    Every run has its own, derived from its folder, from a range that no account uses.

    Args:
        folder: the run's folder.
        uid_map: `/proc/self/uid_map`, for tests.

    Returns:
        A uid; nothing where only one uid exists, as in a user namespace whose root is already nobody.
    """
    text = uid_map if uid_map is not None else Path("/proc/self/uid_map").read_text("ascii")
    spans = [tuple(map(int, line.split())) for line in text.splitlines() if line.strip()]
    pick = int.from_bytes(hashlib.sha256(os.fsencode(folder)).digest()[:8])
    for first, count in ((0x70000000, 0x0FFFFFFF), (61_184, 4_000)):
        if any(start <= first and first + count <= start + size for start, _, size in spans):
            return first + pick % count
    return None


def become(tools: Mapping[str, str], user: int | None) -> tuple[str, ...]:
    """Give the words that make a command run as another user; none if there is none to become."""
    if user is None:
        return ()
    return (tools["setpriv"], "--reuid", str(user), "--regid", str(user), "--clear-groups", "--")


@dataclass(frozen=True)
class Confinement:
    """The walls of one run. Nothing exists until `build` has made its files."""

    folder: Path
    """The run's folder; any user can pass through it and every folder above."""
    tools: Mapping[str, str]
    """From `find_tools`."""
    user: int | None
    """The uid to become first, if this process is root."""
    socket: Path | None = None
    """The gateway's Unix socket; without one there is no relay and no way out at all."""
    programs: tuple[Path, ...] = ()
    """Folders outside `/usr` that the program needs to read."""
    policy: str = ""
    """Chromium's managed policy, as JSON."""
    downloads: Path | None = field(default=None)
    """The one folder that can be written, at the same path inside; `build` makes it."""

    def build(self) -> None:
        """Make the files that are mounted, and give socket and downloads to the run's own user.

        Raises:
            SandboxError: if the browser's user could not reach what it needs.
        """
        etc = self.folder / "etc"
        etc.mkdir(mode=0o755)
        etc.chmod(0o755)
        for name, text in _ETC.items():
            _write(etc / name, text.encode())
        for name in _BORROWED:
            if Path("/etc", name).is_dir():
                (etc / name).mkdir(mode=0o755)
        if self.policy:
            for place in managed.PLACES:
                folder = etc / place / "policies" / "managed"
                folder.mkdir(parents=True, mode=0o755)
                _write(folder / "harness.json", self.policy.encode())
        _write(self.folder / "seccomp.bpf", seccomp.program(seccomp.machine()))
        if self.downloads:
            self.downloads.mkdir(mode=0o700, exist_ok=True)
            self._give(self.downloads, 0o700)
        if self.socket:
            self._give(self.socket, 0o600)
        for path in (self.folder, self.socket, self.downloads, *self.programs):
            if path and self.user is not None and not reachable(path.parent):
                raise SandboxError(
                    f"the browser's own user cannot reach {path}: a folder above it is for its owner only"
                )

    def script(self, program: str = "", before: str = "") -> str:
        """Write the wrapper: a `sh` script that ends as `program "$@"` behind the walls.

        Args:
            program: an absolute path inside; empty to run the script's first argument.
            before: lines of `sh` to run outside, first.
        """
        bwrap = (self.tools["bwrap"], *self._arguments(), "--", *self._inside(program))
        command = (*become(self.tools, self.user), *bwrap)
        filter_file = shlex.quote(str(self.folder / "seccomp.bpf"))
        return f'#!/bin/sh\n{before}exec {shlex.join(command)} "$@" 9<{filter_file}\n'

    async def probe(self, command: Sequence[str], seconds: float = 20.0) -> tuple[int, str, str]:
        """Run a command behind the walls and give its exit code, output and errors.

        Raises:
            SandboxError: if it takes too long.
        """
        return await group.run(
            ("/bin/sh", "-c", self.script(), "sh", *command), {}, seconds, f"{command[0]} in the sandbox"
        )

    def _inside(self, program: str) -> Iterator[str]:
        yield from (self.tools["prlimit"], *_LIMITS, "--")
        yield from (self.tools["setsid"], "/bin/sh", "-c", _INSIDE, "sh")
        if program:
            yield program

    def _arguments(self) -> Iterator[str]:
        for kind in ("user", "ipc", "pid", "net", "uts", "cgroup"):
            yield f"--unshare-{kind}"
        yield from ("--die-with-parent", "--uid", "1000", "--gid", "1000")
        yield from ("--hostname", "sandbox", "--seccomp", "9", "--clearenv")
        for name, value in self._environment():
            yield from ("--setenv", name, value)
        yield from self._mounts()
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME_INSIDE)

    def _environment(self) -> Iterator[tuple[str, str]]:
        yield from (("HOME", HOME_INSIDE), ("PATH", "/usr/bin"), ("LANG", "C.UTF-8"))
        if self.socket:
            yield from (("RELAY", self.tools["socat"]), ("PORT", str(RELAY_PORT)), ("SOCKET", SOCKET_INSIDE))
            yield ("LISTENING", f"0100007F:{RELAY_PORT:04X} 0A")

    def _mounts(self) -> Iterator[str]:
        yield from ("--ro-bind", "/usr", "/usr")
        for name in ("bin", "sbin", "lib", "lib32", "lib64"):
            place = Path("/", name)
            if place.is_symlink():
                yield from ("--symlink", str(place.readlink()), str(place))
            elif place.is_dir():
                yield from ("--ro-bind", str(place), str(place))
        yield from ("--ro-bind", str(self.folder / "etc"), "/etc")
        for name in _BORROWED:
            if Path("/etc", name).exists():
                yield from ("--ro-bind", f"/etc/{name}", f"/etc/{name}")
        yield from ("--ro-bind-try", "/var/cache/fontconfig", "/var/cache/fontconfig")
        yield from ("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev")
        for folder, size in _SIZES.items():
            yield from ("--size", str(size), "--perms", "0700" if folder == HOME_INSIDE else "1777")
            yield from ("--tmpfs", folder)
        for program in self.programs:
            yield from ("--ro-bind", str(program), str(program))
        if self.socket:
            yield from ("--bind", str(self.socket), SOCKET_INSIDE)
        if self.downloads:
            yield from ("--bind", str(self.downloads), str(self.downloads))

    def _give(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if self.user is not None:
            os.chown(path, self.user, self.user, follow_symlinks=False)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o644)
