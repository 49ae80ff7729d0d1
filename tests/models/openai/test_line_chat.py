"""The way to a Chat Completions server: what happens on it is named, and nothing is asked twice here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from harness.models.dialect import JsonObject, Trouble
from harness.models.entra import Entra
from harness.models.faults import LONGEST_BODY
from harness.models.openai.clients import at
from harness.models.openai.line import OpenAILine, chat_line
from harness.models.openai.places import typed
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from vendors.chat import completion, message, problem
from vendors.serve import served

ASK: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "?"}]}


class Always:
    """A credential that gives one token for ever."""

    token = "token-77"

    async def get_token(self, *scopes: str, **options: object) -> "Always":
        del scopes, options
        return self

    async def close(self) -> None:
        pass


async def entra() -> Entra:
    made = Entra(Always())
    await made.token()
    return made


def line(url: str, *, timeout: float = 20.0, entra: Entra | None = None) -> OpenAILine:
    client = replace(at(typed(url, {}), "chat:m", timeout=timeout, environment={}), entra=entra)
    return chat_line(client, timeout=timeout, now=lambda: datetime.now(UTC))


class Server:
    """Gives one answer to everything, and counts."""

    def __init__(self, answer: Response | Callable[[Request], Response]) -> None:
        self.asked = 0
        self.answer = answer
        self.app = Starlette(routes=[Route("/{path:path}", self.handle, methods=["GET", "POST"])])

    async def handle(self, request: Request) -> Response:
        self.asked += 1
        return self.answer if isinstance(self.answer, Response) else self.answer(request)


async def ask(server: Server, **chosen: float) -> JsonValue:
    async with served(server.app) as url:
        way = line(url, **chosen)  # type: ignore[arg-type]
        try:
            return await way.send(ASK)
        finally:
            await way.close()
            await way.close()


async def trouble(server: Server, **chosen: float) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await ask(server, **chosen)
    assert server.asked == 1
    return caught.value


async def test_an_answer_comes_word_for_word() -> None:
    whole = {**completion(message("x")), "unheard_of": [1, {"a": None}]}
    assert await ask(Server(JSONResponse(whole))) == whole


@pytest.mark.parametrize(
    ("status", "fault", "again"),
    [
        (400, "rejected", False),
        (401, "unauthorized", False),
        (404, "rejected", False),
        (413, "too_large", False),
        (429, "rate_limited", True),
        (500, "server_error", True),
        (503, "server_error", True),
    ],
)
async def test_each_status_is_named(status: int, fault: str, *, again: bool) -> None:
    found = await trouble(Server(problem(status, "So it is.", "some_code")))
    assert (found.fault, found.again) == (fault, again)
    assert f"HTTP {status} (some_code): So it is." in str(found)


async def test_what_a_busy_server_says_is_kept() -> None:
    found = await trouble(Server(problem(429, "slow", "rate_limit", {"retry-after": "7"})))
    assert found.after == 7.0
    found = await trouble(Server(problem(429, "slow", "rate_limit", {"retry-after-ms": "1500"})))
    assert found.after == 1.5


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"object": "error", "message": "vLLM says", "code": 400}', "vLLM says"),
        (b'{"error": "Ollama says"}', "Ollama says"),
        (b"<html>a gateway says</html>", "a gateway says"),
        (b"\xff\xfe[" * 10, "HTTP 400"),
        (b"[" * 100_000, "HTTP 400"),
    ],
)
async def test_errors_are_read_in_every_servers_form(body: bytes, words: str) -> None:
    assert words in str(await trouble(Server(Response(body, 400))))


@pytest.mark.parametrize(
    "words",
    [
        "registry.ollama.ai/library/gemma3:4b does not support tools",
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    ],
)
async def test_a_server_without_function_calls_is_told_apart(words: str) -> None:
    assert "speaks: json" in str(await trouble(Server(problem(400, words, "c"))))
    assert "speaks: json" not in str(await trouble(Server(problem(400, "wrong tool", "c"))))


async def test_a_quota_that_is_used_up_is_not_asked_for_again() -> None:
    assert not (await trouble(Server(problem(429, "pay", "insufficient_quota")))).again


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a": NaN}', b'{"a": "\\ud800"}', b'{"a": 1', b"[" * 200_000, b"\xff"]
)
async def test_what_is_not_json_is_asked_for_again(body: bytes) -> None:
    found = await trouble(Server(Response(body, media_type="application/json")))
    assert (found.fault, found.again, found.ends) == ("malformed", True, False)


async def test_an_answer_over_the_longest_is_not_read_to_its_end() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536
            await asyncio.sleep(0)

    found = await trouble(Server(StreamingResponse(endless(), media_type="application/json")), timeout=60.0)
    assert (found.fault, found.again, found.ends) == ("too_large", False, False)
    assert str(LONGEST_BODY) in str(found)


async def test_an_answer_that_drips_is_given_up_after_the_whole_time() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    found = await trouble(Server(StreamingResponse(drip(), media_type="application/json")), timeout=0.5)
    assert (found.fault, found.again) == ("timeout", True)


async def test_a_redirect_is_not_followed() -> None:
    other = Server(JSONResponse(completion(message("x"))))
    async with served(other.app) as elsewhere:
        found = await trouble(Server(RedirectResponse(f"{elsewhere}/v1/chat/completions", 307)))
    assert found.fault == "rejected"
    assert other.asked == 0


@contextlib.asynccontextmanager
async def raw(answer: bytes) -> AsyncIterator[str]:
    """A server that reads a request's head and sends bytes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"", "connection"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "cut_off"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\r\n", "cut_off"),
        (b"nonsense\r\n\r\n", "connection"),
    ],
)
async def test_a_connection_that_breaks_is_named(answer: bytes, fault: str) -> None:
    async with raw(answer) as url:
        way = line(url)
        with pytest.raises(Trouble) as caught:
            await way.send(ASK)
        await way.close()
    assert (caught.value.fault, caught.value.again) == (fault, True)


async def test_nobody_there_is_a_connection_that_fails() -> None:
    async with raw(b"") as url:
        pass
    way = line(url)
    with pytest.raises(Trouble) as caught:
        await way.send(ASK)
    await way.close()
    assert (caught.value.fault, caught.value.again) == ("connection", True)


async def test_what_must_not_be_seen_is_in_no_message_and_no_answer() -> None:
    async with served(Server(problem(500, "token-77 is odd", "c")).app) as url:
        way = line(url, entra=await entra())
        with pytest.raises(Trouble, match=r"\(key\) is odd"):
            await way.send(ASK)
        await way.close()
    async with served(Server(JSONResponse(completion(message("token-77")))).app) as url:
        way = line(url, entra=await entra())
        assert "token-77" not in str(await way.send(ASK))
        await way.close()


async def test_a_token_that_ran_out_is_worth_one_more_try() -> None:
    async with served(Server(problem(401, "expired", "c")).app) as url:
        way = line(url, entra=await entra())
        again = []
        for _ in range(2):
            with pytest.raises(Trouble) as caught:
                await way.send(ASK)
            again.append(caught.value.again)
        await way.close()
    assert again == [True, False]
