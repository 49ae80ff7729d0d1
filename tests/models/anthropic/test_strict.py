"""The vendor's stand-in refuses what the vendor would: else nothing that passes it shows anything."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.dialect import Brief, Call, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.testing import blank
from vendors.anthropic import LONGEST_SIDE, Bad, checked, thinking

BETA = "computer-use-2025-11-24"


def request(tool: Any = "computer_toolset_20260801", size: tuple[int, int] = (40, 30)) -> Any:
    call = Call("a", "left_click", 0, 1)
    use: Any = {"type": "tool_use", "id": "a", "name": "left_click", "input": {}, "toolset_name": "computer"}
    picture = Picture(blank(*size).png, size, Space("pixels", *size, *size))
    dialect = AnthropicDialect("claude-opus-5-5", Brief("Buy."), tool=tool, output_tokens=100)
    turns = [
        Turn(Seen(1, "Step 1.", picture), Heard(calls=(call,), items=(thinking("x"), use))),
        Turn(Seen(2, "Step 2.", picture, (Outcome(call, ok=True),))),
    ]
    return copy.deepcopy(dialect.request(turns, (0, 1)))


def result(body: Any) -> Any:
    return body["messages"][2]["content"][0]


def test_what_is_right_passes() -> None:
    assert checked(request(), ()).picture == blank(40, 30).png
    checked(request("computer_20251124"), (BETA,))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "request.oops: Extra inputs": lambda body: body.update(oops=1),
    "request.max_tokens: Field required": lambda body: body.pop("max_tokens"),
    "request.max_tokens: Input should be int": lambda body: body.update(max_tokens=True),
    "request.tools.0.display_width_px: Extra": lambda body: body["tools"][0].update(display_width_px=40),
    "request.tools.0.configs.jump: Extra": lambda body: body["tools"][0].update(configs={"jump": {}}),
    "request.tools.1.input_schema: Field required": lambda body: body["tools"][1].pop("input_schema"),
    "request.messages.2.content.0.oops: Extra": lambda body: result(body).update(oops=1),
    "tool_use_id: Field required": lambda body: result(body).pop("tool_use_id"),
    "toolset_name must be 'computer', not None": lambda body: result(body).pop("toolset_name"),
    "toolset_name must be 'computer', not 'browser'": lambda body: result(body).update(
        toolset_name="browser"
    ),
    "need one `tool_result` each, not ['b']": lambda body: result(body).update(tool_use_id="b"),
    "need one `tool_result` each, not []": lambda body: body["messages"][2].update(content="x"),
    "not ['a', 'a']": lambda body: body["messages"][2]["content"].append(
        {name: one for name, one in result(body).items() if name != "cache_control"}
    ),
    "all content must be type text": lambda body: result(body).update(is_error=True),
    "tool_result blocks must come first": lambda body: body["messages"][2]["content"].insert(
        0, {"type": "text", "text": "x"}
    ),
    "Invalid `signature`": lambda body: body["messages"][1]["content"][0].update(thinking="y"),
    "The final block in an assistant message": lambda body: body["messages"][1]["content"].reverse(),
    "text content blocks must be non-empty": lambda body: body["messages"][0]["content"][0].update(text=" "),
    "first and last message": lambda body: body["messages"].pop(),
    "A maximum of 4 blocks": lambda body: result(body)["content"][0].update(
        cache_control={"type": "ephemeral"}
    ),
    "Could not process image": lambda body: body["messages"][0]["content"][1]["source"].update(data="eA=="),
    "Tool names must be unique": lambda body: body["tools"].append(body["tools"][1]),
    "one computer tool": lambda body: body["tools"].pop(0),
    "media_type": lambda body: body["messages"][0]["content"][1]["source"].update(media_type="image/bmp"),
}


@pytest.mark.parametrize("said", CHANGES)
def test_what_is_wrong_is_400(said: str) -> None:
    body = request()
    CHANGES[said](body)
    with pytest.raises(Bad) as caught:
        checked(body, ())
    assert said in str(caught.value)


def test_a_tool_needs_its_own_beta() -> None:
    for tool, betas in (
        ("computer_20251124", ()),
        ("computer_20251124", ("computer-use-2025-01-24",)),
        ("computer_toolset_20260801", (BETA,)),
    ):
        with pytest.raises(Bad):
            checked(request(tool), betas)


def test_too_large_a_picture_is_refused_and_not_scaled() -> None:
    with pytest.raises(Bad, match="at most"):
        checked(request(size=(LONGEST_SIDE + 1, 10)), ())


def test_the_declared_size_is_that_of_the_screenshot() -> None:
    body = request("computer_20251124")
    body["tools"][0]["display_width_px"] = 41
    with pytest.raises(Bad, match="display_width_px"):
        checked(body, (BETA,))
