"""The openai SDK's own runners drive our sandbox over real HTTP, and what is denied is denied."""

from pathlib import Path
from typing import Any

import pytest
from harness.action import Click, Drag, Move, Point, Press, Scroll, Type, Wait
from harness.errors import ActionError
from harness.integrations.blocking import BlockingSession
from harness.integrations.openai_driver import (
    BlockingGuardedComputer,
    GuardedComputer,
    RefusedError,
    action_of,
    drive,
)
from openai import AsyncComputerToolset, AsyncOpenAI, ComputerToolset, OpenAI
from openai.lib.computer import ComputerActionInput, ComputerUseError
from openai.lib.responses_tool_runner import AsyncResponsesToolRunner
from openai.types.responses import ResponseComputerToolCall
from pydantic import TypeAdapter
from tests.integrations.guests import HOME, SEARCH, clicked, ended, opened, shop
from tests.integrations.vendor import vendor

X, Y = SEARCH
TWO_STEPS: tuple[list[dict[str, Any]], ...] = (
    [{"type": "click", "button": "left", "x": X, "y": Y}],
    [{"type": "type", "text": "tea"}, {"type": "keypress", "keys": ["ENTER"]}],
)
DENIED: list[dict[str, Any]] = [
    {"type": "click", "button": "left", "x": HOME[0], "y": HOME[1]},
    {"type": "type", "text": "never"},
]


def answer(number: int, output: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": "completed",
        "output": [output],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


def call(
    number: int, actions: list[dict[str, Any]], checks: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    return answer(
        number,
        {
            "type": "computer_call",
            "id": f"cu_{number}",
            "call_id": f"call_{number}",
            "status": "completed",
            "pending_safety_checks": list(checks),
            "actions": actions,
        },
    )


def read(given: dict[str, Any]) -> ComputerActionInput:
    found = TypeAdapter(ResponseComputerToolCall).validate_python(call(1, [given])["output"][0])
    assert found.actions
    return found.actions[0]


FINAL = answer(
    9,
    {
        "type": "message",
        "id": "msg_9",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Found.", "annotations": [], "logprobs": []}],
    },
)


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ({"type": "click", "button": "wheel", "x": 1, "y": 2}, Click(x=1, y=2, button="middle")),
        (
            {"type": "click", "button": "left", "x": 1, "y": 2, "keys": ["CTRL"]},
            Click(x=1, y=2, modifiers=("Control",)),
        ),
        ({"type": "double_click", "x": 1, "y": 2}, Click(x=1, y=2, count=2)),
        (
            {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]},
            Drag(path=(Point(x=1, y=2), Point(x=3, y=4))),
        ),
        ({"type": "scroll", "x": 1, "y": 2, "scroll_x": 0, "scroll_y": 90}, Scroll(x=1, y=2, dy=90)),
        ({"type": "keypress", "keys": ["CTRL", "A"]}, Press(keys=("Control", "A"))),
        ({"type": "move", "x": 1, "y": 2}, Move(x=1, y=2)),
        ({"type": "type", "text": "x"}, Type(text="x")),
        ({"type": "wait"}, Wait(seconds=2)),
    ],
)
def test_each_action_of_the_vendor_is_one_of_ours(given: dict[str, Any], ours: object) -> None:
    assert action_of(read(given)) == ours


@pytest.mark.parametrize(
    "given", [{"type": "move", "x": 1, "y": 2, "keys": ["SHIFT"]}, {"type": "keypress", "keys": ["HYPER"]}]
)
def test_what_cannot_be_done_is_not_ignored(given: dict[str, Any]) -> None:
    with pytest.raises(ActionError):
        action_of(read(given))


async def test_the_toolset_does_two_steps_and_ends_at_what_is_denied(tmp_path: Path) -> None:
    with vendor(*(call(number, one) for number, one in enumerate(TWO_STEPS)), call(7, DENIED)) as model:
        async with shop(tmp_path) as session, AsyncOpenAI(api_key="k", base_url=model.url) as client:
            computer = GuardedComputer(session)
            with pytest.raises(RefusedError, match="refused by 'stay here'") as refused:
                await AsyncComputerToolset(computer).run(client, {"model": "m", "input": "Search for tea."})
            assert refused.value.response is not None
            assert refused.value.response.id == "resp_7"
            assert session.latest.url == "https://shop.test/search?q=tea"
    result = ended(session.result, "done")
    assert clicked(result) == [("click", "done"), ("type", "done"), ("press", "done"), ("click", "refused")]
    shown = [one for one in model.asked[-1]["input"] if one.get("type") == "computer_call_output"]
    assert len(shown) == 2
    assert all(one["output"]["image_url"].startswith("data:image/png;base64,") for one in shown)


