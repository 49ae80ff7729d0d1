"""Bytes that no browser writes are refused, the connection is closed, and nothing is judged or forwarded."""

import asyncio
import ssl
from pathlib import Path

import pytest
from harness.gateway.framing import MalformedError
from harness.gateway.http1 import read_head
from harness.gateway.upstreams.asgi import AsgiUpstream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.support import echo, opened

OK = b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n"
POST = b"POST http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n"
CONNECT = b"CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n"

ATTACKS = {
    "both lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a hexadecimal length": POST + b"Content-Length: 0x5\r\n\r\nhello",
    "an endless length": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "an empty length": POST + b"Content-Length:\r\n\r\n",
    "two encodings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an encoding list": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an odd encoding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Content-Length : 5\r\n\r\nhello",
    "a folded header": OK + b"X-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n",
    "a folded first header": b"GET http://shop.test/ HTTP/1.1\r\n X: y\r\nHost: shop.test\r\n\r\n",
    "a bare newline": OK + b"X-A: 1\nX-B: 2\r\n\r\n",
    "a bare return": OK + b"X-A: 1\rX-B: 2\r\n\r\n",
    "a null": OK + b"X-A: 1\x002\r\n\r\n",
    "a control character": OK + b"X-A: \x01\r\n\r\n",
    "a header without a colon": OK + b"nonsense\r\n\r\n",
    "a nameless header": OK + b": x\r\n\r\n",
    "two hosts": OK + b"Host: evil.test\r\n\r\n",
    "no host": b"GET http://shop.test/ HTTP/1.1\r\nX: y\r\n\r\n",
    "another host": b"GET http://shop.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "another URL": b"GET http://evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a list of hosts": b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test, evil.test\r\n\r\n",
    "a path to the proxy": b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "an https URL in the clear": b"GET https://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a ftp URL": b"GET ftp://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a file URL": b"GET file:///etc/passwd HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "credentials": b"GET http://u:p@shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a fragment": b"GET http://shop.test/#x HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a tab in the request line": b"GET\thttp://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "two spaces": b"GET  http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "bytes above ASCII": b"GET http://shop.test/\xff HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "an empty line first": b"\r\n" + OK + b"\r\n",
    "HTTP/1.0": b"GET http://shop.test/ HTTP/1.0\r\nHost: shop.test\r\n\r\n",
    "HTTP/0.9": b"GET http://shop.test/\r\n\r\n",
    "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an upgrade to h2c": (
        OK + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    ),
    "an unknown upgrade": OK + b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n",
    "a WebSocket without CONNECT": OK + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an unknown expectation": OK + b"Expect: 200-ok\r\n\r\n",
    "TRACE": b"TRACE http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a second request in the same breath": OK + b"\r\n" + OK + b"\r\n",
    "a second request after a body": POST + b"Content-Length: 2\r\n\r\nab" + OK + b"\r\n",
    "a second request after chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + OK + b"\r\n",
    "a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "a chunk with a bare newline": POST + b"Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "a negative chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "a huge head": OK + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "SOCKS5": b"\x05\x01\x00\r\n\r\n",
    "CONNECT without a port": b"CONNECT shop.test HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "CONNECT with two names": b"CONNECT shop.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n",
    "CONNECT with a bracketed name": b"CONNECT [shop.test]:443 HTTP/1.1\r\nHost: [shop.test]:443\r\n\r\n",
    "CONNECT with a trailing dot": b"CONNECT shop.test.:443 HTTP/1.1\r\nHost: shop.test.:443\r\n\r\n",
    "CONNECT with a decimal address": b"CONNECT 2130706433:443 HTTP/1.1\r\nHost: 2130706433:443\r\n\r\n",
    "CONNECT with bytes after it": CONNECT + b"\r\n\x16\x03\x01",
    "CONNECT with a body": CONNECT + b"Content-Length: 1\r\n\r\nx",
}


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_can_be_read_in_two_ways_is_refused(name: str, tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        said = await client.raw(ATTACKS[name])
        status = int(said.split(b" ", 2)[1])
        assert 400 <= status < 600
        assert status not in {403, 502}
        assert said.count(b" Refused\r\n") == 1
        assert b"connection: close" in said
        assert setup.keeper.asked == []
        assert setup.keeper.done == []
        assert len(setup.notices) == 1


INSIDE = {
    "another host": b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "the wrong port": b"GET / HTTP/1.1\r\nHost: shop.test:8443\r\n\r\n",
    "an absolute URL": b"GET https://evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a tunnel in the tunnel": b"CONNECT evil.test:443 HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a fragment": b"GET /#@evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "credentials by way of the path": b"GET @evil.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n",
    "a WebSocket without a key": (
        b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    ),
    "a WebSocket by POST": (
        b"POST / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ),
    "a WebSocket of another version": (
        b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n"
    ),
    "a WebSocket with bytes after it": (
        b"GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x00"
    ),
}


@pytest.mark.parametrize("name", INSIDE)
async def test_inside_a_tunnel_too(name: str, tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup,
        await setup.tunnel("shop.test") as client,
    ):
        said = await client.raw(INSIDE[name])
        assert said.startswith(b"HTTP/1.1 400 "), said
        assert setup.keeper.asked == []


async def test_a_head_in_single_bytes_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        for byte in OK + b"Connection: close\r\n\r\n":
            await client.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.rest()).startswith(b"HTTP/1.1 200 ")


async def test_a_head_that_never_ends_is_not_forwarded(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        await client.write(OK)
        client.writer.write_eof()
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
        assert setup.keeper.heads == []


async def test_the_browser_is_told_to_go_on_only_once_its_head_is_good(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        await client.write(POST + b"Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert setup.keeper.asked == []
        said = await client.raw(b"hello")
        assert said.startswith(b"HTTP/1.1 200 ")
        assert b'"body": "hello"' in said
        assert b"100-continue" not in said


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_head_is_accepted_or_refused_but_nothing_else(noise: bytes) -> None:
    status = 200
    try:
        read_head(OK + noise + b"\r\n\r\n")
    except MalformedError as error:
        status = error.status
    assert status in {200, 400, 417, 501}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(min_size=1, max_size=300))
async def test_noise_never_gets_anything_forwarded(
    noise: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    async with opened(folder, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        client.writer.write(noise)
        client.writer.write_eof()
        await client.rest()
        assert setup.keeper.asked == []


OTHER_PROTOCOLS = {
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "SSH without its end": b"SSH-2.0-",
    "SMTP": b"EHLO evil.test\r\n",
    "an upload by another method": b"PUT /x HTTP/1.1\r\nHost: shop.test:8080\r\n",
    "Redis": b"*1\r\n$8\r\nFLUSHALL\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n",
    "zeros": bytes(100),
    "one odd byte": b"\x05",
    "a GET that goes on in another way": b"GET /\x00",
    "a GET of no known version": b"GET / FTP",
}


@pytest.mark.parametrize("name", OTHER_PROTOCOLS)
async def test_another_protocol_in_a_tunnel_is_refused_at_its_first_bytes(name: str, tmp_path: Path) -> None:
    async with (
        opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup,
        await setup.tunnel("shop.test", 8080, tls=False) as client,
    ):
        await client.write(OTHER_PROTOCOLS[name])
        # The connection stays open: nothing but the bytes themselves tells that this is no request.
        said = await client.reader.readuntil(b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 400 Refused")
        assert (setup.keeper.asked, len(setup.notices)) == ([], 1)
        assert "shop.test:8080" in setup.notices[0]


@pytest.mark.parametrize("port", [22, 25, 53, 6667])
async def test_ports_of_other_protocols_are_not_even_connected_to(port: int, tmp_path: Path) -> None:
    async with opened(tmp_path, {}) as setup, await setup.plain() as client:
        said = await client.raw(
            f"CONNECT shop.test:{port} HTTP/1.1\r\nHost: shop.test:{port}\r\n\r\n".encode()
        )
        assert said.startswith(b"HTTP/1.1 403 Refused")
        assert f"port {port} belongs to another protocol".encode() in said
        assert setup.keeper.asked == []


async def test_a_head_that_comes_late_is_still_read(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup, await setup.plain() as client:
        for place in range(1, 60):
            head = OK + b"Connection: close\r\n\r\n"
            await client.write(head[:place] if place == 1 else head[place - 1 : place])
            await asyncio.sleep(0)
        await client.write(head[59:])
        assert (await client.rest()).startswith(b"HTTP/1.1 200")


async def test_a_handshake_for_another_name_and_plain_bytes_for_443_are_noticed(tmp_path: Path) -> None:
    async with opened(tmp_path, {}) as setup:
        with pytest.raises(ssl.SSLError):
            await setup.tunnel("shop.test", sni="evil.test")
        async with await setup.tunnel("shop.test", tls=False) as client:
            assert await client.raw(b"GET / HTTP/1.1\r\n\r\n") == b""
        assert len(setup.notices) == 2
        assert "not TLS" in setup.notices[1]
