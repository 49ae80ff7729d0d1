"""Function calls: requests and answers, word for word."""

import json
from typing import Any

import pytest
from harness.action import KINDS, Answer, Click, Scroll
from harness.models.chat.messages import image
from harness.models.chat.tools import THOUSANDTHS, ToolDialect
from harness.models.dialect import Brief, Call, Frame, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.testing import blank
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import JsonValue
from vendors.chat import check, completion, message, rules, tool_call

PNG = blank(40, 30).png
SPACE = Space("pixels", 40, 30, 80, 60)
FRAME = Frame(SPACE, (0, 0))


def dialect(**chosen: Any) -> ToolDialect:
    return ToolDialect("gpt-4o", Brief(goal="Buy"), {"max_tokens": 9}, provider="openai", **chosen)


def seen(step: int, *outcomes: Outcome) -> Seen:
    return Seen(step=step, text=f"Step {step}.", picture=Picture(PNG, (40, 30), SPACE), outcomes=outcomes)


def read(*calls: dict[str, Any], content: str | None = None, **said: Any) -> Heard:
    return dialect().read(completion(message(content, calls, **said)), FRAME)


def faults(heard: Heard) -> list[str]:
    return [one.fault for one in heard.incidents]


def test_the_first_request_holds_instructions_tools_and_the_picture() -> None:
    body: Any = dialect(detail="high").request([Turn(seen(1))], [])
    assert list(body) == ["model", "messages", "tools", "max_tokens"]
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert "Buy" in body["messages"][0]["content"]
    assert body["messages"][1]["content"][1] == image(PNG, "high")
    assert [one["function"]["name"] for one in body["tools"]] == list(KINDS)
    check(json.loads(json.dumps(body)), CompletionCreateParamsNonStreaming, "")
    rules(json.loads(json.dumps(body)), strict=True)


def test_every_call_is_answered_before_the_next_picture() -> None:
    spoken = dialect()
    heard = spoken.read(
        completion(message("I look.", [tool_call("a", "wait", "{}"), tool_call("b", "fly", "{}")])), FRAME
    )
    told = (Outcome(heard.calls[0], ok=True), Outcome(heard.calls[1], ok=False, text="no such function"))
    body: Any = spoken.request([Turn(seen(1), heard), Turn(seen(2, *told))], [])
    assert body["messages"][2] == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [tool_call("a", "wait", "{}"), tool_call("b", "fly", "{}")],
    }
    assert body["messages"][3:5] == [
        {"role": "tool", "tool_call_id": "a", "content": "done"},
        {"role": "tool", "tool_call_id": "b", "content": "no such function"},
    ]
    assert body["messages"][5]["role"] == "user"


def test_a_turn_whose_answer_is_not_sent_any_more_is_a_plain_question() -> None:
    body: Any = dialect().request([Turn(seen(4)), Turn(seen(5))], [])
    assert [one["role"] for one in body["messages"]] == ["system", "user", "user"]


def test_a_call_nobody_answered_is_answered_all_the_same() -> None:
    heard = Heard(calls=(Call("a", "wait"),), items=({"role": "assistant", "content": "x"},))
    body: Any = dialect().request([Turn(seen(1), heard), Turn(seen(2))], [])
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "a", "content": "not known"}


def test_calls_become_actions_in_pixels_of_the_screen() -> None:
    heard = read(
        tool_call("a", "click", {"x": 10, "y": 10}), tool_call("b", "scroll", {"x": 1, "y": 1, "dy": 100})
    )
    assert heard.actions == (Click(x=21, y=21), Scroll(x=3, y=3, dy=200))
    assert [(one.id, one.first, one.count) for one in heard.calls] == [("a", 0, 1), ("b", 1, 1)]
    assert (heard.usage.input_tokens, heard.usage.cached_tokens) == (1001, 512)


def test_an_answer_with_data_is_one_action() -> None:
    heard = read(tool_call("a", "answer", {"text": "Done", "data": {"order_id": "7"}}))
    assert heard.actions == (Answer(text="Done", data={"order_id": "7"}),)


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("fly", "{}", "unknown_tool"),
        ("click", "{not json", "malformed"),
        ("click", "[1, 2]", "bad_arguments"),
        ("click", {"x": 1}, "bad_arguments"),
        ("click", {"x": "1; rm", "y": 1}, "bad_arguments"),
        ("click", {"x": 1, "y": 1, "speed": 3}, "bad_arguments"),
        ("click", {"x": 40, "y": 1}, "outside_image"),
        ("click", {"x": -1, "y": 1}, "outside_image"),
        ("press", {"keys": ["Hyper"]}, "bad_arguments"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_the_answer(name: str, given: Any, fault: str) -> None:
    heard = read(tool_call("a", "wait", "{}"), tool_call("b", name, given), tool_call("c", "wait", "{}"))
    assert faults(heard) == [fault]
    assert len(heard.actions) == 1
    assert [bool(one.problem) for one in heard.calls] == [False, True, True]


@pytest.mark.parametrize(("finish", "fault"), [("length", "truncated"), ("content_filter", "content_filter")])
def test_nothing_of_an_answer_that_was_cut_off_is_executed(finish: str, fault: str) -> None:
    heard = read(tool_call("a", "wait", "{}"), tool_call("b", "wait", "{}"), finish=finish)
    assert (heard.actions, faults(heard)) == ((), [fault])
    assert faults(read(content="half a sent", finish=finish)) == [fault]


def test_a_refusal_is_one_and_no_answer() -> None:
    heard = read(refusal="I cannot help with that.")
    assert (heard.actions, faults(heard)) == ((), ["refused"])
    assert "I cannot help with that." in heard.thought


def test_a_custom_tool_and_the_deprecated_call_are_unknown() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "shell", "input": "id"}}
    assert faults(read(custom)) == ["unknown_tool"]
    assert faults(read(function_call={"name": "wait", "arguments": "{}"}, finish="function_call")) == [
        "unknown_tool"
    ]


def test_words_are_the_thought_and_nothing_at_all_is_empty() -> None:
    assert (read(content="It is done.").thought, read(content="It is done.").incidents) == ("It is done.", ())
    assert faults(read()) == ["empty"]


@pytest.mark.parametrize(
    ("content", "finish"), [("I click.", "tool_calls"), ('<tool_call>{"name": "click"}</tool_call>', "stop")]
)
def test_words_that_were_meant_as_a_call_are_not_the_end(content: str, finish: str) -> None:
    assert faults(read(content=content, finish=finish)) == ["malformed"]


def test_what_a_prompt_shield_found_comes_with_the_actions() -> None:
    answer: Any = completion(message(None, [tool_call("a", "wait", "{}")]))
    results: JsonValue = {"jailbreak": {"filtered": False, "detected": True}}
    answer["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": results}]
    heard = dialect().read(answer, FRAME)
    assert [one.code for one in heard.signals] == ["jailbreak"]
    assert len(heard.actions) == 1


def test_thousandths_are_said() -> None:
    assert THOUSANDTHS in dialect(extra=[THOUSANDTHS]).overhead
