"""The bodies of recorded requests, and what rules read in them."""

from typing import Final

from harness.clearance import Request
from harness.errors import TraceError
from harness.gateway.body import Spool
from harness.trace.blobs import BlobStore

_SHORT: Final = 4_096
"""Bytes of a body that is remembered for other runs: the same bytes have the same name."""
_REMEMBERED: Final = 10_000
"""Bodies that are remembered, and their texts."""


class Bodies:
    """Finds bodies. What is short is remembered, for runs of one task send the same again and again."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._bodies: dict[str, bytes] = {}
        self._texts: dict[tuple[bytes, tuple[tuple[str, str], ...]], str | None] = {}

    def body(self, blobs: BlobStore, name: str | None, request: Request) -> bytes | None:
        """Give a body as it was; nothing where it is not known whole.

        Args:
            blobs: the run's.
            name: its blob; nothing if it has none.
            request: what it belongs to.
        """
        if request.body_sha256 is None:
            return b"" if request.body_size == 0 else None
        if request.body_size == 0:
            return b""
        # Where secrets were replaced in it, the blob has another name than the body had.
        if name is None or name != request.body_sha256:
            return None
        known = self._bodies.get(name)
        if known is not None:
            return known
        try:
            data = blobs.get(name)
        except TraceError:
            return None
        if len(data) <= _SHORT and len(self._bodies) < _REMEMBERED:
            self._bodies[name] = data
        return data

    def text(self, request: Request, data: bytes) -> str | None:
        """Give a body as text for rules to read; nothing where a server might read something else in it."""
        key = data, request.headers
        if key in self._texts:
            return self._texts[key]
        with Spool() as body:
            body.write(data)
            text = body.text(request.headers)
        if len(data) <= _SHORT and len(self._texts) < _REMEMBERED:
            self._texts[key] = text
        return text
