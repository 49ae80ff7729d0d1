"""The gateway itself: an HTTP/1.1 proxy on a Unix socket that sees every request whole.

    browser ─▶ relay ─▶ Unix socket ─▶ absolute-form http  ─┐
                                    └▶ CONNECT ─▶ TLS ends ─┴▶ request ─▶ keeper ─▶ Cleared ─▶ upstream

Nothing is tunnelled: what follows a CONNECT is TLS that ends here, or a plain WebSocket handshake; either way
each request is judged. A name is not resolved, and nothing is dialled, before the keeper gave a ticket.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from harness.errors import SandboxError
from harness.gateway import url
from harness.gateway.base import Keeper, Upstream
from harness.gateway.door import Door, bound
from harness.gateway.exchange import Core, handle
from harness.gateway.framing import MalformedError
from harness.gateway.http1 import RULE, Conversation, Head
from harness.gateway.leaks import Guard
from harness.gateway.tls import CertificateAuthority
from harness.gateway.wire import Stream, TlsStream, Wire

_CONNECTIONS = 1024
_SAID = 400
"""Characters of a reason that are noted."""
_HANDSHAKE_SECONDS = 30.0
_TLS_HANDSHAKE = b"\x16"
_NO_WEB: Final = frozenset(
    (
        *(1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95),
        *(101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179),
        *(389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601),
        *(636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566),
        *(6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)
"""Ports that belong to other protocols; no browser connects to them (the Fetch standard's bad ports)."""


class ProxyGateway:
    """The gateway of one run.

    Args:
        hosts: who answers for a name in lower case, on ports 80 and 443.
        internet: who answers for every other name; nothing if the run has no internet.
        ids: makes a new id for each request.
        clock: seconds that only go forward.
        body_limit: most bytes of a request's body; none for no limit.
        noticed: told in a line what was thrown away before it was a request.
        guard: marks requests that carry secrets or canaries where they may not go.
        allowlist: the `Connection-Allowlist` that each document, frame and worker script is given.
        door: the socket and the authority that a browser was told ahead; of its own if not given.
    """

    def __init__(
        self,
        hosts: Mapping[str, Upstream],
        internet: Upstream | None,
        *,
        ids: Callable[[], str],
        clock: Callable[[], float],
        body_limit: int | None = None,
        noticed: Callable[[str], None] = lambda _line: None,
        guard: Guard | None = None,
        allowlist: str | None = None,
        door: Door | None = None,
    ) -> None:
        self._allowlist = allowlist
        self._door = door
        self._guard = guard or Guard()
        self._authority = door.authority if door else CertificateAuthority()
        self.spki = self._authority.spki
        self._hosts = dict(hosts)
        self._internet = internet
        self._ids = ids
        self._clock = clock
        self._body_limit = body_limit
        self._noticed = noticed
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: set[Wire] = set()

    @property
    def ca_pem(self) -> bytes:
        """Its certificate authority's certificate, for a client other than a browser."""
        return self._authority.pem

    async def open(self, socket: Path, keeper: Keeper) -> None:
        """Listen on a Unix socket that only its owner may open. A stale socket in its place is removed.

        Raises:
            SandboxError: if the socket cannot be made, or is not the one of its door.
        """
        if self._server:
            raise SandboxError("the gateway is open already")
        if self._door and self._door.path != socket:
            raise SandboxError(f"the gateway's door is at {self._door.path} and not at {socket}")
        core = Core(
            keeper,
            self._hosts,
            self._internet,
            self._ids,
            self._clock,
            self._body_limit,
            self._noticed,
            self._guard,
            self._allowlist,
        )
        listener = self._door.hand_over() if self._door else bound(socket)

        def welcome(wire: Wire) -> None:
            if len(self._tasks) >= _CONNECTIONS:
                self._noticed(f"a connection beyond {_CONNECTIONS} was closed")
                wire.abort()
                return
            task = asyncio.get_running_loop().create_task(self._serve(core, wire))
            self._tasks.add(task)
            self._wires.add(wire)
            task.add_done_callback(self._tasks.discard)

        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: Wire(welcome, self._wires.discard), sock=listener
        )
        self._path = socket

    async def close(self) -> None:
        """Stop, drop every connection and close the upstreams. Safe to call twice."""
        server, self._server = self._server, None
        if server:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wire in list(self._wires):
            await wire.ended()
        if server:
            await server.wait_closed()
        if self._path:
            self._path.unlink(missing_ok=True)
            self._path = None
        for upstream in {id(u): u for u in (*self._hosts.values(), self._internet) if u}.values():
            await upstream.close()

    async def _serve(self, core: Core, wire: Wire) -> None:
        talk = Conversation(wire)
        try:
            while (head := await talk.request()) is not None:
                if head.method == b"CONNECT":
                    await self._tunnel(core, talk, wire, head)
                    break
                if not await handle(core, talk, _absolute(head), head):
                    await talk.stream.hang_up()
                    break
        except MalformedError as error:
            self._noticed(f"refused: {str(error)[:_SAID]}; rule: {RULE}")
            with contextlib.suppress(OSError):
                await talk.reject(error)
        except (ssl.SSLError, ConnectionAbortedError) as error:
            self._noticed(f"refused: {str(error)[:_SAID]}; rule: {RULE}")
            wire.abort()
        except OSError:
            wire.abort()
        finally:
            wire.close()

    async def _tunnel(self, core: Core, talk: Conversation, wire: Wire, head: Head) -> None:
        try:
            host, port = url.authority(head.target.decode("latin-1"))
        except url.UrlError as error:
            raise MalformedError(str(error)) from None
        stated = head.fields[b"host"].decode("latin-1").lower()
        if stated not in {f"{host}:{port}", host}:
            raise MalformedError("CONNECT and Host name two places")
        if port in _NO_WEB:
            raise MalformedError(f"port {port} belongs to another protocol than HTTP", 403)
        if talk.unread or b"content-length" in head.fields or b"transfer-encoding" in head.fields:
            raise MalformedError("there are bytes after CONNECT before it was answered")
        await wire.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            first = await wire.peek()
        if not first:
            return
        if first == _TLS_HANDSHAKE:
            stream = TlsStream(wire, self._authority.context(host), server_side=True)
            await stream.handshake(_HANDSHAKE_SECONDS)
            await self._inside(core, stream, "https", host, port)
        elif port == 443:
            raise ConnectionAbortedError(f"what came for {host}:443 is not TLS")
        else:
            await self._inside(core, wire, "http", host, port)

    async def _inside(self, core: Core, stream: Stream, scheme: str, host: str, port: int) -> None:
        talk = Conversation(stream)
        try:
            # In the clear there are only WebSockets here: plain http comes with an absolute URL instead.
            while (head := await talk.request(b"GET /" if scheme == "http" else b"")) is not None:
                if not await handle(core, talk, _origin(head, scheme, host, port), head):
                    await talk.stream.hang_up()
                    return
        except MalformedError as error:
            self._noticed(f"refused at {host}:{port}: {str(error)[:_SAID]}; rule: {RULE}")
            await talk.reject(error)
        stream.close()


