"""The SDK over real HTTP, against the strict server and servers that are broken."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from google.genai import Client
from google.genai.types import HttpOptions, HttpRetryOptions
from harness.models.assemble import ModelOptions
from harness.models.dialect import Brief, JsonObject, Picture, Seen, Trouble, Turn
from harness.models.faults import LONGEST_BODY
from harness.models.gemini.dialect import GeminiDialect
from harness.models.gemini.line import GeminiLine, http_client
from harness.models.scaling import Space
from harness.testing import blank
from pydantic import JsonValue
from starlette.responses import JSONResponse, Response
from vendors.gemini import KEY, Gemini, answered, called
from vendors.serve import served

PICTURE = Picture(blank(4, 3).png, (4, 3), Space("thousandths", 1000, 1000, 4, 3))
REQUEST = GeminiDialect(Brief("Look.")).request([Turn(Seen(1, "Step 1.", PICTURE))], ())


def sdk(url: str, key: str, seconds: float) -> tuple[Client, httpx2.AsyncClient]:
    http = http_client(seconds)
    options = HttpOptions(base_url=url, retry_options=HttpRetryOptions(attempts=1), httpx_async_client=http)
    return Client(vertexai=False, api_key=key, http_options=options), http


@contextlib.asynccontextmanager
async def line(app: Any, *, seconds: float = 20.0, key: str = KEY) -> AsyncIterator[GeminiLine]:
    async with served(app) as url:
        client, http = sdk(url, key, seconds)
        found = GeminiLine(client, http, "gemini-3.5-flash", timeout=seconds, now=ModelOptions().now)
        try:
            yield found
        finally:
            await found.close()
            await found.close()


async def trouble(app: Any, *, seconds: float = 20.0, key: str = KEY) -> Trouble:
    async with line(app, seconds=seconds, key=key) as open_line:
        with pytest.raises(Trouble) as raised:
            await open_line.send(REQUEST)
    return raised.value


def error(code: int, status: str, *details: JsonValue, **headers: str) -> Response:
    body = {"error": {"code": code, "message": "So it is.", "status": status, "details": list(details)}}
    return JSONResponse(body, code, {name.replace("_", "-"): value for name, value in headers.items()})


async def test_the_answer_is_given_word_for_word() -> None:
    answer = answered(called("click", x=1, y=2), words="I click.")
    server = Gemini([answer])
    async with line(server) as open_line:
        assert await open_line.send(REQUEST) == answer
    assert server.refused == []
    assert server.requests[0]["generationConfig"] == {
        "candidateCount": 1,
        "maxOutputTokens": 4096,
        "thinkingConfig": {"include_thoughts": True},
    }


async def test_what_the_sdk_would_send_wrong_is_refused_by_the_server() -> None:
    contents = REQUEST["contents"]
    assert isinstance(contents, list)
    unanswered: JsonObject = {"role": "model", "parts": [{"functionCall": {"name": "click", "args": {}}}]}
    bad = {**REQUEST, "contents": [*contents, unanswered, contents[0]]}
    server = Gemini([answered(words="a")])
    async with line(server) as open_line:
        with pytest.raises(Trouble, match="never answered") as raised:
            await open_line.send(bad)
    assert (raised.value.fault, raised.value.again) == ("rejected", False)


async def test_what_the_sdks_types_do_not_take_is_not_sent() -> None:
    server = Gemini([])
    async with line(server) as open_line:
        with pytest.raises(Trouble, match="does not take the request") as raised:
            await open_line.send({**REQUEST, "contents": [{"role": "user", "party": []}]})
    assert (raised.value.again, raised.value.ends, server.requests) == (False, True, [])


@pytest.mark.parametrize(
    ("answer", "fault", "again"),
    [
        (error(429, "RESOURCE_EXHAUSTED"), "rate_limited", True),
        (error(500, "INTERNAL"), "server_error", True),
        (error(503, "UNAVAILABLE"), "server_error", True),
        (error(403, "PERMISSION_DENIED"), "unauthorized", False),
        (error(404, "NOT_FOUND"), "rejected", False),
        (error(413, ""), "too_large", False),
        (Response("<html>Bad Gateway</html>", 502), "server_error", True),
        (Response("[]", 500), "server_error", True),
        (Response('{"error": "no"}', 500), "server_error", True),
    ],
)
async def test_a_refusal_is_named(answer: Response, fault: str, again: bool) -> None:
    found = await trouble(Gemini([answer]))
    assert (found.fault, found.again, found.ends) == (fault, again, True)


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 200),
        Response("", 200),
        Response('{"candidates": [', 200),
        Response('{"a": NaN}', 200),
        Response("[" * 100_000, 200),
        Response(b"\xff\xfe\x00", 500),
        Response("[" * 100_000, 500),
        Response("{}", 302, {"location": "http://127.0.0.1:9/"}),
        Response("{}", 204),
    ],
)
async def test_what_is_no_answer_is_asked_for_again(answer: Response) -> None:
    found = await trouble(Gemini([answer]))
    assert found.again
    assert found.fault in ("malformed", "server_error")


async def test_how_long_to_wait_is_read_from_the_header_and_from_the_details() -> None:
    info: JsonValue = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    assert (await trouble(Gemini([error(429, "RESOURCE_EXHAUSTED", info)]))).after == 34.5
    assert (await trouble(Gemini([error(429, "RESOURCE_EXHAUSTED", info, retry_after="7")]))).after == 7.0
    assert (await trouble(Gemini([error(429, "RESOURCE_EXHAUSTED", {"@type": 5}, "a")]))).after is None


async def test_a_wrong_key_is_refused_and_not_repeated() -> None:
    found = await trouble(Gemini([]), key="wrong")
    assert "API key not valid" in str(found)
    assert "wrong" not in str(found).replace("API key not valid", "")


async def test_an_answer_that_is_too_long_is_no_answer() -> None:
    found = await trouble(Gemini([Response(b" " * (LONGEST_BODY + 1))]))
    assert (found.fault, found.again, found.ends) == ("too_large", False, False)
    async with line(Gemini([Response(b" " * (LONGEST_BODY - 2) + b"{}")])) as open_line:
        assert await open_line.send(REQUEST) == {}


async def test_an_answer_that_is_packed_is_not_unpacked() -> None:
    packed = gzip.compress(json.dumps(answered(words="a")).encode())
    found = await trouble(Gemini([Response(packed, headers={"content-encoding": "gzip"})]))
    assert "packed with 'gzip'" in str(found)


async def test_an_answer_that_drips_is_cut_at_the_time_that_was_given() -> None:
    async def drips(scope: Any, receive: Any, send: Any) -> None:
        del scope
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with contextlib.suppress(OSError):
            while True:
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.05)

    found = await trouble(drips, seconds=0.5)
    assert (found.fault, found.again) == ("timeout", True)


async def test_a_connection_that_breaks_or_is_not_there_is_named() -> None:
    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        del scope
        await receive()
        headers = [(b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionAbortedError

    found = await trouble(breaks)
    assert (found.fault, found.again) == ("cut_off", True)
    client, http = sdk("http://127.0.0.1:1", KEY, 20.0)
    nobody = GeminiLine(client, http, "gemini-3.5-flash", timeout=20.0, now=ModelOptions().now)
    with pytest.raises(Trouble) as raised:
        await nobody.send(REQUEST)
    await nobody.close()
    assert (raised.value.fault, raised.value.again) == ("connection", True)
