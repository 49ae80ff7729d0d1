from pathlib import Path

import pytest
from harness.errors import InputError
from harness.models.base import Ready
from harness.models.choose import EXAMPLES, FAMILIES, ModelName, find, read_name
from harness.models.dialect import Brief

BRIEF = Brief("Buy a mug")
SERVER = "http://127.0.0.1:9/v1"
KEYS = {
    "OPENAI_API_KEY": "k",
    "ANTHROPIC_API_KEY": "k",
    "GEMINI_API_KEY": "k",
    "AZURE_OPENAI_API_KEY": "k",
    "AZURE_OPENAI_ENDPOINT": "https://x.openai.azure.com",
    "AWS_ACCESS_KEY_ID": "k",
    "AWS_SECRET_ACCESS_KEY": "k",
    "AWS_REGION": "us-east-1",
    "ANTHROPIC_FOUNDRY_API_KEY": "k",
    "ANTHROPIC_FOUNDRY_RESOURCE": "x",
}


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("openai:gpt-5.4", ModelName("openai", "gpt-5.4", "gpt-5.4")),
        ("azure:mine", ModelName("azure", "mine", "mine")),
        ("azure:mine=gpt-4o", ModelName("azure", "mine", "gpt-4o")),
        (
            "bedrock:us.anthropic.claude-opus-5-v1:0",
            ModelName("bedrock", "us.anthropic.claude-opus-5-v1:0", "us.anthropic.claude-opus-5-v1:0"),
        ),
        ("vertex:claude-x@20250929", ModelName("vertex", "claude-x@20250929", "claude-x@20250929")),
        (f"chat:a/b:7b@{SERVER}", ModelName("chat", "a/b:7b", "a/b:7b", SERVER)),
        (f"fara:fara-7b@{SERVER}", ModelName("fara", "fara-7b", "fara-7b", SERVER)),
    ],
)
def test_a_name_is_read(name: str, read: ModelName) -> None:
    assert read_name(name) == read


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt", "no model is called 'gpt'; such as openai:gpt-5.4"),
        ("opnai:gpt-5.4", "did you mean openai:gpt-5.4?"),
        ("humn", "did you mean human?"),
        ("openai", "which model"),
        ("openai:", "which model"),
        ("azure:mine=", "which model"),
        ("openai:a=b", "only azure and foundry have deployments"),
        (f"openai:a@{SERVER}", f"use chat:a@{SERVER}"),
        ("fara:fara-7b", "where is its server"),
    ],
)
def test_a_name_that_cannot_be_meant_says_what_to_write(name: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_name(name)
    assert said in str(caught.value)


def test_every_family_has_an_example_that_can_be_read() -> None:
    assert set(EXAMPLES) == set(FAMILIES)
    for family, example in EXAMPLES.items():
        assert read_name(example.split(",")[0]).family == family


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-5.4",
        "openai:computer-use-preview",
        "openai:gpt-4o",
        "openai:nobody-knows-it",
        "azure:mine=gpt-5.4",
        "azure:mine=gpt-4o",
        "anthropic:claude-sonnet-5",
        "anthropic:claude-nobody-knows-it",
        "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "foundry:mine=claude-sonnet-5",
        "gemini:gemini-3.5-flash",
        "gemini:gemini-3-flash-preview",
        "chat:gpt-4o",
        f"chat:qwen3@{SERVER}",
        f"ui-tars:ui-tars-1.5-7b@{SERVER}",
        f"qwen-vl:qwen2.5-vl-7b-instruct@{SERVER}",
        f"fara:fara-7b@{SERVER}",
    ],
)
async def test_every_name_makes_a_model_and_asks_nobody(name: str) -> None:
    model = find(name, BRIEF, environment=KEYS)
    await model.close()


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("openai:gpt-5.4", "OPENAI_API_KEY"),
        ("openai:gpt-4o", "OPENAI_API_KEY"),
        ("azure:mine", "AZURE_OPENAI_ENDPOINT"),
        ("anthropic:claude-sonnet-5", "ANTHROPIC_API_KEY"),
        ("gemini:gemini-3.5-flash", "GEMINI_API_KEY"),
    ],
)
def test_a_missing_key_is_named(name: str, variable: str) -> None:
    with pytest.raises(InputError, match=variable):
        find(name, BRIEF, environment={})


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("azure:mine=gpt-5.4", "AZURE_OPENAI_ENDPOINT"),
        ("azure:mine=gpt-4o", "AZURE_OPENAI_ENDPOINT"),
        ("foundry:mine=claude-sonnet-5", "ANTHROPIC_FOUNDRY_RESOURCE"),
    ],
)
async def test_without_a_key_it_is_entra_id_that_is_asked_later(name: str, variable: str) -> None:
    model = find(name, BRIEF, environment={variable: KEYS[variable]})
    assert isinstance(model, Ready)
    await model.close()


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        (f"ui-tars:ui-tars-7b-dpo@{SERVER}", "thousandths"),
        (f"ui-tars:ui-tars-1.5-7b@{SERVER}", "pixels"),
        (f"ui-tars:mine@{SERVER}", "pixels"),
        (f"qwen-vl:qwen2.5-vl-7b-instruct@{SERVER}", "pixels"),
        (f"qwen-vl:mine@{SERVER}", "thousandths"),
        (f"fara:fara-7b@{SERVER}", "pixels"),
        (f"fara:mine@{SERVER}", "thousandths"),
    ],
)
async def test_an_open_model_counts_as_its_version_does_and_an_unknown_one_as_the_newest(
    name: str, dialect: str
) -> None:
    model = find(name, BRIEF, environment={})
    assert vars(vars(model)["_dialect"])["space"] == dialect
    await model.close()


def test_a_model_without_a_computer_tool_is_refused_where_there_is_no_other_way() -> None:
    with pytest.raises(InputError, match="use a model with a computer tool"):
        find("gemini:gemini-2.5-pro", BRIEF, environment=KEYS)


async def test_the_users_own_file_says_what_a_model_costs(tmp_path: Path) -> None:
    name = f"chat:mine@{SERVER}"
    unknown = find(name, BRIEF, environment={})
    file = tmp_path / "models.yaml"
    file.write_text("models:\n  mine: {speaks: json, price: {input: 0, output: 0, source: my own machine}}\n")
    known = find(name, BRIEF, environment={}, catalogue=file)
    assert (unknown.facts.price, known.facts.price is None) == (None, False)
    for one in (unknown, known):
        await one.close()
