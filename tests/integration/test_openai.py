"""OpenAI's and Azure's SDK, over HTTP, against a strict server of theirs, in a real sandbox."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import harness
import pytest
from azure.core.credentials import AccessToken
from harness.clearance import Target
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.openai.build import build, build_azure
from harness.models.openai.dialect import ResponsesOptions
from harness.models.retry import Retry
from harness.models.vision import VisionModel
from harness.testing import FakeSandbox, RecordingApprover
from harness.trace.events import Acted, ModelReplied
from harness.trace.reader import verify
from pydantic import JsonValue
from vendors.brain import TASK, Brain
from vendors.openai import Item, Output, Raw, Vendor, computer, message, thought
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
    return json.dumps([request["input"] for request in vendor.requests])


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
        TASK,
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
        for request in vendor.requests
        for item in request["input"]
        if "acknowledged_safety_checks" in item
    ]
    assert passed
    assert all(one == [CHECK] for one in passed)
    assert result.usage.input_tokens == 1000 * len(vendor.requests)
    sound(result, KEY)
    return vendor


@pytest.mark.long
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


@pytest.mark.long
@pytest.mark.parametrize("version", ["", "2025-04-01-preview"])
async def test_a_mug_is_bought_on_azure_with_a_token_for_each_request(tmp_path: Path, version: str) -> None:
    tokens = [f"tok-canary-{number}" for number in range(100)]
    vendor = Vendor(brain=Brain(Brain().task.filled()), models=("my-deployment",), tokens=tokens)
    async with served(vendor.app) as url:
        model = build_azure(
            "my-deployment",
            Brief(Brain().task.filled().goal),
            facts=ModelFacts(name="gpt-test"),
            environment={"AZURE_OPENAI_ENDPOINT": url, "OPENAI_API_VERSION": version},
            credential=Tokens(*tokens),
        )
        result = await shop(model, tmp_path, "auto")
        await model.close()
    assert (result.outcome, vendor.refused) == ("done", [])
    assert vendor.auth == [f"Bearer {token}" for token in tokens[: len(vendor.auth)]]
    sound(result, "tok-canary")


def short() -> harness.Task:
    return harness.Task(name="t", goal="Look around.", start="https://shop.test/")


async def run(model: harness.Model, traces: Path, approver: Any = "auto") -> harness.Result:
    result = await harness.run(
        short(),
        model=model,
        policy="shopping",
        sandbox=FakeSandbox(Target(role="link", name="Mugs")),
        approver=approver,
        traces=traces,
    )
    sound(result, KEY, "tok-canary")
    return result


CLICK: Item = {"type": "click", "x": 5, "y": 6, "button": "left"}
DONE = Output([message("I looked around.", phase="final_answer")])


@pytest.mark.parametrize("stateful", [False, True])
async def test_a_warning_that_is_not_approved_is_not_acknowledged_the_model_is_told_and_the_run_goes_on(
    tmp_path: Path, stateful: bool
) -> None:
    script = [
        Output([thought("First."), computer({"type": "screenshot"})]),
        Output([thought("Then."), computer(CLICK)]),
        Output([thought("Otherwise."), computer({"type": "wait"})]),
        DONE,
    ]
    vendor = Vendor(script=script, keys=(KEY,), checks={2: [CHECK]})
    async with served(vendor.app) as url:
        model = openai(url, ResponsesOptions(stateful=stateful))
        result = await run(model, tmp_path, "deny")
        await model.close()
    assert vendor.refused == []
    assert result.outcome == "done"
    assert "acknowledged_safety_checks" not in told(vendor)
    assert (
        "Your computer call was not done in full: refused by the rule 'vendor warnings need a person'"
        in told(vendor)
    )
    assert [one.actions[0].kind for one in replies(result)] == ["screenshot", "click", "wait", "answer"]
    acted = [one.event for one in harness.Trace.open(Path(result.trace)).events]
    assert [(one.action.kind, one.status) for one in acted if isinstance(one, Acted)] == [
        ("goto", "done"),
        ("screenshot", "done"),
        ("click", "refused"),
        ("wait", "done"),
    ]


class Tokens:
    """A credential that gives tokens in turn, the last one again and again."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        del scopes, options
        return AccessToken(self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0], 0)

    async def close(self) -> None:
        pass


async def on_azure(
    traces: Path, vendor: Vendor, credential: Tokens | None = None, approver: Any = "auto"
) -> tuple[harness.Result, list[float]]:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with served(vendor.app) as url:
        model = build_azure(
            "my-deployment",
            Brief("Look around."),
            facts=ModelFacts(name="gpt-test"),
            environment={"AZURE_OPENAI_ENDPOINT": url, "AZURE_OPENAI_API_KEY": KEY},
            options=ModelOptions(retry=Retry(sleep, lambda: 0.0)),
            credential=credential,
        )
        result = await run(model, traces, approver)
        await model.close()
    assert vendor.refused == []
    return result, waited


