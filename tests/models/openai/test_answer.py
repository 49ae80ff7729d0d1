"""Answers of every kind, and what is wrong with them by name."""

from typing import Any

import pytest
from harness.action import Answer, Click, Goto, Wait
from harness.clearance import Usage
from harness.models.dialect import Trouble
from harness.models.openai.answer import Chained, read
from harness.models.scaling import Space

SPACE = Space("pixels", 1280, 720, 1280, 720)
CLICK = {"type": "click", "x": 5, "y": 6, "button": "left"}
CHECK = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look out."}
DONE = {"status": "completed"}


def call(*actions: Any, **more: Any) -> dict[str, Any]:
    return {"type": "computer_call", "id": "cu_1", "call_id": "c1", **DONE, "actions": list(actions), **more}


def function(name: str, arguments: Any = "{}", call_id: str = "f1") -> dict[str, Any]:
    return {"type": "function_call", "id": "fc", "call_id": call_id, "name": name, "arguments": arguments}


def words(text: str, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "m", "role": "assistant", **DONE, "content": [part], **more}


def thought(text: str) -> dict[str, Any]:
    return {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": text}]}


def heard(*items: Any, provider: str = "openai", **more: Any) -> Chained:
    return read({"id": "resp_1", **DONE, "output": list(items), **more}, SPACE, provider)


def faults(found: Chained) -> list[str]:
    return [one.fault for one in found.incidents]


def test_a_call_of_several_actions_is_read_in_order_with_what_led_to_it() -> None:
    details = {"cached_tokens": 6, "cache_write_tokens": 2}
    usage = {"input_tokens": 10, "input_tokens_details": details, "output_tokens": 3}
    found = heard(
        thought("I click."), call(CLICK, {"type": "wait"}), usage=usage, previous_response_id="resp_0"
    )
    assert found.actions == (Click(x=5, y=6), Wait(seconds=2.0))
    assert [(one.id, one.name, one.first, one.count) for one in found.calls] == [("c1", "computer", 0, 2)]
    assert found.thought == "I click."
    assert found.usage == Usage(input_tokens=10, cached_tokens=6, cache_write_tokens=2, output_tokens=3)
    assert (found.id, found.parent, found.incidents) == ("resp_1", "resp_0", ())
    assert [one["type"] for one in found.items if isinstance(one, dict)] == ["reasoning", "computer_call"]


def test_a_preview_call_of_one_action_is_read() -> None:
    item = call(pending_safety_checks=[])
    del item["actions"]
    assert heard({**item, "action": CLICK}).actions == (Click(x=5, y=6),)


def test_safety_checks_are_signals() -> None:
    found = heard(
        call(CLICK, pending_safety_checks=[CHECK, {"id": "cu_sc_2", "code": None}]), provider="azure"
    )
    assert [(one.provider, one.code, one.message, one.id) for one in found.signals] == [
        ("azure", "malicious_instructions", "Look out.", "cu_sc_1"),
        ("azure", "unnamed", "", "cu_sc_2"),
    ]


@pytest.mark.parametrize(
    "checks",
    [
        "none",
        [1],
        [{}],
        [{"id": 5}],
        [{"id": ""}],
        [CHECK] * 2,
        [{"id": str(n)} for n in range(51)],
        {"id": "x"},
    ],
)
def test_a_call_whose_checks_cannot_be_read_is_not_done(checks: Any) -> None:
    found = heard(call(CLICK, pending_safety_checks=checks))
    assert (found.actions, faults(found), found.signals) == ((), ["malformed"], ())


def test_a_check_of_two_calls_is_one_of_the_first() -> None:
    found = heard(
        call(CLICK, pending_safety_checks=[CHECK]), call(CLICK, call_id="c2", pending_safety_checks=[CHECK])
    )
    assert (len(found.actions), faults(found)) == (1, ["malformed"])


def test_our_own_functions_are_read() -> None:
    found = heard(function("goto", '{"url": "https://shop.test/"}'))
    assert found.actions == (Goto(url="https://shop.test/"),)
    assert found.calls[0].name == "goto"


def test_a_final_message_is_the_answer() -> None:
    found = heard(thought("All done."), words("It is done.", phase="final_answer"))
    assert found.actions == (Answer(text="It is done."),)
    assert (found.calls[0].name, found.calls[0].count) == ("answer", 1)
    assert found.thought == "All done.\nIt is done."


def test_commentary_is_not_the_end() -> None:
    found = heard(words("I look around.", phase="commentary"))
    assert (found.actions, faults(found), found.thought) == ((), ["empty"], "I look around.")


def test_words_beside_a_call_are_a_thought() -> None:
    found = heard(words("Done?", phase="final_answer"), call(CLICK))
    assert (found.actions, found.thought, found.incidents) == ((Click(x=5, y=6),), "Done?", ())


@pytest.mark.parametrize(
    "items", [[], [{"type": "reasoning", "summary": []}], [{"type": "odd"}], [words("")]]
)
def test_nothing_at_all_is_named(items: list[Any]) -> None:
    assert faults(heard(*items)) == ["empty"]


def test_a_refusal_is_named_and_is_no_answer() -> None:
    part = {"type": "refusal", "refusal": "I cannot help with that."}
    found = heard({**words(""), "content": [part]})
    assert (found.actions, faults(found)) == ((), ["refused"])
    assert found.incidents[0].message == found.thought == "I cannot help with that."


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (call({"type": "explode"}), "unknown_action"),
        (call({**CLICK, "x": 1280}), "outside_image"),
        (call({"type": "keypress", "keys": ["NOKEY"]}), "bad_arguments"),
        (call(), "malformed"),
        (call(CLICK, action=CLICK), "malformed"),
        (call(CLICK, status="incomplete"), "truncated"),
        (call(CLICK, call_id=""), "malformed"),
        (call(CLICK, call_id=5), "malformed"),
        (function("click", '{"x": 1, "y": 1}'), "unknown_tool"),
        (function("__init__"), "unknown_tool"),
        (function("goto", "{not json"), "malformed"),
        (function("goto", "[]"), "bad_arguments"),
        (function("goto", '{"url": 5}'), "bad_arguments"),
        ({"type": "local_shell_call", "call_id": "x", "action": {"command": ["rm"]}}, "unknown_tool"),
    ],
)
def test_what_cannot_be_used_is_named_and_nothing_after_it_is_done(item: dict[str, Any], fault: str) -> None:
    found = heard(call({"type": "wait"}, call_id="c0"), item, call(CLICK, call_id="c9"))
    assert found.actions == (Wait(seconds=2.0),)
    assert faults(found) == [fault]
    assert [bool(one.problem) for one in found.calls] == [False, True, True]


