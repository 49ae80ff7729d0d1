"""WebSockets: whole messages on both sides, nothing negotiated beyond RFC 6455 itself."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable

from wsproto import WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.utilities import LocalProtocolError

from harness.gateway.base import Headers, Keeper, Socket, SocketMessage
from harness.gateway.wire import Stream

MAX_MESSAGE = 16_777_216
"""Most bytes in one message; a longer one closes the socket with code 1009."""
_GOODBYE_SECONDS = 5.0


class Line:
    """One end of a WebSocket whose handshake is done. Pings are answered here, not passed on.

    Args:
        stream: the connection.
        ws: the protocol's state, open.
        subprotocol: what was agreed on.
        headers: what the server's answer held beyond the handshake.
    """

    def __init__(
        self, stream: Stream, ws: WSConnection, subprotocol: str | None = None, headers: Headers = ()
    ) -> None:
        self.subprotocol = subprotocol
        self.headers = headers
        self.closed: tuple[int, str] | None = None
        self._stream = stream
        self._ws = ws
        self._events: deque[Event] = deque(ws.events())
        self.too_long = 0
        """Bytes that came of a message longer than `MAX_MESSAGE`."""
        self._parts = bytearray()

    async def send(self, message: str | bytes) -> None:
        """Send one message; raises `ConnectionError` if the other end is gone."""
        event: Message[str] | Message[bytes | bytearray]
        event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        await self._put(event)

    async def receive(self) -> str | bytes | None:
        """Wait for one message; nothing once it is closed."""
        while self.closed is None:
            if not self._events:
                await self._more()
            message = await self._take(self._events.popleft()) if self._events else None
            if message is not None:
                return message
        return None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, and wait a little for the other end's own."""
        if code == 1006:
            self.abort()
            return
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._put(CloseConnection(code=code, reason=reason[:120] or None))
                while await self.receive() is not None:
                    pass
        self._stream.close()

    def abort(self) -> None:
        """Hang up without a goodbye, which the other end sees as code 1006."""
        self.closed = self.closed or (1006, "")
        self._stream.abort()

    def finish(self) -> None:
        """Hang up once both ends have said goodbye."""
        self._stream.close()

    async def _more(self) -> None:
        try:
            data = await self._stream.read()
        except ConnectionError:
            data = b""
        self._ws.receive_data(data or None)
        self._events.extend(self._ws.events())

    async def _take(self, event: Event) -> str | bytes | None:
        match event:
            case TextMessage() | BytesMessage():
                return await self._gather(event)
            case Ping():
                await self._put(event.response())
            case Pong():
                pass
            case CloseConnection():
                self.closed = (int(event.code), event.reason or "")
                if self._ws.state is ConnectionState.REMOTE_CLOSING:
                    with contextlib.suppress(ConnectionError):
                        await self._put(event.response())
            case _:
                self.closed = (1002, "not a WebSocket frame")
        return None

    async def _gather(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        data = event.data
        self._parts += data.encode() if isinstance(data, str) else data
        if len(self._parts) > MAX_MESSAGE:
            self.too_long = len(self._parts)
            self._parts.clear()
            self.closed = (1009, f"a message has more than {MAX_MESSAGE} bytes")
            with contextlib.suppress(ConnectionError):
                await self._put(CloseConnection(code=1009, reason="message too big"))
            return None
        if not event.message_finished:
            return None
        whole = bytes(self._parts)
        self._parts.clear()
        return whole.decode() if isinstance(event, TextMessage) else whole

    async def _put(self, event: Event) -> None:
        try:
            data = self._ws.send(event)
        except LocalProtocolError as error:
            raise ConnectionResetError(f"the WebSocket is closed: {error}") from None
        await self._stream.write(data)


class Tally:
    """Messages and bytes that passed through one WebSocket, out of the sandbox and in.

    Args:
        request: the id of the request that opened it.
        keeper: told of each message before it passes.
    """

    def __init__(self, request: str, keeper: Keeper) -> None:
        self.out = 0
        self.inn = 0
        self.out_bytes = 0
        self.in_bytes = 0
        self._request = request
        self._keeper = keeper

    def count(self, data: str | bytes, *, out: bool) -> None:
        """Count a message that is about to pass; raises `ConnectionAbortedError` if it may not."""
        size = len(data.encode()) if isinstance(data, str) else len(data)
        self._tell(SocketMessage(self._request, out, size, data))
        if out:
            self.out += 1
            self.out_bytes += size
        else:
            self.inn += 1
            self.in_bytes += size

    def too_long(self, size: int, *, out: bool) -> None:
        """Tell of a message that was not taken whole; always raises `ConnectionAbortedError`."""
        self._tell(SocketMessage(self._request, out, size, None))
        raise ConnectionAbortedError(f"a message has more than {MAX_MESSAGE} bytes")

    def _tell(self, message: SocketMessage) -> None:
        refusal = self._keeper.message(message)
        if refusal is not None:
            raise ConnectionAbortedError(f"a message was refused by {refusal.rule!r}: {refusal.reason}")


class Counted:
    """A WebSocket whose messages are counted and recorded before they pass.

    Args:
        socket: the upstream's end.
        tally: counts.
    """

    def __init__(self, socket: Socket, tally: Tally) -> None:
        self.subprotocol = socket.subprotocol
        self.headers = socket.headers
        self._socket = socket
        self._tally = tally

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and reason once it is closed."""
        return self._socket.closed

    async def send(self, message: str | bytes) -> None:
        """Count one message, then send it."""
        self._tally.count(message, out=True)
        await self._socket.send(message)

    async def receive(self) -> str | bytes | None:
        """Wait for one message, and count it."""
        message = await self._socket.receive()
        if message is not None:
            self._tally.count(message, out=False)
        elif isinstance(self._socket, Line) and self._socket.too_long:
            self._tally.too_long(self._socket.too_long, out=False)
        return message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        await self._socket.close(code, reason)


async def pump(browser: Line, upstream: Socket) -> None:
    """Carry messages both ways until one end closes, then close the other alike.

    Raises:
        OSError: if an end broke off instead; the other is cut off too, so that it sees the same.
    """

    async def outwards() -> None:
        async for message in _messages(browser):
            if not await _sent(upstream, message):
                return

    async def inwards() -> None:
        async for message in _messages(upstream):
            if not await _sent(browser, message):
                return

    try:
        await _first(outwards, inwards)
    except BaseException:
        # The browser's end goes last: once it is cut off, this task is cancelled and forgets why.
        try:
            await upstream.close(1011)
        finally:
            browser.abort()
        raise
    if browser.closed is not None:
        await upstream.close(*_sendable(browser.closed))
        browser.finish()
    else:
        await browser.close(*(upstream.closed or (1006, "")))
        await upstream.close()


async def _messages(end: Socket) -> AsyncGenerator[str | bytes]:
    while (message := await end.receive()) is not None:
        yield message


async def _sent(end: Socket, message: str | bytes) -> bool:
    try:
        await end.send(message)
    except ConnectionError:
        if end.closed is None:
            raise
        return False
    return True


def _sendable(closed: tuple[int, str]) -> tuple[int, str]:
    code, reason = closed
    return (1001, "the browser went away") if code == 1006 else (code, reason)


async def _first(*jobs: Callable[[], Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
