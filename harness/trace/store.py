"""Shares blobs between the runs of a folder: the same bytes are on the disk once, in `.blobs`.

A blob of a run and the one in the store are two names of one file (hard links). Nothing changes for whoever
reads or writes a run: its blobs stand where they always stood. Deleting a run takes its names away and no
other's, so nothing has to be counted: a file that only the store still names is garbage, and is dropped.

It is safe beside runs that are being written. A blob is checked against its name before it is shared, waits
for the medium before its name is moved, and its name is moved in one step, so that at no moment it is missing
or only in part there. What a hard link means should be known: changing the bytes of a shared blob in place
changes it for every run that has it, and `harness trace verify` says so of each of them.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from harness.errors import TraceError
from harness.trace.blobs import FOLDER, BlobStore
from harness.trace.files import regular

STORE: Final = ".blobs"
"""The name of the store's folder in a folder of traces."""
_LINK: Final = ".link"
_CHUNK: Final = 1 << 20
_DIGITS: Final = frozenset("0123456789abcdef")


class Shared(NamedTuple):
    """What sharing did."""

    blobs: int
    """Blobs that were looked at."""
    linked: int
    """Those that are now names of a file that another run has too."""
    saved: int
    """Bytes that this gave back."""
    problems: tuple[str, ...]
    """Blobs that were left alone, and why."""


class Dropped(NamedTuple):
    """What dropping garbage did."""

    files: int
    """Files that no run had any more."""
    freed: int
    """Bytes that this gave back."""


def share(root: Path, folders: tuple[Path, ...]) -> Shared:
    """Share the blobs of some runs with all that is in the store.

    Raises:
        TraceError: if the store cannot be written, such as on a disk without hard links.
    """
    store = BlobStore(root / STORE)
    blobs = linked = saved = 0
    problems: list[str] = []
    sound: set[Path] = set()
    for folder in folders:
        for path, digest in _blobs(folder / FOLDER):
            blobs += 1
            try:
                gained = _share(path, store.path(digest), digest, sound)
            except TraceError as error:
                problems.append(str(error))
                continue
            except OSError as error:
                raise TraceError(f"{path}: cannot be shared: {error.strerror or error}") from error
            linked += gained is not None
            saved += gained or 0
    return Shared(blobs, linked, saved, tuple(problems))


def drop(root: Path, *, dry_run: bool = False) -> Dropped:
    """Drop what no run has any more.

    Raises:
        TraceError: if it cannot be dropped.
    """
    files = freed = 0
    for path, _ in _blobs(root / STORE):
        try:
            status = path.lstat()
            if status.st_nlink > 1:
                continue
            # A run that takes it at this moment has a name of its own by then, and keeps the file.
            if not dry_run:
                path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise TraceError(f"{path}: cannot be dropped: {error.strerror or error}") from error
        files += 1
        freed += status.st_size
    return Dropped(files, freed)


def _share(path: Path, kept: Path, digest: str, sound: set[Path]) -> int | None:
    """Make a blob a name of the file in the store; give the bytes saved, or nothing if it was one already."""
    if path.is_symlink():
        raise TraceError(f"{path}: is a link to another place, and is left alone")
    if _same(path, kept):
        return None
    if kept not in sound:
        if not _is(kept, digest):
            kept.unlink(missing_ok=True)
        sound.add(kept)
    if not _is(path, digest):
        raise TraceError(f"{path}: its SHA-256 is not its name; it is left alone, and not shared")
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _sync(path)
        os.link(path, kept)
        _sync(kept.parent)
        return None
    status = path.stat()
    new = path.with_suffix(_LINK)
    new.unlink(missing_ok=True)
    os.link(kept, new)
    new.rename(path)
    _sync(path.parent)
    return status.st_size if status.st_nlink == 1 else 0


def _blobs(folder: Path) -> Iterator[tuple[Path, str]]:
    for beginning in _hex(folder, 2):
        for rest in _hex(beginning, 62):
            yield rest, beginning.name + rest.name


def _hex(folder: Path, length: int) -> list[Path]:
    try:
        found = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [one for one in found if len(one.name) == length and _DIGITS.issuperset(one.name)]


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except FileNotFoundError:
        return False


def _is(path: Path, digest: str) -> bool:
    try:
        with regular(path) as file:
            found = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                found.update(chunk)
            return found.hexdigest() == digest
    except OSError:
        return False


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
