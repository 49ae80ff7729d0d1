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

from harness.gateway.base import Headers, Socket
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
        self._parts: list[str | bytes | bytearray] = []
        self._held = 0

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
        self._held += len(data.encode()) if isinstance(data, str) else len(data)
        if self._held > MAX_MESSAGE:
            self.closed = (1009, f"a message has more than {MAX_MESSAGE} bytes")
            with contextlib.suppress(ConnectionError):
                await self._put(CloseConnection(code=1009, reason="message too big"))
            return None
        self._parts.append(data)
        if not event.message_finished:
            return None
        parts, self._parts, self._held = self._parts, [], 0
        if isinstance(event, TextMessage):
            return "".join(part for part in parts if isinstance(part, str))
        return b"".join(part for part in parts if not isinstance(part, str))

    async def _put(self, event: Event) -> None:
        try:
            data = self._ws.send(event)
        except LocalProtocolError as error:
            raise ConnectionResetError(f"the WebSocket is closed: {error}") from None
        await self._stream.write(data)


class Tally:
    """Messages and bytes of one WebSocket, out of the sandbox and in."""

    def __init__(self) -> None:
        self.out = 0
        self.inn = 0
        self.out_bytes = 0
        self.in_bytes = 0


def _size(message: str | bytes) -> int:
    return len(message.encode()) if isinstance(message, str) else len(message)


async def pump(browser: Line, upstream: Socket, tally: Tally) -> None:
    """Carry messages both ways until one end closes, then close the other alike.

    Raises:
        OSError: if an end broke off instead; the other is cut off too, so that it sees the same.
    """

    async def outwards() -> None:
        async for message in _messages(browser):
            if not await _sent(upstream, message):
                return
            tally.out += 1
            tally.out_bytes += _size(message)

    async def inwards() -> None:
        async for message in _messages(upstream):
            if not await _sent(browser, message):
                return
            tally.inn += 1
            tally.in_bytes += _size(message)

    try:
        await _first(outwards, inwards)
    except BaseException:
        browser.abort()
        await upstream.close(1011)
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
