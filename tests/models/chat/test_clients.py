"""Clients of the SDK."""

import sys
import threading

import pytest
from harness.errors import InputError
from harness.models.chat.clients import Threaded, at, azure
from harness.models.chat.places import typed
from harness.models.openai.entra import SCOPE, Entra


class Blocking:
    """A credential that blocks."""

    token = "a"
    closed = False

    def get_token(self, *scopes: str, **options: object) -> "Blocking":
        assert scopes == (SCOPE,), options
        assert threading.current_thread() is not threading.main_thread()
        return self

    def close(self) -> None:
        self.closed = True


async def test_a_credential_that_blocks_is_asked_in_a_thread() -> None:
    credential = Blocking()
    entra = Entra(Threaded(credential), owned=True)
    assert await entra.token() == "a"
    await entra.close()
    assert credential.closed


async def test_azure_takes_the_v1_api_unless_a_dated_version_is_named() -> None:
    env = {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/", "AZURE_OPENAI_API_KEY": "k"}
    one = azure("d", env, timeout=1.0)
    other = azure("d", {**env, "OPENAI_API_VERSION": "2024-10-21"}, timeout=1.0)
    assert str(one.sdk.base_url) == "https://me.openai.azure.com/openai/v1/"
    assert type(one.sdk).__name__ == "AsyncOpenAI"
    assert type(other.sdk).__name__ == "AsyncAzureOpenAI"
    assert (one.keys, one.entra, one.sdk.max_retries) == (("k",), None, 0)
    await one.sdk.close()
    await other.sdk.close()


async def test_azure_without_a_key_takes_a_token() -> None:
    env = {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com", "AZURE_OPENAI_AD_TOKEN": "t"}
    made = azure("d", env, timeout=1.0)
    assert made.entra is not None
    assert await made.entra.token() == "t"
    assert made.keys == ()
    await made.sdk.close()


@pytest.mark.parametrize(
    "endpoint", ["", "me.openai.azure.com", "http://me.openai.azure.com", "https://a:b@me.test"]
)
def test_an_endpoint_that_cannot_be_meant_is_refused(endpoint: str) -> None:
    with pytest.raises(InputError):
        azure("d", {"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_KEY": "k"}, timeout=1.0)


def test_a_missing_package_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(InputError, match=r"pip install 'computer-use-harness\[openai\]'"):
        at(typed("http://127.0.0.1:1", {}), timeout=1.0, environment={})


def test_no_key_and_no_identity_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(InputError, match=r"AZURE_OPENAI_API_KEY.*computer-use-harness\[azure\]"):
        azure("d", {"AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com"}, timeout=1.0)
