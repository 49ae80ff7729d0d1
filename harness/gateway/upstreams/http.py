"""HTTP/1.1 as a client: what the internet and a fixed server have in common."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

import httpcore

from harness.gateway.base import Answer, Body, Headers, UpstreamError
from harness.gateway.upstreams.ticket import Order
from harness.gateway.wire import TlsStream, Wire

Dial = Callable[[str, int, float], Awaitable[Wire]]
"""Opens a connection to a host and port within so many seconds; raises `OSError`."""

CONNECT_SECONDS = 30.0
IDLE_SECONDS = 300.0
"""Seconds without a byte from the other side before it is given up."""
_REPEATABLE = frozenset({b"GET", b"HEAD"})
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})


_dialled: ContextVar[bool] = ContextVar("dialled", default=False)
"""Whether the request in hand had to open a connection."""


class HttpClient:
    """Connections to servers, kept and used again.

    Args:
        dial: opens a plain connection; the only way out of this class.
        trust: verifies servers.
        idle: seconds without a byte before a server is given up.
    """

    def __init__(self, dial: Dial, trust: ssl.SSLContext, idle: float = IDLE_SECONDS) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=256,
            max_keepalive_connections=64,
            keepalive_expiry=30.0,
            network_backend=_Backend(dial),
        )
        self._timeouts = {"connect": CONNECT_SECONDS, "read": idle, "write": idle, "pool": idle}

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
        while True:
            _dialled.set(False)
            request = httpcore.Request(
                order.method,
                httpcore.URL(
                    scheme=order.address.scheme.encode(),
                    host=order.address.host.encode(),
                    port=order.address.port,
                    target=order.address.target.encode(),
                ),
                headers=sent,
                content=body.chunks() if body.size else b"",
                extensions={"timeout": self._timeouts},
            )
            try:
                response = await self._pool.handle_async_request(request)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError) as error:
                if not _dialled.get() and not body.size and order.method in _REPEATABLE:
                    continue
                raise _failed(order, error) from None
            except (httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
                raise _failed(order, error) from None
            reason = response.extensions.get("reason_phrase", b"")
            names = tuple((name.lower(), value) for name, value in response.headers)
            content = _body(order, response)
            await anext(content)
            return Answer(response.status, bytes(reason), names, content)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._pool.aclose()


async def _body(order: Order, response: httpcore.Response) -> AsyncGenerator[bytes]:
    try:
        # Taken by `send`: a generator that was begun lets go of the connection even if nobody reads on.
        yield b""
        async for chunk in response.aiter_stream():
            yield chunk
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
        raise _failed(order, error) from None
    finally:
        await response.aclose()


def _failed(order: Order, error: Exception) -> UpstreamError:
    if error.args and isinstance(error.args[0], UpstreamError):
        return error.args[0]
    what = {
        httpcore.ConnectError: "cannot be reached",
        httpcore.ConnectTimeout: "does not answer the connection",
        httpcore.ReadTimeout: "sends nothing any more",
        httpcore.WriteTimeout: "takes nothing any more",
        httpcore.RemoteProtocolError: "does not speak HTTP, or broke off",
        httpcore.ReadError: "broke off",
        httpcore.WriteError: "broke off",
    }.get(type(error), "failed")
    return UpstreamError(f"{order.address.authority} {what}: {str(error) or type(error).__name__}")


class _Backend(httpcore.AsyncNetworkBackend):
    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - httpcore's signature
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        _dialled.set(True)
        try:
            return _Stream(await self._dial(host, port, timeout or CONNECT_SECONDS))
        except TimeoutError:
            raise httpcore.ConnectTimeout("no answer in time") from None
        except UpstreamError as error:
            # httpcore drops causes on the way, so the reason itself travels as the argument.
            raise httpcore.ConnectError(error) from None
        except OSError as error:
            raise httpcore.ConnectError(error.strerror or str(error)) from None


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: Wire | TlsStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        try:
            async with asyncio.timeout(timeout):
                return await self._stream.read()
        except TimeoutError:
            raise httpcore.ReadTimeout("no bytes in time") from None
        except OSError as error:
            raise httpcore.ReadError(str(error)) from None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                await self._stream.write(buffer)
        except TimeoutError:
            raise httpcore.WriteTimeout("no bytes taken in time") from None
        except OSError as error:
            raise httpcore.WriteError(str(error)) from None

    async def aclose(self) -> None:
        self._stream.close()
        await self._stream.ended(1.0)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        if not isinstance(self._stream, Wire):
            raise httpcore.ConnectError("TLS within TLS is not spoken here")
        try:
            return _Stream(await secured(self._stream, ssl_context, server_hostname or "", timeout))
        except TimeoutError:
            raise httpcore.ConnectTimeout("no TLS handshake in time") from None
        except (ssl.SSLError, OSError) as error:
            raise httpcore.ConnectError(str(error)) from None

    def get_extra_info(self, info: str) -> Any:
        return self._stream.gone if info == "is_readable" else None


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
