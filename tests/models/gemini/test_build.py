"""What a name and an environment become."""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from google.auth.credentials import Credentials
from google.auth.exceptions import DefaultCredentialsError, RefreshError
from harness.action import Click
from harness.errors import InputError
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.gemini.build import build
from harness.models.vision import VisionModel
from harness.screen import ActionResult, Observation
from harness.testing import blank
from vendors.gemini import KEY, TOKEN, Gemini, answered, called
from vendors.serve import served

SEEN = Observation(screenshot=blank(40, 30), url="https://shop.test/", goal="Buy", step=1)
CALL = answered(called("click", x=500, y=500))


def make(environment: Mapping[str, str], model: str = "gemini-3.5-flash", **more: Any) -> VisionModel:
    given = {"facts": ModelFacts(name=model), "options": ModelOptions(), **more}
    return build(model, Brief("Buy."), environment=environment, **given)


class Token(Credentials):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Credentials that are refreshed when they are asked for."""

    def __init__(self, *tokens: str, expiry: datetime | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tokens = list(tokens)
        self.expiry = expiry
        self.refreshed = 0

    def refresh(self, request: object) -> None:
        del request
        self.refreshed += 1
        if not self._tokens:
            raise RefreshError("the session has ended", retryable=False)  # type: ignore[no-untyped-call]
        self.token = self._tokens.pop(0)


@pytest.mark.parametrize("name", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
async def test_a_key_of_either_name_is_used_and_a_click_comes_back(name: str) -> None:
    server = Gemini([CALL])
    async with served(server) as url:
        model = make({name: KEY, "GOOGLE_GEMINI_BASE_URL": url})
        reply = await model.reply(SEEN)
        await model.close()
    assert (reply.actions, server.refused) == ((Click(x=20, y=15),), [])


async def test_the_version_of_the_api_is_the_environments() -> None:
    paths = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        await Gemini([CALL])(scope, receive, send)

    async with served(app) as url:
        model = make(
            {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url, "GOOGLE_GENAI_API_VERSION": "beta"}
        )
        await model.reply(SEEN)
        await model.close()
    assert paths == ["/v1beta/models/gemini-3.5-flash:generateContent"]


@pytest.mark.parametrize(("thinks", "asked"), [(None, True), (True, True), (False, False)])
async def test_thoughts_are_not_asked_of_a_model_that_has_none(thinks: bool | None, asked: bool) -> None:
    server = Gemini([CALL])
    async with served(server) as url:
        environment = {"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url}
        model = make(environment, facts=ModelFacts(name="m", thinks=thinks))
        await model.reply(SEEN)
        await model.close()
    assert ("thinkingConfig" in str(server.requests[0])) is asked


def test_a_key_that_is_missing_is_named_with_where_to_get_it() -> None:
    with pytest.raises(
        InputError, match=r"set GOOGLE_API_KEY or GEMINI_API_KEY; get one at https://aistudio"
    ):
        make({"GEMINI_API_KEY": " "})


def test_an_sdk_that_is_missing_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.genai", None)
    with pytest.raises(InputError, match=r"pip install 'computer-use-harness\[gemini\]'"):
        make({"GEMINI_API_KEY": KEY})


@pytest.mark.parametrize("model", ["", "../x", "a b", "a?b=c", "a//b", "models/../x"])
def test_what_is_no_name_of_a_model_is_refused(model: str) -> None:
    with pytest.raises(InputError, match="no name of a model"):
        make({"GEMINI_API_KEY": KEY}, model)


def test_a_function_that_the_set_does_not_have_cannot_be_left_out_of_it() -> None:
    with pytest.raises(InputError, match="'click_at' is no function of Gemini's current set"):
        make({"GEMINI_API_KEY": KEY}, excluded=["click_at"])


def vertex(url: str, **more: str) -> dict[str, str]:
    return {"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_VERTEX_BASE_URL": url, **more}


async def test_on_vertex_ai_a_token_is_used_in_the_project_and_location_that_are_named() -> None:
    server = Gemini([CALL], vertex=True)
    async with served(server) as url:
        environment = vertex(url, GOOGLE_CLOUD_PROJECT="shop-1", GOOGLE_CLOUD_LOCATION="europe-west4")
        token = Token(TOKEN)
        model = make(environment, credentials=token)
        line = vars(model)["_line"]
        assert line.secrets() == ()
        await model.ready()
        reply = await model.reply(SEEN)
        assert line.secrets() == (TOKEN,)
        await model.close()
    assert (reply.actions, server.refused, token.refreshed) == ((Click(x=20, y=15),), [], 1)


async def test_a_token_that_has_expired_in_mid_run_is_renewed() -> None:
    server = Gemini([CALL, CALL], vertex=True)
    token = Token(TOKEN, TOKEN, expiry=datetime(2020, 1, 1))  # noqa: DTZ001 - google-auth wants it so
    async with served(server) as url:
        model = make(vertex(url, GOOGLE_CLOUD_PROJECT="shop-1"), credentials=token)
        first = await model.reply(SEEN)
        results = (ActionResult(action=first.actions[0], status="done"),)
        second = await model.reply(SEEN.model_copy(update={"step": 2, "results": results}))
        await model.close()
    assert (len(second.actions), second.failure, server.refused, token.refreshed) == (1, "", [], 2)


async def test_credentials_that_are_not_renewed_end_the_run_and_say_why() -> None:
    server = Gemini([CALL], vertex=True)
    async with served(server) as url:
        model = make(vertex(url, GOOGLE_CLOUD_PROJECT="shop-1"), credentials=Token())
        reply = await model.reply(SEEN)
        await model.close()
    assert "unauthorized" in reply.failure
    assert "the session has ended" in reply.failure
    assert server.requests == []


def test_vertex_ai_without_credentials_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(**_: object) -> None:
        raise DefaultCredentialsError("none here")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", none)
    with pytest.raises(InputError, match="gcloud auth application-default login"):
        make(vertex("http://127.0.0.1:9"))


def test_vertex_ai_without_a_project_asks_for_one() -> None:
    environment = vertex("http://127.0.0.1:9", GOOGLE_CLOUD_LOCATION="global")
    with pytest.raises(InputError, match="set GOOGLE_CLOUD_PROJECT"):
        make(environment, credentials=Token(TOKEN))


async def test_vertex_ai_is_asked_by_key_where_no_project_is_named() -> None:
    heads = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heads.append((scope["path"], dict(scope["headers"]).get(b"x-goog-api-key")))
        scope = {**scope, "path": "/v1/models/m:generateContent"}
        await Gemini([CALL])(scope, receive, send)

    async with served(app) as url:
        model = make(vertex(url, GOOGLE_API_KEY=KEY))
        await model.reply(SEEN)
        await model.close()
    path = "/v1beta1/publishers/google/models/gemini-3.5-flash:generateContent"
    assert heads == [(path, KEY.encode())]
