"""One Playwright driver and one browser, from the wrapper script to the last process.

The debugging pipe is open file 3 and 4 of the wrapper, so no port is opened. Playwright's own temporary
folders go where the sandbox says, and the browser's messages into a file whose end explains a death.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from playwright.async_api import Browser, Error, Playwright, async_playwright

from harness.errors import SandboxError
from harness.sandbox.chromium import IGNORED_DEFAULTS
from harness.sandbox.group import kill_marked
from harness.sandbox.memory import parent, used

LAUNCH_SECONDS = 30.0
"""How long a browser may take to start."""

_CLOSE_SECONDS = 5.0
_TAIL_BYTES = 4096
_TAIL_LINES = 12

_NOISE = ("dbus/", "crashpad", "GLib-GIO-CRITICAL", "Fontconfig error: Cannot load default config file")
"""What a healthy browser says too, so that it explains nothing."""

_KNOWN_REASONS = (
    ("No usable sandbox", "Chromium's own sandbox cannot make a user namespace: run `harness doctor`"),
    ("Creating new namespace failed", "this machine forbids user namespaces: run `harness doctor`"),
    ("setting up uid map", "this machine forbids user namespaces: run `harness doctor`"),
    ("No space left on device", "the disk is full: free some space"),
    (
        "error while loading shared libraries",
        "the browser is incomplete: apt-get install --reinstall chromium",
    ),
    ("the relay did not start", "the relay did not start: apt-get install --reinstall socat"),
)


def preamble(folder: Path, profile: str) -> str:
    """Give the first lines of a wrapper: who it is, where messages go, whose profile.

    Args:
        folder: the run's folder on this machine.
        profile: the profile's folder, as the browser sees it.
    """
    log, pid = (shlex.quote(str(folder / name)) for name in ("browser.log", "browser.pid"))
    return (
        f"exec 2>>{log} </dev/null\n"
        f"echo $$ >{pid}\n"
        "{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null || :\n"
        # Playwright makes an empty profile folder among this machine's temporary files; it is not used.
        'for one do case $one in --user-data-dir=*) /bin/rmdir -- "${one#*=}" || : ;; esac done\n'
        f'set -- "$@" {shlex.quote(f"--user-data-dir={profile}")}\n'
    )


class Launch:
    """A browser that was started, or is not yet. Closing is safe at any time."""

    def __init__(self, folder: Path) -> None:
        """Keep its files in the run's folder: `wrapper`, `browser.log` and `downloads` among them."""
        self.folder = folder
        self.downloads = folder / "downloads"
        self._manager = async_playwright()
        self._starting: asyncio.Task[Playwright] | None = None
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._pidfd = -1

    async def start(
        self, script: Callable[[], str], flags: Sequence[str], *, chromium_sandbox: bool
    ) -> Browser:
        """Start the browser through a wrapper script.

        Args:
            script: makes the place and gives the wrapper, a `sh` script that ends as Chromium with the
                script's arguments. It runs in a thread while the driver starts.
            flags: Chromium's switches.
            chromium_sandbox: whether Chromium's own sandbox is on.

        Raises:
            SandboxError: with the end of what the browser said, if it does not start in time.
        """
        try:
            async with asyncio.timeout(LAUNCH_SECONDS):
                made = asyncio.ensure_future(asyncio.to_thread(self._wrapper, script))
                self._starting = asyncio.create_task(self._manager.start())
                try:
                    # A driver whose start was given up half-way could not be stopped.
                    self._playwright = await asyncio.shield(self._starting)
                finally:
                    wrapper = await made
                self._browser = await self._playwright.chromium.launch(
                    executable_path=wrapper,
                    args=list(flags),
                    ignore_default_args=list(IGNORED_DEFAULTS),
                    chromium_sandbox=chromium_sandbox,
                    env={},
                    handle_sigint=False,
                    handle_sigterm=False,
                    handle_sighup=False,
                    timeout=LAUNCH_SECONDS * 1000,
                    downloads_path=self.downloads,
                    artifacts_dir=self.folder / "artifacts",
                )
        except TimeoutError as error:
            raise SandboxError(self.why(f"Chromium did not start within {LAUNCH_SECONDS:g} s")) from error
        except Error as error:
            raise SandboxError(self.why("Chromium did not start", error)) from error
        with contextlib.suppress(OSError, ValueError):
            self._pidfd = os.pidfd_open(int((self.folder / "browser.pid").read_text("ascii")))
        return self._browser

    @property
    def alive(self) -> bool:
        """Whether the browser answers to the driver."""
        return self._browser is not None and self._browser.is_connected()

    def memory(self) -> int:
        """Give the bytes of memory of the driver and all that it started; 0 before the start."""
        try:
            leader = int((self.folder / "browser.pid").read_text("ascii"))
        except (OSError, ValueError):
            return 0
        driver = parent(leader)
        # A leader whose driver has died belongs to another process by now.
        ours = driver is not None and parent(driver) == os.getpid()
        return used(driver if driver is not None and ours else leader)

    def why(self, what: str, error: Error | None = None) -> str:
        """Say what happened, with the reason if it is known and the end of what the browser said."""
        tail = self._tail()
        known = next((reason for sign, reason in _KNOWN_REASONS if sign in tail), "")
        if known:
            return f"{what}: {known}\n{tail}"
        said = error.message.splitlines()[0] if error and error.message else ""
        return "\n".join(filter(None, (f"{what}: {said}" if said and not tail else what, tail)))

    async def stop(self, *, at_once: bool = False) -> None:
        """End the browser, then the driver. Bounded: what does not end by itself is killed.

        Args:
            at_once: whether it is killed without being asked, as nothing of it is wanted any more.
        """
        try:
            if self._browser and not at_once:
                with contextlib.suppress(Error, TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await self._browser.close()
            self._kill()
            if self._starting:
                with contextlib.suppress(Error, TimeoutError):
                    async with asyncio.timeout(_CLOSE_SECONDS):
                        await (await self._starting).stop()
        finally:
            self._kill()
            if self._pidfd >= 0:
                os.close(self._pidfd)
            self._browser, self._starting, self._pidfd = None, None, -1

    def _wrapper(self, script: Callable[[], str]) -> Path:
        wrapper = self.folder / "wrapper"
        try:
            (self.folder / "artifacts").mkdir(mode=0o700)
            self.downloads.mkdir(mode=0o700, exist_ok=True)
            wrapper.write_text(script(), "utf-8")
            wrapper.chmod(0o700)
        except OSError as error:
            raise SandboxError(f"the sandbox's files cannot be made: {error}") from error
        return wrapper

    def _kill(self) -> None:
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        # A launch that was given up half-way has processes that the driver may not know yet.
        with contextlib.suppress(OSError, ValueError):
            leader = int((self.folder / "browser.pid").read_text("ascii"))
            kill_marked(leader, str(self.folder))

    def _tail(self) -> str:
        try:
            with (self.folder / "browser.log").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        lines = [
            line for line in text.splitlines() if line.strip() and not any(map(line.__contains__, _NOISE))
        ]
        return "\n".join(
            "  " + "".join(c if c.isprintable() else "·" for c in line)[:300] for line in lines[-_TAIL_LINES:]
        )
