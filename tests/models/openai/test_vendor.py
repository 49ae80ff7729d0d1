"""The strict server is strict: what OpenAI's API would refuse, it refuses."""

import copy
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from harness.models.dialect import Brief, Picture, Seen, Turn
from harness.models.openai.dialect import ResponsesDialect
from harness.models.scaling import Space
from harness.testing import blank
from vendors.openai import Output, Vendor, computer, message, thought
from vendors.serve import served

CHECK = {"id": "cu_sc_1", "code": "odd", "message": "Look out."}
HEADERS = {"Authorization": "Bearer sk-canary"}


def first() -> dict[str, Any]:
    shot = blank(40, 30)
    seen = Seen(1, "Step 1.", Picture(shot.png, (40, 30), Space("pixels", 40, 30, 40, 30)))
    return dict(ResponsesDialect("gpt-test", Brief("g")).request([Turn(seen)], ()))


async def spoken(change: Callable[[dict[str, Any]], None]) -> tuple[int, str]:
    """Ask, answer the call, and change the second request before it is sent."""
    click = computer({"type": "click", "x": 1, "y": 1, "button": "left"})
    vendor = Vendor(
        script=[Output([thought("I click."), click]), Output([message("ok")])], checks={1: [CHECK]}
    )
    async with served(vendor.app) as url, httpx.AsyncClient(headers=HEADERS) as client:
        request = first()
        answer = (await client.post(f"{url}/v1/responses", json=request)).json()
        image = request["input"][0]["content"][1]["image_url"]
        request["input"] += [
            *answer["output"],
            {
                "type": "computer_call_output",
                "call_id": answer["output"][1]["call_id"],
                "output": {"type": "computer_screenshot", "image_url": image},
                "acknowledged_safety_checks": [CHECK],
            },
        ]
        request = copy.deepcopy(request)
        change(request)
        found = await client.post(f"{url}/v1/responses", json=request)
    return found.status_code, found.json().get("error", {}).get("message", "") if found.is_error else ""


async def test_what_is_right_is_answered() -> None:
    assert await spoken(lambda request: None) == (200, "")


CASES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an unknown field": (lambda one: one.update(odd=1), "Unknown parameter: 'body.odd'"),
    "an unknown field deep inside": (
        lambda one: one["input"][3]["output"].update(detail="original"),
        "Unknown parameter: 'input[3].output.detail'",
    ),
    "a missing field": (lambda one: one["tools"][1].pop("strict"), "Missing required parameter"),
    "a wrong type": (lambda one: one.update(store="no"), "Invalid type for 'body.store'"),
    "a wrong word": (lambda one: one.update(truncation="maybe"), "Invalid value"),
    "an unacknowledged check": (
        lambda one: one["input"][3].pop("acknowledged_safety_checks"),
        "unacknowledged safety check for ['cu_sc_1']",
    ),
    "a check that there is not": (
        lambda one: one["input"][3]["acknowledged_safety_checks"].append({"id": "cu_sc_9"}),
        "There is no safety check",
    ),
    "a call without output": (lambda one: one["input"].pop(), "No tool output found for call"),
    "an output without call": (lambda one: one["input"].pop(2), "required following item"),
    "an output for another call": (lambda one: one["input"][3].update(call_id="x"), "No tool call found"),
    "a call without its reasoning": (lambda one: one["input"].pop(1), "required 'reasoning' item"),
    "a call that was changed": (lambda one: one["input"][2]["actions"].clear(), "is not what was answered"),
    "reasoning that is not encrypted": (
        lambda one: one["input"][1].update(encrypted_content=None),
        "is not what was answered",
    ),
    "an unknown answer to go on from": (
        lambda one: one.update(previous_response_id="resp_9"),
        "Previous response not found",
    ),
    "another model": (lambda one: one.update(model="gpt-other"), "does not exist"),
    "another tool": (
        lambda one: one["tools"].__setitem__(0, {"type": "computer_use_preview"}),
        "Missing required parameter",
    ),
    "no tool": (lambda one: one["tools"].pop(0), "is not supported"),
    "an old type of screenshot": (
        lambda one: one["input"][3]["output"].update(type="input_image"),
        "Invalid value: 'input_image'",
    ),
    "no picture": (lambda one: one["input"][3]["output"].update(image_url="http://x/"), "is no PNG"),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_is_wrong_is_refused(name: str) -> None:
    change, said = CASES[name]
    status, problem = await spoken(change)
    assert status in (400, 404)
    assert said in problem
