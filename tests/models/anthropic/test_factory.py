"""From a name and the environment to a model that answers; without the SDK, to what to type."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from harness.action import Click
from harness.errors import InputError
from harness.models.anthropic.factory import build, known
from harness.models.anthropic.tools import Provider
from harness.models.assemble import ModelOptions
from harness.models.base import Foresighted
from harness.models.catalogue import Catalogue, ModelFacts
from harness.models.dialect import Brief
from harness.models.vision import VisionModel
from harness.screen import ActionResult, Observation
from harness.testing import blank
from vendors.anthropic import KEY, Server, answered, scripted
from vendors.serve import served


def made(environment: Mapping[str, str], **more: Any) -> VisionModel:
    facts, options = ModelFacts(name="claude-opus-5-5"), ModelOptions()
    brief = Brief("Buy a mug.")
    return build("claude-opus-5-5", brief, facts=facts, environment=environment, options=options, **more)


def seen(step: int, *results: ActionResult) -> Observation:
    return Observation(
        screenshot=blank(40, 30), url="https://shop.test/", goal="Buy a mug.", step=step, results=results
    )


async def test_a_conversation_of_two_turns() -> None:
    click = {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "left_click",
        "toolset_name": "computer",
        "caller": {"type": "direct"},
        "input": {"coordinate": [5, 6]},
    }
    words = answered([{"type": "text", "text": f"It is done, {KEY}."}])
    server = Server(scripted([click], words))
    async with served(server.app) as base:
        model = made({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base})
        assert isinstance(model, Foresighted)
        first = await model.reply(seen(1))
        second = await model.reply(seen(2, ActionResult(action=Click(x=5, y=6), status="done")))
        await model.close()
    assert first.actions == (Click(x=5, y=6),)
    assert first.usage.input_tokens == 1240
    assert second.actions[0].kind == "answer"
    assert server.refused == []
    assert KEY not in str(second.raw)
    assert server.asked[1].results[0]["toolset_name"] == "computer"


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "bedrock-mantle", "vertex", "foundry"])
def test_each_platform_has_the_tool_that_its_newest_models_know(provider: Provider) -> None:
    newest = "computer_toolset_20260801" if provider in ("anthropic", "vertex") else "computer_20251124"
    assert known("x", ModelFacts(name="x"), provider) == newest


def test_the_catalogue_says_which_tool_a_model_knows_where() -> None:
    facts = Catalogue.load().find("claude-sonnet-4-5")
    assert known("claude-sonnet-4-5", facts, "anthropic") == "computer_20250124"
    facts = ModelFacts(
        name="x", speaks="computer_toolset_20260801", speaks_on={"bedrock": "computer_20251124"}
    )
    assert known("x", facts, "vertex") == "computer_toolset_20260801"
    assert known("x", facts, "bedrock-mantle") == "computer_20251124"


def test_a_model_without_a_computer_tool_is_refused() -> None:
    with pytest.raises(InputError, match="none of Anthropic's computer tools"):
        known("x", ModelFacts(name="x", speaks="functions"), "anthropic")


async def test_the_tool_may_be_chosen() -> None:
    server = Server(scripted([{"type": "text", "text": "ok"}]))
    async with served(server.app) as base:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": base}
        model = made(env, tool="computer_20250124", thinking={"type": "enabled", "budget_tokens": 1024})
        await model.reply(seen(1))
        await model.close()
    assert server.asked[0].tool["type"] == "computer_20250124"
    assert server.asked[0].body["thinking"] == {"type": "enabled", "budget_tokens": 1024}


def test_a_missing_key_is_named_before_anything_starts() -> None:
    with pytest.raises(InputError, match="set ANTHROPIC_API_KEY"):
        made({})


@pytest.mark.parametrize(
    ("provider", "package", "extra"),
    [
        ("anthropic", "anthropic", "anthropic"),
        ("foundry", "anthropic", "anthropic"),
        ("bedrock", "anthropic", "bedrock"),
        ("vertex", "google.auth", "vertex"),
    ],
)
def test_a_missing_package_is_named_with_what_to_type(
    provider: Provider, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("clients", "line"):
        monkeypatch.delitem(sys.modules, f"harness.models.anthropic.{name}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match="needs more packages") as caught:
        made({}, provider=provider)
    assert f"type `pip install 'computer-use-harness[{extra}]'`" in str(caught.value)


def test_the_sdk_is_not_loaded_until_a_model_is_made() -> None:
    code = "import harness, harness.models.anthropic.factory, harness.models.anthropic.dialect, sys;"
    code += "print([m for m in sys.modules if m.split('.')[0] in {'anthropic', 'httpx2', 'boto3', 'google'}])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
