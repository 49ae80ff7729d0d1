"""The real command as a child process, in a folder with a small site of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.trace.verify import Verification, verify

COMMAND = Path(sys.executable).with_name("harness")
SECONDS = 90
NO_ENGINE = "unix:///nowhere/docker.sock"
PAGE = """<!doctype html><title>A</title><style>* {font: bold 40px sans-serif}</style>
<h1>Hello there</h1>
<button onclick="document.querySelector('h1').textContent = 'It is done'">Press me</button>"""
TASK = """\
name: t
goal: See the page.
start: https://a.test/
hosts: {a.test: "dir:site"}
policy: policy.yaml
steps:
  - STEP
"""
POLICY = """\
version: 1
name: p
domains: {navigate: [a.test]}
default: {action: allow, request: allow, navigate: deny}
"""
ASKING = """\
rules:
  - {name: presses, on: action, when: {kind: [click]}, verdict: ask, why: It presses.}
"""


class Told(NamedTuple):
    """What a command inside the test's process came to."""

    code: int
    out: str
    err: str


Command = Callable[..., Told]


def processes(mark: str) -> list[int]:
    """Give the processes, other than this one, that hold a text in command, environment or mounts."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = b"\0".join((entry / one).read_bytes() for one in ("cmdline", "environ", "mountinfo"))
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(entry.name))
    return found


@dataclass
class Started:
    """A command that is still going; what it says on standard error is kept line by line."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)
    _reader: threading.Thread | None = None
    _over: bool = False

    def listen(self) -> None:
        """Begin to keep what is said."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.said.append(line)
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def wait_for(self, text: str) -> None:
        """Wait until a text was said."""
        with self._news:
            heard = self._news.wait_for(lambda: self._over or text in "".join(self.said), SECONDS)
            assert heard, f"{text!r} was not said: {''.join(self.said)}"
        assert text in "".join(self.said), f"it ended without {text!r}: {''.join(self.said)}"

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send a signal if one is given, and wait for code, output and what was said."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        code = self.process.wait(SECONDS)
        if self._reader is not None:
            self._reader.join(SECONDS)
        return code, out, "".join(self.said)

    def close(self) -> None:
        """Wait for the end, and let go of the pipes."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(SECONDS)
        if self._reader is not None:
            self._reader.join(SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@dataclass
class Place:
    """A folder to run the command in."""

    folder: Path
    started: list[Started] = field(default_factory=list)
    engine: str = NO_ENGINE
    """The Docker engine that the command finds. With none, `auto` is bubblewrap on every machine."""

    def task(self, step: str = "press Tab", *, name: str = "task.yaml", **changes: str) -> str:
        """Write a task with one step; `changes` replace texts of the usual one, by key."""
        lines = TASK.replace("STEP", step).splitlines()
        for key, value in changes.items():
            lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in lines]
        (self.folder / name).write_text("\n".join(lines) + "\n")
        return name

    def harness(
        self, *arguments: str, env: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, with nothing on standard input."""
        return subprocess.run(
            [*prefix, str(COMMAND), *arguments],
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> Started:
        """Start the command and listen to it."""
        process = subprocess.Popen(
            [str(COMMAND), *arguments],
            cwd=self.folder,
            env=self.environment(None),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        one = Started(process)
        one.listen()
        self.started.append(one)
        return one

    def environment(self, env: dict[str, str] | None) -> dict[str, str]:
        """Give the environment: a runtime folder and temporary files of this test's own."""
        own = {
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(self.runtime),
            "DOCKER_HOST": self.engine,
        }
        return {**os.environ, **own, "PLACE": self.folder.as_posix(), **(env or {})}

    @property
    def runtime(self) -> Path:
        """Where the command keeps sockets, profiles and temporary files."""
        return self.folder / "r"

    def left(self) -> list[Path]:
        """Give what runs left in the runtime folder."""
        return sorted(self.runtime.glob("harness*/*"))

    def trace(self) -> Path:
        """Give the one trace that there is."""
        found = list((self.folder / "traces").iterdir())
        assert len(found) == 1
        return found[0]

    def verified(self) -> Verification:
        """Verify the one trace that there is."""
        return verify(self.trace())