def _absolute(head: Head) -> url.Address:
    if not head.target.startswith(b"http://"):
        raise MalformedError("a request to the proxy itself needs an absolute http URL")
    if b"upgrade" in head.fields:
        raise MalformedError("a WebSocket goes through CONNECT")
    address = _parsed(head.target.decode())
    return _named(address, head)


def _origin(head: Head, scheme: str, host: str, port: int) -> url.Address:
    if not head.target.startswith(b"/"):
        raise MalformedError("a request inside a tunnel names a path")
    upgrades = b"upgrade" in head.fields
    if upgrades:
        tokens = {token.strip().lower() for token in head.fields.get(b"connection", b"").split(b",")}
        if head.method != b"GET" or b"upgrade" not in tokens:
            raise MalformedError("not a WebSocket handshake")
        scheme = {"https": "wss", "http": "ws"}[scheme]
    elif scheme == "http":
        raise MalformedError("a plain http request names an absolute URL, not a tunnel")
    address = _parsed(f"{scheme}://{host}:{port}{head.target.decode()}")
    return _named(address, head)


def _parsed(text: str) -> url.Address:
    try:
        return url.parse(text)
    except url.UrlError as error:
        raise MalformedError(str(error)) from None


def _named(address: url.Address, head: Head) -> url.Address:
    if head.method in {b"CONNECT", b"TRACE"}:
        raise MalformedError(f"the method {head.method.decode()} is not forwarded")
    if not address.says(head.fields[b"host"].decode("latin-1")):
        raise MalformedError("the URL and Host name two places")
    return address
