"""Real servers on loopback: verified, resolved once, dialled where checked, and broken in every way."""

import asyncio
import ipaddress
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.errors import NotClearedError
from harness.gateway.base import UpstreamError
from harness.gateway.upstreams.addresses import Address
from harness.gateway.upstreams.internet import InternetUpstream, resolve
from tests.gateway.support import ask, certified, opened, saying, serving, spool, whole

LOOPBACK = ipaddress.ip_address("127.0.0.1")
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Names:
    """A resolver that remembers what it was asked, and answers each time with the next list."""

    def __init__(self, *answers: str) -> None:
        self.answers = [[ipaddress.ip_address(a) for a in answer.split()] for answer in answers]
        self.asked: list[str] = []

    async def __call__(self, name: str) -> Sequence[Address]:
        self.asked.append(name)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def internet(names: Names | None = None, ca_pem: str | None = None, idle: float = 30.0) -> InternetUpstream:
    """The internet, if loopback were part of it."""
    return InternetUpstream(
        may_dial=lambda a: a == LOOPBACK, resolver=names or Names("127.0.0.1"), ca_pem=ca_pem, idle=idle
    )


async def test_a_server_is_verified_by_its_name_and_reached(tmp_path: Path) -> None:
    authority, context = certified("real.test")
    upstream = internet(ca_pem=authority.cert_pem.bytes().decode())
    async with (
        serving(saying(HELLO, keep=9), context) as server,
        opened(tmp_path, internet=upstream) as setup,
    ):
        async with await setup.tunnel("real.test", server.port) as client:
            for _ in range(3):
                reply = await client.ask("GET", "/", {"host": f"real.test:{server.port}"})
                assert (reply.status, reply.body) == (200, b"hello")
        assert server.connections == 1
        assert (await setup.keeper.exchanges(3))[2].received == 5


@pytest.mark.parametrize("name", ["other.test", "localhost"])
async def test_a_certificate_for_another_name_is_refused(name: str) -> None:
    authority, context = certified("real.test")
    upstream = internet(ca_pem=authority.cert_pem.bytes().decode())
    async with serving(saying(HELLO), context) as server:
        with pytest.raises(UpstreamError, match="CERTIFICATE_VERIFY_FAILED"):
            await upstream.send(ask(f"https://{name}:{server.port}/"), spool())
        await upstream.close()


async def test_a_certificate_by_a_stranger_is_refused() -> None:
    _, context = certified("real.test")
    upstream = internet()
    async with serving(saying(HELLO), context) as server:
        href = f"https://real.test:{server.port}/"
        with pytest.raises(UpstreamError, match="CERTIFICATE_VERIFY_FAILED"):
            await upstream.send(ask(href), spool())
        with pytest.raises(UpstreamError, match="CERTIFICATE_VERIFY_FAILED"):
            await upstream.connect(ask(href, url=href.replace("https", "wss")))
        await upstream.close()


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104 - it is refused
        "169.254.169.254",
        "168.63.129.16",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001::1",
        "2002:7f00:1::",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "4000::1",
    ],
)
async def test_inside_addresses_are_refused_by_name_and_by_number(address: str) -> None:
    upstream = InternetUpstream(resolver=Names(address))
    literal = f"[{address}]" if ":" in address else address
    for host in ("named.test", literal):
        with pytest.raises(UpstreamError, match="the policy does not name") as caught:
            await upstream.send(ask(f"http://{host}/"), spool())
        assert (caught.value.status, caught.value.rule) == (403, "private address")
    with pytest.raises(UpstreamError, match="the policy does not name"):
        await upstream.connect(ask("http://named.test/", url="ws://named.test/"))
    await upstream.close()


async def test_a_name_that_changes_its_mind_is_resolved_once_and_dialled_where_checked() -> None:
    names = Names("127.0.0.1", "10.0.0.1")
    async with serving(saying(HELLO)) as server:
        upstream = internet(names)
        answer = await upstream.send(ask(f"http://rebind.test:{server.port}/"), spool())
        assert await whole(answer) == b"hello"
        assert names.asked == ["rebind.test"]
        with pytest.raises(UpstreamError, match=r"10\.0\.0\.1"):
            await upstream.send(ask(f"http://rebind.test:{server.port}/"), spool())
        await upstream.close()


async def test_of_mixed_addresses_only_the_allowed_are_dialled() -> None:
    async with serving(saying(HELLO)) as server:
        upstream = internet(Names("10.0.0.1 127.0.0.1 ::1"))
        answer = await upstream.send(ask(f"http://mixed.test:{server.port}/"), spool())
        assert await whole(answer) == b"hello"
        await upstream.close()


