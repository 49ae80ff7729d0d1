"""A keeper that remembers, raw clients for the gateway, and loopback servers that do as they are told."""

import asyncio
import contextlib
import itertools
import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import h11
import trustme
from harness.clearance import Cleared, Refusal, Request, Verdict, clear, digest
from harness.gateway.base import Body, Exchange, SocketMessage, Upstream
from harness.gateway.body import Spool
from harness.gateway.head import get
from harness.gateway.proxy import ProxyGateway

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def ticket(request: Request) -> Cleared:
    """Allow a request, as a policy would."""
    return clear(
        request,
        Verdict(outcome="allow", rule="test", reason="", policy="0" * 64, effect=digest(request)),
    )


def ask(href: str, **changes: Any) -> Cleared:
    """A ticket for a GET, or for what the changes make of it."""
    return ticket(get("r", href).model_copy(update=changes))


class Bookkeeper:
    """A keeper that allows everything but what `rule` refuses, and remembers all it saw."""

    def __init__(self) -> None:
        self.rule: Callable[[Request], Refusal | None] = lambda _request: None
        self.early: Callable[[Request], Refusal | None] = lambda _request: None
        self.limit: Callable[[SocketMessage], Refusal | None] = lambda _message: None
        self.messages: list[SocketMessage] = []
        self.received = 0
        self.most: int | None = None
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.heads: list[Request] = []
        self.asked: list[Request] = []
        self.bodies: list[bytes] = []
        self.copies: dict[str, bytes | None] = {}
        self.done: list[Exchange] = []
        self.news = asyncio.Event()

    def preview(self, request: Request) -> Refusal | None:
        self.heads.append(request)
        return self.early(request)

    async def admit(self, request: Request, body: Body) -> Cleared | Refusal:
        self.asked.append(request)
        if body.size <= 1_048_576:
            self.bodies.append(b"".join([chunk async for chunk in body.chunks()]))
        if self.gate:
            self.waiting.set()
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return self.rule(request) or ticket(request)

    def arrived(self, size: int) -> Refusal | None:
        self.received += size
        passed = self.most is not None and self.received > self.most
        return Refusal(rule="limits", reason="limit reached: download") if passed else None

    def message(self, message: SocketMessage) -> Refusal | None:
        self.messages.append(message)
        return self.limit(message)

    def finished(self, exchange: Exchange) -> None:
        self.done.append(exchange)
        self.copies[exchange.id] = exchange.body.data if exchange.body else None
        self.news.set()

    async def exchanges(self, count: int) -> list[Exchange]:
        """Wait until so many exchanges are over."""
        async with asyncio.timeout(10):
            while len(self.done) < count:
                self.news.clear()
                await self.news.wait()
        return self.done


@dataclass
class Setup:
    """An open gateway."""

    gateway: ProxyGateway
    keeper: Bookkeeper
    socket: Path
    notices: list[str]

    async def plain(self) -> "Client":
        """A bare connection to the proxy."""
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        return Client(reader, writer)

    async def tunnel(
        self, host: str, port: int = 443, *, sni: str | None = None, tls: bool = True
    ) -> "Client":
        """A connection through CONNECT, with TLS unless told otherwise."""
        client = await self.plain()
        await client.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        if tls:
            await client.writer.start_tls(self.trust(), server_hostname=sni or host)
        return client

    def trust(self) -> ssl.SSLContext:
        """What a client needs to trust the gateway, and it alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.gateway.ca_pem.decode())
        return context

    async def get(self, href: str, **headers: str) -> "Reply":
        """Ask for one page and hang up."""
        return await self.ask("GET", href, headers)

    async def ask(
        self, method: str, href: str, headers: Mapping[str, str] = {}, body: bytes = b""
    ) -> "Reply":
        scheme, _, rest = href.partition("://")
        host, slash, path = rest.partition("/")
        client = await (self.tunnel(host) if scheme == "https" else self.plain())
        async with client:
            target = slash + path if scheme == "https" else href
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.ask(method, target or "/", {"host": host, **named}, body)


@dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """One connection, spoken to in bytes or in whole requests."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.http = h11.Connection(h11.CLIENT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await self.writer.wait_closed()

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the other side hangs up."""
        async with asyncio.timeout(20):
            data = bytearray()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while chunk := await self.reader.read(65536):
                    data += chunk
            return bytes(data)

    async def raw(self, data: bytes) -> bytes:
        """Write bytes, then read until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            await self.write(data)
        return await self.rest()

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """One request and its whole answer; the connection can be used again."""
        fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        if body:
            fields.append((b"content-length", str(len(body)).encode()))
        await self.write(self.http.send(h11.Request(method=method, target=target, headers=fields)) or b"")
        if body:
            await self.write(self.http.send(h11.Data(data=body)) or b"")
        self.http.send(h11.EndOfMessage())
        return await self.answer()

    async def answer(self) -> Reply:
        """Read one answer."""
        async with asyncio.timeout(20):
            head: h11.Response | None = None
            content = bytearray()
            while not isinstance(event := await self.event(), h11.EndOfMessage):
                if isinstance(event, h11.Response):
                    head = event
                elif isinstance(event, h11.Data):
                    content += event.data
        assert head is not None
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
        pairs = [(name.decode(), value.decode("latin-1")) for name, value in head.headers]
        return Reply(head.status_code, dict(pairs), bytes(content), pairs)

    async def event(self) -> Any:
        """The next event of the answer."""
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(await self.reader.read(65536))
        return event


@contextlib.asynccontextmanager
async def opened(
    folder: Path,
    hosts: Mapping[str, Upstream] | None = None,
    internet: Upstream | None = None,
    **options: Any,
) -> AsyncGenerator[Setup]:
    """An open gateway with a bookkeeper."""
    numbers = itertools.count(1)
    notices: list[str] = []
    gateway = ProxyGateway(
        hosts or {},
        internet,
        ids=lambda: f"r{next(numbers)}",
        clock=asyncio.get_running_loop().time,
        noticed=notices.append,
        **options,
    )
    keeper = Bookkeeper()
    socket = folder / "gateway.sock"
    await gateway.open(socket, keeper)
    try:
        yield Setup(gateway, keeper, socket, notices)
    finally:
        await gateway.close()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI app that answers with what it was asked, as JSON."""
    assert scope["type"] in {"http", "lifespan"}
    if scope["type"] == "lifespan":
        raise NotImplementedError
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    said = json.dumps(
        {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "scheme": scope["scheme"],
            "headers": [[n.decode(), v.decode("latin-1")] for n, v in scope["headers"]],
            "size": len(body),
            "body": body[:1000].decode("latin-1"),
        }
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


def answering(status: int, headers: list[tuple[bytes, bytes]], *pieces: bytes) -> Any:
    """An ASGI app that always answers the same."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})

    return app


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A loopback server that counts its connections."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connections = 0
        self.heads: list[bytes] = []


@contextlib.asynccontextmanager
async def serving(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    """Run a server that speaks for each connection as told, then hangs up."""
    server = Server(0)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


def saying(*pieces: bytes, keep: int = 1) -> Talk:
    """Read so many heads without bodies, and answer each with these bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(keep):
            await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    return talk


def certified(*names: str) -> tuple[trustme.CA, ssl.SSLContext]:
    """A certificate authority, and a server's context with a certificate of its own."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return authority, context


async def whole(answer: Any) -> bytes:
    """Read an answer's body."""
    return b"".join([chunk async for chunk in answer.body])


def spool(data: bytes = b"") -> Spool:
    """A body."""
    body = Spool()
    body.write(data)
    return body
