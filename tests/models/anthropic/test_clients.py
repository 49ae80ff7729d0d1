"""Each platform's real client against the strict server, and what is said where something is missing."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from harness.errors import InputError
from harness.models.anthropic.clients import FOUNDRY, Dialled, dial
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.line import AnthropicLine
from harness.models.anthropic.tools import Provider, Tool, betas
from harness.models.dialect import Brief, Picture, Seen, Trouble, Turn
from harness.models.scaling import Space
from harness.testing import blank
from vendors.anthropic import KEY, Server, answered, scripted
from vendors.serve import served

WORDS = answered([{"type": "text", "text": "ok"}])
AMAZON = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_REGION": "eu-west-1"}


def service_account(folder: Path, base: str) -> str:
    """A key file of Google's form, whose tokens come from this machine."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "key.json"
    account = {
        "type": "service_account",
        "project_id": "a-project",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "harness@a-project.iam.gserviceaccount.com",
        "token_uri": f"{base}/token",
    }
    file.write_text(json.dumps(account))
    return str(file)


def request(tool: Tool) -> Any:
    dialect = AnthropicDialect("claude-opus-5-5", Brief("Buy."), tool=tool, output_tokens=100)
    picture = Picture(blank(40, 30).png, (40, 30), Space("pixels", 40, 30, 40, 30))
    return dialect.request([Turn(Seen(1, "Step 1.", picture))], (0,))


def lined(dialled: Dialled, tool: Tool) -> AnthropicLine:
    return AnthropicLine(
        dialled.client,
        betas=betas(tool),
        timeout=20,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        unreached=dialled.unreached,
        unauthorized=dialled.unauthorized,
        tokens=dialled.tokens,
        entra=dialled.entra,
    )


async def said(provider: Provider, tool: Tool, environment: Mapping[str, str], **more: Any) -> Any:
    line = lined(dial(provider, "claude-opus-5-5", environment, 20, **more), tool)
    try:
        return await line.send(request(tool))
    finally:
        await line.close()


@pytest.mark.parametrize("tool", ["computer_20251124", "computer_toolset_20260801"])
@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
async def test_the_api_with_a_key_or_a_token(name: str, tool: Tool) -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        assert await said("anthropic", tool, {name: KEY, "ANTHROPIC_BASE_URL": base}) == WORDS
    assert server.refused == []


@pytest.mark.parametrize("tool", ["computer_20250124", "computer_20251124"])
async def test_foundry_with_a_key(tool: Tool) -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        env = {"ANTHROPIC_FOUNDRY_API_KEY": KEY, "ANTHROPIC_FOUNDRY_BASE_URL": f"{base}/anthropic/"}
        assert await said("foundry", tool, env) == WORDS
    assert server.paths == ["/anthropic/v1/messages"]


class Entra:
    """A credential that gives these tokens in turn, and then fails."""

    def __init__(self, *tokens: str) -> None:
        self.token = ""
        self._tokens = list(tokens)

    async def get_token(self, *scopes: str, **options: Any) -> "Entra":
        assert scopes == (FOUNDRY,), options
        if not self._tokens:
            raise OSError("az is not signed in")
        self.token = self._tokens.pop(0)
        return self

    async def close(self) -> None:
        raise AssertionError("what is not ours is not closed")


async def test_foundry_with_an_entra_token_that_is_asked_for_each_time() -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        env = {"ANTHROPIC_FOUNDRY_BASE_URL": f"{base}/anthropic/"}
        assert await said("foundry", "computer_20251124", env, credential=Entra(KEY)) == WORDS


async def test_foundry_gets_one_more_token_where_one_has_run_out_and_tokens_are_hidden() -> None:
    server = Server(scripted(WORDS, WORDS))
    async with served(server.app) as base:
        env = {"ANTHROPIC_FOUNDRY_BASE_URL": f"{base}/anthropic/"}
        credential = Entra(KEY, "odd", "odder")
        line = lined(dial("foundry", "m", env, 20, credential), "computer_20251124")
        await line.ready()
        assert line.secrets() == (KEY,)
        assert await line.send(request("computer_20251124")) == WORDS
        assert line.secrets() == (KEY,)
        again = []
        for _ in range(2):
            with pytest.raises(Trouble) as caught:
                await line.send(request("computer_20251124"))
            again.append((caught.value.fault, caught.value.again, caught.value.after))
        await line.close()
    assert again == [("unauthorized", True, 0.0), ("unauthorized", False, None)]