def test_the_blocking_toolset_is_guarded_alike(tmp_path: Path) -> None:
    with (
        vendor(call(0, TWO_STEPS[1]), FINAL) as model,
        OpenAI(api_key="k", base_url=model.url) as client,
        BlockingSession(lambda: opened(tmp_path)) as session,
    ):
        toolset = ComputerToolset(BlockingGuardedComputer(session))
        with pytest.raises(RefusedError, match="refused by 'no typing'"):
            toolset.run(client, {"model": "m", "input": "Type."})
    assert clicked(ended(session.result, "done")) == [("type", "refused")]


async def test_a_loop_of_ours_tells_the_model_and_goes_on(tmp_path: Path) -> None:
    twice = call(0, [DENIED[1], DENIED[0]])
    twice["output"] += call(1, [DENIED[0]])["output"]
    with vendor(twice, call(2, [{"type": "screenshot"}]), FINAL) as model:
        async with opened(tmp_path) as session, AsyncOpenAI(api_key="k", base_url=model.url) as client:
            last = await drive(client, GuardedComputer(session), {"model": "m", "input": "Type."})
    assert last.output_text == "Found."
    asked = model.asked[1]["input"]
    outputs = ["computer_call_output"] * 2
    assert [one.get("type", "message") for one in asked] == [
        "message",
        "computer_call",
        "computer_call",
        *outputs,
        "message",
    ]
    assert asked[-1]["content"] == ("type: refused by 'no typing': No. What came after it was not executed.")
    assert clicked(ended(session.result, "done")) == [("type", "refused")]


@pytest.mark.parametrize("approver", ["auto", "deny"])
async def test_a_warning_about_a_call_that_is_not_executed_any_more_is_judged_too(
    tmp_path: Path, approver: str
) -> None:
    check = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look out."}
    twice = call(0, [DENIED[1]])
    twice["output"] += call(1, [DENIED[0]], (check,))["output"]
    with vendor(twice, FINAL) as model:
        async with (
            opened(tmp_path, approver=approver) as session,
            AsyncOpenAI(api_key="k", base_url=model.url) as client,
        ):
            computer = GuardedComputer(session)
            if approver == "auto":
                assert (await drive(client, computer, {"model": "m", "input": "Go."})).output_text == "Found."
                shown = [one for one in model.asked[1]["input"] if one.get("type") == "computer_call_output"]
                assert [one.get("acknowledged_safety_checks") or [] for one in shown] == [[], [check]]
            else:
                with pytest.raises(ComputerUseError, match="'call_1' was not approved"):
                    await drive(client, computer, {"model": "m", "input": "Go."})
                assert len(model.asked) == 1
    assert session.result is not None
    assert clicked(session.result) == [("type", "refused")]


@pytest.mark.parametrize("approver", ["auto", "deny"])
async def test_the_vendors_warnings_are_put_to_our_approver(tmp_path: Path, approver: str) -> None:
    check = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look out."}
    warned = call(0, [{"type": "click", "button": "left", "x": 1, "y": 1}], (check,))
    with vendor(warned, FINAL) as model:
        async with (
            opened(tmp_path, approver=approver) as session,
            AsyncOpenAI(api_key="k", base_url=model.url) as client,
        ):
            computer = GuardedComputer(session)
            runner = AsyncComputerToolset(computer)
            run = runner.run(client, {"model": "m", "input": "Go."}, approve_safety_checks=computer.approve)
            if approver == "auto":
                assert (await run).output_text == "Found."
                assert model.asked[1]["input"][-1]["acknowledged_safety_checks"] == [check]
            else:
                with pytest.raises(ComputerUseError, match="require explicit approval"):
                    await run
    assert clicked(ended(session.result, "done")) == ([("click", "done")] if approver == "auto" else [])


async def test_the_responses_runner_and_a_run_that_is_over(tmp_path: Path) -> None:
    with vendor(call(0, [{"type": "wait"}]), FINAL) as model:
        async with opened(tmp_path) as session, AsyncOpenAI(api_key="k", base_url=model.url) as client:
            runner = AsyncResponsesToolRunner(computer=AsyncComputerToolset(GuardedComputer(session)))
            with pytest.raises(RuntimeError, match="stopped before completion"):
                await runner.run(client, {"model": "m", "input": "Wait."}, max_steps=3)
    assert clicked(ended(session.result, "stopped", "Off.")) == [("wait", "refused")]
