"""One connection to a server, speaking HTTP/1.1 as a client."""

import asyncio
from collections.abc import AsyncGenerator

import h11

from harness.gateway.base import Body
from harness.gateway.wire import TlsStream, Wire

_MAX_HEAD = 102_400
_MAX_INTERIM = 100


class Link:
    """One request at a time, as many as the server wants to answer.

    Args:
        stream: the connection.
        idle: seconds without a byte before the server is given up.
    """

    def __init__(self, stream: Wire | TlsStream, idle: float) -> None:
        self._stream = stream
        self._idle = idle
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self.heard = False
        """Whether a byte came in answer to the last request."""

    @property
    def stale(self) -> bool:
        """Whether the server has hung up since the last answer."""
        return self._stream.gone

    async def ask(self, request: h11.Request, body: Body) -> h11.Response:
        """Send a request, and wait for the head of its answer.

        Raises:
            ConnectionError: if the server broke off; nothing came at all if `heard` is still false.
            TimeoutError: if it takes or sends nothing any more, and which of the two.
            h11.RemoteProtocolError: if it does not speak HTTP.
        """
        self.heard = False
        try:
            await self._write(self._http.send(request))
            if body.size:
                async for chunk in body.chunks():
                    await self._write(self._http.send(h11.Data(data=chunk)))
            self._http.send(h11.EndOfMessage())
        except ConnectionError:
            # A server may answer, and hang up, before it has read all of a body.
            pass
        for _ in range(_MAX_INTERIM):
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                break
        raise h11.RemoteProtocolError("no answer, but other things")

    async def body(self) -> AsyncGenerator[bytes]:
        """Read the body of the answer; raises as `ask` does."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    def renew(self) -> bool:
        """Make ready for another request, and say whether there can be one."""
        try:
            # The answer to a HEAD is whole although nobody read a body.
            if self._http.their_state is h11.SEND_BODY:
                self._http.next_event()
            unasked, closed = self._http.trailing_data
            if unasked or closed or self.stale:
                return False
            self._http.start_next_cycle()
        except h11.ProtocolError:
            return False
        return True

    async def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
        await self._stream.ended(1.0)

    async def abort(self) -> None:
        """Cut the connection off."""
        self._stream.abort()
        await self._stream.ended()

    async def _write(self, data: bytes | None) -> None:
        try:
            async with asyncio.timeout(self._idle):
                await self._stream.write(data or b"")
        except TimeoutError:
            raise TimeoutError("takes nothing any more") from None

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            try:
                async with asyncio.timeout(self._idle):
                    data = await self._stream.read()
            except TimeoutError:
                raise TimeoutError("sends nothing any more") from None
            if not data and not self.heard:
                raise ConnectionResetError("the server hung up without an answer")
            self.heard = True
            self._http.receive_data(data)
        return event
