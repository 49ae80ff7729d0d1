"""WebSockets as a client, over a connection that is already open."""

import asyncio

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request
from wsproto.utilities import ProtocolError

from harness.gateway.base import Headers, UpstreamError
from harness.gateway.upstreams.ticket import Order
from harness.gateway.websocket import Line
from harness.gateway.wire import TlsStream, Wire

_SECONDS = 60.0


class ClientLine(Line):
    """A WebSocket to a server; closing it waits until the connection is gone."""

    def __init__(
        self, stream: Wire | TlsStream, ws: WSConnection, subprotocol: str | None, headers: Headers
    ) -> None:
        super().__init__(stream, ws, subprotocol, headers)
        self._connection = stream

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and let go of the connection."""
        if self.closed is None:
            await super().close(code, reason)
        self._connection.close()
        await self._connection.ended(1.0)


async def shake(stream: Wire | TlsStream, order: Order, host: bytes, headers: Headers) -> ClientLine:
    """Do the handshake; the connection is closed if that fails.

    Raises:
        UpstreamError: if the server does not agree; with the server's status if it answered with one.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await _shake(stream, order, host, headers)
    except UpstreamError:
        await stream.ended()
        raise
    except (ProtocolError, UnicodeError, OSError) as error:
        await stream.ended()
        why = str(error) or type(error).__name__
        raise UpstreamError(f"{order.address.authority}: the WebSocket handshake failed: {why}") from None
    except asyncio.CancelledError:
        await stream.ended()
        raise


async def _shake(stream: Wire | TlsStream, order: Order, host: bytes, headers: Headers) -> ClientLine:
    offered = [value.decode() for name, value in headers if name == b"sec-websocket-protocol"]
    protocols = [part.strip() for value in offered for part in value.split(",") if part.strip()]
    rest = [(name, value) for name, value in headers if name != b"sec-websocket-protocol"]
    ws = WSConnection(ConnectionType.CLIENT)
    opening = Request(
        host=host.decode(), target=order.address.target, subprotocols=protocols, extra_headers=rest
    )
    await stream.write(ws.send(opening))
    while True:
        data = await stream.read()
        if not data:
            raise ConnectionResetError("the server hung up")
        ws.receive_data(data)
        for event in ws.events():
            match event:
                case AcceptConnection():
                    extra = tuple((bytes(n).lower(), bytes(v)) for n, v in event.extra_headers)
                    return ClientLine(stream, ws, event.subprotocol, extra)
                case RejectConnection():
                    said = event.status_code
                    raise UpstreamError(
                        f"{order.address.authority} answered the WebSocket handshake with {said}",
                        status=said if 400 <= said < 600 and said != 407 else 502,
                    )
                case _:
                    pass
