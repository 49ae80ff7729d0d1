"""HTTP/1.1 as the gateway accepts it from a browser: it forgives nothing.

A browser writes clean requests. Whatever is ambiguous (two lengths, a folded line, a bare newline, bytes
after the request) was not written by one, so it is refused and never repaired: nobody behind the gateway
can read it in another way.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Mapping
from itertools import pairwise
from typing import NamedTuple

from harness.gateway.base import Headers
from harness.gateway.framing import TOKEN, Incoming, MalformedError, Outgoing
from harness.gateway.wire import Stream

IDLE = 600.0
"""Seconds without a byte before a connection is given up."""
_HEAD_SECONDS = 60.0
_HOLD_SECONDS = 0.002
_MAX_HEAD = 65_536
_LINE = re.compile(rb"(?P<method>%b+) (?P<target>[\x21-\x7e]+) (?P<version>HTTP/[0-9.]+)" % TOKEN)
_BEGINNING = re.compile(rb"%b{1,32}( [\x21-\x7e]*( H?T?T?P?/?[0-9.]{0,3}\r?)?)?" % TOKEN)
_FIELD = re.compile(rb"(?P<name>%b+):[ \t]*(?P<value>[^\x00-\x08\x0a-\x1f\x7f]*)" % TOKEN)
_DIGITS = re.compile(rb"[0-9]{1,15}")
RULE = "malformed"
"""What stands for a rule where bytes were refused that are no request to judge."""
_SINGLE = frozenset(
    (
        b"authorization content-length content-type cookie expect host origin referer sec-fetch-dest"
        b" sec-fetch-mode sec-fetch-site sec-websocket-key sec-websocket-version transfer-encoding upgrade"
        b" upgrade-insecure-requests"
    ).split()
)


class Head(NamedTuple):
    """What stands in a request's head."""

    method: bytes
    target: bytes
    headers: Headers
    fields: Mapping[bytes, bytes]
    """The headers by name; the last, where a name comes twice."""


def read_head(head: bytes) -> Head:
    """Read a request's head; what could be read in two ways is refused.

    Args:
        head: everything up to and with the empty line.

    Raises:
        MalformedError: and why.
    """
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _LINE.fullmatch(first)
    if not line:
        raise MalformedError("the request line is not: METHOD target HTTP/1.1")
    if line["version"] != b"HTTP/1.1":
        raise MalformedError("only HTTP/1.1 is spoken here", 505)
    fields = tuple([_field(line) for line in lines])
    values = dict(fields)
    if len(values) < len(fields):
        names = sorted(name for name, _ in fields)
        twice = [one for one, other in pairwise(names) if one == other and one in _SINGLE]
        if twice:
            raise MalformedError(f"the header {twice[0].decode()!r} comes twice")
    _check_framing(values)
    return Head(line["method"], line["target"], fields, values)


def _may_begin(buffer: bytes) -> bool:
    line, end, _ = buffer.partition(b"\r\n")
    return bool((_LINE if end else _BEGINNING).fullmatch(line))


def _check_framing(values: Mapping[bytes, bytes]) -> None:
    if b"host" not in values:
        raise MalformedError("there is no Host header")
    if b"content-length" in values and b"transfer-encoding" in values:
        raise MalformedError("both Content-Length and Transfer-Encoding are given")
    if not _DIGITS.fullmatch(values.get(b"content-length", b"0")):
        raise MalformedError("Content-Length is not a number")
    if values.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        raise MalformedError("the only Transfer-Encoding known is chunked", 501)
    if values.get(b"expect", b"100-continue").lower() != b"100-continue":
        raise MalformedError("the only expectation known is 100-continue", 417)
    if values.get(b"upgrade", b"websocket").lower() != b"websocket" or b"http2-settings" in values:
        raise MalformedError("the only upgrade known is websocket")


def _field(line: bytes) -> tuple[bytes, bytes]:
    if line[:1] in {b" ", b"\t"}:
        raise MalformedError("a header is folded over two lines")
    field = _FIELD.fullmatch(line)
    if not field:
        raise MalformedError("a header is not: name: value")
    name, value = field.groups()
    return name.lower(), value.rstrip(b" \t")


def _closes(fields: Mapping[bytes, bytes]) -> bool:
    tokens = fields.get(b"connection", b"").lower().split(b",")
    return any(token.strip() == b"close" for token in tokens)


