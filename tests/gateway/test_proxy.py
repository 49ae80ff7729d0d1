"""The gateway as a browser meets it: what passes, what is refused, and what is accounted for."""

import asyncio
from pathlib import Path

import pytest
from harness.clearance import Refusal
from harness.gateway.upstreams.asgi import AsgiUpstream
from tests.gateway.support import answering, echo, opened


async def test_a_get_over_tls_reaches_the_app_and_is_accounted_for(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        reply = await setup.get("https://shop.test/a%20b?q=1", accept="text/html", sec_fetch_dest="document")
        assert reply.status == 200
        seen = reply.json()
        assert (seen["method"], seen["path"], seen["query"], seen["scheme"]) == (
            "GET",
            "/a b",
            "q=1",
            "https",
        )
        assert ["host", "shop.test"] in seen["headers"]
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.status, exchange.sent, exchange.received) == (200, 0, len(reply.body))
        assert exchange.error is None
        (request,) = setup.keeper.asked
        assert (request.method, request.url) == ("GET", "https://shop.test/a%20b?q=1")
        assert request.resource == "document"


async def test_close_leaves_no_task(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        client = await setup.tunnel("shop.test")
        assert (await client.ask("GET", "/", {"host": "shop.test"})).status == 200
        before = asyncio.all_tasks()
        await setup.gateway.close()
        assert asyncio.all_tasks() < before
        assert await client.rest() == b""
        await client.close()
        assert not setup.socket.exists()


async def test_a_refused_document_is_a_page_that_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(echo)}) as setup:
        setup.keeper.rule = lambda _r: Refusal(rule="no <b>shops</b>", reason="<script>alert(1)</script>")
        reply = await setup.get("https://shop.test/", sec_fetch_dest="document")
        assert reply.status == 403
        assert b"<script>" not in reply.body
        assert b"&lt;script&gt;" in reply.body
        assert b"GET https://shop.test/" in reply.body
        assert setup.keeper.done == []


@pytest.mark.parametrize(
    ("destination", "given"),
    [
        ("document", True),
        ("iframe", True),
        ("worker", True),
        ("sharedworker", True),
        ("serviceworker", True),
        ("image", False),
        ("empty", False),
    ],
)
async def test_documents_frames_and_workers_get_our_connection_allowlist_and_no_other(
    destination: str, given: bool, tmp_path: Path
) -> None:
    wide = [(b"content-type", b"text/html"), (b"Connection-Allowlist", b'("*://*")')]
    hosts = {"shop.test": AsgiUpstream(answering(200, wide, b"hello"))}
    async with opened(tmp_path, hosts, allowlist="(response-origin)") as setup:
        reply = await setup.get("https://shop.test/", sec_fetch_dest=destination)
        found = [value for name, value in reply.pairs if name.lower() == "connection-allowlist"]
        assert found == (["(response-origin)"] if given else ['("*://*")'])
