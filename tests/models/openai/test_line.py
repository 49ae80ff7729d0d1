"""The vendor's SDK over real HTTP: what comes back as an answer, and what as which trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief, JsonObject, Picture, Seen, Trouble, Turn
from harness.models.faults import LONGEST_BODY
from harness.models.openai.build import build, build_azure
from harness.models.openai.dialect import ResponsesDialect
from harness.models.openai.line import OpenAILine
from harness.models.scaling import Space
from harness.models.vision import VisionModel
from harness.testing import blank
from vendors.openai import Output, Raw, Vendor, message
from vendors.serve import served

KEY = "sk-canary-77"
BRIEF = Brief("Buy a mug")
FACTS = ModelFacts(name="gpt-test")
FILTERED: Any = {
    "error": {
        "code": "content_filter",
        "message": "The response was filtered.",
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"violence": {"filtered": True, "severity": "medium"}},
        },
    }
}


class Fake:
    """A credential whose tokens a test says."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        del scopes, options
        return AccessToken(self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0], 0)

    async def close(self) -> None:
        raise AssertionError("it is not the line's")


def request() -> JsonObject:
    shot = blank(40, 30)
    seen = Seen(1, "Step 1.", Picture(shot.png, (40, 30), Space("pixels", 40, 30, 40, 30)))
    return ResponsesDialect("gpt-test", BRIEF).request([Turn(seen)], ())


def line(model: VisionModel) -> OpenAILine:
    found = vars(model)["_line"]
    assert isinstance(found, OpenAILine)
    return found


@contextlib.asynccontextmanager
async def to(app: Any, *, timeout: float = 30.0) -> AsyncIterator[OpenAILine]:  # noqa: ASYNC109 - of an answer
    async with served(app) as url:
        found = line(openai(url, timeout))
        yield found
        await found.close()
        await found.close()