async def test_an_entra_token_that_cannot_be_had_is_named_beforehand_and_when_it_is_asked_for() -> None:
    env = {"ANTHROPIC_FOUNDRY_BASE_URL": "http://127.0.0.1:9/"}
    words = "no token: OSError: az is not signed in; set ANTHROPIC_FOUNDRY_API_KEY"
    with pytest.raises(Trouble, match=words) as caught:
        await said("foundry", "computer_20251124", env, credential=Entra())
    assert caught.value.fault == "unauthorized"
    line = lined(dial("foundry", "m", env, 20, Entra()), "computer_20251124")
    with pytest.raises(Trouble, match=words):
        await line.ready()
    await line.close()


@pytest.mark.parametrize("tool", ["computer_20250124", "computer_20251124", "computer_toolset_20260801"])
async def test_bedrock_is_signed_and_says_model_and_betas_in_its_own_places(tool: Tool) -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        env = {**AMAZON, "ANTHROPIC_BEDROCK_BASE_URL": base}
        assert await said("bedrock", tool, env) == WORDS
    assert server.paths == ["/model/claude-opus-5-5/invoke"]


async def test_bedrocks_newer_messages_take_a_bearer() -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        env = {
            "AWS_BEARER_TOKEN_BEDROCK": KEY,
            "AWS_REGION": "eu-west-1",
            "ANTHROPIC_BEDROCK_MANTLE_BASE_URL": base,
        }
        assert await said("bedrock-mantle", "computer_20251124", env) == WORDS
    assert server.paths == ["/v1/messages"]


@pytest.mark.parametrize("tool", ["computer_20251124", "computer_toolset_20260801"])
async def test_vertex_fetches_a_token_and_says_the_model_in_the_path(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(scripted(WORDS))
    async with served(server.app) as base:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, base))
        env = {
            "CLOUD_ML_REGION": "europe-west1",
            "ANTHROPIC_VERTEX_BASE_URL": f"{base}/v1",
        }
        line = lined(dial("vertex", "claude-opus-5-5", env, 20), tool)
        await line.ready()
        assert line.secrets() == ()
        assert await line.send(request(tool)) == WORDS
        (token,) = line.secrets()
        await line.close()
    assert server.headers[-1]["authorization"] == f"Bearer {token}"
    assert server.tokens == 1
    assert server.paths[-1].endswith("/models/claude-opus-5-5:rawPredict")


async def test_those_who_give_tokens_are_asked_again_where_they_are_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = service_account(tmp_path, "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
    with pytest.raises(Trouble, match="no credentials yet") as caught:
        await said("vertex", "computer_20251124", {"CLOUD_ML_REGION": "europe-west1"})
    assert (caught.value.fault, caught.value.again) == ("connection", True)


async def test_a_token_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(scripted())
    async with served(server.app) as base:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", service_account(tmp_path, f"{base}/nowhere"))
        env = {
            "CLOUD_ML_REGION": "europe-west1",
        }
        with pytest.raises(Trouble, match="no credentials") as caught:
            await said("vertex", "computer_20251124", env)
    assert caught.value.fault == "unauthorized"


@pytest.mark.parametrize(
    ("provider", "environment", "said"),
    [
        (
            "anthropic",
            {},
            "set ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN; get one at https://platform.claude",
        ),
        ("anthropic", {"ANTHROPIC_API_KEY": "  "}, "set ANTHROPIC_API_KEY"),
        ("foundry", {}, "set ANTHROPIC_FOUNDRY_RESOURCE"),
        ("bedrock", {}, "set AWS_REGION"),
        ("bedrock-mantle", {}, "set AWS_REGION"),
        ("bedrock", {"AWS_REGION": "eu-west-1"}, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("bedrock", {"AWS_REGION": "eu-west-1", "AWS_PROFILE": "nobody"}, "AWS credentials cannot be read"),
        ("vertex", {}, "set CLOUD_ML_REGION"),
        (
            "vertex",
            {"CLOUD_ML_REGION": "global"},
            "type `gcloud auth application-default login`, or set GOOGLE_",
        ),
    ],
)
def test_what_is_missing_is_named_with_where_to_get_it(
    provider: Provider,
    environment: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file")
    with pytest.raises(InputError) as caught:
        dial(provider, "claude-opus-5-5", environment, 20)
    assert said in str(caught.value)
    assert f"--model {provider}:claude-opus-5-5" in str(caught.value)


def test_a_resource_is_made_into_its_address() -> None:
    env = {"ANTHROPIC_FOUNDRY_API_KEY": KEY, "ANTHROPIC_FOUNDRY_RESOURCE": "mine"}
    dialled = dial("foundry", "claude-opus-5-5", env, 20)
    assert str(dialled.client.base_url) == "https://mine.services.ai.azure.com/anthropic/"
    assert dialled.keys == (KEY,)


def test_secret_keys_are_handed_on_to_be_hidden() -> None:
    env = {**AMAZON, "AWS_SESSION_TOKEN": "session"}
    assert dial("bedrock", "claude-opus-5-5", env, 20).keys == ("canary", "session")
