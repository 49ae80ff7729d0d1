"""Every action of OpenAI's vocabulary, and what is none."""

from typing import Any

import pytest
from harness.action import Action, Click, Drag, Move, Point, Press, Scroll, TakeScreenshot, Type, Wait
from harness.errors import ActionError
from harness.models.dialect import Unusable
from harness.models.openai.actions import PAUSE, action, actions
from harness.models.scaling import Space
from pydantic import JsonValue

SAME = Space("pixels", 1280, 720, 1280, 720)
HALF = Space("pixels", 640, 360, 1280, 720)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"type": "click", "x": 5, "y": 6, "button": "left"}, Click(x=5, y=6)),
        ({"type": "click", "x": 5, "y": 6, "button": "right"}, Click(x=5, y=6, button="right")),
        ({"type": "click", "x": 5, "y": 6, "button": "wheel"}, Click(x=5, y=6, button="middle")),
        ({"type": "click", "x": 5, "y": 6, "button": "back"}, Click(x=5, y=6, button="back")),
        ({"type": "click", "x": 5, "y": 6, "button": "forward"}, Click(x=5, y=6, button="forward")),
        (
            {"type": "click", "x": 5, "y": 6, "button": "left", "keys": ["CTRL", "SHIFT"]},
            Click(x=5, y=6, modifiers=("Control", "Shift")),
        ),
        ({"type": "double_click", "x": 5, "y": 6, "keys": None}, Click(x=5, y=6, count=2)),
        (
            {"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "keys": ["ALT"]},
            Drag(path=(Point(x=1, y=2), Point(x=3, y=4)), modifiers=("Alt",)),
        ),
        ({"type": "keypress", "keys": ["CTRL", "A"]}, Press(keys=("Control", "A"))),
        ({"type": "keypress", "keys": ["ENTER"]}, Press(keys=("Enter",))),
        ({"type": "move", "x": 5, "y": 6, "keys": []}, Move(x=5, y=6)),
        ({"type": "screenshot"}, TakeScreenshot()),
        (
            {"type": "scroll", "x": 5, "y": 6, "scroll_x": -10, "scroll_y": 300, "keys": ["SHIFT"]},
            Scroll(x=5, y=6, dx=-10, dy=300, modifiers=("Shift",)),
        ),
        ({"type": "type", "text": "Ada\n"}, Type(text="Ada\n")),
        ({"type": "wait"}, Wait(seconds=PAUSE)),
    ],
)
def test_each_action_is_read(given: dict[str, Any], wanted: Action) -> None:
    assert action(given, SAME) == wanted


def test_points_and_lengths_are_those_of_the_picture() -> None:
    scroll = action({"type": "scroll", "x": 100, "y": 50, "scroll_x": 0, "scroll_y": 60}, HALF)
    assert scroll == Scroll(x=201, y=101, dy=120)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("click", "malformed"),
        (None, "malformed"),
        ({"type": "triple_click", "x": 1, "y": 1}, "unknown_action"),
        ({"type": ["click"]}, "unknown_action"),
        ({}, "unknown_action"),
        ({"type": "__class__"}, "unknown_action"),
        ({"type": "click", "x": 1280, "y": 1, "button": "left"}, "outside_image"),
        ({"type": "click", "x": 1, "y": -1, "button": "left"}, "outside_image"),
        ({"type": "click", "x": 1, "y": 1, "button": "thumb"}, "bad_arguments"),
        ({"type": "click", "x": 1, "y": 1, "button": {}}, "bad_arguments"),
        ({"type": "click", "x": 1, "y": 1, "keys": [1]}, "bad_arguments"),
        ({"type": "keypress", "keys": "CTRL"}, "bad_arguments"),
        ({"type": "move", "x": 1, "y": 1, "keys": ["CTRL"]}, "bad_arguments"),
        ({"type": "drag", "path": [{"x": 1, "y": 2}, {"x": 9999, "y": 4}]}, "outside_image"),
    ],
)
def test_what_is_none_is_named(given: Any, fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        action(given, SAME)
    assert caught.value.fault == fault


@pytest.mark.parametrize(
    "given",
    [
        {"type": "click", "button": "left"},
        {"type": "click", "x": "left", "y": 1},
        {"type": "click", "x": True, "y": 1},
        {"type": "click", "x": 10**400, "y": 1},
        {"type": "click", "x": 1, "y": 1, "keys": ["Q"]},
        {"type": "drag", "path": []},
        {"type": "drag", "path": [{}, {}]},
        {"type": "drag"},
        {"type": "keypress", "keys": ["HYPERSPACE"]},
        {"type": "keypress", "keys": []},
        {"type": "keypress"},
        {"type": "scroll", "x": 1, "y": 1, "scroll_y": "far"},
        {"type": "type"},
        {"type": "type", "text": {"a": 1}},
    ],
)
def test_a_wrong_field_is_an_error_of_the_action(given: dict[str, Any]) -> None:
    with pytest.raises(ActionError):
        action(given, SAME)


def test_a_call_holds_one_action_or_several_in_order() -> None:
    wait: JsonValue = {"type": "wait"}
    look: JsonValue = {"type": "screenshot"}
    assert list(actions({"action": wait}, SAME)) == [Wait(seconds=PAUSE)]
    assert list(actions({"action": None, "actions": [look, wait]}, SAME)) == [
        TakeScreenshot(),
        Wait(seconds=PAUSE),
    ]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"action": {"type": "wait"}, "actions": [{"type": "wait"}]},
        {"actions": []},
        {"actions": {"type": "wait"}},
        {"actions": [{"type": "wait"}] * 101},
    ],
)
def test_a_call_with_neither_or_both_is_not_used(item: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        actions(item, SAME)
