"""The only way out: the contracts between the gateway, whoever judges for it, and what it speaks to."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from harness.clearance import Cleared, Refusal, Request
from harness.gateway.body import Copy

Headers = tuple[tuple[bytes, bytes], ...]
"""In order, names in lower case."""


class Exchange(BaseModel):
    """What became of a request."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, arbitrary_types_allowed=True
    )

    id: str
    """The request's id."""
    status: int | None = None
    """HTTP status sent to the browser; nothing if the connection was lost first."""
    sent: int = 0
    """Bytes of the body that went out."""
    received: int = 0
    """Bytes of the body that came in."""
    messages: tuple[int, int] | None = None
    """WebSocket messages out and in."""
    seconds: float = 0.0
    """From the request's head to the end."""
    error: str | None = None
    """What went wrong on the way."""
    headers: tuple[tuple[str, str], ...] = ()
    """The answer's as the upstream gave them, in order, names in lower case; none without an answer."""
    body: Copy | None = Field(default=None, exclude=True)
    """The answer's body as it came, until `finished` returns; nothing if it has none or broke off."""


class SocketMessage(NamedTuple):
    """One message of an open WebSocket, before it is passed on."""

    request: str
    """The id of the request that opened the socket."""
    out: bool
    """Whether it leaves the sandbox."""
    size: int
    """Bytes; of one that was too long to be taken whole, those that came."""
    data: str | bytes | None
    """Text or binary; nothing if it was too long to be taken whole."""


class Keeper(Protocol):
    """Judges for the gateway, asks a person where the policy says so, and records."""

    async def admit(self, request: Request, body: "Body") -> Cleared | Refusal:
        """Decide about a whole request with its body. The gateway forwards only what a ticket says."""
        ...

    def preview(self, request: Request) -> Refusal | None:
        """Refuse what the head alone rules out, before a body is read; never grants anything.

        Not asked about a request without a body: there the head is the whole.
        """
        ...

    def message(self, message: SocketMessage) -> Refusal | None:
        """Record a message of an open WebSocket, and refuse it where a limit says so.

        What is refused, or raises, is not passed on, and its socket is cut off.
        """
        ...

    def arrived(self, size: int) -> Refusal | None:
        """Count bytes of an answer before they are passed on; refusing breaks the answer off."""
        ...

    def finished(self, exchange: Exchange) -> None:
        """Record what became of a request that was admitted, once.

        Also called, with an error, for one that `admit` raised on. If this raises, the gateway refuses all
        that comes after: what is not recorded does not happen.
        """
        ...


class Answer(NamedTuple):
    """An upstream's answer, with its body still to come."""

    status: int
    reason: bytes
    headers: Headers
    body: AsyncIterator[bytes]
    """Raises `UpstreamError` if the other side breaks off. Closed early if it is an async generator."""


class Body(Protocol):
    """A request's body, kept on disk beyond a megabyte."""

    size: int

    def chunks(self) -> AsyncIterator[bytes]:
        """Read it from the start."""
        ...


class Socket(Protocol):
    """An open WebSocket to an upstream: text is `str`, binary is `bytes`."""

    subprotocol: str | None
    headers: Headers

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and reason once it is closed; 1006 if the other side broke off."""
        ...

    async def send(self, message: str | bytes) -> None:
        """Send one message."""
        ...

    async def receive(self) -> str | bytes | None:
        """Wait for one message; nothing once it is closed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        ...


class Upstream(Protocol):
    """What the gateway speaks to: the internet, an ASGI app in this process, a folder, a recording."""

    async def send(self, cleared: Cleared, body: Body) -> Answer:
        """Spend the ticket, send the request, give the answer's head.

        Raises:
            NotClearedError: if the ticket is not good.
            UpstreamError: if the other side cannot be reached or breaks off.
        """
        ...

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and open a WebSocket; raises as `send` does."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class UpstreamError(OSError):
    """The other side refused, broke off or answered with something that is not HTTP.

    Args:
        message: what failed, in words for a person.
        status: the HTTP status the browser is shown, if nothing was sent to it yet.
        rule: the name in `x-harness-rule`.
    """

    def __init__(self, message: str, *, status: int = 502, rule: str = "upstream") -> None:
        super().__init__(message)
        self.status = status
        self.rule = rule


class Gateway(Protocol):
    """A proxy of one run."""

    spki: str
    """Base64 SHA-256 of its certificate authority's key."""

    async def open(self, socket: Path, keeper: Keeper) -> None:
        """Listen on a Unix socket."""
        ...

    async def close(self) -> None:
        """Stop, and drop every connection. Safe to call twice."""
        ...
