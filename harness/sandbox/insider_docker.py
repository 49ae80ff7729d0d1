"""A program in a container that is held like a browser's.

The container is made of the same image, with the host configuration of `harness.sandbox.docker.host_config`:
the same seccomp profile, capabilities, network, read-only root, limits and user. Two mounts are the probe's
alone, and the only difference: this machine's `/usr`, read-only, since the image has no Python; and one
folder that both sides see, for the way in. No exec channel is used: what runs inside is started by the
container's first process, which ends, and everything with it, when its standard input does.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docker.types import Mount

from harness.errors import SandboxError
from harness.sandbox import docker, ends, group, managed, recipe
from harness.sandbox.base import SandboxOptions
from harness.sandbox.confine import RELAY_PORT
from harness.sandbox.engine import Engine, Facts
from harness.sandbox.insider import PYTHON
from harness.sandbox.launch import Launch
from harness.sandbox.present import engine_socket

SHARED: Final = "/run/insider"
"""Where the folder that both sides see is, inside."""

_START_SECONDS = 30.0
_LATE_SECONDS = 2.0
_RELAY = f"TCP-LISTEN:{RELAY_PORT},bind=127.0.0.1,fork,backlog=256,max-children=512,nodelay"
_FIRST = f"""\
socat {_RELAY} UNIX-CONNECT:{docker.DOOR}/gateway.sock </dev/null >&2 &
listening() {{
    while read -r _ here _ state _; do
        [ "$here $state" = "0100007F:{RELAY_PORT:04X} 0A" ] && return 0
    done </proc/net/tcp
    return 1
}}
until listening; do
    kill -0 $! || exit 127
