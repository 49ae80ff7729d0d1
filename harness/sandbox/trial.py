"""Whether bubblewrap really works on this machine: found out by doing it, not by reading settings."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import SandboxError
from harness.sandbox.confine import become, find_tools, real_user

_SECONDS = 5.0


@dataclass(frozen=True)
class Trial:
    """How it went."""

    ok: bool
    """Whether namespaces can be made."""
    detail: str
    """What was found."""
    fix: str = ""
    """What to type or to change, if it did not go well."""

    def demand(self) -> None:
        """Do nothing if it went well.

        Raises:
            SandboxError: with what was found and what to do.
        """
        if not self.ok:
            raise SandboxError(f"the bubblewrap sandbox does not work here: {self.detail}; {self.fix}")


def namespaces_work(proc: Path = Path("/proc")) -> Trial:
    """Run `/bin/true` behind every namespace and say how it went.

    Args:
        proc: where the kernel's settings are read from, to name the one that is in the way.

    Raises:
        SandboxError: if a program is missing, with what to install.
    """
    tools = find_tools()
    user = real_user(Path("/trial")) if os.geteuid() == 0 else None
    kinds = ("user", "ipc", "pid", "net", "uts", "cgroup")
    command = [
        *become(tools, user),
        tools["bwrap"],
        *(f"--unshare-{kind}" for kind in kinds),
        *("--uid", "1000", "--gid", "1000", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"),
        # The second user namespace is the one that Chromium's own sandbox makes.
        *("--", *(("unshare", "--user", "--pid", "--net", "--fork") if _can_nest() else ()), "/bin/true"),
    ]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, timeout=_SECONDS, env=dict(_ENVIRONMENT), cwd="/"
        )
    except subprocess.TimeoutExpired:
        return Trial(ok=False, detail=f"bubblewrap did not end within {_SECONDS:g} s", fix="try again")
    if done.returncode == 0:
        return Trial(ok=True, detail="made and entered")
    said = done.stderr.decode(errors="replace").strip()[:300]
    return Trial(ok=False, detail=said or f"exit code {done.returncode}", fix=_fix(said, proc / "sys"))


_ENVIRONMENT: Mapping[str, str] = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def _can_nest() -> bool:
    return any(Path(folder, "unshare").exists() for folder in ("/usr/bin", "/bin"))


def _fix(said: str, sysctl: Path) -> str:
    if _number(sysctl / "kernel/apparmor_restrict_unprivileged_userns") == 1:
        return "type: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if _number(sysctl / "kernel/unprivileged_userns_clone") == 0:
        return "type: sysctl -w kernel.unprivileged_userns_clone=1"
    if _number(sysctl / "user/max_user_namespaces") == 0:
        return "type: sysctl -w user.max_user_namespaces=15000"
    if "proc" in said and "mount" in said:
        return "in a container: start it with --security-opt systempaths=unconfined"
    if "Operation not permitted" in said or "Permission denied" in said:
        options = ("seccomp=unconfined", "apparmor=unconfined")
        return f"in a container: start it with {' '.join(f'--security-opt {one}' for one in options)}"
    return "see what bubblewrap says above"


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):
        return None