def openai(url: str, timeout: float = 30.0) -> VisionModel:
    environment = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1"}
    options = ModelOptions(timeout=timeout, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    return build("gpt-test", BRIEF, facts=FACTS, environment=environment, options=options)


def azure(url: str, environment: Mapping[str, str], credential: Fake | None = None) -> OpenAILine:
    environment = {"AZURE_OPENAI_ENDPOINT": url, **environment}
    return line(build_azure("gpt-test", BRIEF, facts=FACTS, environment=environment, credential=credential))


async def trouble(sending: OpenAILine) -> Trouble:
    with pytest.raises(Trouble) as caught:
        await sending.send(request())
    return caught.value


def scripted(*script: Raw | Output) -> Any:
    return Vendor(script=script, keys=(KEY,)).app


async def test_an_answer_is_given_as_the_vendor_wrote_it() -> None:
    async with to(scripted(Output([message("ok")], {"service_tier": "default"}))) as sending:
        answer = await sending.send(request())
    assert isinstance(answer, dict)
    assert (answer["object"], answer["service_tier"], answer["previous_response_id"]) == (
        "response",
        "default",
        None,
    )


@pytest.mark.parametrize(
    ("raw", "fault", "again", "after", "ends"),
    [
        (Raw(429, {"error": {"message": "slow"}}, {"retry-after": "7"}), "rate_limited", True, 7.0, True),
        (
            Raw(429, {"error": {"message": "slow"}}, {"retry-after-ms": "250"}),
            "rate_limited",
            True,
            0.25,
            True,
        ),
        (
            Raw(429, {"error": {"message": "pay"}}, {"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}),
            *("rate_limited", True, 60.0, True),
        ),
        (Raw(429, {"error": {"code": "insufficient_quota"}}), "rate_limited", False, None, True),
        (Raw(500, b"<html>oops"), "server_error", True, None, True),
        (
            Raw(503, {"error": {"message": "x"}}, {"x-should-retry": "false"}),
            "server_error",
            False,
            None,
            True,
        ),
        (Raw(401, {"error": {"message": "token expired"}}), "unauthorized", False, None, True),
        (Raw(403, []), "unauthorized", False, None, True),
        (Raw(400, {"error": {"message": "bad", "code": ["x"]}}), "rejected", False, None, True),
        (Raw(400, FILTERED), "content_filter", False, None, False),
        (Raw(413, b""), "too_large", False, None, True),
        (Raw(307, b"", {"location": "http://127.0.0.1:9/"}), "rejected", False, None, True),
        (Raw(200, b"not json"), "malformed", True, None, False),
        (Raw(200, b""), "malformed", True, None, False),
        (Raw(200, b"[" * 5000), "malformed", True, None, False),
        (Raw(200, b'{"a": NaN}'), "malformed", True, None, False),
        (Raw(200, b"9" * 5000), "malformed", True, None, False),
        (Raw(200, b'"' + b"x" * (LONGEST_BODY + 1) + b'"'), "too_large", False, None, False),
        (Raw(200, b"x" * 10_000_000), "too_large", False, None, False),
        (Raw(200, b"\x1f\x8b broken", {"content-encoding": "gzip"}), "cut_off", True, None, True),
    ],
)
async def test_what_is_no_answer_is_a_named_trouble(
    raw: Raw, fault: str, again: bool, after: float | None, ends: bool
) -> None:
    async with to(scripted(raw)) as sending:
        found = await trouble(sending)
    assert (found.fault, found.again, found.after, found.ends) == (fault, again, after, ends), found


async def test_a_content_filter_is_named_with_category_and_severity() -> None:
    async with to(scripted(Raw(400, FILTERED))) as sending:
        assert "violence (medium)" in str(await trouble(sending))


async def test_a_key_that_is_said_back_is_hidden_and_so_is_half_a_character() -> None:
    body = b'{"error": {"message": "no ' + KEY.encode() + b' here \\ud800"}}'
    async with to(scripted(Raw(400, body), Output([message(f"your key is {KEY}")]))) as sending:
        said = str(await trouble(sending))
        assert KEY not in said
        said.encode()
        assert KEY not in str(await sending.send(request()))


Piece = Mapping[str, Any]


def broken(*pieces: Piece) -> Callable[..., Any]:
    """An application that sends these pieces and then breaks off, or never ends."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope
        await receive()
        for piece in pieces:
            await send(piece)
        if pieces:
            raise ConnectionResetError
        await asyncio.Event().wait()

    return app


HEAD: Sequence[Piece] = (
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]},
    {"type": "http.response.body", "body": b'{"id": ', "more_body": True},
)


async def test_an_answer_that_breaks_off_is_cut_off() -> None:
    async with to(broken(*HEAD)) as sending:
        found = await trouble(sending)
    assert (found.fault, found.again) == ("cut_off", True)


async def test_an_answer_that_does_not_come_is_a_timeout() -> None:
    async with to(broken(), timeout=0.2) as sending:
        found = await trouble(sending)
    assert (found.fault, found.again) == ("timeout", True)


async def test_a_vendor_that_is_not_there_is_a_connection() -> None:
    sending = line(openai("http://127.0.0.1:9"))
    found = await trouble(sending)
    await sending.close()
    assert (found.fault, found.again) == ("connection", True)


@pytest.mark.parametrize("version", ["", "2025-04-01-preview"])
async def test_azure_takes_its_key_in_its_own_header(version: str) -> None:
    vendor = Vendor(script=[Output([message("ok")])], keys=(KEY,))
    async with served(vendor.app) as url:
        sending = azure(url, {"AZURE_OPENAI_API_KEY": KEY, "OPENAI_API_VERSION": version})
        answer = await sending.send(request())
        await sending.close()
    assert isinstance(answer, dict)
    assert "content_filters" in answer
    assert vendor.auth == [KEY]


async def test_a_version_that_is_too_old_is_refused_by_azure() -> None:
    async with served(Vendor(keys=(KEY,)).app) as url:
        sending = azure(url, {"AZURE_OPENAI_API_KEY": KEY, "OPENAI_API_VERSION": "2024-10-21"})
        assert "HTTP 404" in str(await trouble(sending))
        await sending.close()


async def test_a_token_is_got_before_the_first_question_and_that_there_is_none_is_said() -> None:
    class Nobody(Fake):
        async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise OSError(f"nobody is signed in for {scopes}{options}")

    async with served(Vendor().app) as url:
        there, keyed = azure(url, {}, Fake("t1")), azure(url, {"AZURE_OPENAI_API_KEY": KEY})
        await there.ready()
        await keyed.ready()
        assert (there.secrets(), keyed.secrets()) == (("t1",), (KEY,))
        nobody = azure(url, {}, Nobody())
        with pytest.raises(Trouble, match="OSError: nobody is signed in"):
            await nobody.ready()
        for one in (there, keyed, nobody):
            await one.close()


@pytest.mark.parametrize("version", ["", "2025-04-01-preview"])
async def test_each_request_to_azure_carries_the_token_of_the_moment(version: str) -> None:
    vendor = Vendor(script=[Output([message("ok")])] * 2, tokens=("t1", "t2"))
    async with served(vendor.app) as url:
        sending = azure(url, {"OPENAI_API_VERSION": version}, Fake("t1", "t2"))
        await sending.send(request())
        await sending.send(request())
        await sending.close()
    assert vendor.auth == ["Bearer t1", "Bearer t2"]


async def test_a_token_from_the_environment_is_taken() -> None:
    vendor = Vendor(script=[Output([message("ok")])], tokens=("t1",))
    async with served(vendor.app) as url:
        sending = azure(url, {"AZURE_OPENAI_AD_TOKEN": "t1"})
        await sending.send(request())
        await sending.close()
    assert vendor.auth == ["Bearer t1"]


async def test_an_expired_token_gets_one_fresh_token_and_one_more_attempt() -> None:
    vendor = Vendor(script=[Output([message("ok")])], tokens=("t3",))
    async with served(vendor.app) as url:
        sending = azure(url, {}, Fake("t1", "t2", "t3", "t4"))
        first, second = await trouble(sending), await trouble(sending)
        await sending.send(request())
        third = await trouble(sending)
        await sending.close()
    assert [(one.fault, one.again) for one in (first, second, third)] == [
        ("unauthorized", True),
        ("unauthorized", False),
        ("unauthorized", True),
    ]
    assert first.after == 0
    assert vendor.auth == ["Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4"]


async def test_a_token_that_is_said_back_is_hidden() -> None:
    body = b'{"error": {"message": "bad token tok-canary"}}'
    vendor = Vendor(script=[Raw(403, body)], tokens=("tok-canary",))
    async with served(vendor.app) as url:
        sending = azure(url, {}, Fake("tok-canary"))
        assert "tok-canary" not in str(await trouble(sending))
        await sending.close()
