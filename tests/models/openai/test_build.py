"""What is missing is named, with where to get it, before anything starts."""

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


async def test_what_the_environment_says_of_openai_is_followed() -> None:
    model = openai({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"})
    client = vars(vars(model)["_line"])["_client"]
    assert str(client.sdk.base_url) == "http://127.0.0.1:1/v1/"
    await model.close()


async def test_without_a_key_azure_asks_entra_id_and_can_be_closed_twice() -> None:
    model = azure(AZURE)
    assert vars(vars(model)["_line"])["_client"].entra is not None
    await model.close()
    await model.close()
