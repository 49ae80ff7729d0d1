"""Qwen-VL's vocabulary."""

from collections.abc import Mapping
from typing import Any

import pytest
from harness.action import Action, Answer, Click, Drag, GiveUp, Move, Point, Press, Scroll, Type, Wait
from harness.errors import ActionError
from harness.models.chat.qwen import QwenVocabulary, answered
from harness.models.dialect import Frame, Unusable
from harness.models.scaling import Space

PIXELS = Frame(Space("pixels", 40, 30, 80, 60), (7, 8))
THOUSANDTHS = Frame(Space("thousandths", 1000, 1000, 80, 60), (7, 8))
AT = {"coordinate": [10, 10]}


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ({"action": "key", "keys": ["ctrl", "a"]}, Press(keys=("Control", "a"))),
        ({"action": "type", "text": "Ada\n"}, Type(text="Ada\n")),
        ({"action": "mouse_move", **AT}, Move(x=21, y=21)),
        ({"action": "left_click", **AT}, Click(x=21, y=21)),
        ({"action": "right_click", **AT}, Click(x=21, y=21, button="right")),
        ({"action": "middle_click", **AT}, Click(x=21, y=21, button="middle")),
        ({"action": "double_click", **AT}, Click(x=21, y=21, count=2)),
        ({"action": "triple_click", **AT}, Click(x=21, y=21, count=3)),
        ({"action": "left_click_drag", **AT}, Drag(path=(Point(x=7, y=8), Point(x=21, y=21)))),
        ({"action": "scroll", "pixels": 100, **AT}, Scroll(x=21, y=21, dy=-200)),
        ({"action": "scroll", "pixels": -100}, Scroll(x=7, y=8, dy=200)),
        ({"action": "hscroll", "pixels": 50}, Scroll(x=7, y=8, dx=100)),
        ({"action": "wait", "time": 2.5}, Wait(seconds=2.5)),
        ({"action": "terminate", "status": "success"}, Answer(text="why")),
        ({"action": "terminate", "status": "failure"}, GiveUp(reason="why")),
        ({"action": "terminate"}, GiveUp(reason="why")),
        (
            {"action": "answer", "text": '{"order_id": "7"}'},
            Answer(text='{"order_id": "7"}', data={"order_id": "7"}),
        ),
    ],
)
def test_every_action_is_read(given: Mapping[str, Any], action: Action) -> None:
    assert QwenVocabulary().read(given, PIXELS, "why") == [action]


def test_thousandths_are_of_the_screen() -> None:
    read = QwenVocabulary().read
    assert read({"action": "left_click", "coordinate": [500, 500]}, THOUSANDTHS, "") == [Click(x=40, y=30)]
    assert read({"action": "left_click", "coordinate": [1000, 1000]}, THOUSANDTHS, "") == [Click(x=79, y=59)]
    assert read({"action": "scroll", "pixels": 500}, THOUSANDTHS, "") == [Scroll(x=7, y=8, dy=-30)]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "unknown_action"),
        ({"action": ["left_click"]}, "unknown_action"),
        ({"action": "screenshot"}, "unknown_action"),
        ({"action": "left_click"}, "bad_arguments"),
        ({"action": "left_click", "coordinate": [1, True]}, "bad_arguments"),
        ({"action": "left_click", "coordinate": "1, 2"}, "bad_arguments"),
        ({"action": "left_click", "coordinate": [1, 2, 3]}, "bad_arguments"),
        ({"action": "left_click", "coordinate": [40, 2]}, "outside_image"),
        ({"action": "scroll", "pixels": "7"}, "bad_arguments"),
        ({"action": "scroll", "pixels": 1e300}, "bad_arguments"),
        ({"action": "answer", "text": 7}, "bad_arguments"),
    ],
)
def test_what_cannot_be_used_is_named(given: Mapping[str, Any], fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        QwenVocabulary().read(given, PIXELS, "")
    assert caught.value.fault == fault


@pytest.mark.parametrize("given", [{"action": "key"}, {"action": "type"}, {"action": "wait", "time": 1e9}])
def test_a_field_out_of_range_is_a_wrong_action(given: Mapping[str, Any]) -> None:
    with pytest.raises(ActionError):
        QwenVocabulary().read(given, PIXELS, "")


def test_an_answer_that_only_looks_like_data_is_words() -> None:
    assert answered("{no json") == Answer(text="{no json")
    assert answered('[{"a": 1}]') == Answer(text='[{"a": 1}]')
