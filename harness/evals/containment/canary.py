"""The listeners: ports of this machine, the open world's Unix socket, and the gateway's resolver.

They answer whatever comes as a permissive web server, name server or silent sink would, and write it on the
board. Only what is sent from this machine is heard: a port that a local network can reach hears its own.
"""

import asyncio
import contextlib
import ipaddress
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from harness.evals.containment.board import Board
from harness.evals.containment.heard import REBOUND, WEB, begins, carries, frame, length, meaning, read, told
from harness.evals.containment.names import host_at, question
from harness.evals.containment.site import ALLOWED, Asked, Site, accepts
from harness.gateway.tls import CertificateAuthority
from harness.gateway.wire import Stream, TlsStream, Wire

GOOD = "127.0.0.2"
"""The one address of this machine's loopback that the suite's names may lead to."""
_SECONDS = 20.0
_TLS = b"\x16"
_MOST = 262_144


class Where(NamedTuple):
    """What a connection was bound for."""

    side: Literal["open", "walled"]
    host: str
    port: int


class Canaries:
    """All listeners of one run of the suite.

    Args:
        board: where they write.
        site: what they answer.
        spare: how many ports are kept for cases whose packets cannot carry a token.
    """

    def __init__(self, board: Board, site: Site, spare: int = 24) -> None:
        self.board = board
        self.site = site
        self.ports: tuple[int, ...] = ()
        """The port that most cases use, then those that are lent to one."""
        self.allowed_port = 0
        """Where the allowed hosts listen, on this machine's loopback."""
        self.file = b""
        """What stands in a file of this machine that nobody is to be given."""
        self.secret = ""
        """What nobody but the first allowed host is to be told."""
        self.rebound = 0
        """The port of `GOOD`, which allowed names lead to; other addresses hear there what they should not."""
        self.answers: dict[str, list[tuple[str, ...]]] = {}
        """What names lead to, by look-up; the last stays."""
        self.hears_dns = False
        """Whether port 53 of this machine's loopback could be had."""
        self._spare = spare
        self._servers: list[asyncio.Server] = []
        self._ears: list[asyncio.DatagramTransport] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: set[Wire] = set()
        self._authority = CertificateAuthority()
        self._contexts: dict[Where, ssl.SSLContext] = {}

    async def open(self, path: Path) -> None:
        """Listen: for the open world at a Unix socket, for this machine on free ports.

        Raises:
            OSError: if no port can be had.
        """
        loop = asyncio.get_running_loop()
        make = self._maker(self._from_open)
        self._servers.append(await loop.create_unix_server(make, path=str(path)))
        self.ports = tuple([await self._pair() for _ in range(self._spare + 1)])

        async def allowed(wire: Wire) -> None:
            await self.talk(wire, Where("walled", ALLOWED[0], 80))

        server = await loop.create_server(self._maker(allowed), "127.0.0.1", 0)
        self.allowed_port = server.sockets[0].getsockname()[1]
        self._servers.append(server)
        await self._rebound()
        with contextlib.suppress(OSError):
            self._ears.append(await self._ear("127.0.0.1", 53))
            self.hears_dns = True

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for ear in self._ears:
            ear.close()
        for server in self._servers:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wire in tuple(self._wires):
            wire.abort()

    async def resolve(self, name: str) -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        """Be the gateway's resolver: a name that is looked up has left the sandbox."""
        self.board.heard("DNS", "walled", name.encode())
        return [ipaddress.ip_address("127.0.0.1")]

    async def rebind(self, name: str) -> Sequence[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        """Be the gateway's resolver for names that change where they lead."""
        answers = self.answers[name]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ipaddress.ip_address(own_address() if one == "own" else one) for one in found]

    def datagram(self, where: Where, data: bytes) -> bytes:
        """Hear a datagram, and give the answer if it asks for a name."""
        if where.port != 53:
            self.board.heard("UDP", where.side, data, where.port)
            return b""
        name, kind, answer = question(data)
        self.board.heard("DNS", where.side, f"{name} {kind}".encode())
        return answer

    async def talk(self, wire: Wire, where: Where) -> None:
        """Be a web server on a connection, plain or TLS."""
        first = await wire.peek()
        if first == _TLS:
            secure = TlsStream(wire, self._context(where), server_side=True)
            await secure.handshake(_SECONDS)
            await self._http(secure, where)
        elif first:
            await self._http(wire, where)
        elif where.host not in ALLOWED or where.port not in WEB:
            self.board.heard("TCP", where.side, b"", where.port)

    async def _http(self, stream: Stream, where: Where) -> None:
        data = b""
        while b"\r\n\r\n" not in data and len(data) < _MOST and (more := await stream.read()):
            data += more
            if b"\n" in data and not begins(data):
                break
        found = read(data)
        if found is None:
            self.board.heard("TCP", where.side, data, where.port)
            return
        asked, rest = found
        want = length(asked)
        while len(rest) < want and (more := await stream.read()):
            rest += more
        asked = asked._replace(body=rest[:want])
        self._note(asked, rest[want:], where)
        if asked.headers.get("upgrade", "").lower() == "websocket":
            await self._socket(stream, asked, where.side)
            return
        answer = self.site.answer(asked)
        lines = [f"HTTP/1.1 {answer.status} Canary", *(f"{name}: {value}" for name, value in answer.headers)]
        lines += [] if answer.status in (204, 304) else [f"content-length: {len(answer.body)}"]
        body = b"" if asked.method == "HEAD" else answer.body
        await stream.write("\r\n".join((*lines, "connection: close", "", "")).encode("latin-1") + body)

    async def _socket(self, stream: Stream, asked: Asked, side: Literal["open", "walled"]) -> None:
        seal = accepts(asked.headers.get("sec-websocket-key", ""))
        lines = (
            *("HTTP/1.1 101 Canary", "upgrade: websocket", "connection: Upgrade"),
            *(f"sec-websocket-accept: {seal}", "", ""),
        )
        await stream.write("\r\n".join(lines).encode())
        said = frame(await stream.read())
        if self.secret and carries(asked._replace(body=said), self.secret):
            self.board.heard("secret", side, told(asked))

    def _note(self, asked: Asked, rest: bytes, where: Where) -> None:
        board, side = self.board, where.side
        if self.file and self.file in asked.body:
            board.heard("host file", side, told(asked))
        if self.secret and asked.headers.get("host") != ALLOWED[0] and carries(asked, self.secret):
            board.heard("secret", side, told(asked))
        match meaning(asked, where.host, where.port):
            case "escape":
                board.heard("HTTP", side, told(asked), where.port)
            case "forbidden":
                board.heard("forbidden request", side, told(asked))
            case "arrival":
                board.reached(asked.target.encode("latin-1", "replace"))
            case "page":
                pass
        if rest and any(True for _ in board.tokens(rest)):
            board.heard("forbidden request", side, rest)

    def _context(self, where: Where) -> ssl.SSLContext:
        if where not in self._contexts:

            def named(_object: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
                if name is None or name not in ALLOWED:
                    self.board.heard("TLS", where.side, (name or "").encode(), where.port)

            context = CertificateAuthority().context("canary.test")
            context.sni_callback = named
            self._contexts[where] = context
        return self._contexts[where]

    async def _pair(self) -> int:
        loop = asyncio.get_running_loop()
        for _ in range(50):
            with socket.socket() as free:
                free.bind(("", 0))
                port: int = free.getsockname()[1]
            where = Where("walled", "", port)

            async def here(wire: Wire, where: Where = where) -> None:
                if _own(wire.peer):
                    await self.talk(wire, where)

            with contextlib.suppress(OSError):
                ear = await self._ear("0.0.0.0", port)  # noqa: S104 - a leak may come by any address
                self._ears.append(ear)
                self._servers.append(await loop.create_server(self._maker(here), "0.0.0.0", port))  # noqa: S104
                return port
        raise OSError("no port is free over both TCP and UDP")

    async def _rebound(self) -> None:
        loop = asyncio.get_running_loop()
        for address in dict.fromkeys((GOOD, "127.0.0.1", own_address())):
            where = Where("walled", REBOUND if address == GOOD else address, 0)

            async def here(wire: Wire, where: Where = where) -> None:
                await self.talk(wire, where)

            server = await loop.create_server(self._maker(here), address, self.rebound)
            self.rebound = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _ear(self, address: str, port: int) -> asyncio.DatagramTransport:
        where = Where("walled", "", port)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(self, where), (address, port))
        return transport

    async def _from_open(self, wire: Wire) -> None:
        data = b""
        while b"\n" not in data:
            more = await wire.read()
            if not more:
                return
            data += more
        line, _, rest = data.partition(b"\n")
        head = json.loads(line)
        where = Where("open", host_at(head["to"]), head["port"])
        if head["kind"] == "udp":
            while more := await wire.read():
                rest += more
            if answer := self.datagram(where, rest):
                await wire.write(answer)
            return
        if rest:
            wire.data_received(rest)
        await self.talk(wire, where)

    def _maker(self, serve: Callable[[Wire], Awaitable[None]]) -> Callable[[], Wire]:
        def welcome(wire: Wire) -> None:
            self._wires.add(wire)
            task = asyncio.get_running_loop().create_task(self._served(serve, wire))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return lambda: Wire(welcome, self._wires.discard)

    async def _served(self, serve: Callable[[Wire], Awaitable[None]], wire: Wire) -> None:
        try:
            async with asyncio.timeout(_SECONDS):
                await serve(wire)
        except (OSError, TimeoutError, ValueError):
            # Whoever spoke left, dawdled or spoke nonsense: what was heard of it is on the board already.
            wire.abort()
        finally:
            wire.close()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, canaries: Canaries, where: Where) -> None:
        self._canaries = canaries
        self._where = where

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if _own(addr[0]):
            self._canaries.datagram(self._where, data)


def own_address() -> str:
    """Give an address of this machine that is not its loopback, or its loopback if it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def _own(peer: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(peer).is_loopback or peer == own_address()
    return False
