"""Bytes on a connection: a plain one, or TLS laid over it.

Both sides of the gateway use these instead of asyncio's streams because three things are needed that those
do not give: to see that the other side left while nobody reads, to look at the first byte before deciding
what it begins, and back-pressure on reading that counts every byte held.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import Protocol

_HIGH = 262_144
_READ = 65_536
_LINGER_SECONDS = 5.0
_LINGER_BYTES = 33_554_432


class Stream(Protocol):
    """A connection, plain or not."""

    @property
    def gone(self) -> bool:
        """Whether the other side has hung up, or half of it."""
        ...

    async def read(self) -> bytes:
        """Wait for bytes; none once the other side is done. Raises `ConnectionError` if it was cut off."""
        ...

    async def write(self, data: bytes) -> None:
        """Write, and wait while the other side is slow. Raises `ConnectionError` if it is gone."""
        ...

    def put(self, data: bytes) -> None:
        """Write without waiting. Raises `ConnectionError` if the other side is gone."""
        ...

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """While inside, the running task is cancelled when the other side hangs up."""
        ...

    async def hang_up(self) -> None:
        """Say that no more will come, let the other side read and leave, then close.

        Closing at once over bytes that were not read would reset the connection and lose the answer.
        """
        ...

    def close(self) -> None:
        """Send what is buffered, then hang up."""
        ...

    def abort(self) -> None:
        """Hang up at once, so that nobody takes what was sent for the whole."""
        ...


class Wire(asyncio.Protocol):
    """A plain connection.

    Args:
        welcome: called once it is open.
        farewell: called once it is closed for good.
    """

    def __init__(
        self,
        welcome: Callable[["Wire"], None] | None = None,
        farewell: Callable[["Wire"], None] | None = None,
    ) -> None:
        self._welcome = welcome
        self._farewell = farewell
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._gone = False
        self._lost: BaseException | None = None
        self._held = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = asyncio.Event()
        self._watcher: asyncio.Task[object] | None = None
        self._listener: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio's protocol."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a wire needs a stream transport")
        self._transport = transport
        if self._welcome:
            self._welcome(self)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio's protocol."""
        self._buffer += data
        self._news.set()
        if len(self._buffer) > _HIGH and self._transport and not self._held:
            self._held = True
            self._transport.pause_reading()
        if self._listener:
            self._listener()

    def eof_received(self) -> bool:
        """Part of asyncio's protocol: stay open for writing."""
        self._left()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio's protocol."""
        self._lost = exc or ConnectionResetError("the connection is closed")
        self._left()
        self._room.set()
        self._ended.set()
        if self._farewell:
            self._farewell(self)

    def pause_writing(self) -> None:
        """Part of asyncio's protocol."""
        self._room.clear()

    def resume_writing(self) -> None:
        """Part of asyncio's protocol."""
        self._room.set()

    @property
    def gone(self) -> bool:
        """Whether the other side has hung up, or half of it."""
        return self._gone

    @property
    def peer(self) -> str:
        """The IP address at the other end; empty for a Unix socket."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if isinstance(name, tuple) else ""

    async def peek(self) -> bytes:
        """Wait for bytes and leave them; none once the other side is done."""
        await self._arrived()
        return bytes(self._buffer[:1])

    async def read(self) -> bytes:
        """Wait for bytes; none once the other side is done."""
        await self._arrived()
        return self.take()

    def take(self) -> bytes:
        """What has arrived so far."""
        data = bytes(self._buffer)
        self._buffer.clear()
        if self._held and self._transport:
            self._held = False
            self._transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """Write, and wait while the other side is slow."""
        self.put(data)
        if not self._room.is_set():
            await self._room.wait()
            if self._lost:
                raise ConnectionResetError("the other side hung up")

    def put(self, data: bytes) -> None:
        """Write without waiting."""
        if self._lost or not self._transport or self._transport.is_closing():
            raise ConnectionResetError("the other side hung up")
        self._transport.write(data)

    @contextlib.contextmanager
    def watched(self, listener: Callable[[], None] | None = None) -> Iterator[None]:
        """While inside, the running task is cancelled when the other side hangs up.

        Args:
            listener: called when bytes arrive meanwhile.
        """
        if self._gone:
            raise ConnectionResetError("the other side hung up")
        self._watcher, self._listener = asyncio.current_task(), listener
        try:
            yield
        finally:
            self._watcher = self._listener = None

    def leave(self) -> None:
        """The other side has said, by other means than this connection's end, that it is done."""
        self._left()

    async def hang_up(self) -> None:
        """Say that no more will come, let the other side read and leave, then close."""
        swallowed = 0
        with contextlib.suppress(OSError):
            if self._transport and not self._transport.is_closing():
                self._transport.write_eof()
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._gone and swallowed < _LINGER_BYTES:
                    swallowed += len(await self.read())
        self.close()

    def close(self) -> None:
        """Send what is buffered, then hang up."""
        if self._transport:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        if self._transport:
            self._transport.abort()

    async def ended(self, seconds: float = 0.0) -> None:
        """Wait until the connection is closed for good; it is cut off after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            self.abort()
            await self._ended.wait()

    async def _arrived(self) -> None:
        while not self._buffer and not self._gone:
            self._news.clear()
            await self._news.wait()
        if not self._buffer and isinstance(self._lost, OSError) and self._lost.errno:
            raise ConnectionResetError(f"the connection broke: {self._lost.strerror}")

    def _left(self) -> None:
        self._gone = True
        self._news.set()
        if self._watcher:
            self._watcher.cancel()
            self._watcher = None


class TlsStream:
    """TLS over a wire, at either end.

    Args:
        wire: what carries it.
        context: certificates and what is trusted.
        server_side: whether this is the end that shows a certificate.
        name: the server's name, to be sent and verified; only at the client's end.
    """

    def __init__(
        self, wire: Wire, context: ssl.SSLContext, *, server_side: bool = False, name: str | None = None
    ) -> None:
        self._wire = wire
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=server_side, server_hostname=name)
        self._early = bytearray()
        self._reading = False

    @property
    def gone(self) -> bool:
        """Whether the other side has hung up, or half of it."""
        return self._wire.gone

    async def handshake(self, seconds: float) -> None:
        """Agree on keys.

        Raises:
            ssl.SSLError: if the two cannot agree, or a certificate does not verify.
            ConnectionError: if the other side hangs up.
            TimeoutError: if it takes too long.
        """
        async with asyncio.timeout(seconds):
            while True:
                try:
                    self._tls.do_handshake()
                    await self._flush()
                    return
                except ssl.SSLWantReadError:
                    await self._flush()
                except ssl.SSLError:
                    with contextlib.suppress(ConnectionError):
                        await self._flush()
                    raise
                data = await self._wire.read()
                if not data:
                    raise ConnectionResetError("the other side hung up during the TLS handshake")
                self._in.write(data)

    async def read(self) -> bytes:
        """Wait for bytes; none once the other side is done."""
        if self._early:
            early = bytes(self._early)
            self._early.clear()
            return early
        while True:
            try:
                return self._tls.read(_READ)
            except ssl.SSLWantReadError:
                await self._flush()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise ConnectionResetError(f"TLS broke: {error.reason}") from None
            self._reading = True
            try:
                data = await self._wire.read()
            finally:
                self._reading = False
            if data:
                self._in.write(data)
            else:
                self._in.write_eof()

    async def write(self, data: bytes) -> None:
        """Write, and wait while the other side is slow."""
        self._encrypt(data)
        await self._flush()

    def put(self, data: bytes) -> None:
        """Write without waiting."""
        self._encrypt(data)
        self._wire.put(self._out.read())

    def _encrypt(self, data: bytes) -> None:
        try:
            if data:
                self._tls.write(data)
        except ssl.SSLError as error:
            raise ConnectionResetError(f"TLS broke: {error.reason}") from None

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """While inside, the running task is cancelled when the other side hangs up, or says so in TLS."""
        return self._wire.watched(self._listen)

    def _listen(self) -> None:
        if self._reading or len(self._early) >= _HIGH:
            return
        self._in.write(self._wire.take())
        try:
            while piece := self._tls.read(_READ):
                self._early += piece
            self._wire.leave()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self._wire.leave()

    async def hang_up(self) -> None:
        """Say that no more will come, let the other side read and leave, then close."""
        self._goodbye()
        await self._wire.hang_up()

    def close(self) -> None:
        """Say goodbye in TLS, send what is buffered, then hang up."""
        self._goodbye()
        self._wire.close()

    def _goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            try:
                self._tls.unwrap()
            except ssl.SSLWantReadError:
                self._wire.put(self._out.read())

    def abort(self) -> None:
        """Hang up at once."""
        self._wire.abort()

    async def ended(self, seconds: float = 0.0) -> None:
        """Wait until the connection is closed for good; it is cut off after so many seconds."""
        await self._wire.ended(seconds)

    async def _flush(self) -> None:
        if self._out.pending:
            await self._wire.write(self._out.read())


async def dial(host: str, port: int, seconds: float) -> Wire:
    """Open a TCP connection.

    Raises:
        OSError: if it is refused or takes too long.
    """
    async with asyncio.timeout(seconds):
        _, wire = await asyncio.get_running_loop().create_connection(Wire, host, port)
    return wire
