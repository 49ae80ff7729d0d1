"""The real container: the tightest that an engine gives, around the same browser.

    Playwright ─exec─▶ wrapper (sh) ─exec─▶ ends.py join ═ engine ═▶ socat ─▶ chromium      (debugging pipe)
                                                                    └─▶ socat ─▶ /run/harness/gateway.sock

Nothing is mounted but one read-only folder, the door, with the gateway's socket and the managed policy. There
is no network, no port, and no other way to speak to what runs inside.
"""

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import structlog
from docker.types import DriverConfig, LogConfig, Mount, Ulimit
from playwright.async_api import Browser

from harness.errors import SandboxError
from harness.sandbox import chromium, ends, leftovers, managed, recipe, rundir, seccomp_docker
from harness.sandbox.base import SandboxInfo, SandboxOptions
from harness.sandbox.confine import RELAY_PORT, real_user
from harness.sandbox.engine import Engine, Facts, Image
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.launch import Launch, preamble
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import BUILD, IMAGE

DOOR: Final = "/run/harness"
"""Where the one mounted folder is, inside."""

MEMORY: Final = 2 * 1024**3
"""Bytes that all inside may use together, its files in memory among them."""
PROCESSES: Final = 1024
"""Processes and threads."""
CPUS: Final = max(1.0, (os.cpu_count() or 1) / 2)
"""Cores: half of the machine's, so that one run cannot starve another."""

LAYERS: Final = (
    "user, mount, process, network, IPC, host name and cgroup namespaces of a container",
    "no network but the gateway's Unix socket",
    "no capability, no new privileges",
    "seccomp profile that names what is allowed",
    "read-only root, empty home, no environment of the host",
    "limits on memory, processes, cores and memory-backed folders",
    "Chromium's own sandbox",
    "managed browser policy",
)

MASKED: Final = (
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats"),
    *("/sys/devices/virtual/powercap", "/sys/firmware"),
    *(f"/sys/devices/system/cpu/cpu{number}/thermal_throttle" for number in range(os.cpu_count() or 1)),
    "/proc/pressure",
)
"""What is empty inside: all that engines hide by themselves, and what anyone may write to in `/proc`."""
UNWRITTEN: Final = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
"""What is read-only inside, as every engine has it."""

_HALF_GIB: Final = 512 * 1024**2
_INSIDE_USER: Final = 1000
_log = structlog.get_logger(__name__)


class DockerSandbox(HostedSandbox):
    """A browser in a container of its own, which ends with the run."""

    kind = "docker"

    def __init__(self, options: SandboxOptions) -> None:
        """Take what it is told; nothing starts before `open`."""
        super().__init__(options)
        self._engine: Engine | None = None
        self._facts: Facts | None = None
        self._image: Image | None = None
        self._container: str | None = None
        self._asked = False
        self._guard: asyncio.subprocess.Process | None = None
        self._began = 0.0

    @property
    def container(self) -> str | None:
        """The container's id, once it was made."""
        return self._container

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        more = ("AppArmor profile of the engine",) if self._facts and self._facts.apparmor else ()
        runtime = (f"runtime {self.options.oci_runtime}",) if self.options.oci_runtime else ()
        return SandboxInfo(
            kind=self.kind,
            isolated=True,
            browser=self.version,
            layers=LAYERS + more + runtime,
            image=self._image.digest if self._image else "",
            seed=self.options.seed,
            warmed=self.warmed,
        )

    async def _start(self, launch: Launch, socket: Path, spki: str) -> Browser:
        engine = self._engine = Engine(engine_socket())
        self._guard = await watch(engine, launch.folder, self.options.runtime)
        self._began = time.time()

        # All that the engine is asked is asked while the driver starts.
        def script() -> str:
            facts, image = self._checked(engine)
            leftovers.sweep(engine)
            user = open_door(launch.folder, socket, facts, managed.document(self.options.reach))
            self._asked = True
            container = self._container = engine.create(
                image.digest, host_config(self.options, launch, user), **config(self.options, launch, user)
            )
            # It waits for the switches, and for somebody to join it.
            engine.start(container)
            join = (sys.executable, "-I", "-S", ends.__file__, "join")
            words = (*join, str(engine.socket), container, str(launch.folder / "browser.log"))
            return (
                f"#!/bin/sh\n{preamble(launch.folder, f'{chromium.HOME_INSIDE}/profile')}"
                f'exec {shlex.join(words)} "$@"\n'
            )

        return await launch.start(
            script, chromium.flags(RELAY_PORT, spki, self.options.seed), chromium_sandbox=True
        )

    def _checked(self, engine: Engine) -> tuple[Facts, Image]:
        facts = self._facts = engine.facts()
        image = self._image = engine.image(IMAGE)
        if image is None:
            raise SandboxError(f"the image {IMAGE} is not there: type `{BUILD}`")
        if recipe.stale(image.labels, recipe.archive(recipe.folder()), None):
            _log.warning(f"the image {IMAGE} was made from something else than what is here: type `{BUILD}`")
        asked = self.options.oci_runtime
        if asked and asked not in facts.runtimes:
            raise SandboxError(
                f"--runtime {asked}: this engine has {', '.join(facts.runtimes)}; install it and name it in "
                '/etc/docker/daemon.json under "runtimes"'
            )
        return facts, image

    def _take(self, source: Path, target: Path) -> int:
        if self._engine is None or self._container is None or self._launch is None:
            raise OSError(2, "there is no container")
        if source.parent != self._launch.downloads:
            raise OSError(1, f"the browser names a file outside its folder: {source.name[:80]!r}")
        return self._engine.copy_out(self._container, str(source), target)

    async def _cause(self) -> str:
        if self._engine is None or self._container is None:
            return ""
        try:
            events = await asyncio.to_thread(self._engine.ended, self._container, self._began)
        except SandboxError as error:
            return str(error)
        if "oom" in events:
            return f"it ran out of memory (limit {MEMORY // 1024**2} MiB)"
        return "the container was ended from outside" if "kill" in events else ""

    def _memory(self) -> int:
        inside = self._engine.memory(self._container) if self._engine and self._container else None
        return super()._memory() + (inside or 0)

    async def _end(self) -> None:
        engine, container, guard = self._engine, self._container, self._guard
        self._guard = None
        # One that was asked for and never heard of is the guard's to remove.
        gone = bool(container) or not self._asked
        if engine and container and not self.options.leave:
            try:
                await asyncio.to_thread(engine.remove, container)
            except SandboxError as error:
                gone = False
                _log.warning(
                    "a container is left; type `harness sandbox clean`",
                    container=container[:12],
                    why=str(error),
                )
        if engine:
            engine.close()
        if guard and guard.stdin:
            guard.stdin.write(ends.LAST_WORD if gone else b"")
            guard.stdin.close()
            await guard.wait()
        self._forget()


