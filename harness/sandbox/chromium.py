"""Which Chromium, and how it is told to keep to itself.

The flags, like the managed policy, are depth: they keep the browser quiet and its errors early. The network
namespace and the gateway are the boundary, and hold without them.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from harness.errors import SandboxError

HOME_INSIDE = "/home/agent"
"""The browser's home, behind walls and in a container."""

INSTALL = "apt-get install chromium, or playwright install chromium"

# Packages put a shell script on the PATH that adds flags and extensions; these are the programs themselves.
_KNOWN = (
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
    "/opt/chromium.org/chromium/chromium",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

IGNORED_DEFAULTS = ("--disable-popup-blocking",)
"""Switches of Playwright's that are left out: a page opens one window a click, as in anyone's browser."""


def flags(port: int, spki: str, seed: int | None = None) -> tuple[str, ...]:
    """Give the switches for a browser whose only way out is a proxy.

    Args:
        port: where the proxy listens, on the browser's own loopback.
        spki: base64 SHA-256 of the key of the one certificate authority that is trusted besides.
        seed: what `Math.random` begins with in every document, from 1; nothing for the browser's own choice.
    """
    seeded = () if seed is None else (f"--js-flags=--random-seed={seed}",)
    return (
        *seeded,
        f"--proxy-server=http://127.0.0.1:{port}",
        # Without this, loopback and link-local addresses go past the proxy.
        "--proxy-bypass-list=<-loopback>",
        f"--ignore-certificate-errors-spki-list={spki}",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        "--webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        "--disable-quic",
        "--disable-domain-reliability",
        "--no-pings",
        # Chromium asks its maker for updates whatever the other switches say. It never dials port 1.
        "--component-updater=url-source=http://127.0.0.1:1/",
        "--gaia-url=http://127.0.0.1:1/",
        "--google-apis-url=http://127.0.0.1:1/",
        "--autofill-server-url=http://127.0.0.1:1/",
        "--lang=en-US",
        # Else rounded edges depend by a shade on the order in which parts of a page came, and equal pages
        # give pictures that are not equal.
        "--disable-partial-raster",
        "--disable-checker-imaging",
    )


def find_chromium(env: Mapping[str, str] = os.environ, *, shared: bool = False) -> Path:
    """Find a browser: Playwright's own if it is installed, else the system's.

    Args:
        env: the environment, for `HOME`, `PATH` and `PLAYWRIGHT_BROWSERS_PATH`.
        shared: whether a user other than this one must be able to run it.

    Raises:
        SandboxError: with what to install, if there is none.
    """
    passed: list[str] = []
    for path in _candidates(env):
        if not path.is_file() or not os.access(path, os.X_OK):
            continue
        if not _is_program(path):
            passed.append(f"{path} is a script or a snap, which cannot be confined")
        elif shared and not _for_all(path):
            passed.append(f"{path} can be reached by its owner only (set PLAYWRIGHT_BROWSERS_PATH)")
        else:
            return path
    found = f" ({'; '.join(passed)})" if passed else ""
    raise SandboxError(f"no Chromium that can be used was found{found}: {INSTALL}")


def _candidates(env: Mapping[str, str]) -> Iterator[Path]:
    if own := _playwrights_own(env):
        yield from (
            own / "chrome-linux64/chrome",
            own / "chrome-linux-arm64/chrome",
            own / "chrome-linux/chrome",
        )
    yield from map(Path, _KNOWN)
    for name in _NAMES:
        if found := shutil.which(name, path=env.get("PATH")):
            yield Path(found).resolve()


def _playwrights_own(env: Mapping[str, str]) -> Path | None:
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent / "driver" / "package"
    try:
        browsers = json.loads((package / "browsers.json").read_text("utf-8"))["browsers"]
        revision = next(one["revision"] for one in browsers if one["name"] == "chromium")
    except (OSError, ValueError, KeyError, StopIteration):
        return None
    where = env.get("PLAYWRIGHT_BROWSERS_PATH", "")
    cache = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "/nonexistent")) / ".cache")
    root = package / ".local-browsers" if where == "0" else Path(where or f"{cache}/ms-playwright")
    return root / f"chromium-{revision}"


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF" and "/snap/" not in f"{path}/"


def _for_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))
