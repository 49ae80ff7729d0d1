"""Judged, forwarded as the ticket says, answered and accounted for; and all ways that can go wrong."""

import asyncio
import hashlib
import ssl
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from harness.clearance import Cleared, Refusal, Request
from harness.gateway.base import Body, Exchange
from harness.gateway.upstreams.asgi import AsgiUpstream
from tests.gateway.support import Bookkeeper, Receive, Scope, Send, answering, echo, opened, ticket

SHOP = {"host": "shop.test"}
NO = Refusal(rule="no", reason="Because.")


async def test_a_request_is_judged_with_everything_it_says(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        headers = {
            "host": "shop.test",
            "content-type": "text/plain",
            "origin": "https://shop.test",
            "sec-fetch-dest": "empty",
            "proxy-authorization": "Basic eDp5",
            "proxy-connection": "keep-alive",
            "connection": "keep-alive, x-mine",
            "x-mine": "1",
            "te": "trailers",
            "x-kept": "caf\xe9",
        }
        reply = await client.ask("PUT", "/a/../b?c", headers, b"hello")
        assert reply.status == 200
        (head,) = setup.keeper.heads
        (request,) = setup.keeper.asked
        assert (head.id, head.body_sha256, head.body_size) == (request.id, None, 5)
        assert request == Request(
            id="r1",
            method="PUT",
            url="https://shop.test/b?c",
            headers=(
                ("content-type", "text/plain"),
                ("origin", "https://shop.test"),
                ("sec-fetch-dest", "empty"),
                ("x-kept", "caf\xe9"),
            ),
            body_sha256=hashlib.sha256(b"hello").hexdigest(),
            body_size=5,
            body_text="hello",
            resource="fetch",
            initiator="https://shop.test",
        )
        sent = dict(reply.json()["headers"])
        assert set(sent) == {"host", "content-length", "content-type", "origin", "sec-fetch-dest", "x-kept"}
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.id, exchange.status, exchange.sent) == ("r1", 200, 5)
        assert exchange.seconds >= 0


async def test_only_what_the_ticket_says_is_forwarded_and_nothing_before(tmp_path: Path) -> None:
    calls: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["type"])
        await echo(scope, receive, send)

    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        setup.keeper.rule = lambda _r: NO
        reply = await client.ask("POST", "/orders", SHOP, b"mug")
        assert (reply.status, reply.headers["x-harness-rule"]) == (403, "no")
        assert b"Because." in reply.body
        assert not any(name.startswith("access-control") for name in reply.headers)
        assert reply.headers["cache-control"] == "no-store"
        assert (calls, setup.keeper.done) == ([], [])
        setup.keeper.rule = lambda _r: None
        assert (await client.ask("GET", "/", SHOP)).status == 200
        assert calls == ["lifespan", "http"]