class Conversation:
    """The browser's side of one connection, one request at a time.

    Args:
        stream: the connection.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._incoming = Incoming({})
        self._outgoing = Outgoing(b"", close=True)
        self._waiting = False
        self._rest = b""
        self._answering = False
        self._held = b""
        self._letting_go: asyncio.TimerHandle | None = None

    async def request(self, start: bytes = b"") -> Head | None:
        """Wait for the next request's head; nothing if the browser has no more.

        What cannot become a request is refused at its first bytes, and not waited for.

        Args:
            start: what it must begin with.

        Raises:
            MalformedError: if it is not one.
            TimeoutError: if it stays away or dawdles.
            ConnectionError: if the connection breaks.
        """
        self._answering = False
        async with asyncio.timeout(IDLE):
            buffer = self._rest or await self.stream.read()
        if not buffer:
            return None
        if buffer[: len(start)] != start[: len(buffer)]:
            raise MalformedError("what came is no request that can be made here")
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            buffer, end = await self._rest_of_head(buffer, start)
        if not -1 < end <= _MAX_HEAD:
            raise MalformedError(f"the head has more than {_MAX_HEAD} bytes", 431)
        head, self._rest = buffer[: end + 4], buffer[end + 4 :]
        found = read_head(head)
        self._incoming = Incoming(found.fields)
        self._waiting = b"expect" in found.fields
        self._outgoing = Outgoing(found.method, close=_closes(found.fields))
        return found

    async def _rest_of_head(self, buffer: bytes, start: bytes) -> tuple[bytes, int]:
        async with asyncio.timeout(_HEAD_SECONDS):
            while (end := buffer.find(b"\r\n\r\n")) < 0 and len(buffer) <= _MAX_HEAD:
                if buffer[: len(start)] != start[: len(buffer)] or not _may_begin(buffer):
                    raise MalformedError("what came is not the start of an HTTP request")
                more = await self.stream.read()
                if not more:
                    raise MalformedError("the connection ended within a request's head")
                buffer += more
        return buffer, end

    async def body(self) -> AsyncGenerator[bytes]:
        """Read the request's body, telling a browser that waits to go on.

        Raises:
            MalformedError: if its framing is wrong, or more comes after it.
            TimeoutError: if it dawdles.
            ConnectionError: if the connection breaks.
        """
        more, self._rest = self._rest, b""
        while True:
            if found := self._incoming.take(more):
                self._waiting = False
                yield found
            if self._incoming.done:
                return
            if self._waiting:
                self._waiting = False
                await self.stream.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            async with asyncio.timeout(IDLE):
                more = await self.stream.read()
            if not more:
                raise ConnectionResetError("the browser hung up within the request's body")

    def no_body(self) -> None:
        """Take note that the request, whose head promised no body, has none; raises as `body` does."""
        rest, self._rest = self._rest, b""
        self._incoming.take(rest)

    @property
    def unread(self) -> bool:
        """Whether bytes came that no request has claimed."""
        return bool(self._rest)

    async def head(self, status: int, reason: bytes, headers: Headers) -> None:
        """Begin the answer: its head leaves with the first bytes of its body, or alone if they are late.

        Without a length it is chunked.

        Raises:
            UpstreamError: if that cannot stand in an answer; nothing was sent.
            ConnectionError: if the browser is gone.
        """
        self._outgoing.close |= not self._incoming.done
        self._held = self._outgoing.head(status, reason, headers)
        self._answering = True
        self._letting_go = asyncio.get_running_loop().call_later(_HOLD_SECONDS, self._let_go)

    async def data(self, chunk: bytes) -> None:
        """Go on with the answer; raises as `head` does."""
        if chunk:
            data = self._outgoing.data(chunk)
            await self.stream.write(self._taken() + data)

    async def end(self) -> bool:
        """End the answer, and say whether the connection can be used again; raises as `head` does."""
        data = self._outgoing.end()
        await self.stream.write(self._taken() + data)
        return not self._outgoing.close

    def abort(self) -> None:
        """Hang up in the middle of the answer, so that nobody takes what was sent for the whole."""
        self._let_go()
        self.stream.abort()

    def _taken(self) -> bytes:
        held, self._held = self._held, b""
        if self._letting_go:
            self._letting_go.cancel()
            self._letting_go = None
        return held

    def _let_go(self) -> None:
        # If the browser is gone, whoever writes next is told.
        with contextlib.suppress(ConnectionError):
            if held := self._taken():
                self.stream.put(held)

    async def reject(self, error: MalformedError) -> None:
        """Answer what is no request, if no answer has begun, and hang up."""
        if self._answering:
            self.abort()
            return
        text = f"The gateway refuses this: {error}.\n".encode()
        head = (
            f"HTTP/1.1 {error.status} Refused\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(text)}\r\nconnection: close\r\ncache-control: no-store\r\n"
            f"x-harness-rule: {RULE}\r\n\r\n"
        )
        await self.stream.write(head.encode() + text)
        await self.stream.hang_up()
