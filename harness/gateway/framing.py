"""Where a body ends in HTTP/1.1: of a request as it comes in, and of an answer as it goes out.

Nothing is repaired. A request's body is either of a given length or in bare chunks, and nothing comes after
it; an answer's body is as long as its head says, or it is in chunks.
"""

import re
from collections.abc import Mapping

from harness.gateway.base import Headers, UpstreamError

TOKEN = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]"
"""One character of a method's or a header's name, as a regular expression."""
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,12}\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,12}\r?")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_REASON = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_NAME = re.compile(rb"%b+" % TOKEN)
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_NO_BODY = frozenset({204, 304})


class MalformedError(Exception):
    """What came is not a request a browser would write."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Incoming:
    """Takes a request's body out of the bytes that come behind its head.

    Args:
        fields: the head's headers by name, checked: a length or chunks, not both.
    """

    def __init__(self, fields: Mapping[bytes, bytes]) -> None:
        self._chunked = b"transfer-encoding" in fields
        self._left = 0 if self._chunked else int(fields.get(b"content-length", b"0"))
        self._buffer = b""
        self._inside = False
        self._last = False
        self.done = not self._chunked and not self._left
        """Whether all of it came."""

    def take(self, data: bytes) -> bytes:
        """Give what of the body is in these bytes.

        Raises:
            MalformedError: if they are not framed as the head says, or more comes behind the body.
        """
        found = self._chunks(data) if self._chunked else self._counted(data)
        if self.done and self._buffer:
            raise MalformedError("there are bytes after the request: one at a time")
        return found

    def _counted(self, data: bytes) -> bytes:
        found, self._buffer = data[: self._left], data[self._left :]
        self._left -= len(found)
        self.done = not self._left
        return found

    def _chunks(self, data: bytes) -> bytes:
        buffer, at = self._buffer + data, 0
        found: list[bytes] = []
        while at < len(buffer) and not self.done:
            if self._left:
                found.append(buffer[at : at + self._left])
                at += len(found[-1])
                self._left -= len(found[-1])
            elif self._inside:
                if not buffer.startswith(b"\r\n", at):
                    if buffer[at:] != b"\r":
                        raise MalformedError("a chunk does not end where it says")
                    break
                at += 2
                self.done, self._inside = self._last, False
            else:
                size = _SIZE.match(buffer, at)
                if size is None:
                    if not _SIZE_BEGUN.fullmatch(buffer, at):
                        raise MalformedError("a chunk does not begin with its size")
                    break
                at = size.end()
                self._left = int(size[0], 16)
                # Behind the last chunk, which is empty, the same two bytes end the body.
                self._last, self._inside = not self._left, True
        self._buffer = buffer[at:]
        return b"".join(found)


class Outgoing:
    """Writes one answer.

    Args:
        method: of the request it answers.
        close: whether the connection must not be used again.
    """

    def __init__(self, method: bytes, *, close: bool) -> None:
        self._head_only = method == b"HEAD"
        self._left: int | None = 0
        self.close = close
        """Whether the answer says that the connection ends with it."""

    def head(self, status: int, reason: bytes, headers: Headers) -> bytes:
        """Write the head; without a length the body will be in chunks.

        Raises:
            UpstreamError: if that cannot stand in an answer.
        """
        lengths = {value for name, value in headers if name == b"content-length"}
        if not 200 <= status <= 999 or not _REASON.fullmatch(reason):
            raise UpstreamError(f"the answer's head is not HTTP: its status is {status} {reason[:40]!r}")
        for name, value in headers:
            if not _NAME.fullmatch(name) or _NO_VALUE.search(value):
                raise UpstreamError(
                    f"the answer's head is not HTTP: the header {name[:40]!r}: {value[:40]!r}"
                )
        if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            raise UpstreamError(f"the answer's head is not HTTP: its length is {sorted(lengths)[:2]}")
        lines = [b"HTTP/1.1 %d %b" % (status, reason), *[b"%b: %b" % pair for pair in headers]]
        if self._head_only or status in _NO_BODY:
            self._left = 0
        elif lengths:
            self._left = int(lengths.pop())
        else:
            self._left = None
            lines.append(b"transfer-encoding: chunked")
        if self.close:
            lines.append(b"connection: close")
        return b"\r\n".join([*lines, b"\r\n"])

    def data(self, chunk: bytes) -> bytes:
        """Write a piece of the body, which is not empty.

        Raises:
            UpstreamError: if the head promised less.
        """
        if self._left is None:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        if len(chunk) > self._left:
            raise UpstreamError("the answer's body does not fit its head: it is longer")
        self._left -= len(chunk)
        return chunk

    def end(self) -> bytes:
        """Write the end of the body.

        Raises:
            UpstreamError: if the head promised more.
        """
        if self._left is None:
            return b"0\r\n\r\n"
        if self._left:
            raise UpstreamError(f"the answer's body does not fit its head: {self._left:,} bytes are missing")
        return b""
