"""UI-TARS."""

from typing import Any

import pytest
from harness.action import Action, Answer, AskUser, Click, Drag, Point, Press, Scroll, Type, Wait
from harness.models.chat.ui_tars import UiTarsDialect, UiTarsVersion
from harness.models.dialect import Brief, Frame, Heard, Seen, Turn
from harness.models.scaling import Space
from vendors.chat import completion, message, tool_call

PIXELS = Frame(Space("pixels", 40, 30, 40, 30), (7, 8))


def dialect(version: UiTarsVersion = "1.5") -> UiTarsDialect:
    return UiTarsDialect("ui-tars", Brief(goal="Buy"), {"max_tokens": 9}, version=version)


def read(text: str | None, frame: Frame = PIXELS, **said: Any) -> Heard:
    return dialect().read(completion(message(text, **said)), frame)


def faults(heard: Heard) -> list[str]:
    return [one.fault for one in heard.incidents]


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("click(point='<point>1 2</point>')", Click(x=1, y=2)),
        ("click(start_box='(1,2)')", Click(x=1, y=2)),
        ("click(start_box='<|box_start|>(1,2)<|box_end|>')", Click(x=1, y=2)),
        ("left_double(point='<point>1 2</point>')", Click(x=1, y=2, count=2)),
        ("right_single(point='<point>1 2</point>')", Click(x=1, y=2, button="right")),
        (
            "drag(start_point='<point>1 2</point>', end_point='<point>3 4</point>')",
            Drag(path=(Point(x=1, y=2), Point(x=3, y=4))),
        ),
        ("drag(start_box='(1,2)', end_box='(3,4)')", Drag(path=(Point(x=1, y=2), Point(x=3, y=4)))),
        ("hotkey(key='ctrl shift t')", Press(keys=("Control", "Shift", "t"))),
        ("type(content='Ada\\n')", Type(text="Ada\n")),
        ("scroll(point='<point>1 2</point>', direction='down')", Scroll(x=1, y=2, dy=500)),
        ("scroll(direction='left')", Scroll(x=7, y=8, dx=-500)),
        ("wait()", Wait(seconds=5)),
        ("finished(content='All done')", Answer(text="All done")),
        ('finished(content=\'{"order_id": "7"}\')', Answer(text='{"order_id": "7"}', data={"order_id": "7"})),
        ("finished()", Answer(text="Why.")),
        ("call_user()", AskUser(question="Why.")),
    ],
)
def test_every_action_is_read(text: str, action: Action) -> None:
    heard = read(f"Thought: Why.\nAction: {text}")
    assert (heard.actions, heard.thought, heard.incidents) == ((action,), "Why.", ())


def test_the_first_version_counts_thousandths() -> None:
    assert (dialect("1.0").space, dialect("1.5").space) == ("thousandths", "pixels")
    frame = Frame(Space("thousandths", 1000, 1000, 40, 30), (0, 0))
    assert read("Action: click(start_box='(500,500)')", frame).actions == (Click(x=20, y=15),)
    assert "start_box='(x,y)'" in dialect("1.0").overhead
    assert "<point>x y</point>" in dialect("1.5").overhead


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I would click.", "malformed"),
        ("Action: I click", "malformed"),
        ("Action: open_app(name='x')", "unknown_action"),
        ("Action: click()", "bad_arguments"),
        ("Action: click(point='here')", "bad_arguments"),
        ("Action: click(point='<point>40 1</point>')", "outside_image"),
        ("Action: hotkey(key='hyper')", "bad_arguments"),
        ("Action: hotkey(key='')", "bad_arguments"),
        ("Action: scroll(point='<point>1 2</point>', direction='inward')", "bad_arguments"),
        ("Action: type(content=7)", "bad_arguments"),
    ],
)
def test_what_cannot_be_used_is_named_and_told(text: str, fault: str) -> None:
    heard = read(text)
    assert (heard.actions, faults(heard)) == ((), [fault])
    assert heard.calls[0].problem


def test_what_was_cut_off_or_called_is_not_executed() -> None:
    assert faults(read("Action: wait()", finish="length")) == ["truncated"]
    assert faults(read("Action: wait()", calls=[tool_call("a", "wait", "{}")])) == ["unknown_tool"]
    assert faults(read(None, refusal="No.")) == ["refused"]
    assert faults(read(None)) == ["empty"]


def test_the_instructions_are_a_users_words_and_answers_go_back_as_they_were() -> None:
    heard = read("Thought: a\nAction: wait()")
    turns = [
        Turn(Seen(step=1, text="Step 1.", picture=None), heard),
        Turn(Seen(step=2, text="Step 2.", picture=None)),
    ]
    body: Any = dialect().request(turns, [])
    assert [one["role"] for one in body["messages"]] == ["user", "user", "assistant", "user"]
    assert body["messages"][2]["content"] == "Thought: a\nAction: wait()"