done
cd {SHARED}
socat UNIX-LISTEN:relay.sock,fork,mode=666 TCP:127.0.0.1:{RELAY_PORT},nodelay </dev/null >&2 &
socat UNIX-LISTEN:run.sock,fork,mode=666 "EXEC:{PYTHON} -I -S start.py" </dev/null >&2 &
while read -r _; do :; done
"""
_START = """\
import json, os, subprocess, sys
command, seconds = json.loads(sys.stdin.buffer.readline())
own = {k: v for k, v in os.environ.items() if not k.startswith("SOCAT_") and k not in ("PWD", "OLDPWD")}
try:
    how = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": seconds, "cwd": "/"}
    done = subprocess.run(command, env=own, **how)
    found = [done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")]
except OSError as error:
    found = [127, "", str(error)]
print(json.dumps(found))
"""
# Playwright gives a browser its pipe on 3 and 4, where `ends.py join` looks for it.
_PIPED = 'exec "$@" 3<&0 4>/dev/null </dev/null'


class DockerInsider:
    """A program in a container of its own, which ends with this process.

    Args:
        folder: an empty folder that any user can pass through, in the run's own.
        socket: the gateway's Unix socket.
        oci_runtime: what runs the container; nothing for the engine's own choice.
    """

    def __init__(self, folder: Path, socket: Path, oci_runtime: str | None = None) -> None:
        self._folder = folder
        self._socket = socket
        self._options = SandboxOptions(
            downloads=folder / "kept", runtime=folder.parent, oci_runtime=oci_runtime
        )
        self._shared = folder / "shared"
        self._log = folder / "insider.log"
        self._engine: Engine | None = None
        self._container: str | None = None
        self._asked = False
        self._join: asyncio.subprocess.Process | None = None
        self._guard: asyncio.subprocess.Process | None = None

    @property
    def python(self) -> str | None:
        """A Python inside, if there is one."""
        return str(PYTHON) if PYTHON.exists() else None

    @property
    def container(self) -> str | None:
        """The container's id, once it was made."""
        return self._container

    async def open(self) -> None:
        """Make the container and start the way in, as `Insider.open` says."""
        if not shutil.which("socat", path="/usr/bin"):
            raise SandboxError("a program in a container needs /usr/bin/socat: apt-get install socat")
        engine = self._engine = Engine(engine_socket())
        facts = await asyncio.to_thread(engine.facts)
        image = await asyncio.to_thread(engine.image, recipe.IMAGE)
        if image is None:
            raise SandboxError(f"the image {recipe.IMAGE} is not there: type `harness sandbox build`")
        self._guard = await docker.watch(engine, self._folder, self._options.runtime)
        user = docker.open_door(self._folder, self._socket, facts, managed.document(None))
        self._share(user, facts)
        launch = Launch(self._folder)
        host = insider_host_config(self._options, launch, user, self._shared)
        config = {
            **docker.config(self._options, launch, user),
            "entrypoint": ["/bin/sh", "-eu", "-c", _FIRST],
        }
        self._asked = True
        self._container = await asyncio.to_thread(lambda: engine.create(image.digest, host, **config))
        await self._begin(engine, self._container)

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection from inside to the relay."""
        return await asyncio.open_unix_connection(self._shared / "relay.sock")

    async def run(self, command: Sequence[str], seconds: float = 30.0) -> tuple[int, str, str]:
        """Run a program inside."""
        what = f"{command[0]} in the container"
        try:
            async with asyncio.timeout(seconds + _LATE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._shared / "run.sock")
                try:
                    writer.write(json.dumps([list(command), seconds]).encode() + b"\n")
                    said = await reader.read()
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except TimeoutError as error:
            raise SandboxError(f"{what} did not end within {seconds:g} s") from error
        except OSError as error:
            raise SandboxError(f"{what} could not be started: {error.strerror}") from error
        if not said:
            raise SandboxError(f"{what} did not end within {seconds:g} s, or gave no answer")
        code, out, err = json.loads(said)
        return code, out, err

    async def close(self) -> None:
        """End what runs inside. Safe to call twice."""
        engine, container, join, guard = self._engine, self._container, self._join, self._guard
        self._engine = self._container = self._join = self._guard = None
        try:
            if engine and container:
                await asyncio.to_thread(engine.remove, container)
            # One that was asked for and never heard of is the guard's to remove.
            if guard and guard.stdin and (container or not self._asked):
                guard.stdin.write(ends.LAST_WORD)
        finally:
            if engine:
                engine.close()
            if join and join.returncode is None:
                await group.kill(join)
            if guard and guard.stdin:
                guard.stdin.close()
                await guard.wait()

    def _share(self, user: int, facts: Facts) -> None:
        self._shared.mkdir(mode=0o700)
        start = self._shared / "start.py"
        start.write_text(_START, "ascii")
        start.chmod(0o644)
        if facts.rootless or facts.remapped:
            self._shared.chmod(0o777)
        elif os.geteuid() == 0:
            os.chown(self._shared, user, user)

    async def _begin(self, engine: Engine, container: str) -> None:
        words = (sys.executable, "-I", "-S", ends.__file__, "join")
        with self._log.open("ab") as log:
            join = self._join = await asyncio.create_subprocess_exec(
                *("/bin/sh", "-c", _PIPED, "sh", *words, str(engine.socket), container, str(self._log)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env={},
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not all((self._shared / name).is_socket() for name in ("relay.sock", "run.sock")):
                    if join.returncode is not None:
                        said = self._log.read_text("utf-8", errors="replace").strip()[-500:]
                        raise SandboxError(f"the program in the container ended at once: {said}")
                    await asyncio.sleep(0.02)
        except TimeoutError as error:
            raise SandboxError("the way into the container did not open") from error


def insider_host_config(
    options: SandboxOptions, launch: Launch, user: int, shared: Path
) -> Mapping[str, Any]:
    """Give the browser's own host configuration with two mounts more: `/usr`, and the shared folder."""
    host = docker.host_config(options, launch, user)
    mine = (
        Mount("/usr", "/usr", type="bind", read_only=True),
        Mount(SHARED, str(shared), type="bind"),
    )
    return {**host, "mounts": [*host["mounts"], *mine]}