def test_one_bad_action_spoils_its_whole_call() -> None:
    assert heard(call(CLICK, {"type": "explode"})).actions == ()


def test_two_calls_of_one_id_are_one() -> None:
    found = heard(call(CLICK), call(CLICK))
    assert (len(found.actions), faults(found)) == (1, ["malformed"])


@pytest.mark.parametrize(
    ("details", "fault"),
    [
        ({"reason": "max_output_tokens"}, "truncated"),
        ({"reason": "content_filter"}, "content_filter"),
        (None, "truncated"),
        ({"reason": ["odd"]}, "truncated"),
    ],
)
@pytest.mark.parametrize("items", [[], [words("I was about to")], [call(CLICK)]])
def test_nothing_of_an_answer_that_was_cut_off_is_done(details: Any, fault: str, items: list[Any]) -> None:
    found = heard(*items, status="incomplete", incomplete_details=details)
    assert (found.actions, faults(found)) == ((), [fault])


def test_what_azure_held_back_is_named_with_category_and_severity_and_not_done() -> None:
    filters = [
        {"blocked": True, "content_filter_results": {"violence": {"filtered": True, "severity": "medium"}}}
    ]
    found = heard(call(CLICK), content_filters=filters)
    assert (found.actions, faults(found)) == ((), ["content_filter"])
    assert "violence (medium)" in found.incidents[0].message


def test_what_a_prompt_shield_saw_is_a_signal_and_the_call_is_judged() -> None:
    filters = [{"content_filter_results": {"jailbreak": {"detected": True, "filtered": False}}}]
    found = heard(call(CLICK), content_filters=filters, provider="azure")
    assert [(one.provider, one.code) for one in found.signals] == [("azure", "jailbreak")]
    assert found.actions == (Click(x=5, y=6),)


def test_a_filter_that_did_not_run_is_an_incident_and_the_answer_is_read_all_the_same() -> None:
    results = {"error": {"code": "content_filter_error", "message": "The contents are not filtered"}}
    filters = [{"blocked": False, "source_type": "prompt", "content_filter_results": results}]
    found = heard(words("Done."), content_filters=filters, provider="azure")
    assert found.actions == (Answer(text="Done."),)
    assert [one.message for one in found.incidents] == [
        "the content filter did not run on the prompt: content_filter_error"
    ]


@pytest.mark.parametrize(
    ("error", "fault", "again", "ends"),
    [
        ({"code": "server_error", "message": "oops"}, "server_error", True, True),
        ({"code": "rate_limit_exceeded", "message": "slow"}, "rate_limited", True, True),
        ({"code": "image_content_policy_violation", "message": "no"}, "content_filter", False, False),
        ({"code": "misalignment_policy_violation", "message": "no"}, "content_filter", False, False),
        ({"code": "invalid_image", "message": "no"}, "rejected", False, True),
        (None, "rejected", False, True),
    ],
)
def test_an_answer_that_failed_is_a_trouble(error: Any, fault: str, again: bool, ends: bool) -> None:
    with pytest.raises(Trouble) as caught:
        heard(status="failed", error=error)
    assert (caught.value.fault, caught.value.again, caught.value.ends) == (fault, again, ends)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "words",
        5,
        {},
        {"output": {}},
        {"output": [], "status": "odd"},
        {"output": [], "status": 7},
    ],
)
def test_what_is_no_answer_is_malformed_and_asked_again(answer: Any) -> None:
    with pytest.raises(Trouble) as caught:
        read(answer, SPACE, "openai")
    assert (caught.value.fault, caught.value.again) == ("malformed", True)


@pytest.mark.parametrize("status", ["cancelled", "queued", "in_progress"])
def test_an_answer_that_did_not_come_to_its_end_is_asked_again(status: str) -> None:
    with pytest.raises(Trouble) as caught:
        heard(status=status)
    assert (caught.value.fault, caught.value.again) == ("cut_off", True)


@pytest.mark.parametrize(
    "usage", [None, [], {}, {"input_tokens": "5"}, {"input_tokens": -1}, {"input_tokens": True}]
)
def test_usage_that_is_not_said_is_unknown(usage: Any) -> None:
    assert heard(words("ok"), usage=usage).usage == Usage()


def test_an_item_that_is_no_object_is_named_and_the_rest_is_read() -> None:
    found = heard(5, call(CLICK))
    assert (found.actions, faults(found), len(found.items)) == ((Click(x=5, y=6),), ["malformed"], 1)
