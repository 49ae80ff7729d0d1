"""The harness's own questions."""

import pytest
from harness.gateway.base import UpstreamError
from harness.gateway.fetch import get_bytes, get_json
from harness.gateway.upstreams.asgi import AsgiUpstream
from tests.gateway.support import answering, ask


async def test_json_is_read() -> None:
    upstream = AsgiUpstream(answering(200, [], b'{"orders": ', b"[1]}"))
    assert await get_json(upstream, ask("https://shop.test/state")) == {"orders": [1]}
    assert await get_bytes(upstream, ask("https://shop.test/state")) == (200, b'{"orders": [1]}')
    await upstream.close()


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [(404, b"{}", "status 404"), (200, b"<html>", "not JSON"), (200, b"\xff", "not JSON")],
)
async def test_anything_else_says_what_it_is(status: int, body: bytes, why: str) -> None:
    upstream = AsgiUpstream(answering(status, [], body))
    with pytest.raises(UpstreamError, match=why):
        await get_json(upstream, ask("https://shop.test/state"))
    await upstream.close()


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    upstream = AsgiUpstream(answering(200, [], *[b"x" * 1_000_000] * 20))
    with pytest.raises(UpstreamError, match="more than"):
        await get_json(upstream, ask("https://shop.test/state"))
    await upstream.close()
