"""Request bodies, read whole before they are judged: in memory at first, then in a file that has no name."""

import hashlib
import tempfile
from collections.abc import AsyncGenerator
from typing import Self

_MEMORY = 1_048_576
_CHUNK = 65_536


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
