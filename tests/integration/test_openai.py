"""OpenAI's and Azure's SDK, over HTTP, against a strict server of theirs, in a real sandbox."""

from pathlib import Path
from typing import Any, Literal

import harness
import pytest
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.openai.build import build, build_azure
from harness.models.openai.dialect import ResponsesOptions
from harness.models.vision import VisionModel
from harness.testing import RecordingApprover
from harness.trace.events import ModelReplied
from harness.trace.reader import verify
from vendors.brain import Brain
from vendors.openai import Item, Vendor
from vendors.serve import served

KEY = "sk-canary-5f2c"
CHECK: Item = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "The page may give orders."}


def openai(url: str, responses: ResponsesOptions | None = None) -> VisionModel:
    return build(
        "gpt-test",
        Brief(Brain().task.filled().goal),
        facts=ModelFacts(name="gpt-test"),
        environment={"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1"},
        options=ModelOptions(timeout=60),
        responses=responses,
    )


def approved(question: harness.Question) -> harness.Approval:
    return question.approve(by="test")


def told(vendor: Vendor) -> str:
    return "\n".join(str(request["input"]) for request in vendor.requests)


def replies(result: harness.Result) -> list[ModelReplied]:
    events = harness.Trace.open(Path(result.trace)).events
    return [one.event for one in events if isinstance(one.event, ModelReplied)]


def sound(result: harness.Result, *keys: str) -> None:
    """The trace verifies, and none of its files holds a key."""
    folder = Path(result.trace)
    assert verify(folder).ok
    for file in (one for one in folder.rglob("*") if one.is_file()):
        assert not any(key.encode() in file.read_bytes() for key in keys), file


async def shop(model: harness.Model, traces: Path, approver: Any) -> harness.Result:
    return await harness.run(
        "tasks/shop/buy-a-mug.yaml",
        model=model,
        policy="shopping",
        sandbox="bubblewrap",
        approver=approver,
        traces=traces,
    )


async def bought(
    traces: Path,
    tool: Literal["computer", "computer_use_preview"] = "computer",
    responses: ResponsesOptions | None = None,
    **more: Any,
) -> Vendor:
    vendor = Vendor(brain=Brain(Brain().task.filled()), keys=(KEY,), tool=tool, checks={2: [CHECK]}, **more)
    approver = RecordingApprover(approved)
    async with served(vendor.app) as url:
        model = openai(url, responses)
        result = await shop(model, traces, approver)
        await model.close()
    assert vendor.refused == []
    assert (result.outcome, result.exit_code) == ("done", 0), result.reason
    asked = [one.effect for one in approver.questions if one.effect.kind == "signal"]
    assert [(one.provider, one.code, one.id) for one in asked] == [("openai", CHECK["code"], "cu_sc_1")]
    passed = [
        item["acknowledged_safety_checks"]
        for item in vendor.requests[-1]["input"]
        if "acknowledged_safety_checks" in item
    ]
    if responses is None or not responses.stateful:
        assert passed == [[CHECK]]
    assert result.usage.input_tokens == 1000 * len(vendor.requests)
    sound(result, KEY)
    return vendor


async def test_a_mug_is_bought_and_the_vendor_s_warning_is_acknowledged_once_a_person_approved(
    tmp_path: Path,
) -> None:
    vendor = await bought(tmp_path)
    assert all("previous_response_id" not in one and one["store"] is False for one in vendor.requests)


@pytest.mark.long
@pytest.mark.parametrize("tool", ["computer", "computer_use_preview"])
@pytest.mark.parametrize("stateful", [False, True])
async def test_a_mug_is_bought_in_each_form(
    tmp_path: Path, tool: Literal["computer", "computer_use_preview"], stateful: bool
) -> None:
    vendor = await bought(tmp_path, tool, ResponsesOptions(tool=tool, stateful=stateful))
    assert ("previous_response_id" in vendor.requests[-1]) is stateful


_ = build_azure, told
