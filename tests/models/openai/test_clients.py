"""Clients of the SDK, and what they send."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest
from harness.errors import InputError
from harness.models.entra import Given
from harness.models.openai.clients import Client, at, azure
from harness.models.openai.places import Place, typed, vendor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from vendors.serve import served

AZURE = {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/"}
DATED = "2025-04-01-preview"
OURS = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
THEIRS = "vendors-own"


@pytest.mark.parametrize("version", ["", "v1", "V1", "preview", "latest", " "])
async def test_azure_takes_the_v1_api_unless_a_dated_version_is_named(version: str) -> None:
    made = azure("d", {**AZURE, "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": version}, timeout=1.0)
    assert str(made.sdk.base_url) == "https://me.openai.azure.com/openai/v1/"
    assert type(made.sdk).__name__ == "AsyncOpenAI"
    assert (made.keys, made.entra, made.sdk.max_retries) == (("k",), None, 0)
    await made.close()


async def test_a_dated_version_takes_the_dated_api() -> None:
    made = azure("d", {**AZURE, "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": DATED}, timeout=1.0)
    assert str(made.sdk.base_url) == "https://me.openai.azure.com/openai/"
    assert vars(made.sdk)["_custom_query"] == {"api-version": DATED}
    await made.close()


async def test_azure_without_a_key_takes_a_token_which_is_hidden_once_it_was_given() -> None:
    made = azure("d", {**AZURE, "AZURE_OPENAI_AD_TOKEN": "t"}, timeout=1.0)
    assert made.entra is not None
    assert made.secrets() == ()
    assert await made.entra.token() == "t"
    assert (made.keys, made.secrets()) == ((), ("t",))
    await made.close()
    await made.close()


async def test_a_credential_that_is_given_comes_before_a_key() -> None:
    made = azure("d", {**AZURE, "AZURE_OPENAI_API_KEY": "k"}, timeout=1.0, credential=Given("t"))
    assert (made.keys, made.entra is None) == ((), False)
    await made.close()


def test_a_missing_package_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(InputError, match=r"chat:m .*pip install 'computer-use-harness\[openai\]'"):
        at(typed("http://127.0.0.1:1", {}), "chat:m", timeout=1.0, environment={})
    with pytest.raises(InputError, match=r"azure:d .*pip install 'computer-use-harness\[azure\]'"):
        azure("d", {**AZURE, "AZURE_OPENAI_API_KEY": "k"}, timeout=1.0)


def test_no_key_and_no_identity_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(InputError, match=r"azure:d .*AZURE_OPENAI_API_KEY.*computer-use-harness\[azure\]"):
        azure("d", AZURE, timeout=1.0)


class Listener:
    """Keeps the headers of what it is sent."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.handle, methods=["POST"])])

    async def handle(self, request: Request) -> JSONResponse:
        self.headers.append(dict(request.headers))
        return JSONResponse({})


@pytest.mark.parametrize(
    ("environment", "authorized"),
    [
        ({"AZURE_OPENAI_API_KEY": "k"}, {"api-key": "k"}),
        ({"AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": DATED}, {"api-key": "k"}),
        ({"AZURE_OPENAI_AD_TOKEN": "t"}, {"authorization": "Bearer t"}),
        ({"AZURE_OPENAI_AD_TOKEN": "t", "OPENAI_API_VERSION": DATED}, {"authorization": "Bearer t"}),
        ({"OPENAI_API_KEY": "k"}, {"authorization": "Bearer k"}),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "org", "OPENAI_PROJECT_ID": "project"},
            {"authorization": "Bearer k", "openai-organization": "org", "openai-project": "project"},
        ),
        ({"CHAT_API_KEY": "k", "OPENAI_ORG_ID": "org"}, {"authorization": "Bearer k"}),
    ],
)
async def test_nothing_is_sent_that_the_sdk_finds_by_itself(
    environment: Mapping[str, str], authorized: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        *("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"),
        *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
    ):
        monkeypatch.setenv(name, THEIRS)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {THEIRS}\nx-secret: {THEIRS}")
    listener = Listener()
    async with served(listener.app) as url:
        made = client(url, environment)
        await made.sdk.responses.with_raw_response.create(model="m", input="?")
        await made.sdk.chat.completions.with_raw_response.create(model="m", messages=[])
        await made.close()
    assert THEIRS not in str(listener.headers)
    for sent in listener.headers:
        found = {name: value for name, value in sent.items() if name not in OURS}
        assert {name: one for name, one in found.items() if not name.startswith("x-stainless-")} == authorized


def client(url: str, environment: Mapping[str, str]) -> Client:
    place: Place
    more: dict[str, Any] = {"timeout": 20.0}
    if "CHAT_API_KEY" in environment:
        place = typed(url, environment)
    elif "OPENAI_API_KEY" in environment:
        place = vendor({**environment, "OPENAI_BASE_URL": url}, "openai:m")
    else:
        return azure("m", {**environment, "AZURE_OPENAI_ENDPOINT": url}, **more)
    return at(place, "chat:m", environment=environment, **more)
