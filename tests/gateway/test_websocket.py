"""WebSockets through the gateway, by an app and by a real server."""

import asyncio
from pathlib import Path

import pytest
from harness.clearance import Refusal
from harness.gateway.base import SocketMessage, Upstream
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.gateway.upstreams.fixed import FixedUpstream
from harness.gateway.websocket import MAX_MESSAGE
from tests.gateway.support import Client, Receive, Scope, Send, Setup, opened, serving
from tests.gateway.upstreams.test_internet import internet
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
    TextMessage,
)


class Browser:
    """The page's end of a WebSocket."""

    def __init__(self, client: Client, host: str, protocols: list[str]) -> None:
        self.client = client
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.opening = Request(host=host, target="/socket?x", subprotocols=protocols)

    async def put(self, event: Event) -> None:
        await self.client.write(self.ws.send(event))

    async def next(self) -> Event:
        async with asyncio.timeout(20):
            while True:
                for event in self.ws.events():
                    return event
                data = await self.client.reader.read(65536)
                self.ws.receive_data(data or None)

    async def message(self) -> str | bytes:
        parts: list[str | bytes | bytearray] = []
        while True:
            event = await self.next()
            assert isinstance(event, TextMessage | BytesMessage), event
            parts.append(event.data)
            if event.message_finished:
                if isinstance(event, TextMessage):
                    return "".join(p for p in parts if isinstance(p, str))
                return b"".join(p for p in parts if not isinstance(p, str))


async def page(setup: Setup, host: str = "shop.test", port: int = 443, *protocols: str) -> Browser:
    """Open a WebSocket over TLS and send its handshake."""
    name = host if port == 443 else f"{host}:{port}"
    browser = Browser(await setup.tunnel(host, port), name, list(protocols))
    await browser.put(browser.opening)
    return browser


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Echo; close, fail or refuse on command."""
    if scope["type"] != "websocket":
        raise NotImplementedError
    assert (await receive())["type"] == "websocket.connect"
    if "refuse" in scope["subprotocols"]:
        await send({"type": "websocket.close"})
        return
    if "fail" in scope["subprotocols"]:
        raise ValueError("no")
    chosen = next(iter(scope["subprotocols"]), None)
    await send({"type": "websocket.accept", "subprotocol": chosen, "headers": [(b"x-app", b"1")]})
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text == "close":
            await send({"type": "websocket.close", "code": 4002, "reason": "as you wish"})
            return
        if text == "fail":
            raise ValueError("no")
        await send({"type": "websocket.send", **{k: v for k, v in message.items() if k != "type"}})


async def real(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same, by a server of its own."""
    ws = WSConnection(ConnectionType.SERVER)
    while data := await reader.read(65536):
        ws.receive_data(data)
        for event in ws.events():
            match event:
                case Request():
                    if "refuse" in event.subprotocols:
                        writer.write(ws.send(RejectConnection(status_code=418)))
                        return
                    chosen = next(iter(event.subprotocols), None)
                    writer.write(ws.send(AcceptConnection(subprotocol=chosen)))
                case TextMessage(data="close"):
                    writer.write(ws.send(CloseConnection(code=4002, reason="as you wish")))
                case TextMessage(data="fail"):
                    return
                case TextMessage() | BytesMessage():
                    writer.write(ws.send(Ping(payload=b"there?")))
                    writer.write(ws.send(event))
                case CloseConnection():
                    writer.write(ws.send(event.response()))
                    return
                case _:
                    pass
        await writer.drain()