async def test_a_refusal_by_the_head_leaves_the_body_unread(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        setup.keeper.early = lambda _r: NO
        said = await client.raw(
            b"POST http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1000000000\r\n\r\nabc"
        )
        assert said.startswith(b"HTTP/1.1 403 ")
        assert b"close" in said
        assert setup.keeper.asked == []
        assert setup.keeper.heads[0].body_size == 1_000_000_000


async def test_a_connection_survives_refusals(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        for number in range(20):
            setup.keeper.rule = (lambda _r: NO) if number % 2 else (lambda _r: None)
            reply = await client.ask("GET", f"/{number}", SHOP)
            assert reply.status == (403 if number % 2 else 200)


async def test_a_head_that_is_the_whole_request_is_judged_once(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        assert (await setup.get("https://shop.test/")).status == 200
        assert (await setup.ask("POST", "https://shop.test/", {}, b"hello")).status == 200
        assert [one.method for one in setup.keeper.heads] == ["POST"]
        bare, full = setup.keeper.asked
        assert (bare.body_sha256, bare.body_size) == (hashlib.sha256(b"").hexdigest(), 0)
        assert (full.body_sha256, full.body_size) == (hashlib.sha256(b"hello").hexdigest(), 5)


async def test_the_head_of_an_answer_does_not_wait_for_its_body(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"late"})

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup, await setup.plain() as client:
        await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        async with asyncio.timeout(10):
            head = await client.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            go_on.set()
            assert await client.reader.readuntil(b"0\r\n\r\n") == b"4\r\nlate\r\n0\r\n\r\n"


class Broken(Bookkeeper):
    """A keeper with something wrong."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def preview(self, request: Request) -> Refusal | None:
        if self.fault == "preview":
            raise RuntimeError("no policy")
        return super().preview(request)

    async def admit(self, request: Request, body: Body) -> Cleared | Refusal:
        match self.fault:
            case "admit":
                raise RuntimeError("no policy")
            case "another":
                return ticket(request.model_copy(update={"url": "https://evil.test/"}))
            case "spent":
                return self.old
            case "nothing":
                nothing: Any = None
                return nothing  # type: ignore[no-any-return]
            case _:
                return await super().admit(request, body)

    old: Cleared

    def finished(self, exchange: Exchange) -> None:
        super().finished(exchange)
        if self.fault == "finished":
            raise OSError("disk full")


@pytest.mark.parametrize("fault", ["preview", "admit", "another", "nothing"])
async def test_a_keeper_that_fails_refuses(fault: str, tmp_path: Path) -> None:
    calls: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        calls.append(scope["type"])

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        await setup.gateway.close()
        keeper = Broken(fault)
        await setup.gateway.open(setup.socket, keeper)
        reply = await setup.ask("POST", "https://shop.test/", {}, b"hello")
        assert (reply.status, reply.headers["x-harness-rule"]) == (403, "gateway error")
        assert calls == []
        if fault != "preview":
            (exchange,) = await keeper.exchanges(1)
            assert "gateway error" in (exchange.error or "")


async def test_a_spent_ticket_forwards_nothing(tmp_path: Path) -> None:
    calls: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        calls.append(scope["type"])
        await echo(scope, receive, send)

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        used: list[Cleared] = []

        async def admit(request: Request, body: Body) -> Cleared:
            del body
            used[:] = used or [ticket(request.model_copy(update={"id": "same"}))]
            return used[0]

        setup.gateway._ids = lambda: "same"
        await setup.gateway.close()
        keeper = Bookkeeper()
        keeper.admit = admit  # type: ignore[method-assign]
        await setup.gateway.open(setup.socket, keeper)
        first, second = [await setup.get("https://shop.test/") for _ in range(2)]
        assert (first.status, second.status) == (200, 403)
        assert second.headers["x-harness-rule"] == "gateway error"
        assert calls.count("http") == 1


async def test_what_cannot_be_recorded_does_not_happen_again(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        await setup.gateway.close()
        await setup.gateway.open(setup.socket, Broken("finished"))
        async with await setup.tunnel("shop.test") as client:
            assert (await client.ask("GET", "/", SHOP)).status == 200
            reply = await client.ask("GET", "/", SHOP)
            assert (reply.status, reply.headers["x-harness-rule"]) == (403, "gateway error")
            assert b"disk full" in reply.body


async def test_a_request_waits_for_a_person(tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        setup.keeper.gate = asyncio.Event()
        asking = asyncio.ensure_future(client.ask("GET", "/", SHOP))
        await setup.keeper.waiting.wait()
        assert not asking.done()
        setup.keeper.gate.set()
        assert (await asking).status == 200


@pytest.mark.parametrize("tls", [True, False])
async def test_a_request_whose_page_went_away_is_dropped(tls: bool, tmp_path: Path) -> None:
    calls: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        calls.append(scope["type"])

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        setup.keeper.gate = asyncio.Event()
        client = await (setup.tunnel("shop.test") if tls else setup.plain())
        target = "/" if tls else "http://shop.test/"
        await client.write(f"GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n".encode())
        async with asyncio.timeout(5):
            await setup.keeper.waiting.wait()
            await client.close()
            await setup.keeper.cancelled.wait()
        setup.keeper.gate.set()
        assert (calls, setup.keeper.done) == ([], [])


async def test_a_ticket_for_a_page_that_went_away_meanwhile_is_not_used(tmp_path: Path) -> None:
    calls: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        calls.append(scope["type"])

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        await setup.gateway.close()
        client = None
        asked = asyncio.Event()

        async def admit(request: Request, body: Body) -> Cleared:
            del body
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return ticket(request)
            raise AssertionError

        keeper = Bookkeeper()
        keeper.admit = admit  # type: ignore[method-assign]
        await setup.gateway.open(setup.socket, keeper)
        client = await setup.plain()
        await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        await asked.wait()
        await client.close()
        (exchange,) = await keeper.exchanges(1)
        assert exchange.status is None
        assert "hung up" in (exchange.error or "")
        assert calls == []


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body(status: int, tmp_path: Path) -> None:
    app = answering(status, [(b"etag", b'"1"')])
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        for _ in range(2):
            reply = await client.ask("GET", "/", SHOP)
            assert (reply.status, reply.body) == (status, b"")
            assert "transfer-encoding" not in reply.headers
        assert (await client.ask("GET", "/", SHOP)).headers["etag"] == '"1"'


async def test_head_has_a_length_and_no_body(tmp_path: Path) -> None:
    app = answering(200, [(b"content-length", b"5")], b"hello")
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        for _ in range(2):
            reply = await client.ask("HEAD", "/", SHOP)
            assert (reply.status, reply.headers["content-length"], reply.body) == (200, "5", b"")
        assert (await client.ask("GET", "/", SHOP)).body == b"hello"


async def test_headers_of_the_answer_pass_but_for_the_connections_own(tmp_path: Path) -> None:
    headers = [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-encoding", b"gzip"),
        (b"connection", b"keep-alive, x-own"),
        (b"x-own", b"1"),
        (b"keep-alive", b"timeout=5"),
        (b"alt-svc", b'h3=":443"'),
        (b"proxy-authenticate", b"Basic"),
    ]
    app = answering(200, headers, b"\x1f\x8bnot really")
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        reply = await setup.get("https://shop.test/")
        assert reply.body == b"\x1f\x8bnot really"
        assert reply.pairs == [
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("content-encoding", "gzip"),
            ("transfer-encoding", "chunked"),
        ]


@pytest.mark.parametrize(
    ("headers", "pieces"),
    [([(b"content-length", b"10")], [b"short"]), ([(b"content-length", b"3")], [b"too long"])],
)
async def test_a_body_that_does_not_fit_its_length_is_cut_off(
    headers: list[tuple[bytes, bytes]], pieces: list[bytes], tmp_path: Path
) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(answering(200, headers, *pieces))}) as setup:
        client = await setup.plain()
        said = await client.raw(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        _, _, body = said.partition(b"\r\n\r\n")
        assert len(body) < int(headers[0][1])
        (exchange,) = await setup.keeper.exchanges(1)
        assert "does not fit" in (exchange.error or "")
        await client.close()


async def test_a_head_that_is_not_http_is_a_502(tmp_path: Path) -> None:
    app = answering(200, [(b"x bad", b"1")], b"")
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        reply = await setup.get("https://shop.test/", sec_fetch_dest="document")
        assert reply.status == 502
        assert b"<h1>No answer</h1>" in reply.body
        assert (await setup.keeper.exchanges(1))[0].status == 502


async def test_a_407_does_not_make_the_browser_ask_for_a_password(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(answering(407, []))}) as setup:
        assert (await setup.get("http://shop.test/")).status == 502


async def test_other_ports_and_names_have_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        async with await setup.tunnel("shop.test", 8443) as client:
            reply = await client.ask("GET", "/", {"host": "shop.test:8443"})
            assert reply.status == 502
            assert b"ports 80 and 443 only" in reply.body
        reply = await setup.get("https://elsewhere.test/")
        assert (reply.status, reply.headers["x-harness-rule"]) == (502, "no internet")
        assert [r.url for r in setup.keeper.asked] == ["https://shop.test:8443/", "https://elsewhere.test/"]
        assert [e.status for e in await setup.keeper.exchanges(2)] == [502, 502]


async def test_a_browser_that_leaves_midway_stops_the_answer(tmp_path: Path) -> None:
    stopped = asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        finally:
            stopped.set()

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        client = await setup.plain()
        await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        await client.reader.readexactly(1_000_000)
        await client.close()
        async with asyncio.timeout(5):
            await stopped.wait()
        (exchange,) = await setup.keeper.exchanges(1)
        assert exchange.status == 200
        assert exchange.received >= 900_000
        assert "hung up" in (exchange.error or "")


async def test_closing_the_gateway_ends_what_runs(tmp_path: Path) -> None:
    called = asyncio.Event()

    async def app(scope: Scope, receive: Receive, _send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        called.set()
        while True:
            await receive()

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        client = await setup.plain()
        await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        async with asyncio.timeout(5):
            await called.wait()
            await setup.gateway.close()
        assert setup.keeper.done[0].error == "the gateway was closed"
        assert await client.rest() == b""
        await client.close()


async def test_large_bodies_stream_both_ways_without_being_held(tmp_path: Path) -> None:
    size, chunk = 200 * 1024 * 1024, b"z" * 262_144

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        got = 0
        while (message := await receive())["type"] == "http.request":
            got += len(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-got", str(got).encode())]})
        if scope["method"] == "GET":
            for _ in range(size // len(chunk)):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup, await setup.plain() as client:
        tracemalloc.start()
        try:
            await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            received, tail = 0, b""
            while not (received > size and tail.endswith(b"\r\n0\r\n\r\n")):
                piece = await client.reader.read(1_048_576)
                received, tail = received + len(piece), (tail + piece)[-7:]
            down = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            head = f"POST http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {size}\r\n\r\n"
            await client.write(head.encode())
            for _ in range(size // len(chunk)):
                await client.write(chunk)
            said = await client.reader.readuntil(b"\r\n\r\n")
            up = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert f"x-got: {size}".encode() in said
        assert setup.keeper.asked[1].body_size == size
        digest = hashlib.sha256()
        for _ in range(size // len(chunk)):
            digest.update(chunk)
        assert setup.keeper.asked[1].body_sha256 == digest.hexdigest()
        assert max(down, up) < 16 * 1024 * 1024, (down, up)


async def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}, body_limit=1000) as setup:
        assert (await setup.ask("POST", "https://shop.test/", body=b"x" * 1000)).status == 200
        reply = await setup.ask("POST", "https://shop.test/", body=b"x" * 1001)
        assert (reply.status, reply.headers["x-harness-rule"]) == (403, "body limit")
        assert len(setup.keeper.asked) == 1


async def test_the_socket_is_its_owners_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as setup:
        assert setup.socket.stat().st_mode & 0o777 == 0o600


async def test_the_name_in_the_handshake_is_the_name_in_connect(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await setup.tunnel("shop.test", sni="evil.test")
        client = await setup.tunnel("shop.test", tls=False)
        assert await client.raw(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n") == b""
        await client.close()
        assert setup.keeper.heads == []


async def test_an_answer_that_passes_the_limit_is_broken_off_there(tmp_path: Path) -> None:
    chunk, closed = b"z" * 1_000, asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            closed.set()

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup, await setup.plain() as client:
        setup.keeper.most = 4_500
        said = await client.raw(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert said.count(b"z") == 4_000
        assert not said.endswith(b"0\r\n\r\n")
        (done,) = await setup.keeper.exchanges(1)
        assert (done.received, done.error) == (4_000, "the answer was broken off: limit reached: download")
        async with asyncio.timeout(10):
            await closed.wait()


async def test_the_keeper_is_given_what_was_sent_and_what_came(tmp_path: Path) -> None:
    headers = [(b"set-cookie", b"a=1"), (b"content-encoding", b"gzip"), (b"connection", b"x-own")]
    app = answering(302, [*headers, (b"location", b"/b")], b"\x1f\x8b moved")
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        await setup.ask("POST", "https://shop.test/", {}, b"a=1")
        (exchange,) = await setup.keeper.exchanges(1)
        assert setup.keeper.bodies == [b"a=1"]
        assert exchange.headers[:2] == (("set-cookie", "a=1"), ("content-encoding", "gzip"))
        assert ("location", "/b") in exchange.headers
        assert setup.keeper.copies == {"r1": b"\x1f\x8b moved"}


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_an_answer_without_a_body_has_headers_and_no_copy(
    method: str, status: int, tmp_path: Path
) -> None:
    app = answering(status, [(b"etag", b'"1"')])
    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        await setup.ask(method, "https://shop.test/")
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.status, exchange.headers[0]) == (status, ("etag", '"1"'))
        assert setup.keeper.copies == {"r1": None}


async def test_an_answer_that_broke_off_or_never_came_has_no_copy(tmp_path: Path) -> None:
    broken = answering(200, [(b"content-length", b"10")], b"short")
    async with opened(tmp_path, {"shop.test": AsgiUpstream(broken)}) as setup:
        async with await setup.tunnel("shop.test") as client:
            await client.raw(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        await setup.get("https://elsewhere.test/")
        first, second = await setup.keeper.exchanges(2)
        assert first.headers == (("content-length", "10"),)
        assert (second.headers, second.status) == ((), 502)
        assert setup.keeper.copies == {"r1": None, "r2": None}
