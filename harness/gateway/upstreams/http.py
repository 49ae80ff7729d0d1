"""HTTP/1.1 as a client: what the internet and a fixed server have in common."""

import ssl
from asyncio import get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

import h11

from harness.gateway.base import Answer, Body, Headers, UpstreamError
from harness.gateway.upstreams.link import Link
from harness.gateway.upstreams.ticket import Order
from harness.gateway.wire import TlsStream, Wire

Dial = Callable[[str, int, float], Awaitable[Wire]]
"""Opens a connection to a host and port within so many seconds; raises `OSError`."""

CONNECT_SECONDS = 30.0
IDLE_SECONDS = 300.0
"""Seconds without a byte from the other side before it is given up."""
KEPT = 64
KEPT_SECONDS = 30.0
_REPEATABLE = frozenset({b"GET", b"HEAD"})
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})


class _Place(NamedTuple):
    """Where a connection leads. One is never used for another place, nor in the clear for TLS."""

    scheme: str
    host: str
    port: int


class _Kept(NamedTuple):
    place: _Place
    link: Link
    since: float


class HttpClient:
    """Connections to servers, kept and used again.

    Args:
        dial: opens a plain connection; the only way out of this class.
        trust: verifies servers.
        idle: seconds without a byte before a server is given up.
    """

    def __init__(self, dial: Dial, trust: ssl.SSLContext, idle: float = IDLE_SECONDS) -> None:
        self._dial = dial
        self._trust = trust
        self._idle = idle
        self._kept: deque[_Kept] = deque()
        self._closed = False

    async def send(self, order: Order, host: bytes, headers: Headers, body: Body) -> Answer:
        """Send a request and give the answer's head.

        A GET or HEAD that met a kept connection the server had just closed is sent once more.

        Args:
            order: method and address.
            host: the `Host` header to send.
            headers: all others, but for the body's length.
            body: the body.

        Raises:
            UpstreamError: if the server cannot be reached or does not speak HTTP.
        """
        sent: list[tuple[bytes, bytes]] = [(b"Host", host), *headers]
        if body.size or order.method in _WITH_BODY:
            sent.append((b"Content-Length", str(body.size).encode()))
        try:
            request = h11.Request(method=order.method, target=order.address.target.encode(), headers=sent)
        except h11.LocalProtocolError as error:
            raise _failed(order, "cannot be asked this", error) from None
        place = _Place(order.address.scheme, order.address.host, order.address.port)
        while True:
            kept = await self._take(place)
            link = kept or await self._opened(place, order)
            try:
                response = await link.ask(request, body)
            except (OSError, h11.RemoteProtocolError) as error:
                await link.abort()
                if kept and not link.heard and not body.size and order.method in _REPEATABLE:
                    continue
                raise _broken(order, error) from None
            except BaseException:
                await link.abort()
                raise
            content = self._body(order, place, link)
            await anext(content)
            names = tuple([(name.lower(), value) for name, value in response.headers.raw_items()])
            return Answer(response.status_code, bytes(response.reason), names, content)

    async def close(self) -> None:
        """Let go of every connection that is not in use, and keep none from here on."""
        self._closed = True
        while self._kept:
            await self._kept.popleft().link.close()

    async def _body(self, order: Order, place: _Place, link: Link) -> AsyncGenerator[bytes]:
        try:
            # Taken by `send`: a generator that was begun lets go of the connection even if nobody reads on.
            yield b""
            async for chunk in link.body():
                yield chunk
        except (OSError, h11.RemoteProtocolError) as error:
            raise _broken(order, error) from None
        finally:
            await self._put(place, link)

    async def _put(self, place: _Place, link: Link) -> None:
        if not link.renew() or self._closed:
            await link.close()
            return
        now = get_running_loop().time()
        self._kept.append(_Kept(place, link, now))
        while self._kept and (len(self._kept) > KEPT or self._kept[0].since < now - KEPT_SECONDS):
            await self._kept.popleft().link.close()

    async def _take(self, place: _Place) -> Link | None:
        while kept := next((one for one in reversed(self._kept) if one.place == place), None):
            self._kept.remove(kept)
            if not kept.link.stale and kept.since >= get_running_loop().time() - KEPT_SECONDS:
                return kept.link
            await kept.link.close()
        return None

    async def _opened(self, place: _Place, order: Order) -> Link:
        try:
            wire = await self._dial(place.host, place.port, CONNECT_SECONDS)
        except TimeoutError:
            raise _failed(order, "does not answer the connection", "no answer in time") from None
        except UpstreamError:
            raise
        except OSError as error:
            raise _failed(order, "cannot be reached", error.strerror or error) from None
        if place.scheme != "https":
            return Link(wire, self._idle)
        try:
            return Link(await secured(wire, self._trust, place.host, CONNECT_SECONDS), self._idle)
        except TimeoutError:
            raise _failed(order, "does not answer the connection", "no TLS handshake in time") from None
        except OSError as error:
            raise _failed(order, "cannot be reached", error) from None


def _broken(order: Order, error: Exception) -> UpstreamError:
    match error:
        case UpstreamError():
            return error
        case TimeoutError():
            return _failed(order, str(error), "no byte in time")
        case h11.RemoteProtocolError():
            return _failed(order, "does not speak HTTP, or broke off", error)
        case _:
            return _failed(order, "broke off", error)


def _failed(order: Order, what: str, why: object) -> UpstreamError:
    return UpstreamError(f"{order.address.authority} {what}: {str(why) or type(why).__name__}")


async def secured(wire: Wire, trust: ssl.SSLContext, name: str, seconds: float | None) -> TlsStream:
    """Lay TLS over a connection as its client; the connection is closed if that fails.

    Raises:
        ssl.SSLError: if the server's certificate does not verify, or the two cannot agree.
        OSError: if the server hangs up or takes too long.
    """
    stream = TlsStream(wire, trust, name=name.strip("[]"))
    try:
        await stream.handshake(seconds or CONNECT_SECONDS)
    except BaseException:
        await wire.ended()
        raise
    return stream