def azure(*script: Raw | Output, tokens: Sequence[str] = ()) -> Vendor:
    return Vendor(script=script, keys=(KEY,), models=("my-deployment",), tokens=tokens)


def wait() -> Output:
    return Output([thought("I wait."), computer({"type": "screenshot"})])


def incidents(result: harness.Result) -> list[list[tuple[str, float | None]]]:
    return [[(one.fault, one.waited) for one in reply.incidents] for reply in replies(result)]


async def test_a_token_of_entra_id_that_expires_in_mid_run_is_replaced_and_recorded(
    tmp_path: Path,
) -> None:
    vendor = azure(wait(), wait(), DONE, tokens=("tok-canary-1",))

    async def heard() -> None:
        if len(vendor.requests) == 1:
            vendor.tokens = {"tok-canary-2"}

    vendor.heard = heard
    credential = Tokens("tok-canary-1", "tok-canary-1", "tok-canary-1", "tok-canary-2")
    result, waited = await on_azure(tmp_path, vendor, credential)
    assert (result.outcome, result.exit_code) == ("done", 0)
    assert incidents(result) == [[], [], [("unauthorized", 0.0)]]
    assert waited == [0.0]
    assert len(vendor.auth) == 4


async def test_a_token_of_entra_id_that_is_no_good_at_all_ends_the_run(tmp_path: Path) -> None:
    vendor = azure(wait())
    result, _ = await on_azure(tmp_path, vendor, Tokens("tok-canary-1", "tok-canary-2"))
    assert (result.outcome, result.exit_code) == ("error", 4)
    assert incidents(result) == [[("unauthorized", 0.0), ("unauthorized", None)]]
    assert "azure: unauthorized: HTTP 401" in result.reason
    assert len(vendor.auth) == 2


FILTERED = Raw(
    400,
    {
        "error": {
            "code": "content_filter",
            "message": "The response was filtered.",
            "status": 400,
            "content_filters": [
                {
                    "blocked": True,
                    "source_type": "prompt",
                    "content_filter_results": {"violence": {"filtered": True, "severity": "medium"}},
                }
            ],
        }
    },
)


async def test_what_the_content_filter_blocks_is_recorded_and_the_run_goes_on(tmp_path: Path) -> None:
    result, waited = await on_azure(tmp_path, azure(wait(), FILTERED, DONE))
    assert (result.outcome, waited) == ("done", [])
    assert incidents(result) == [[], [("content_filter", None)], []]
    blocked = replies(result)[1]
    assert blocked.actions == ()
    assert "violence (medium)" in blocked.incidents[0].message


async def test_what_the_content_filter_blocks_again_and_again_ends_the_run(tmp_path: Path) -> None:
    result, _ = await on_azure(tmp_path, azure(wait(), *[FILTERED] * 3))
    assert (result.outcome, result.exit_code) == ("error", 4)
    assert "violence (medium)" in result.reason


async def test_a_busy_azure_is_left_alone_as_long_as_it_says_and_it_is_recorded(tmp_path: Path) -> None:
    busy = Raw(429, {"error": {"code": "429", "message": "Too many."}}, {"retry-after": "7"})
    vendor = azure(busy, busy, wait(), DONE)
    result, waited = await on_azure(tmp_path, vendor)
    assert (result.outcome, waited) == ("done", [7.0, 7.0])
    assert incidents(result) == [[("rate_limited", 7.0)] * 2, []]
    assert vendor.requests[0] == vendor.requests[2]


@pytest.mark.parametrize("approve", [False, True])
async def test_what_a_prompt_shield_sees_is_put_to_a_person_before_anything_is_done(
    tmp_path: Path, approve: bool
) -> None:
    seen: JsonValue = [
        {
            "blocked": False,
            "content_filter_results": {"indirect_attack": {"detected": True, "filtered": False}},
        }
    ]
    warned = Output([computer(CLICK)], {"content_filters": seen})
    approver = RecordingApprover(approved) if approve else RecordingApprover()
    vendor = azure(warned, DONE)
    result, _ = await on_azure(tmp_path, vendor, approver=approver)
    assert result.outcome == "done"
    (question,) = approver.questions
    assert question.effect.kind == "signal"
    assert (question.effect.provider, question.effect.code) == ("azure", "indirect_attack")
    assert ("not done in full" in told(vendor)) is not approve
