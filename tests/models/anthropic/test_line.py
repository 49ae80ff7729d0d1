"""The SDK's real client over real HTTP, and all that can go wrong on the way."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from harness.clearance import Fault
from harness.models.anthropic.clients import dial
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.line import AnthropicLine
from harness.models.anthropic.tools import Tool, betas
from harness.models.dialect import Brief, Picture, Seen, Trouble, Turn
from harness.models.faults import LONGEST_BODY
from harness.models.scaling import Space
from harness.testing import blank
from pydantic import JsonValue
from starlette.responses import Response, StreamingResponse
from vendors.anthropic import KEY, Server, answered, failure, scripted
from vendors.serve import served

SPACE = Space("pixels", 40, 30, 40, 30)
WORDS = answered([{"type": "text", "text": "ok"}])


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def request(tool: Tool = "computer_toolset_20260801") -> Any:
    dialect = AnthropicDialect("claude-opus-5-5", Brief("Buy."), tool=tool, output_tokens=100)
    return dialect.request([Turn(Seen(1, "Step 1.", Picture(blank(40, 30).png, (40, 30), SPACE)))], (0,))


@contextlib.asynccontextmanager
async def line(
    base: str, tool: Tool = "computer_toolset_20260801", seconds: float = 20, key: str = KEY
) -> AsyncIterator[AnthropicLine]:
    client = AsyncAnthropic(api_key=key, base_url=base, max_retries=0, timeout=seconds)
    found = AnthropicLine(client, betas=betas(tool), timeout=seconds, now=now)
    try:
        yield found
    finally:
        await found.close()


async def asked(*answers: Any, key: str = KEY) -> JsonValue:
    async with served(Server(scripted(*answers)).app) as base, line(base, key=key) as one:
        return await one.send(request())


async def trouble(*answers: Any, key: str = KEY) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await asked(*answers, key=key)
    return caught.value


@contextlib.asynccontextmanager
async def raw(handle: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server below HTTP."""

    served: list[tuple[asyncio.Task[None] | None, asyncio.StreamWriter]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append((asyncio.current_task(), writer))
        await reader.readuntil(b"\r\n\r\n")
        await handle(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task, writer in served:
            writer.close()
            await asyncio.gather(*([task] if task else []), writer.wait_closed(), return_exceptions=True)
        await server.wait_closed()


async def test_the_body_comes_back_word_for_word_with_what_the_sdk_does_not_know() -> None:
    answer = {**WORDS, "a_new_field": {"x": [1, None]}}
    assert await asked(answer) == answer


async def test_the_beta_header_is_sent_where_the_tool_needs_it_and_nowhere_else() -> None:
    headers: tuple[tuple[Tool, str | None], ...] = (
        ("computer_20250124", "computer-use-2025-01-24"),
        ("computer_20251124", "computer-use-2025-11-24"),
        ("computer_toolset_20260801", None),
    )
    for tool, header in headers:
        server = Server(scripted(WORDS))
        async with served(server.app) as base, line(base, tool) as one:
            assert await one.send(request(tool)) == WORDS
        assert server.headers[0].get("anthropic-beta") == header


async def test_what_the_vendor_refuses_ends_the_run_with_its_words() -> None:
    async with served(Server(scripted()).app) as base, line(base) as one:
        with pytest.raises(Trouble, match=r"HTTP 400 \(invalid_request_error\): .*max_tokens") as caught:
            await one.send({**request(), "max_tokens": 0.5})
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("rejected", False, True)


async def test_what_the_sdk_does_not_know_is_not_sent() -> None:
    async with line("http://127.0.0.1:9") as one:
        with pytest.raises(Trouble, match="the SDK did not send it: TypeError") as caught:
            await one.send({**request(), "oops": 1})
    assert (caught.value.fault, caught.value.again) == ("rejected", False)


@pytest.mark.parametrize(
    ("status", "kind", "headers", "fault", "again", "after"),
    [
        (429, "rate_limit_error", {"retry-after": "7"}, "rate_limited", True, 7.0),
        (429, "rate_limit_error", {"retry-after-ms": "250"}, "rate_limited", True, 0.25),
        (529, "overloaded_error", {}, "server_error", True, None),
        (500, "api_error", {}, "server_error", True, None),
        (500, "api_error", {"x-should-retry": "false"}, "server_error", False, None),
        (413, "request_too_large", {}, "too_large", False, None),
        (403, "permission_error", {}, "unauthorized", False, None),
        (404, "not_found_error", {}, "rejected", False, None),
    ],
)
async def test_a_status_becomes_what_it_means(  # noqa: PLR0917 - a table
    status: int, kind: str, headers: dict[str, str], fault: Fault, again: bool, after: float | None
) -> None:
    found = await trouble(failure(status, kind, "so it is", headers))
    assert (found.fault, found.again, found.after) == (fault, again, after)
    assert f"HTTP {status} ({kind}): so it is" in str(found)


async def test_a_redirect_is_not_followed() -> None:
    moved = Response(status_code=307, headers={"location": "http://127.0.0.1:9/v1/messages"})
    server = Server(scripted(moved))
    async with served(server.app) as base:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base}
        one = AnthropicLine(dial("anthropic", "m", env, 20).client, betas=(), timeout=20, now=now)
        with pytest.raises(Trouble, match="HTTP 307") as caught:
            await one.send(request())
        await one.close()
    assert caught.value.fault == "rejected"


async def test_a_wrong_key_is_said_without_the_key() -> None:
    found = await trouble(WORDS, key="sk-ant-wrong")
    assert (found.fault, found.again) == ("unauthorized", False)
    assert "sk-ant-wrong" not in str(found)


async def test_an_error_that_is_no_json_is_told_by_its_status() -> None:
    found = await trouble(Response("<html>Bad gateway</html>", 502))
    assert (found.fault, found.again) == ("server_error", True)


@pytest.mark.parametrize("body", ["", "{", "<html>", '{"a": NaN}', '"\\ud800"'])
async def test_what_cannot_be_read_is_malformed(body: str) -> None:
    found = await trouble(Response(body, media_type="application/json"))
    assert (found.fault, found.again, found.ends) == ("malformed", True, False)


async def test_ten_megabytes_are_too_many() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * (LONGEST_BODY // 4)

    found = await trouble(StreamingResponse(pieces(), media_type="application/json"))
    assert (found.fault, found.again, found.ends) == ("too_large", False, False)


async def test_ten_megabytes_packed_small_are_too_many_as_well() -> None:
    packed = gzip.compress(b" " * 10_000_000)
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert (await trouble(Response(packed, headers=headers))).fault == "too_large"


async def test_an_answer_that_breaks_off_is_cut_off() -> None:
    async def half(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()

    async with raw(half) as base, line(base) as one:
        with pytest.raises(Trouble) as caught:
            await one.send(request())
    assert (caught.value.fault, caught.value.again) == ("cut_off", True)


async def test_a_vendor_that_hangs_up_at_once_is_cut_off() -> None:
    async def nothing(writer: asyncio.StreamWriter) -> None:
        del writer

    async with raw(nothing) as base, line(base) as one:
        with pytest.raises(Trouble) as caught:
            await one.send(request())
    assert (caught.value.fault, caught.value.again) == ("cut_off", True)


async def test_a_vendor_that_never_answers_is_left_after_the_time() -> None:
    over = asyncio.Event()

    async def wait(writer: asyncio.StreamWriter) -> None:
        del writer
        await over.wait()

    async with raw(wait) as base, line(base, seconds=0.3) as one:
        with pytest.raises(Trouble) as caught:
            await one.send(request())
        over.set()
    assert (caught.value.fault, caught.value.again) == ("timeout", True)


async def test_an_answer_that_trickles_is_left_after_the_time() -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

    async with raw(trickle) as base, line(base, seconds=0.4) as one:
        with pytest.raises(Trouble) as caught:
            await one.send(request())
    assert (caught.value.fault, caught.value.again) == ("timeout", True)


async def test_where_nobody_listens_there_is_no_connection() -> None:
    async with raw(lambda writer: writer.drain()) as base:
        pass
    async with line(base) as one:
        with pytest.raises(Trouble) as caught:
            await one.send(request())
    assert (caught.value.fault, caught.value.again) == ("connection", True)


async def test_hanging_up_twice_is_safe() -> None:
    async with line("http://127.0.0.1:9") as one:
        await one.close()


async def test_a_client_that_asks_again_by_itself_is_not_taken() -> None:
    client = AsyncAnthropic(api_key=KEY, base_url="http://127.0.0.1:9")
    with pytest.raises(AssertionError):
        AnthropicLine(client, betas=(), timeout=20, now=now)
    await client.close()
