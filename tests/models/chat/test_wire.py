"""The body of an answer, whatever it is."""

from typing import Any

import pytest
from harness.models.chat.wire import LONGEST_TEXT, MOST_CALLS, said
from harness.models.dialect import Trouble
from pydantic import JsonValue
from vendors.chat import completion, message, tool_call


def test_a_whole_answer_is_read() -> None:
    found = said(completion(message("Hello", [tool_call("c1", "click", {"x": 1})])))
    assert (found.words, found.calling, found.stop, found.id) == ("Hello", True, None, "chatcmpl-1")
    assert [(one.id, one.name, one.arguments) for one in found.calls] == [("c1", "click", '{"x": 1}')]
    usage = found.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (1001, 512, 20)


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (message("cut", finish="length"), "truncated"),
        (message("cut", finish="content_filter"), "content_filter"),
        (message(None, refusal="I will not."), "refused"),
        (message(None, function_call={"name": "click", "arguments": "{}"}), "unknown_tool"),
        ({"message": {"content": "x"}, "finish_reason": "abort"}, "cut_off"),
    ],
)
def test_why_nothing_of_it_is_executed_is_named(made: dict[str, Any], fault: str) -> None:
    found = said({"choices": [{**made}]})
    assert found.stop is not None
    assert found.stop.fault == fault


@pytest.mark.parametrize(
    "odd", [None, 1, "x", [], {}, {"choices": None}, {"choices": [1]}, {"choices": [{}]}]
)
def test_what_is_no_answer_is_asked_for_again(odd: JsonValue) -> None:
    with pytest.raises(Trouble) as caught:
        said(odd)
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("malformed", True, False)


def test_an_error_that_says_200_and_no_choice_are_named() -> None:
    with pytest.raises(Trouble) as caught:
        said({"error": {"message": "overloaded"}})
    assert caught.value.fault == "server_error"
    with pytest.raises(Trouble) as caught:
        said({"choices": []})
    assert caught.value.fault == "empty"


def test_a_text_that_nobody_means_is_too_large() -> None:
    with pytest.raises(Trouble) as caught:
        said(completion(message("x" * (LONGEST_TEXT + 1))))
    assert (caught.value.fault, caught.value.again) == ("too_large", False)


def test_calls_without_an_id_or_with_the_same_get_one_of_their_own() -> None:
    one, two = tool_call("same", "wait", "{}"), tool_call("same", "wait", "{}")
    calls: JsonValue = [one, two, {**one, "id": None}, {"id": "x"}, 7]
    found = said({"choices": [{"message": {"tool_calls": calls}}]})
    assert len({call.id for call in found.calls}) == 5
    assert [call.name for call in found.calls] == ["wait", "wait", "wait", "", ""]


def test_history_is_well_formed_even_if_the_call_was_not() -> None:
    calls: JsonValue = [tool_call("a", "rm -rf /", "{not json"), tool_call("b", "x" * 100, "[1]")]
    first, second = (one.history for one in said({"choices": [{"message": {"tool_calls": calls}}]}).calls)
    assert first == {"id": "a", "type": "function", "function": {"name": "rm_-rf__", "arguments": "{}"}}
    assert second["function"] == {"name": "x" * 64, "arguments": "{}"}


def test_calls_beyond_the_most_are_left_out_and_said() -> None:
    calls: JsonValue = [tool_call(str(number), "wait", "{}") for number in range(MOST_CALLS + 1)]
    found = said({"choices": [{"message": {"tool_calls": calls}}]})
    assert len(found.calls) == MOST_CALLS
    assert [one.fault for one in found.incidents] == ["too_large"]


def test_what_was_thought_aloud_is_no_words() -> None:
    found = said({"choices": [{"message": {"content": "<think>{a}</think>\nDone."}}]})
    assert (found.words, found.reasoning) == ("Done.", "<think>{a}")
    assert said({"choices": [{"message": {"content": None, "reasoning_content": "Hm."}}]}).words == ""


@pytest.mark.parametrize("count", [-1, True, "7", 1.5, 10**13, None])
def test_a_count_that_is_none_is_unknown(count: JsonValue) -> None:
    usage: JsonValue = {"prompt_tokens": count, "prompt_tokens_details": {"cached_tokens": count}}
    found = said({"choices": [{"message": {"content": "x"}}], "usage": usage})
    assert (found.usage.input_tokens, found.usage.cached_tokens) == (None, None)
