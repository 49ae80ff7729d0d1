"""Requests and answers, written by hand from the SDK's types."""

from typing import Any

import pytest
from harness.action import Answer, Click, Goto, Press, TakeScreenshot, Type
from harness.clearance import Fault, Usage
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.tools import Tool, betas
from harness.models.dialect import Brief, Frame, Heard, Picture, Seen, Trouble, Turn
from harness.models.scaling import Space
from harness.testing import blank
from vendors.anthropic import answered, checked, thinking

TOOLS: tuple[Tool, ...] = ("computer_20250124", "computer_20251124", "computer_toolset_20260801")
SPACE = Space("pixels", 400, 300, 800, 600)
FRAME = Frame(SPACE, (0, 0))


def dialect(tool: Tool = "computer_toolset_20260801", **said: Any) -> AnthropicDialect:
    return AnthropicDialect("claude-opus-5-5", Brief("Buy a mug."), tool=tool, output_tokens=4096, **said)


def question(step: int = 1) -> Turn:
    return Turn(Seen(step, f"Step {step}.", Picture(blank(400, 300).png, (400, 300), SPACE)))


def member(name: str, call: str = "a", family: str | None = "computer", **given: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": call, "name": name, "input": given, "caller": {"type": "direct"}}
    return block if family is None else {**block, "toolset_name": family}


def single(action: str, call: str = "a", **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call, "name": "computer", "input": {"action": action, **given}}


def read(*content: Any, tool: Tool = "computer_toolset_20260801", **over: Any) -> Heard:
    return dialect(tool).read(answered(content, **over), FRAME)


def faults(heard: Heard) -> list[Fault]:
    return [one.fault for one in heard.incidents]


@pytest.mark.parametrize("tool", TOOLS)
def test_a_request_is_what_the_sdk_types_say(tool: Tool) -> None:
    request: Any = dialect(tool).request([question()], (0,))
    checked(request, betas(tool))
    assert list(request) == ["model", "max_tokens", "system", "tools", "messages"]
    assert (request["model"], request["max_tokens"]) == ("claude-opus-5-5", 4096)
    assert "Buy a mug." in request["system"][0]["text"]
    assert str(request).count("cache_control") == 3


def test_at_most_four_caches_end() -> None:
    request = dialect().request([question(1), question(2), question(3)], (0, 1, 2))
    assert str(request).count("cache_control") == 4


def test_thinking_is_asked_for_only_if_someone_chose_it() -> None:
    request: Any = dialect(thinking={"type": "adaptive"}).request([question()], ())
    checked(request, ())
    assert request["thinking"] == {"type": "adaptive"}


def test_what_is_always_sent_is_counted() -> None:
    assert "Buy a mug." in dialect().overhead
    assert "computer_toolset_20260801" in dialect().overhead


def test_several_calls_of_the_toolset_are_several_actions_in_order() -> None:
    content = [
        thinking("I click."),
        {"type": "redacted_thinking", "data": "opaque"},
        {"type": "text", "text": "Now I click.", "citations": None},
        member("left_click", "a", coordinate=[10, 20]),
        member("type", "b", text="Ada"),
        member("cursor_position", "c"),
    ]
    heard = read(*content)
    assert heard.actions == (Click(x=21, y=41), Type(text="Ada"))
    assert [(one.id, one.name, one.first, one.count, one.answer) for one in heard.calls] == [
        ("a", "left_click", 0, 1, ""),
        ("b", "type", 1, 1, ""),
        ("c", "cursor_position", 2, 0, "X=10,Y=20"),
    ]
    assert heard.thought == "Now I click."
    assert heard.items == tuple(content)
    assert (heard.id, heard.incidents) == ("msg_1", ())


@pytest.mark.parametrize("tool", TOOLS[:2])
def test_the_single_tool_says_its_action_in_its_input(tool: Tool) -> None:
    heard = read(single("key", text="Return"), single("screenshot", "b"), tool=tool)
    assert heard.actions == (Press(keys=("Enter",)), TakeScreenshot())


def test_our_own_functions_are_called_by_their_names() -> None:
    heard = read(member("goto", family=None, url="https://shop.test/"))
    assert heard.actions == (Goto(url="https://shop.test/"),)
    heard = read(member("answer", family=None, text="Done", data={"order_id": "7"}), tool=TOOLS[0])
    assert heard.actions == (Answer(text="Done", data={"order_id": "7"}),)


@pytest.mark.parametrize(
    ("block", "tool"),
    [
        (member("left_click", family=None, coordinate=[1, 1]), TOOLS[2]),
        (member("click", family=None, x=1, y=1), TOOLS[2]),
        (member("computer", family=None, action="left_click"), TOOLS[2]),
        (member("goto", family="browser", url="https://x.test/"), TOOLS[2]),
        (member("left_click", family="browser", coordinate=[1, 1]), TOOLS[2]),
        (member("left_click", family="computer", coordinate=[1, 1]), TOOLS[1]),
        (member("computer", family="computer", action="screenshot"), TOOLS[1]),
        (member("bash", family=None, command="ls"), TOOLS[1]),
        ({**member("screenshot"), "caller": {"type": "code_execution_20260120", "tool_id": "x"}}, TOOLS[2]),
    ],
)
def test_what_was_not_offered_or_comes_from_elsewhere_does_nothing(block: dict[str, Any], tool: Tool) -> None:
    heard = read(block, tool=tool)
    assert (faults(heard), heard.actions) == (["unknown_tool"], ())
    assert heard.calls[0].problem


def test_a_member_and_a_function_of_the_same_name_are_two_things() -> None:
    heard = read(member("goto", family="computer", url="https://shop.test/"))
    assert (faults(heard), heard.actions) == (["unknown_action"], ())


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (single("explode"), "unknown_action"),
        (single("zoom", region=[0, 0, 1, 1]), "unknown_action"),
        ({**single("key"), "input": {}}, "bad_arguments"),
        ({**single("key"), "input": {"action": ["key"]}}, "bad_arguments"),
        (single("left_click", coordinate=[400, 1]), "outside_image"),
        (single("key", text="ctrl+nonsense"), "bad_arguments"),
    ],
)
def test_what_cannot_be_used_stops_what_comes_after_it(block: dict[str, Any], fault: Fault) -> None:
    heard = read(single("wait", "x", duration=1), block, single("screenshot", "z"), tool=TOOLS[0])
    assert (faults(heard), len(heard.actions)) == ([fault], 1)
    assert heard.calls[2].problem.startswith("not executed")


