"""Connections to real servers: kept where they can be, never where they should not be."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from itertools import count

import pytest
from harness.gateway.base import Answer, UpstreamError
from harness.gateway.upstreams import http
from harness.gateway.upstreams.http import HttpClient
from harness.gateway.upstreams.ticket import spend
from harness.gateway.wire import Wire, dial
from tests.gateway.support import Talk, ask, saying, serving, spool, whole

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@contextlib.asynccontextmanager
async def clienting(idle: float = 30.0) -> AsyncGenerator[HttpClient]:
    async def loopback(_host: str, port: int, seconds: float) -> Wire:
        return await dial("127.0.0.1", port, seconds)

    client = HttpClient(loopback, ssl.create_default_context(), idle)
    yield client
    await client.close()


async def send(client: HttpClient, port: int, method: str = "GET", body: bytes = b"") -> Answer:
    order = spend(ask(f"http://a.test:{port}/", method=method))
    with spool(body) as sent:
        return await client.send(order, order.host, order.headers, sent)


def one_by_one(*answers: bytes) -> Talk:
    """Answer each head with the next of these, on whatever connection it comes."""
    numbers = count()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answers[next(numbers)])

    return talk


@pytest.mark.parametrize(
    ("method", "said", "connections"),
    [
        ("GET", HELLO, 1),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 1),
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 1),
        ("GET", HELLO.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), 3),
        ("GET", HELLO.replace(b"/1.1", b"/1.0"), 3),
        ("GET", HELLO + HELLO, 3),
    ],
)
async def test_a_connection_is_kept_where_the_answer_ended_cleanly(
    method: str, said: bytes, connections: int
) -> None:
    async with serving(saying(said, keep=9)) as server, clienting() as client:
        for _ in range(3):
            answer = await send(client, server.port, method)
            if method == "HEAD":
                await answer.body.aclose()  # type: ignore[attr-defined]
            else:
                await whole(answer)
        assert server.connections == connections


async def test_an_answer_nobody_asked_for_is_never_given_to_the_next_request() -> None:
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    async with serving(one_by_one(HELLO + poison, HELLO)) as server, clienting() as client:
        for _ in range(2):
            assert await whole(await send(client, server.port)) == b"hello"


async def test_connections_of_two_servers_are_not_mixed_up() -> None:
    other = HELLO.replace(b"hello", b"other")
    async with (
        serving(saying(HELLO, keep=9)) as one,
        serving(saying(other, keep=9)) as two,
        clienting() as client,
    ):
        for _ in range(2):
            assert await whole(await send(client, one.port)) == b"hello"
            assert await whole(await send(client, two.port)) == b"other"
        assert (one.connections, two.connections) == (1, 1)


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HELLO)
        await reader.readuntil(b"\r\n\r\n")

    async with serving(once) as server, clienting() as client:
        for _ in range(3):
            assert await whole(await send(client, server.port)) == b"hello"
        assert server.connections == 3
        with pytest.raises(UpstreamError, match="broke off: the server hung up without an answer"):
            await send(client, server.port, "DELETE")


async def test_a_request_that_was_half_answered_is_not_sent_again() -> None:
    async with serving(one_by_one(HELLO, b"HTTP/1.1 200 OK\r\nConte", HELLO)) as server:
        async with clienting(0.2) as client:
            assert await whole(await send(client, server.port)) == b"hello"
            with pytest.raises(UpstreamError, match="sends nothing any more"):
                await send(client, server.port)
        assert server.connections == 1


async def test_interim_answers_are_passed_over_but_not_without_end() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    async with serving(one_by_one(interim * 3 + HELLO, interim * 1000)) as server, clienting() as client:
        assert await whole(await send(client, server.port)) == b"hello"
        with pytest.raises(UpstreamError, match="does not speak HTTP"):
            await send(client, server.port)


async def test_an_answer_before_all_of_the_body_was_taken_is_heard() -> None:
    async def full(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        while await reader.read(1_000_000):
            pass

    async with serving(full) as server, clienting() as client:
        answer = await send(client, server.port, "POST", b"x" * 3_000_000)
        assert (answer.status, await whole(answer)) == (413, b"no")


async def test_an_answer_nobody_reads_lets_go_of_its_connection() -> None:
    gone = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
        await reader.read()
        gone.set()

    async with serving(endless) as server, clienting() as client:
        answer = await send(client, server.port)
        await answer.body.aclose()  # type: ignore[attr-defined]
        async with asyncio.timeout(10):
            await gone.wait()


async def test_a_request_that_is_given_up_lets_go_of_its_connection() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()

    async with serving(silent) as server, clienting() as client:
        asking = asyncio.ensure_future(send(client, server.port))
        async with asyncio.timeout(10):
            await asked.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await gone.wait()


async def test_only_so_many_connections_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "KEPT", 2)
    async with serving(saying(HELLO, keep=9)) as server, clienting() as client:
        answers = [await send(client, server.port) for _ in range(4)]
        for answer in answers:
            await whole(answer)
        answers = [await send(client, server.port) for _ in range(4)]
        for answer in answers:
            await whole(answer)
        assert server.connections == 6


async def test_a_client_that_was_closed_keeps_nothing() -> None:
    async with serving(saying(HELLO, keep=9)) as server, clienting() as client:
        answer = await send(client, server.port)
        await client.close()
        assert await whole(answer) == b"hello"
        await whole(await send(client, server.port))
        assert server.connections == 2


async def test_what_cannot_be_said_in_http_is_not_sent() -> None:
    async with serving(saying(HELLO)) as server, clienting() as client:
        order = spend(ask(f"http://a.test:{server.port}/"))
        with spool() as body, pytest.raises(UpstreamError, match="cannot be asked this"):
            await client.send(order, order.host, ((b"x-a", b"1\r\nx-b: 2"),), body)
        assert server.connections == 0
