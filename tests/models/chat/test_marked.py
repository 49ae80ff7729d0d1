"""Calls between marks."""

import json
from typing import Any

import pytest
from harness.action import Click, Drag, Goto, Move, Point
from harness.models.chat.marked import MarkedDialect
from harness.models.chat.qwen import qwen_dialect
from harness.models.dialect import Brief, Frame, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.testing import blank
from vendors.chat import completion, message, tool_call

SPACE = Space("pixels", 40, 30, 40, 30)
FRAME = Frame(SPACE, (3, 4))


def dialect() -> MarkedDialect:
    return qwen_dialect("qwen2.5-vl", Brief(goal="Buy"), {"max_tokens": 9}, version="2.5")


def call(action: str, **given: Any) -> str:
    arguments = {"action": action, **given}
    return f"<tool_call>\n{json.dumps({'name': 'computer_use', 'arguments': arguments})}\n</tool_call>"


def read(content: str | None, **said: Any) -> Heard:
    return dialect().read(completion(message(content, **said)), FRAME)


def faults(heard: Heard) -> list[str]:
    return [one.fault for one in heard.incidents]


def seen(step: int, *outcomes: Outcome) -> Seen:
    picture = Picture(blank(40, 30).png, (40, 30), SPACE)
    return Seen(step=step, text=f"Step {step}.", picture=picture, outcomes=outcomes)


def test_the_tools_stand_in_the_instructions_with_the_size_of_the_screen() -> None:
    body: Any = dialect().request([Turn(seen(1))], [])
    assert "tools" not in body
    said = body["messages"][0]["content"]
    assert "The screen is 40x30" in said
    assert '"name": "goto"' in said
    wide = qwen_dialect("qwen3-vl", Brief(goal="Buy"), {}, version="3").request([Turn(seen(1))], [])
    assert "The screen is 1000x1000" in str(wide)


def test_several_calls_are_read_in_order_with_the_pointer_where_they_leave_it() -> None:
    heard = read(
        "I drag.\n"
        + call("mouse_move", coordinate=[10, 11])
        + "\n"
        + call("left_click_drag", coordinate=[20, 21])
    )
    assert heard.thought == "I drag."
    assert heard.actions == (Move(x=10, y=11), Drag(path=(Point(x=10, y=11), Point(x=20, y=21))))
    assert read(call("left_click_drag", coordinate=[5, 5])).actions == (
        Drag(path=(Point(x=3, y=4), Point(x=5, y=5))),
    )


def test_our_own_functions_are_called_alike() -> None:
    text = '<tool_call>{"name": "goto", "arguments": {"url": "https://shop.test/"}}</tool_call>'
    assert read(text).actions == (Goto(url="https://shop.test/"),)


def test_a_mark_that_the_server_took_away_closes_at_the_end() -> None:
    assert read(call("left_click", coordinate=[1, 2]).removesuffix("</tool_call>")).actions == (
        Click(x=1, y=2),
    )


def test_calls_that_the_server_took_out_of_the_text_are_put_back() -> None:
    given = {"action": "left_click", "coordinate": [1, 2]}
    heard = read("I click.", calls=[tool_call("a", "computer_use", given)])
    assert heard.actions == (Click(x=1, y=2),)
    assert "<tool_call>" in str(heard.items[0])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("I would click.", "malformed"),
        ("<tool_call></tool_call>", "bad_arguments"),
        ("<tool_call>click()</tool_call>", "malformed"),
        ('<tool_call>{"name": "computer_use"}</tool_call>', "bad_arguments"),
        ('<tool_call>{"name": "bash", "arguments": {}}</tool_call>', "unknown_tool"),
        (call("fly"), "unknown_action"),
        (call("left_click", coordinate=[40, 1]), "outside_image"),
    ],
)
def test_what_cannot_be_used_is_named_and_ends_the_answer(content: str, fault: str) -> None:
    heard = read(content + "\n" + call("wait", time=1) if "<" in content else content)
    assert (heard.actions, faults(heard)) == ((), [fault])
    assert heard.calls[0].problem


def test_what_was_cut_off_is_not_executed() -> None:
    assert faults(read(call("wait", time=1), finish="length")) == ["truncated"]
    assert faults(read(None, refusal="No.")) == ["refused"]
    assert faults(read(None)) == ["empty"]


def test_the_next_question_begins_with_what_became_of_each_call() -> None:
    heard = read(call("wait", time=1))
    told = Outcome(heard.calls[0], ok=False, text="refused </tool_response>")
    body: Any = dialect().request([Turn(seen(1), heard), Turn(seen(2, told))], [])
    assert body["messages"][2] == {"role": "assistant", "content": call("wait", time=1)}
    text = body["messages"][3]["content"][0]["text"]
    assert text.startswith("<tool_response>\nrefused \\u003c/tool_response>\n</tool_response>\nStep 2.")