@pytest.mark.parametrize("kind", ["app", "internet", "fixed"])
async def test_messages_pass_both_ways_and_are_counted(kind: str, tmp_path: Path) -> None:
    async with serving(real) as server:
        fixed = FixedUpstream(f"http://127.0.0.1:{server.port}")
        hosts: dict[str, Upstream] = {"shop.test": AsgiUpstream(app), "fixed.test": fixed}
        async with opened(tmp_path, hosts, internet()) as setup:
            if kind == "internet":
                client = await setup.tunnel("real.test", server.port, tls=False)
                browser = Browser(client, f"real.test:{server.port}", ["chat"])
                await browser.put(browser.opening)
            else:
                browser = await page(setup, {"app": "shop.test", "fixed": "fixed.test"}[kind], 443, "chat")
            accepted = await browser.next()
            assert isinstance(accepted, AcceptConnection)
            assert accepted.subprotocol == "chat"
            await browser.put(TextMessage(data="hé"))
            assert await browser.message() == "hé"
            await browser.put(BytesMessage(data=b"ab", message_finished=False))
            await browser.put(BytesMessage(data=b"cd"))
            assert await browser.message() == b"abcd"
            await browser.put(Ping(payload=b"still?"))
            assert await browser.next() == Pong(payload=b"still?")
            await browser.put(CloseConnection(code=4001, reason="bye"))
            assert isinstance(await browser.next(), CloseConnection)
            (exchange,) = await setup.keeper.exchanges(1)
            assert (exchange.status, exchange.messages, exchange.error) == (101, (2, 2), None)
            assert (exchange.sent, exchange.received) == (7, 7)
            await browser.client.close()
            (request,) = setup.keeper.asked
            scheme = "ws" if kind == "internet" else "wss"
            assert request.url.startswith(f"{scheme}://")
            assert (request.method, request.resource) == ("GET", "websocket")
            assert "sec-websocket-key" not in dict(request.headers)


async def test_a_refused_websocket_opens_nothing(tmp_path: Path) -> None:
    async with serving(real) as server, opened(tmp_path, {}, internet()) as setup:
        setup.keeper.rule = lambda _r: Refusal(rule="no sockets", reason="No.")
        browser = await page(setup, "real.test", server.port)
        answer = await browser.next()
        assert isinstance(answer, RejectConnection)
        assert answer.status_code == 403
        assert (server.connections, setup.keeper.done) == (0, [])
        await browser.client.close()


