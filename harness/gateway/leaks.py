"""Finds what must not leave in a request: secrets, and strings that were declared canaries.

A page that has a secret can send it in disguise. So a request is read as its receiver might read it: percent,
form, JSON and HTML escapes are undone, what looks like base64, base32 or hex is decoded, gzip and deflate are
unpacked, several times over; and the values of its fields are put together in the order in which they stand.

Large bodies are decoded once, and further only as far as that costs little.
What no search can find: a value that was encrypted, compressed with more than itself, written backwards or in
an alphabet of the page's own, or spread over several requests.
"""

import asyncio
import base64
import binascii
import html
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from harness.clearance import Request
from harness.gateway.base import Body, Socket

SHORTEST: Final = 4
"""Characters of a value that is looked for; a shorter one would be found everywhere."""
WINDOW: Final = 1 << 20
"""Bytes of a body that are searched at once; windows overlap."""
_OVERLAP: Final = 1 << 14
_AT_ONCE: Final = 1 << 16
_DEEPEST: Final = 4
_READINGS: Final = 64
"""Readings of one text at most."""
_BUDGET: Final = 1 << 18
"""Bytes of readings of readings at most: a page must not be able to keep the gateway busy for long."""
_UNPACKED: Final = 1 << 24
_PIECES: Final = 2000
_SHORT: Final = 4
_PART: Final = 3

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{6,}")
_BASE32: Final = re.compile(rb"[A-Za-z2-7]{8,}")
_BASE32_OF_ONE_CASE: Final = re.compile(rb"[A-Z2-7]{8,}|[a-z2-7]{8,}")
_HEX: Final = re.compile(rb"(?:(?:0x|\\x|[\s:,%-])?[0-9A-Fa-f]{2}){4,}[0-9A-Fa-f]?")
_ESCAPE: Final = re.compile(rb"\\u\{?([0-9A-Fa-f]{2,6})\}?|\\x([0-9A-Fa-f]{2})|\\([\"'\\/bfnrt])")
_VALUE: Final = re.compile(rb"[^\s&=;,:{}\[\]\"'?/<>|\x00-\x1f]+")
_WHOLE: Final = (0, 0, 2, 2, 4, 5, 5, 7)
"""How many of so many characters at the end of base32 stand for whole bytes."""
_PLAIN: Final = re.compile(rb"[\s\"'+.,:;&=_/|-]+")


@dataclass(frozen=True)
class Sought:
    """Something that must not leave."""

    name: str
    """What it is called."""
    value: str = field(repr=False)
    """What is looked for."""


class Search:
    """Looks for several values at once."""

    def __init__(self, sought: Iterable[Sought]) -> None:
        """Take what is looked for; values too short to be told from chance are left out."""
        self._sought = [
            (one.name, one.value.encode("utf-8", "surrogatepass"))
            for one in sought
            if len(one.value) >= SHORTEST
        ]

    def __bool__(self) -> bool:
        return bool(self._sought)

    def find(self, *parts: bytes) -> tuple[str, ...]:
        """Give the names of what stands in a request, in the order in which they were declared.

        Args:
            parts: the URL, the headers' values, the body or a window of it: together one request.
        """
        found: set[str] = set()
        pieces: list[bytes] = []
        for part in parts:
            for reading in _readings(part):
                found |= {name for name, value in self._sought if _stands(value, reading)}
            pieces += _values(part)
        if len(found) < len(self._sought):
            pieces = pieces[:_PIECES]
            found |= {name for name, value in self._sought if name not in found and _split(value, pieces)}
        return tuple(name for name, _ in self._sought if name in found)