async def watch(engine: Engine, folder: Path, runtime: Path) -> asyncio.subprocess.Process:
    """Start the guard of one sandbox's container, which removes it if this process dies.

    Args:
        engine: which has the container.
        folder: the sandbox's own.
        runtime: the run's, which goes as well.
    """
    nothing = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", ends.__file__, "guard"),
        *(str(engine.socket), run_id(folder), str(runtime)),
        stdin=asyncio.subprocess.PIPE,
        stdout=nothing,
        stderr=nothing,
        env={},
        start_new_session=True,
    )


def open_door(folder: Path, socket: Path, facts: Facts, policy: str) -> int:
    """Make the one folder that is mounted, and say as which user the programs inside run.

    Args:
        folder: the sandbox's own.
        socket: the gateway's Unix socket.
        facts: of the engine.
        policy: Chromium's managed policy, as JSON.
    """
    door = folder / "door"
    door.mkdir(mode=0o755)
    door.chmod(0o755)
    written = door / "policy.json"
    written.write_text(policy, "utf-8")
    written.chmod(0o644)
    inside = door / "gateway.sock"
    os.link(socket, inside)
    if facts.rootless or facts.remapped:
        # Its number outside is the engine's to choose; nobody else knows the way to the folder.
        inside.chmod(0o666)
        return _INSIDE_USER
    if os.geteuid() != 0:
        return os.geteuid()
    user = real_user(folder) or _INSIDE_USER
    os.chown(inside, user, user, follow_symlinks=False)
    return user


def run_id(folder: Path) -> str:
    """Give the label of what belongs to one sandbox's folder."""
    return f"{folder.parent.name}/{folder.name}"


def host_config(options: SandboxOptions, launch: Launch, user: int) -> Mapping[str, Any]:
    """Say how the container is held: what `Engine.create` takes."""
    kept = "rw,nosuid,nodev,noexec"
    owner = f"uid={user},gid={user}"
    downloads = DriverConfig(
        "local",
        {
            "type": "tmpfs",
            "device": "tmpfs",
            "o": f"size={_HALF_GIB},mode=0700,nosuid,nodev,noexec,{owner}",
        },
    )
    return {
        "network_mode": "none",
        "dns": ["127.0.0.1"],
        # Else the engine writes this machine's own search domains into the container.
        "dns_search": ["."],
        "dns_opt": ["timeout:1", "attempts:1"],
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true", f"seccomp={seccomp_docker.text()}"],
        "ipc_mode": "private",
        "cgroupns": "private",
        "pids_limit": PROCESSES,
        "mem_limit": MEMORY,
        "memswap_limit": MEMORY,
        "nano_cpus": int(CPUS * 1e9),
        "shm_size": _HALF_GIB,
        "oom_score_adj": 500,
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=16_384, hard=16_384),
            Ulimit(name="memlock", soft=8_388_608, hard=8_388_608),
        ],
        "tmpfs": {
            "/tmp": f"{kept},size={_HALF_GIB},mode=1777",  # noqa: S108 - the container's own
            chromium.HOME_INSIDE: f"{kept},size={_HALF_GIB},mode=0700,{owner}",
            # The engine mounts message queues there, which any program could fill.
            "/dev/mqueue": "ro,nosuid,nodev,noexec,size=4096,mode=0555",
        },
        "mounts": [
            Mount(DOOR, str(launch.folder / "door"), type="bind", read_only=True),
            Mount(str(launch.downloads), None, type="volume", no_copy=True, driver_config=downloads),
        ],
        "masked_paths": MASKED,
        "readonly_paths": UNWRITTEN,
        "log_config": LogConfig(type="none"),
        "auto_remove": not options.leave,
        "runtime": options.oci_runtime,
    }


def config(options: SandboxOptions, launch: Launch, user: int) -> Mapping[str, Any]:
    """Say what the container is: arguments of the SDK's `create_container`."""
    return {
        "command": ["keep"] if options.leave else None,
        "user": f"{user}:{user}",
        "hostname": "sandbox",
        "stdin_open": True,
        "labels": {
            ends.LABEL: run_id(launch.folder),
            ends.FOLDER: str(options.runtime),
            ends.PLACE: rundir.identity(options.runtime.parent),
            **({ends.KEPT: "yes"} if options.leave else {}),
        },
        "name": f"harness-{run_id(launch.folder).replace('/', '-')}",
    }
