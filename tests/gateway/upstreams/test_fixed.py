"""A real server under a sandbox name: what it is told, and where its redirects lead."""

import asyncio
from pathlib import Path

import pytest
from harness.errors import NotClearedError, TaskError
from harness.gateway.upstreams.fixed import FixedUpstream
from tests.gateway.support import Server, ask, opened, saying, serving, spool, whole


async def test_the_server_is_told_the_sandboxes_name(tmp_path: Path) -> None:
    heads: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with serving(talk) as server:
        upstream = FixedUpstream(f"http://127.0.0.1:{server.port}")
        async with opened(tmp_path, {"data.test": upstream}) as setup:
            reply = await setup.get(
                "https://data.test/db?x=1", x_forwarded_proto="http", origin="https://data.test"
            )
            assert (reply.status, reply.body) == (200, b"ok")
    lines = heads[0].lower().split("\r\n")
    assert lines[0] == "get /db?x=1 http/1.1"
    assert "host: data.test" in lines
    assert "origin: https://data.test" in lines
    assert lines.count("x-forwarded-proto: https") == 1
    assert "x-forwarded-proto: http" not in lines
    assert "x-forwarded-host: data.test" in lines


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("http://127.0.0.1:{port}/a?b#c", "https://data.test/a?b#c"),
        ("http://data.test/login", "https://data.test/login"),
        ("/relative", "/relative"),
        ("https://elsewhere.test/x", "https://elsewhere.test/x"),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:1/x"),
        ("//data.test/x", "//data.test/x"),
    ],
)
async def test_redirects_to_itself_lead_back_to_the_sandboxes_name(location: str, seen: str) -> None:
    talk_to: list[Server] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        where = location.format(port=talk_to[0].port).encode()
        await saying(b"HTTP/1.1 302 Found\r\nLocation: " + where + b"\r\nContent-Length: 0\r\n\r\n")(
            reader, writer
        )

    async with serving(talk) as server:
        talk_to.append(server)
        upstream = FixedUpstream(f"http://127.0.0.1:{server.port}/")
        answer = await upstream.send(ask("https://data.test/"), spool())
        assert dict(answer.headers)[b"location"].decode() == seen
        await whole(answer)
        await upstream.close()


async def test_a_ticket_is_good_once() -> None:
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        upstream = FixedUpstream(f"http://127.0.0.1:{server.port}")
        cleared = ask("https://data.test/")
        await whole(await upstream.send(cleared, spool()))
        with pytest.raises(NotClearedError):
            await upstream.send(cleared, spool())
        await upstream.close()


@pytest.mark.parametrize(
    "base", ["127.0.0.1:80", "https://a.test", "http://a.test/x", "http://u@a.test", "ftp://a"]
)
def test_other_addresses_are_no_servers(base: str) -> None:
    with pytest.raises(TaskError, match="http://host:port"):
        FixedUpstream(base)
