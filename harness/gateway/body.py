"""Bodies: of requests, read whole before they are judged, and of answers, copied as they pass.

Both are in memory at first, then in a file that has no name.
"""

import hashlib
import re
import tempfile
from collections.abc import AsyncGenerator, Iterable, Iterator
from typing import Self

from harness.clearance import LONGEST_BODY

_MEMORY = 1_048_576
_CHUNK = 65_536
COPIED = 16_777_216
"""Most bytes of one answer that are copied for the record."""
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\"';\s]*)")
_READ = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_ENCODED = "content-transfer-encoding"


class BodyTooLargeError(Exception):
    """A body beyond the limit, or the disk."""


class Spool:
    """A body, written once and read as often as wanted. Close it. An empty one holds nothing.

    Args:
        limit: most bytes; none for no limit.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._digest = hashlib.sha256()
        self._limit = limit
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of what was written."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add to the end.

        Raises:
            BodyTooLargeError: beyond the limit, or if the disk is full.
        """
        if not data:
            return
        self.size += len(data)
        if self._limit is not None and self.size > self._limit:
            raise BodyTooLargeError(f"the body has more than {self._limit} bytes")
        self._digest.update(data)
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - `close` does
        try:
            self._file.write(data)
        except OSError as error:
            raise BodyTooLargeError(f"the body cannot be kept until it is judged: {error.strerror}") from None

    def text(self, headers: Iterable[tuple[str, str]]) -> str | None:
        """Give it as text for rules to read; nothing where a server might read something else in it.

        Bytes that are not text stand as U+FFFD in a form with files, and make any other body unreadable.

        Args:
            headers: the request's, names in lower case.
        """
        if self.size > LONGEST_BODY:
            return None
        data = b""
        if self._file:
            self._file.seek(0)
            data = self._file.read()
        kind, form = "", False
        for name, value in headers:
            if name == "content-encoding" and data and value.strip().lower() != "identity":
                return None
            kind += value.lower() if name == "content-type" else ""
            form = kind.startswith("multipart/form-data")
        said = kind + data.decode("latin-1").lower() if form else kind
        if any(found not in _READ for found in _CHARSET.findall(said)):
            return None
        if (form and _ENCODED in said) or (not form and b"\0" in data):
            return None
        try:
            return data.decode("utf-8", "replace" if form else "strict")
        except UnicodeDecodeError:
            return None

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Read it from the start, 64 KiB at a time."""
        place = 0
        while self._file and place < self.size:
            self._file.seek(place)
            data = self._file.read(_CHUNK)
            if not data:
                raise OSError("the spooled body is shorter than what was written")
            place += len(data)
            yield data

    def close(self) -> None:
        """Let go of it."""
        if self._file:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Copy:
    """An answer's body, copied while it passes. Close it.

    Args:
        limit: most bytes that are kept; of a longer body there are only the size and the SHA-256.
        expected: the length it declares, if it does, so that one that is too long is not kept at first.
    """

    def __init__(self, limit: int = COPIED, expected: int | None = None) -> None:
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self._digest = hashlib.sha256()
        self._limit = limit
        self._kept = expected is None or expected <= limit
        self.size = 0

    @property
    def data(self) -> bytes | None:
        """All of it; nothing if it was too long, or the disk was full."""
        if not self._kept or self._file is None:
            return b"" if self._kept else None
        self._file.seek(0)
        return self._file.read()

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of all of it."""
        if not self._kept:
            return self._digest.hexdigest()
        found = hashlib.sha256()
        for part in self._read():
            found.update(part)
        return found.hexdigest()

    def write(self, data: bytes) -> None:
        """Add what passes now."""
        self.size += len(data)
        if not self._kept:
            self._digest.update(data)
            return
        if self.size > self._limit:
            self._overflow(data)
            return
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY)  # noqa: SIM115 - `close` does
        before = self._file.tell()
        try:
            self._file.write(data)
        except OSError:
            self._file.truncate(before)
            self._overflow(data)

    def _overflow(self, data: bytes) -> None:
        for part in self._read():
            self._digest.update(part)
        self._digest.update(data)
        self._kept = False
        self.close()

    def _read(self) -> Iterator[bytes]:
        if self._file is None:
            return
        self._file.seek(0)
        while part := self._file.read(_CHUNK):
            yield part

    def close(self) -> None:
        """Let go of it."""
        file, self._file = self._file, None
        if file:
            file.close()
