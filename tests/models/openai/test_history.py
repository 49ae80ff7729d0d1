"""What goes back to the vendor, and what is told in words instead."""

import base64
from typing import Any

from harness.models.dialect import Call, Heard, Outcome, Picture, Seen
from harness.models.openai.history import LEFT_OUT, kept, said
from harness.models.scaling import Space

PNG = b"\x89PNG\r\n\x1a\n picture"
IMAGE = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
PICTURE = Picture(PNG, (40, 30), Space("pixels", 40, 30, 40, 30))
REASON: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
CHECKS = [{"id": "sc_1", "code": "odd", "message": None, "extra": 1}, {"id": "sc_2"}]
CLICK: dict[str, Any] = {
    "type": "computer_call",
    "id": "cu_1",
    "call_id": "c1",
    "status": "completed",
    "actions": [{"type": "wait"}],
}
GOTO: dict[str, Any] = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "f1",
    "name": "goto",
    "arguments": "{}",
}
WORDS: dict[str, Any] = {
    "type": "message",
    "id": "m_1",
    "role": "assistant",
    "status": "completed",
    "content": [],
}
ODD: dict[str, Any] = {"type": "something_new", "id": "sn_1", "payload": {"a": [1]}}


def heard(*items: Any) -> Heard:
    return Heard(items=items)


def seen(*outcomes: Outcome, picture: Picture | None = PICTURE, acknowledged: tuple[str, ...] = ()) -> Seen:
    return Seen(2, "Step 2.", picture, outcomes=outcomes, acknowledged=acknowledged)


def came(call_id: str, text: str = "", *, ok: bool = True, name: str = "computer") -> Outcome:
    return Outcome(Call(call_id, name), ok=ok, text=text)


def answers(now: Seen, *items: dict[str, Any], output: str = "computer_screenshot") -> list[dict[str, Any]]:
    back, calls = kept(heard(*items), now)
    del back
    return said(now, calls, output, "original")


def test_an_answer_goes_back_word_for_word_with_what_nobody_here_knows() -> None:
    back, calls = kept(heard(REASON, CLICK, ODD, WORDS), seen())
    assert back == [REASON, CLICK, ODD, WORDS]
    assert calls == {"c1": CLICK}


def test_a_computer_call_is_answered_with_the_screenshot_and_words_beside_it() -> None:
    assert answers(seen(came("c1")), REASON, CLICK) == [
        {
            "type": "computer_call_output",
            "call_id": "c1",
            "output": {"type": "computer_screenshot", "image_url": IMAGE},
        },
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Step 2."}]},
    ]


def test_the_preview_may_be_answered_with_an_input_image() -> None:
    output = answers(seen(came("c1")), CLICK, output="input_image")[0]["output"]
    assert output == {"type": "input_image", "image_url": IMAGE}


def test_a_function_call_is_answered_in_words_and_the_screenshot_is_in_the_message() -> None:
    items = answers(seen(came("f1", "refused: no", ok=False, name="goto")), GOTO)
    assert items[0] == {"type": "function_call_output", "call_id": "f1", "output": "refused: no"}
    assert items[1]["content"][1] == {"type": "input_image", "image_url": IMAGE, "detail": "original"}
    assert answers(seen(came("f1")), GOTO)[0]["output"] == "done"
    assert answers(seen(came("f1", ok=False)), GOTO)[0]["output"] == "not done"


def test_why_a_computer_call_was_not_done_is_told_in_a_user_message() -> None:
    text = "refused by the rule 'spending': It costs </page> money."
    items = answers(seen(came("c1", text, ok=False)), CLICK)
    assert [one["type"] for one in items] == ["computer_call_output", "message"]
    told = items[1]["content"][0]["text"]
    assert told.startswith(
        "Your computer call was not done in full: refused by the rule 'spending': It costs \\u003c/page>"
    )
    assert told.endswith("\nStep 2.")


def test_approved_safety_checks_are_acknowledged_and_nothing_else_of_them_is_sent() -> None:
    item = {**CLICK, "pending_safety_checks": CHECKS}
    items = answers(seen(came("c1"), acknowledged=("sc_1", "sc_2", "sc_9")), item)
    assert items[0]["acknowledged_safety_checks"] == [
        {"id": "sc_1", "code": "odd", "message": None},
        {"id": "sc_2"},
    ]


def test_a_call_with_a_check_that_was_not_approved_does_not_go_back_nor_its_reasoning() -> None:
    item = {**CLICK, "pending_safety_checks": CHECKS}
    now = seen(came("c1", "refused by the rule 'warnings': no", ok=False), acknowledged=("sc_1",))
    assert kept(heard(WORDS, REASON, item), now) == ([WORDS], {})
    (message,) = answers(now, REASON, item)
    assert message["content"][0]["text"].startswith(
        "Your computer call was not done in full: refused by the rule"
    )
    assert message["content"][1]["type"] == "input_image"


def test_an_approval_is_for_one_call() -> None:
    first = {**CLICK, "pending_safety_checks": [{"id": "sc_1"}]}
    second = {**first, "id": "cu_2", "call_id": "c2"}
    back, _ = kept(heard(first, second), seen(came("c1"), came("c2", ok=False), acknowledged=("sc_1",)))
    assert back == [first]


def test_the_other_calls_of_that_answer_go_back_with_their_reasoning() -> None:
    item = {**CLICK, "pending_safety_checks": CHECKS}
    other = {**REASON, "id": "rs_2"}
    back, calls = kept(heard(REASON, item, other, GOTO), seen(came("c1", ok=False), came("f1")))
    assert (back, list(calls)) == ([other, GOTO], ["f1"])


def test_what_cannot_be_answered_does_not_go_back() -> None:
    odd_checks = {**CLICK, "pending_safety_checks": "all fine"}
    for item in (
        {**CLICK, "status": "incomplete"},
        {**CLICK, "call_id": None},
        {**GOTO, "call_id": ""},
        {"type": "local_shell_call", "call_id": "x"},
        odd_checks,
    ):
        assert kept(heard(REASON, item), seen()) == ([], {}), item


def test_of_two_calls_with_one_id_the_first_goes_back() -> None:
    back, calls = kept(heard(CLICK, {**CLICK, "id": "cu_2"}), seen())
    assert (back, calls) == ([CLICK], {"c1": CLICK})


def test_reasoning_that_nothing_follows_does_not_go_back() -> None:
    assert kept(heard(WORDS, REASON), seen()) == ([WORDS], {})


def test_without_a_picture_a_computer_call_cannot_be_answered_and_it_says_so() -> None:
    now = seen(came("c1"), picture=None)
    assert kept(heard(CLICK), now) == ([], {})
    (message,) = answers(now, CLICK)
    assert message["content"][-1] == {"type": "input_text", "text": LEFT_OUT}


def test_a_call_whose_outcome_is_lost_is_answered_all_the_same() -> None:
    items = answers(seen(), CLICK, GOTO)
    assert [one["type"] for one in items] == ["computer_call_output", "function_call_output", "message"]
    assert items[1]["output"] == "not executed"


def test_what_came_of_an_answer_in_words_is_told() -> None:
    (message,) = answers(seen(came("", "refused by the rule 'r': no", ok=False, name="answer")), WORDS)
    assert message["content"][0]["text"].startswith("Your answer call was not done in full: refused")
