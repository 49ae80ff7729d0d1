"""What the browser's image is made from, and how one knows whether an image was made from that.

The build folder goes to the engine as one archive whose bytes depend on nothing but names, contents and who
may execute: no owner, time or mask of this machine. So two machines ask for the same image, and the hash
over that archive and the base tells a stale one.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.errors import SandboxError

IMAGE: Final = "computer-use-harness-browser"
"""The image that `harness sandbox build` makes."""
BUILD: Final = "harness sandbox build"
"""What to type for it."""

INPUTS: Final = "harness.inputs"
"""The label that holds the hash over the build folder and the base."""
BASE: Final = "harness.base"
"""… the id of the base."""
PACKAGES: Final = "harness.packages"
"""… the hash over the list of packages, which is in the image."""
CHROMIUM: Final = "harness.chromium"
"""… Chromium's version, as Debian counts it."""
RELEASED: Final = "harness.chromium.released"
"""… the day on which Debian built that, as in 2026-11-02."""
FETCHED: Final = "harness.fetched"
"""… when the packages were fetched, in UTC as in 2026-11-21T19:05:53Z."""
STAGE: Final = "harness.stage"
"""The label of what an image was copied from; the Dockerfile sets it."""

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_WHEN: Final = 1_700_000_000
_ARG: Final = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)


def folder() -> Path:
    """Give the build folder: in an installed package, or in the source tree."""
    inside = _PACKAGE / "_data" / "containers"
    return (inside if inside.is_dir() else _PACKAGE.parent / "containers") / "browser"


def base(place: Path) -> str:
    """Give the name of the image that a build folder starts from.

    Raises:
        SandboxError: if its Dockerfile does not say.
    """
    file = place / "Dockerfile"
    try:
        found = _ARG.search(file.read_text("utf-8"))
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}: install the package again") from error
    if found is None:
        raise SandboxError(f"{file}: has no line ARG BASE=NAME")
    return found[1]


def archive(place: Path) -> bytes:
    """Give a build folder as one tar file, the same for the same names, contents and right to execute.

    Raises:
        SandboxError: if something in it cannot be read, or is neither a plain file nor a folder.
    """
    whole = io.BytesIO()
    try:
        with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(place.rglob("*")):
                _add(tar, path, path.relative_to(place).as_posix())
    except OSError as error:
        raise SandboxError(f"{place}: {error.strerror}: install the package again") from error
    return whole.getvalue()


def single(name: str, text: str) -> bytes:
    """Give a tar file with one file in it."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _put(tar, name, text.encode(), 0o644)
    return whole.getvalue()


def inputs(archived: bytes, base_id: str) -> str:
    """Give the hash over all that an image is made from, but for Debian's packages."""
    return hashlib.sha256(b"%b\n%b" % (base_id.encode(), archived)).hexdigest()


def stale(labels: Mapping[str, str], archived: bytes, base_id: str | None) -> bool:
    """Say whether an image was made from something else than what is here.

    Args:
        labels: the image's.
        archived: the build folder, from `archive`.
        base_id: the base that is here; nothing if none is, and then the image's own is taken.
    """
    return labels.get(INPUTS) != inputs(archived, base_id or labels.get(BASE, ""))


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        raise SandboxError(f"{path}: neither a plain file nor a folder: install the package again")
    if path.is_dir():
        one = tarfile.TarInfo(name)
        one.type, one.mode, one.mtime = tarfile.DIRTYPE, 0o755, _WHEN
        tar.addfile(one)
        return
    _put(tar, name, path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)


def _put(tar: tarfile.TarFile, name: str, data: bytes, mode: int) -> None:
    one = tarfile.TarInfo(name)
    one.size, one.mode, one.mtime = len(data), mode, _WHEN
    tar.addfile(one, io.BytesIO(data))