def test_a_refusal_does_nothing_and_is_not_sent_again() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "It looks like an attack."}
    heard = read(
        {"type": "text", "text": "I"}, member("screenshot"), stop_reason="refusal", stop_details=details
    )
    assert (heard.actions, heard.calls, heard.items) == ((), (), ())
    assert faults(heard) == ["refused"]
    assert "cyber: It looks like an attack." in heard.incidents[0].message
    assert heard.usage.output_tokens == 30


def test_a_refusal_without_details_is_a_refusal_all_the_same() -> None:
    assert faults(read(stop_reason="refusal")) == ["refused"]


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "pause_turn"])
def test_of_an_answer_that_was_cut_off_the_last_call_is_not_believed(reason: str) -> None:
    heard = read(member("wait", duration=1), member("type", "b", text="12 St J"), stop_reason=reason)
    assert (faults(heard), len(heard.actions)) == (["truncated"], 1)
    assert heard.calls[1].problem


@pytest.mark.parametrize("reason", ["max_tokens", "pause_turn"])
def test_words_that_were_cut_off_are_no_answer(reason: str) -> None:
    heard = read({"type": "text", "text": "It is d"}, stop_reason=reason)
    assert (faults(heard), heard.thought) == (["truncated"], "It is d")


@pytest.mark.parametrize("reason", ["a_new_reason", None, 5, ["end_turn"]])
def test_nothing_is_done_where_it_is_not_known_why_the_answer_ended(reason: Any) -> None:
    answer = answered([member("screenshot"), member("screenshot", "b")]) | {"stop_reason": reason}
    heard = dialect().read(answer, FRAME)
    assert (faults(heard), heard.actions) == (["malformed"], ())


def test_unknown_blocks_are_kept_and_not_acted_upon() -> None:
    strange = {"type": "computer_call", "name": "left_click", "input": {"coordinate": [1, 1]}}
    hosted = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    heard = dialect().read(answered([strange, hosted]), FRAME)
    assert (heard.actions, heard.calls, heard.items) == ((), (), (strange, hosted))
    assert faults(heard) == ["empty"]


def test_an_empty_answer_is_said_to_be_empty() -> None:
    assert faults(read()) == ["empty"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        {"content": "text"},
        {"content": {"type": "text"}},
        {"content": ["text"]},
        {"content": [{"text": "no type"}]},
        {"content": [{"type": ["text"]}]},
        {"content": [{"type": "tool_use", "name": "screenshot", "input": {}}]},
        {"content": [{"type": "tool_use", "id": 5, "name": "screenshot", "input": {}}]},
        {"content": [member("screenshot"), member("screenshot")]},
        {"content": [{"type": "tool_use", "id": "a", "name": None, "input": {}}]},
        {"content": [{"type": "tool_use", "id": "a", "name": "screenshot", "input": "{}"}]},
        {"type": "error", "error": {"type": "overloaded_error", "message": "x"}},
    ],
)
def test_what_is_no_message_is_malformed_and_asked_again(answer: Any) -> None:
    with pytest.raises(Trouble) as caught:
        dialect().read(answer, FRAME)
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("malformed", True, False)


def test_cached_tokens_are_part_of_the_input() -> None:
    heard = read({"type": "text", "text": "ok"})
    assert heard.usage == Usage(
        input_tokens=1240, cached_tokens=1000, cache_write_tokens=200, output_tokens=30
    )


@pytest.mark.parametrize(
    "usage", [None, 5, {"input_tokens": "5"}, {"input_tokens": -1}, {"input_tokens": True}]
)
def test_what_is_no_count_is_unknown_and_not_zero(usage: Any) -> None:
    answer = answered([{"type": "text", "text": "ok"}]) | {"usage": usage}
    assert dialect().read(answer, FRAME).usage == Usage()