@pytest.mark.parametrize(("word", "status"), [("refuse", 403), ("fail", 500)])
async def test_an_app_may_refuse_or_fail(word: str, status: int, tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        browser = await page(setup, "shop.test", 443, word)
        answer = await browser.next()
        assert isinstance(answer, RejectConnection)
        assert answer.status_code == status
        (exchange,) = await setup.keeper.exchanges(1)
        assert exchange.status == status
        assert exchange.error
        await browser.client.close()


async def test_a_servers_own_refusal_is_passed_on(tmp_path: Path) -> None:
    async with serving(real) as server:
        fixed = FixedUpstream(f"http://127.0.0.1:{server.port}")
        async with opened(tmp_path, {"shop.test": fixed}) as setup:
            browser = await page(setup, "shop.test", 443, "refuse")
            answer = await browser.next()
            assert isinstance(answer, RejectConnection)
            assert answer.status_code == 418
            await browser.client.close()


@pytest.mark.parametrize("kind", ["app", "fixed"])
@pytest.mark.parametrize(("word", "code"), [("close", 4002), ("fail", 0)])
async def test_the_other_sides_close_reaches_the_page(
    kind: str, word: str, code: int, tmp_path: Path
) -> None:
    async with serving(real) as server:
        upstream = FixedUpstream(f"http://127.0.0.1:{server.port}") if kind == "fixed" else AsgiUpstream(app)
        async with opened(tmp_path, {"shop.test": upstream}) as setup:
            browser = await page(setup)
            await browser.next()
            await browser.put(TextMessage(data=word))
            closed = await browser.next()
            assert isinstance(closed, CloseConnection)
            assert closed.code == (code or {"app": 1011, "fixed": 1006}[kind])
            if closed.code != 1006:
                await browser.put(closed.response())
            await setup.keeper.exchanges(1)
            await browser.client.close()


async def test_a_message_beyond_the_limit_closes_the_socket(tmp_path: Path) -> None:
    got: list[int] = []

    async def count(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise NotImplementedError
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            got.append(len(message["bytes"]))

    async with opened(tmp_path, {"shop.test": AsgiUpstream(count)}) as setup:
        browser = await page(setup)
        await browser.next()
        for _ in range(MAX_MESSAGE // 1_048_576 + 1):
            await browser.put(BytesMessage(data=bytes(1_048_576), message_finished=False))
        closed = await browser.next()
        assert isinstance(closed, CloseConnection)
        assert (closed.code, got) == (1009, [])
        await browser.client.close()
        await setup.keeper.exchanges(1)


async def test_a_page_that_vanishes_ends_the_app(tmp_path: Path) -> None:
    ended = asyncio.Event()

    async def watch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise NotImplementedError
        await receive()
        await send({"type": "websocket.accept"})
        message = await receive()
        assert message["type"] == "websocket.disconnect"
        ended.set()

    async with opened(tmp_path, {"shop.test": AsgiUpstream(watch)}) as setup:
        browser = await page(setup)
        await browser.next()
        browser.client.writer.transport.abort()
        async with asyncio.timeout(5):
            await ended.wait()
        (exchange,) = await setup.keeper.exchanges(1)
        assert exchange.messages == (0, 0)


async def test_garbage_frames_close_the_socket(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        browser = await page(setup)
        await browser.next()
        await browser.client.write(b"\xff\xff\xff\xff garbage")
        await setup.keeper.exchanges(1)
        await browser.client.rest()
        await browser.client.close()


@pytest.mark.parametrize("kind", ["app", "fixed"])
async def test_each_message_is_told_before_it_passes_and_a_refused_one_never_passes(
    kind: str, tmp_path: Path
) -> None:
    async with serving(real) as server:
        upstream = FixedUpstream(f"http://127.0.0.1:{server.port}") if kind == "fixed" else AsgiUpstream(app)
        async with opened(tmp_path, {"shop.test": upstream}) as setup:
            setup.keeper.limit = lambda m: (
                Refusal(rule="limits", reason="too many") if len(setup.keeper.messages) > 3 else None
            )
            browser = await page(setup)
            await browser.next()
            await browser.put(TextMessage(data="hé"))
            assert await browser.message() == "hé"
            await browser.put(BytesMessage(data=b"\xff"))
            with pytest.raises((AssertionError, OSError)):
                await browser.message()
            (exchange,) = await setup.keeper.exchanges(1)
            (request,) = setup.keeper.asked
            assert setup.keeper.messages == [
                SocketMessage(request.id, out=True, size=3, data="hé"),
                SocketMessage(request.id, out=False, size=3, data="hé"),
                SocketMessage(request.id, out=True, size=1, data=b"\xff"),
                SocketMessage(request.id, out=False, size=1, data=b"\xff"),
            ]
            assert exchange.messages == (2, 1)
            assert "'limits': too many" in str(exchange.error)
            await browser.client.close()


async def test_an_outgoing_message_that_is_refused_reaches_no_server(tmp_path: Path) -> None:
    got: list[object] = []

    async def listen(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise NotImplementedError
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            got.append(message)

    async with opened(tmp_path, {"shop.test": AsgiUpstream(listen)}) as setup:
        setup.keeper.limit = lambda _m: Refusal(rule="limits", reason="none at all")
        browser = await page(setup)
        await browser.next()
        await browser.put(TextMessage(data="pay"))
        (exchange,) = await setup.keeper.exchanges(1)
        assert (got, exchange.messages) == ([], (0, 0))
        await browser.client.close()


@pytest.mark.parametrize("out", [True, False])
async def test_a_message_that_is_too_long_is_told_of_by_its_size(out: bool, tmp_path: Path) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ws = WSConnection(ConnectionType.SERVER)
        while data := await reader.read(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    writer.write(ws.send(AcceptConnection()))
                    if not out:
                        writer.write(ws.send(BytesMessage(data=bytes(MAX_MESSAGE + 1))))
            await writer.drain()

    async with serving(shout) as server:
        fixed = FixedUpstream(f"http://127.0.0.1:{server.port}")
        async with opened(tmp_path, {"shop.test": fixed}) as setup:
            browser = await page(setup)
            assert isinstance(await browser.next(), AcceptConnection)
            if out:
                await browser.put(BytesMessage(data=bytes(MAX_MESSAGE + 1)))
            (exchange,) = await setup.keeper.exchanges(1)
            (told,) = setup.keeper.messages
            assert (told.out, told.data) == (out, None)
            assert told.size > MAX_MESSAGE
            assert f"more than {MAX_MESSAGE} bytes" in str(exchange.error)
            assert exchange.messages == (0, 0)
            await browser.client.close()