async def windows(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut a body into windows that overlap, so that nothing falls between two."""
    held = b""
    async for chunk in chunks:
        held += chunk
        while len(held) > WINDOW:
            yield held[:WINDOW]
            held = held[WINDOW - _OVERLAP :]
    if held:
        yield held


class Guard:
    """Marks requests that carry what may not go where they go.

    Args:
        sought: what is looked for, each with the URLs it may go to.
    """

    def __init__(self, sought: Iterable[tuple[Sought, Callable[[str], bool]]] = ()) -> None:
        self._sought = tuple(sought)

    def head(self, request: Request) -> Request:
        """Give a request, marked if its URL or headers carry something."""
        search = self._search(request.url)
        return _marked(request, search, search.find(*_head(request))) if search else request

    async def whole(self, request: Request, body: Body) -> Request:
        """Give a request, marked if URL, headers and body together carry something."""
        search = self._search(request.url)
        if not search or request.leaks:
            return request
        found: set[str] = set()
        async for window in windows(body.chunks()):
            parts = (*_head(request), window)
            large = len(window) > _AT_ONCE
            found |= set(await asyncio.to_thread(search.find, *parts) if large else search.find(*parts))
        return _marked(request, search, tuple(sorted(found)))

    def socket(self, url: str, socket: Socket) -> Socket:
        """Give a WebSocket that breaks off before it sends something that may not go there."""
        search = self._search(url)
        return _Guarded(socket, search) if search else socket

    def _search(self, url: str) -> Search:
        return Search(one for one, may in self._sought if not may(url))


class _Guarded:
    """A WebSocket whose messages are searched, each with the end of those before it."""

    def __init__(self, socket: Socket, search: Search) -> None:
        self.subprotocol = socket.subprotocol
        self.headers = socket.headers
        self._socket = socket
        self._search = search
        self._sent = b""

    @property
    def closed(self) -> tuple[int, str] | None:
        return self._socket.closed

    async def send(self, message: str | bytes) -> None:
        data = message.encode("utf-8", "surrogatepass") if isinstance(message, str) else message
        self._sent = self._sent[-_OVERLAP:] + b" " + data
        found = self._search.find(data, self._sent)
        if found:
            raise ConnectionAbortedError(f"a message carries {', '.join(found)}, which may not go there")
        await self._socket.send(message)

    async def receive(self) -> str | bytes | None:
        return await self._socket.receive()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        await self._socket.close(code, reason)


def _head(request: Request) -> tuple[bytes, ...]:
    lines = (f"{name}: {value}".encode("utf-8", "surrogatepass") for name, value in request.headers)
    return request.url.encode("utf-8", "surrogatepass"), *lines


def _marked(request: Request, search: Search, found: tuple[str, ...]) -> Request:
    if not found:
        return request
    start, _, rest = request.url.partition("://")
    host = re.split("[/?#]", rest, maxsplit=1)[0]
    # It is refused whatever else it says, and a trace must not keep what it carries.
    shown = "withheld.invalid" if search.find(host.encode()) else host
    update = {"url": f"{start}://{shown}/", "headers": (), "body_sha256": None, "leaks": found}
    return request.model_copy(update=update)


def _stands(value: bytes, text: bytes) -> bool:
    if value in text:
        return True
    folded = value.lower()
    return len(folded) >= 6 and folded in text.lower()


def _readings(text: bytes) -> Iterator[bytes]:
    """Give a text in every way in which it may be read, itself first."""
    seen = {text}
    layer, left = [text], _BUDGET
    for depth in range(_DEEPEST):
        deeper: list[bytes] = []
        for one in layer:
            yield one
            left -= len(one) if depth else 0
            if left < 0:
                continue
            for reading in _decoded(one):
                if reading and reading not in seen and len(seen) < _READINGS:
                    seen.add(reading)
                    deeper.append(reading)
        layer = deeper
    yield from layer


def _decoded(text: bytes) -> Iterator[bytes]:
    if b"%" in text or b"+" in text:
        yield unquote_to_bytes(text.replace(b"+", b" "))
        yield unquote_to_bytes(text)
    if b"\\" in text:
        yield _ESCAPE.sub(_unescaped, text)
    if b"&" in text and b";" in text:
        yield html.unescape(text.decode("latin-1")).encode("utf-8", "surrogatepass")
    if b"\0" in text:
        yield text.replace(b"\0", b"")
    yield b" ".join(_base64(text))
    yield b" ".join(_base32(text))
    yield b" ".join(_hex(text))
    yield _unpacked(text)


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1] or found[2]
    if code is None:
        return {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}.get(found[3], found[3])
    number = int(code, 16)
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else b""


def _base64(text: bytes) -> Iterator[bytes]:
    for found in _BASE64.finditer(text):
        run = found[0].replace(b"-", b"+").replace(b"_", b"/")
        # What is encoded may begin at any of four places in a run of such characters.
        for start in range(4):
            piece = run[start : start + (len(run) - start) // 4 * 4]
            rest = run[start + len(piece) :]
            if len(rest) > 1:
                piece += rest + b"=" * (4 - len(rest))
            if piece:
                yield binascii.a2b_base64(piece)


def _base32(text: bytes) -> Iterator[bytes]:
    runs = _BASE32 if len(text) <= _AT_ONCE else _BASE32_OF_ONE_CASE
    for found in runs.finditer(text):
        for start in range(8):
            run = found[0][start:].upper()
            run = run[: len(run) // 8 * 8 + _WHOLE[len(run) % 8]]
            yield base64.b32decode(run + b"=" * (-len(run) % 8))


def _hex(text: bytes) -> Iterator[bytes]:
    for found in _HEX.finditer(text):
        digits = re.sub(rb"0x|\\x|[\s:,%-]", b"", found[0])
        for start in range(2):
            yield bytes.fromhex(digits[start : start + (len(digits) - start) // 2 * 2].decode())


def _unpacked(text: bytes) -> bytes:
    for bits in (47, -15) if text[:2] == b"\x1f\x8b" or (text[:1] == b"\x78") else ():
        try:
            return zlib.decompressobj(bits).decompress(text, _UNPACKED)
        except zlib.error:
            continue
    return b""


def _values(text: bytes) -> list[bytes]:
    return [unquote_to_bytes(found[0]) for found in _VALUE.finditer(text[:WINDOW])]


def _split(value: bytes, pieces: list[bytes]) -> bool:
    """Whether pieces make a value: in order, every other one, the short ones, or in any order."""
    bare = _PLAIN.sub(b"", value)
    for some in (pieces, pieces[::2], pieces[1::2], [one for one in pieces if len(one) <= _SHORT]):
        joined = b"".join(some)
        if _stands(value, joined) or (len(bare) >= 6 and _stands(bare, _PLAIN.sub(b"", joined))):
            return True
    parts = {one for one in pieces if _PART <= len(one) < len(value) and one in value}
    reached = {0}
    for place in range(len(value)):
        if place in reached:
            reached |= {place + len(one) for one in parts if value.startswith(one, place)}
    return len(value) in reached
