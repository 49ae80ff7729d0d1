"""What is missing is named, with where to get it, before anything starts."""

import sys
from collections.abc import Mapping
from typing import Any

import pytest
from harness.errors import InputError
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.openai.build import build, build_azure
from harness.models.vision import VisionModel

BRIEF = Brief("Buy a mug")
AZURE = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com"}


def openai(environment: Mapping[str, str]) -> VisionModel:
    return build("gpt-test", BRIEF, facts=ModelFacts(name="gpt-test"), environment=environment)


def azure(environment: Mapping[str, str], **more: Any) -> VisionModel:
    return build_azure("cua", BRIEF, facts=ModelFacts(name="cua"), environment=environment, **more)


def client(model: VisionModel) -> Any:
    return vars(vars(model)["_line"])["_client"]


def test_a_missing_key_is_named_with_where_to_get_one() -> None:
    with pytest.raises(
        InputError, match=r"openai:gpt-test needs a key: set OPENAI_API_KEY; .*platform\.openai"
    ):
        openai({})


def test_a_missing_endpoint_is_named() -> None:
    with pytest.raises(
        InputError, match=r"azure:cua needs the resource's address: set AZURE_OPENAI_ENDPOINT"
    ):
        azure({"AZURE_OPENAI_API_KEY": "k"})


@pytest.mark.parametrize("endpoint", ["r.openai.azure.com", "https://", "ftp://r.openai.azure.com"])
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(InputError, match="write it as https://"):
        azure({"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_KEY": "k"})


def test_a_missing_package_is_named_with_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(InputError, match=r"pip install 'computer-use-harness\[openai\]'"):
        openai({"OPENAI_API_KEY": "k"})
    with pytest.raises(InputError, match=r"pip install 'computer-use-harness\[azure\]'"):
        azure({**AZURE, "AZURE_OPENAI_API_KEY": "k"})


def test_without_a_key_and_without_azure_identity_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity.aio", None)
    with pytest.raises(InputError, match=r"set AZURE_OPENAI_API_KEY, or pip install"):
        azure(AZURE)


async def test_without_a_key_azure_asks_entra_id() -> None:
    model = azure(AZURE)
    credential = vars(vars(vars(model)["_line"])["_entra"])["_credential"]
    assert type(credential).__name__ == "DefaultAzureCredential"
    await model.close()
    await model.close()


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://r.openai.azure.com",
        "https://r.openai.azure.com/",
        "https://r.openai.azure.com/openai/v1/",
        "https://r.openai.azure.com/openai",
    ],
)
async def test_an_endpoint_may_be_written_in_each_of_its_forms(endpoint: str) -> None:
    model = azure({"AZURE_OPENAI_ENDPOINT": endpoint, "AZURE_OPENAI_API_KEY": "k"})
    assert str(client(model).base_url) == "https://r.openai.azure.com/openai/v1/"
    await model.close()


async def test_a_dated_version_takes_the_dated_api() -> None:
    environment = {**AZURE, "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": "2025-04-01-preview"}
    model = azure(environment)
    assert str(client(model).base_url) == "https://r.openai.azure.com/openai/"
    assert client(model).default_query == {"api-version": "2025-04-01-preview"}
    await model.close()


async def test_azure_is_not_told_what_is_for_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project")
    for version in ("", "2025-04-01-preview"):
        model = azure({**AZURE, "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": version})
        assert {"OpenAI-Organization", "OpenAI-Project"}.isdisjoint(
            name for name, value in client(model).default_headers.items() if isinstance(value, str)
        )
        await model.close()


async def test_what_the_environment_says_of_openai_is_followed_and_nothing_is_retried() -> None:
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_ORG_ID": "org"}
    model = openai(environment)
    assert str(client(model).base_url) == "http://127.0.0.1:1/v1/"
    assert (client(model).organization, client(model).max_retries) == ("org", 0)
    await model.close()
