"""The server that the other tests rely on is as strict as they say."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from harness.models.dialect import Brief, Frame, JsonObject, Outcome, Picture, Seen, Turn
from harness.models.gemini.dialect import GeminiDialect
from harness.models.scaling import Space
from harness.testing import blank
from vendors.gemini import KEY, Gemini, answered, called
from vendors.serve import served

SPACE = Space("thousandths", 1000, 1000, 4, 3)
PICTURE = Picture(blank(4, 3).png, (4, 3), SPACE)
DIALECT = GeminiDialect(Brief("Look."))
ASKS: JsonObject = {"decision": "require_confirmation", "explanation": "It buys."}
FIRST = answered(called("click", x=1, y=1, safety_decision=ASKS), called("go_back"))


def conversation() -> tuple[JsonObject, JsonObject]:
    """Give the first and the second request of a conversation, as they go over the wire."""
    heard = DIALECT.read(FIRST, Frame(SPACE, (0, 0)))
    outcomes = tuple(Outcome(call, ok=True) for call in heard.calls)
    start = Turn(Seen(1, "Step 1.", PICTURE))
    turns = [
        Turn(start.seen, heard),
        Turn(Seen(2, "Step 2.", PICTURE, outcomes, ("resp-1/0",), "https://a.test/")),
    ]
    first, second = (DIALECT.request(one, ()) for one in ([start], turns))
    return _wire(first), _wire(second)


def _wire(request: JsonObject) -> JsonObject:
    config = copy.deepcopy(request["config"])
    assert isinstance(config, dict)
    return {
        "contents": copy.deepcopy(request["contents"]),
        "systemInstruction": config["systemInstruction"],
        "tools": config["tools"],
        "generationConfig": {"maxOutputTokens": config["maxOutputTokens"]},
    }


async def statuses(change: Callable[[Any], object]) -> tuple[list[int], list[str]]:
    first, second = conversation()
    change(second)
    server = Gemini([FIRST, answered(words="Done.", number=2)])
    async with served(server) as url, httpx2.AsyncClient(base_url=url) as client:
        path, headers = "/v1/models/gemini-3.5-flash:generateContent", {"x-goog-api-key": KEY}
        found = [
            (await client.post(path, content=json.dumps(body), headers=headers)).status_code
            for body in (first, second)
        ]
    return found, server.refused


def _response(body: Any, number: int) -> Any:
    return body["contents"][2]["parts"][number]["functionResponse"]


async def test_a_conversation_that_keeps_the_rules_is_answered() -> None:
    assert await statuses(lambda _: None) == ([200, 200], [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda body: body.update(stream=True), 'Unknown name "stream"'),
        (lambda body: body["contents"][0].update(text="a"), "contents.text"),
        (lambda body: body["contents"][0]["parts"][0].update(texts="a"), "Extra inputs"),
        (lambda body: body["generationConfig"].update(max_tokens=1), "generation_config.max_tokens"),
        (lambda body: body["tools"][0]["computerUse"].pop("environment"), "environment is required"),
        (lambda body: body["tools"][0]["computerUse"].update(display=1), "computerUse.display"),
        (lambda body: body["tools"][1]["functionDeclarations"][0].update(name="click"), "Duplicate function"),
        (lambda body: body["contents"][2]["parts"].pop(), "number of function response parts"),
        (lambda body: body["contents"][2]["parts"].reverse(), "does not answer 'click'"),
        (lambda body: _response(body, 0)["response"].pop("url"), "requires a url"),
        (lambda body: _response(body, 0).pop("response"), "response of click is required"),
        (
            lambda body: _response(body, 0)["response"].pop("safety_acknowledgement"),
            "requires a safety acknowledgement",
        ),
        (
            lambda body: _response(body, 1)["response"].update(safety_acknowledgement="true"),
            "must not carry a safety acknowledgement",
        ),
        (lambda body: body["contents"][1]["parts"][1].pop("thoughtSignature"), "Thought signature"),
        (lambda body: body["contents"][1]["parts"].pop(0), "never answered"),
        (lambda body: body["contents"][1].update(role="assistant"), "valid role"),
        (lambda body: body["contents"].pop(), "begins and ends with a user turn"),
        (lambda body: body["contents"].pop(1), "number of function response parts"),
        (lambda body: body["contents"][0]["parts"].append({}), "must have one initialized field"),
        (lambda body: body["contents"][0]["parts"].clear(), "must not be empty"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_refused(change: Callable[[Any], object], said: str) -> None:
    found, refused = await statuses(change)
    assert found == [200, 400]
    assert said in refused[0]
