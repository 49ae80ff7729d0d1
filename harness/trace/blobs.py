"""Bytes kept once, each in a file named by its SHA-256: `blobs/ab/cdef…`."""

import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.errors import TraceError
from harness.trace.files import regular

FOLDER = "blobs"
"""The name of the folder in a run's folder."""
LARGEST = 512 * 1024 * 1024
"""Bytes a blob may have to be read."""
_NAME = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 8


class BlobStore:
    """The blobs of one run."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when the first blob is put."""
        self._folder = folder
        self._unsynced: list[Path] = []

    def path(self, digest: str) -> Path:
        """Say where a blob is or would be.

        Raises:
            TraceError: if the name is not a hex SHA-256.
        """
        if _NAME.fullmatch(digest) is None:
            raise TraceError(f"a blob is named by 64 hex digits, not {digest[:80]!r}")
        return self._folder / digest[:2] / digest[2:]

    def put(self, data: bytes) -> str:
        """Keep bytes and give their hex SHA-256. A crash leaves the whole blob or none of it.

        Raises:
            OSError: if they cannot be written; nothing of them is left.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(data)
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._unsynced.append(path)
        return digest

    def sync(self) -> None:
        """Wait until everything that was put is on the medium.

        Raises:
            OSError: if it cannot be.
        """
        if not self._unsynced:
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            # Asked for together they share the medium's work; the folders are for what was renamed in them.
            list(pool.map(sync, self._unsynced))
            list(pool.map(sync, {path.parent for path in self._unsynced} | {self._folder}))
        self._unsynced.clear()

    def get(self, digest: str) -> bytes:
        """Give a blob, verified.

        Raises:
            TraceError: if it is missing, cannot be read, or is not what its name says.
        """
        path = self.path(digest)
        try:
            with regular(path) as file:
                data = file.read(LARGEST + 1)
        except FileNotFoundError:
            raise TraceError(f"{path}: the blob is missing") from None
        except OSError as error:
            raise TraceError(f"{path}: the blob cannot be read: {error.strerror or error}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise TraceError(f"{path}: the blob was changed: its SHA-256 is not its name")
        return data


def sync(place: Path) -> None:
    """Wait until a file or folder is on the medium.

    Raises:
        OSError: if it cannot be.
    """
    descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