async def test_nothing_is_resolved_or_dialled_before_clearance(tmp_path: Path) -> None:
    names = Names("127.0.0.1")
    async with serving(saying(HELLO)) as server, opened(tmp_path, internet=internet(names)) as setup:
        setup.keeper.gate = asyncio.Event()
        client = await setup.plain()
        await client.write(
            f"GET http://a.test:{server.port}/ HTTP/1.1\r\nHost: a.test:{server.port}\r\n\r\n".encode()
        )
        await setup.keeper.waiting.wait()
        assert (names.asked, server.connections) == ([], 0)
        setup.keeper.gate.set()
        assert (await client.reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200 ")
        assert (names.asked, server.connections) == (["a.test"], 1)
        await client.close()


async def test_a_ticket_is_good_once() -> None:
    async with serving(saying(HELLO)) as server:
        upstream = internet()
        cleared = ask(f"http://a.test:{server.port}/")
        await whole(await upstream.send(cleared, spool()))
        with pytest.raises(NotClearedError):
            await upstream.send(cleared, spool())
        await upstream.close()
        assert server.connections == 1


async def test_redirects_are_the_browsers_business() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    async with serving(saying(moved)) as server:
        upstream = internet()
        answer = await upstream.send(ask(f"http://a.test:{server.port}/"), spool())
        assert (answer.status, dict(answer.headers)[b"location"]) == (302, b"http://127.0.0.1:9/")
        await whole(answer)
        await upstream.close()


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
            b"hello",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + HELLO, b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HELLO, b"hello"),
        (b"HTTP/1.1 200\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", b"hello"),
    ],
)
async def test_servers_of_every_manner(said: bytes, body: bytes, tmp_path: Path) -> None:
    async with serving(saying(said)) as server, opened(tmp_path, internet=internet()) as setup:
        reply = await setup.get(f"http://a.test:{server.port}/")
        assert (reply.status, reply.body) == (200, body)
        assert "x" not in reply.headers
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.error, exchange.received) == (None, len(body))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_before_the_head_a_broken_server_is_a_502(said: bytes, tmp_path: Path) -> None:
    async with serving(saying(said)) as server, opened(tmp_path, internet=internet()) as setup:
        reply = await setup.get(
            f"http://a.test:{server.port}/", upgrade_insecure_requests="1", accept="text/html"
        )
        assert reply.status == 502
        assert b"a.test" in reply.body
        (exchange,) = await setup.keeper.exchanges(1)
        assert exchange.status == 502
        assert exchange.error


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ],
)
async def test_a_body_cut_short_is_never_taken_for_whole(said: bytes, tmp_path: Path) -> None:
    async with serving(saying(said)) as server, opened(tmp_path, internet=internet()) as setup:
        client = await setup.plain()
        raw = await client.raw(
            f"GET http://a.test:{server.port}/ HTTP/1.1\r\nHost: a.test:{server.port}\r\n\r\n".encode()
        )
        assert not raw.endswith(b"0\r\n\r\n")
        assert b"502" not in raw
        (exchange,) = await setup.keeper.exchanges(1)
        assert exchange.status == 200
        assert exchange.error
        await client.close()


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with serving(saying(HELLO)) as server:
        port = server.port
    async with opened(tmp_path, internet=internet()) as setup:
        reply = await setup.get(f"http://a.test:{port}/")
        assert reply.status == 502
        assert b"cannot be reached" in reply.body


async def test_a_server_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)

    async with serving(silent) as server, opened(tmp_path, internet=internet(idle=0.2)) as setup:
        reply = await setup.get(f"http://a.test:{server.port}/")
        assert reply.status == 502
        assert b"sends nothing any more" in reply.body


async def test_a_body_goes_up_whole_with_its_length() -> None:
    seen: list[bytes] = []

    async def taking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.extend((head, await reader.readexactly(3_000_000)))
        writer.write(HELLO)

    async with serving(taking) as server:
        upstream = internet()
        cleared = ask(f"http://a.test:{server.port}/up?x", method="POST", headers=(("x-a", "1"),))
        with spool(b"b" * 3_000_000) as body:
            assert await whole(await upstream.send(cleared, body)) == b"hello"
        await upstream.close()
    lines = seen[0].decode().split("\r\n")
    assert lines[0] == "POST /up?x HTTP/1.1"
    assert set(lines[1:-2]) == {f"Host: a.test:{server.port}", "x-a: 1", "Content-Length: 3000000"}
    assert seen[1] == b"b" * 3_000_000


async def test_this_machines_resolver_knows_localhost() -> None:
    assert LOOPBACK in await resolve("localhost")


async def test_a_name_without_an_address_says_so() -> None:
    async def none(_name: str) -> Sequence[Address]:
        raise OSError("no such name")

    upstream = InternetUpstream(resolver=none)
    with pytest.raises(UpstreamError, match=r"nowhere\.test has no address"):
        await upstream.send(ask("http://nowhere.test/"), spool())
    await upstream.close()
