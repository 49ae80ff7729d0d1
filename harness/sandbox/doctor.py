"""What this machine has for a sandbox, what is missing, and what to type."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from harness.errors import SandboxError
from harness.sandbox import chromium, doctor_engine, managed
from harness.sandbox.confine import INSTALL
from harness.sandbox.trial import namespaces_work

_SECONDS = 1.0
_DISK_BYTES = 1_000_000_000
_EMOJI = ("emoji", "apt-get install fonts-noto-color-emoji")
_TEXT = ("sans", "apt-get install fonts-liberation fonts-dejavu-core")


class Finding(BaseModel):
    """One thing that was looked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """What was looked for."""
    ok: bool
    """Whether it is as it should be; things that are only good to know are always so."""
    detail: str
    """What was found."""
    fix: str = ""
    """What to type, if it is not."""


def findings() -> tuple[Finding, ...]:
    """Look at everything a sandbox needs. Takes under two seconds, changes nothing, never raises."""
    return tuple(_all())


def _all() -> Iterator[Finding]:
    yield _browser()
    for program, fix in INSTALL.items():
        found = shutil.which(program)
        needed = program != "setpriv" or os.geteuid() == 0
        if found or needed:
            yield Finding(
                name=program, ok=bool(found), detail=found or "not installed", fix="" if found else fix
            )
    yield _guarded("user namespaces", _namespaces)
    for kind, fix in (_TEXT, _EMOJI):
        yield _font(kind, fix)
    yield from (_disk(Path.cwd()), _disk(Path(tempfile.gettempdir())))
    yield _ocr()
    yield _managed(Path("/etc"))
    for name, detail in doctor_engine.found(os.environ, datetime.now(UTC)):
        yield Finding(name=name, ok=True, detail=detail)


def _guarded(name: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except SandboxError as error:
        return Finding(name=name, ok=False, detail="cannot be tried", fix=str(error))


def _browser() -> Finding:
    try:
        program = chromium.find_chromium(shared=os.geteuid() == 0)
    except SandboxError as error:
        return Finding(name="chromium", ok=False, detail=str(error), fix=chromium.INSTALL)
    version = _said(str(program), "--version")
    if version is None:
        return Finding(
            name="chromium",
            ok=False,
            detail=f"{program} does not start",
            fix="apt-get install --reinstall chromium",
        )
    return Finding(name="chromium", ok=True, detail=f"{version} ({program})")


def _namespaces() -> Finding:
    trial = namespaces_work()
    return Finding(name="user namespaces", ok=trial.ok, detail=trial.detail, fix=trial.fix)


def _font(kind: str, fix: str) -> Finding:
    name = "colour emoji" if kind == "emoji" else "fonts"
    query = ":charset=1f600:color=true" if kind == "emoji" else ":charset=41:outline=true"
    families = _said("fc-list", query, "family")
    if families is None:
        return Finding(
            name=name, ok=False, detail="fc-list is not installed", fix="apt-get install fontconfig"
        )
    found = sorted({line.split(",")[0] for line in families.splitlines() if line})
    detail = f"{found[0]} and {len(found) - 1} more" if len(found) > 1 else "".join(found)
    return Finding(name=name, ok=bool(found), detail=detail or "none", fix="" if found else fix)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    enough = free >= _DISK_BYTES
    fix = "" if enough else f"free {(_DISK_BYTES - free) // 1_000_000 + 1} MB"
    return Finding(name=f"disk at {folder}", ok=enough, detail=f"{free / 1e9:.1f} GB free", fix=fix)


def _ocr() -> Finding:
    missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
    fix = f"pip install {' '.join(missing)}" if missing else ""
    detail = f"{', '.join(missing)} cannot be imported" if missing else "rapidocr on onnxruntime"
    return Finding(name="OCR", ok=not missing, detail=detail, fix=fix)


def _managed(etc: Path) -> Finding:
    files = [one for place in managed.PLACES for one in (etc / place / "policies" / "managed").glob("*.json")]
    own = f"this machine's own {len(files)} apply" if files else "none applies"
    detail = f"bubblewrap: the run's own, read-only; process: it cannot be mounted, {own} (information only)"
    return Finding(name="browser policy", ok=True, detail=detail)


def _said(*command: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, timeout=_SECONDS, text=True, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
