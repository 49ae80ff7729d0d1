"""A recorded WebSocket: what came in comes again, each message after those that went out before it."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from harness.gateway.base import Headers


@dataclass(frozen=True)
class Message:
    """One recorded message of a WebSocket."""

    out: bool
    """Whether it left the sandbox."""
    step: int
    """The step in which it passed."""
    text: bool = True
    """Whether it is text and not binary."""
    sha256: str | None = None
    """Hex SHA-256; nothing if that is not known."""
    data: Callable[[], bytes] | None = field(default=None, repr=False)
    """Reads it; nothing if it was not kept."""


class Playback:
    """The other end of a recorded WebSocket.

    Args:
        messages: what passed, in order.
        headers: what the server's answer held beyond the handshake.
        subprotocol: what was agreed on.
        due: waits until the run is at a step.
        tell: told of what is not as in the recording.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        headers: Headers,
        subprotocol: str | None,
        due: Callable[[int], Awaitable[None]],
        tell: Callable[[str], None],
    ) -> None:
        self.headers = headers
        self.subprotocol = subprotocol
        self.closed: tuple[int, str] | None = None
        self._messages = tuple(messages)
        self._next = 0
        self._due, self._tell = due, tell
        self._news = asyncio.Event()

    async def send(self, message: str | bytes) -> None:
        """Take one message of the browser's; one that is not the recorded one is told."""
        if self.closed is not None:
            raise ConnectionResetError("the recorded WebSocket is closed")
        at = next((at for at in range(self._next, len(self._messages)) if self._messages[at].out), None)
        if at is None:
            self._tell("a message went out that the recording does not have")
            return
        data = message.encode() if isinstance(message, str) else message
        known = self._messages[at].sha256
        if known is not None and hashlib.sha256(data).hexdigest() != known:
            self._tell("a message went out with other words than in the recording")
        # What came in before this one and was not read yet is not lost: it is read first.
        self._messages = (*self._messages[:at], *self._messages[at + 1 :])
        self._news.set()

    async def receive(self) -> str | bytes | None:
        """Wait for the next message that came; nothing once it is closed."""
        while self.closed is None:
            one = self._messages[self._next] if self._next < len(self._messages) else None
            if one is None or one.out:
                self._news.clear()
                await self._news.wait()
                continue
            await self._due(one.step)
            self._next += 1
            if one.data is None:
                self._tell("a message that came in was too long to be kept")
                continue
            data = one.data()
            return data.decode(errors="replace") if one.text else data
        return None

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        self.closed = self.closed or (code, reason)
        self._news.set()
