"""Every action of the vendor's vocabulary, in a picture of half the screen's size."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest
from anthropic.types.computer_tool_use_block import ComputerToolUseBlock
from harness.action import (
    Action,
    Click,
    Drag,
    Hold,
    MouseDown,
    MouseUp,
    Move,
    Point,
    Press,
    Scroll,
    TakeScreenshot,
    Type,
    Wait,
    Zoom,
)
from harness.clearance import Fault
from harness.errors import ActionError
from harness.models.anthropic.vocabulary import LONGEST_WAIT, MEMBERS, MOST_CLICKS, Reading
from harness.models.dialect import Frame, Unusable
from harness.models.scaling import Space

HALF = Space("pixels", 640, 360, 1280, 720)


def read(name: str, *, zooms: bool = True, pointer: tuple[int, int] = (300, 200), **given: Any) -> Any:
    return Reading(Frame(HALF, pointer), zooms=zooms).read(name, given)


def test_the_members_are_those_of_the_sdk() -> None:
    variants = get_args(get_args(ComputerToolUseBlock)[0])
    theirs = {get_args(one.model_fields["name"].annotation)[0] for one in variants}
    assert set(MEMBERS) == theirs
    assert len(MEMBERS) == 17


@pytest.mark.parametrize(
    ("name", "given", "actions"),
    [
        ("left_click", {"coordinate": [100, 50]}, [Click(x=201, y=101)]),
        ("right_click", {"coordinate": [100, 50]}, [Click(x=201, y=101, button="right")]),
        ("middle_click", {"coordinate": [100, 50]}, [Click(x=201, y=101, button="middle")]),
        ("double_click", {"coordinate": [100, 50]}, [Click(x=201, y=101, count=2)]),
        ("triple_click", {"coordinate": [100, 50]}, [Click(x=201, y=101, count=3)]),
        ("left_click", {}, [Click(x=300, y=200)]),
        ("left_click", {"coordinate": None, "text": None}, [Click(x=300, y=200)]),
        ("left_click", {"text": "ctrl+shift"}, [Click(x=300, y=200, modifiers=("Control", "Shift"))]),
        ("left_click", {"key": "alt"}, [Click(x=300, y=200, modifiers=("Alt",))]),
        ("mouse_move", {"coordinate": [0, 359]}, [Move(x=1, y=719)]),
        ("left_mouse_down", {}, [MouseDown()]),
        ("left_mouse_up", {}, [MouseUp()]),
        ("left_mouse_down", {"coordinate": [100, 50]}, [MouseDown(x=201, y=101)]),
        (
            "left_click_drag",
            {"start_coordinate": [10, 10], "coordinate": [100, 50], "text": "shift"},
            [Drag(path=(Point(x=21, y=21), Point(x=201, y=101)), modifiers=("Shift",))],
        ),
        (
            "left_click_drag",
            {"coordinate": [100, 50]},
            [Drag(path=(Point(x=300, y=200), Point(x=201, y=101)))],
        ),
        (
            "scroll",
            {"coordinate": [100, 50], "scroll_direction": "down", "scroll_amount": 3},
            [Scroll(x=201, y=101, dy=360)],
        ),
        ("scroll", {"scroll_direction": "up", "scroll_amount": 1}, [Scroll(x=300, y=200, dy=-120)]),
        ("scroll", {"scroll_direction": "left", "scroll_amount": 2}, [Scroll(x=300, y=200, dx=-240)]),
        (
            "scroll",
            {"scroll_direction": "right", "scroll_amount": 2, "text": "shift"},
            [Scroll(x=300, y=200, dx=240, modifiers=("Shift",))],
        ),
        ("type", {"text": "a b\n"}, [Type(text="a b\n")]),
        ("key", {"text": "ctrl+s"}, [Press(keys=("Control", "s"))]),
        ("key", {"text": "Page_Down"}, [Press(keys=("PageDown",))]),
        ("key", {"text": " "}, [Press(keys=(" ",))]),
        ("key", {"text": "Tab", "repeat": 3}, [Press(keys=("Tab",))] * 3),
        (
            "key",
            {"text": "ctrl+a Delete", "repeat": 2},
            [Press(keys=("Control", "a")), Press(keys=("Delete",))] * 2,
        ),
        ("hold_key", {"text": "shift+a", "duration": 2}, [Hold(keys=("Shift", "a"), seconds=2)]),
        ("wait", {"duration": 2}, [Wait(seconds=2)]),
        ("wait", {"duration": 86_400}, [Wait(seconds=LONGEST_WAIT)]),
        ("screenshot", {}, [TakeScreenshot()]),
        ("zoom", {"region": [0, 0, 640, 360]}, [Zoom(region=(0, 0, 1280, 720))]),
        ("zoom", {"region": [100, 50, 200, 150]}, [Zoom(region=(200, 100, 400, 300))]),
    ],
)
def test_what_a_call_stands_for(name: str, given: dict[str, Any], actions: Sequence[Action]) -> None:
    assert list(read(name, **given)) == list(actions)


def test_where_the_pointer_is_is_said_in_pixels_of_the_picture() -> None:
    assert read("cursor_position", pointer=(301, 201)) == "X=150,Y=100"


def test_the_pointer_follows_what_the_same_answer_did_before() -> None:
    reading = Reading(Frame(HALF, (0, 0)))
    reading.read("mouse_move", {"coordinate": [100, 50]})
    assert reading.read("cursor_position", {}) == "X=100,Y=50"
    assert reading.read("left_click", {}) == [Click(x=201, y=101)]
    reading.read("left_click_drag", {"start_coordinate": [1, 1], "coordinate": [20, 30]})
    assert reading.read("scroll", {"scroll_direction": "up", "scroll_amount": 0}) == [Scroll(x=41, y=61)]
    reading.read("left_mouse_up", {"coordinate": [7, 7]})
    assert reading.read("cursor_position", {}) == "X=7,Y=7"


@pytest.mark.parametrize(
    ("name", "given", "fault"),
    [
        ("explode", {}, "unknown_action"),
        ("__class__", {}, "unknown_action"),
        ("left_click", {"coordinate": [640, 10]}, "outside_image"),
        ("left_click", {"coordinate": [-1, 10]}, "outside_image"),
        ("mouse_move", {"coordinate": [1, 1e300]}, "bad_arguments"),
        ("left_click", {"coordinate": [1, float("nan")]}, "bad_arguments"),
        ("left_click", {"coordinate": [True, 1]}, "bad_arguments"),
        ("left_click", {"coordinate": ["1", "2"]}, "bad_arguments"),
        ("left_click", {"coordinate": [1, 2, 3]}, "bad_arguments"),
        ("left_click", {"coordinate": "1, 2"}, "bad_arguments"),
        ("left_click", {"text": 5}, "bad_arguments"),
        ("mouse_move", {}, "bad_arguments"),
        ("left_click_drag", {"start_coordinate": [1, 1]}, "bad_arguments"),
        ("scroll", {"scroll_direction": "sideways", "scroll_amount": 1}, "bad_arguments"),
        ("scroll", {"scroll_direction": [], "scroll_amount": 1}, "bad_arguments"),
        ("scroll", {"scroll_direction": "up"}, "bad_arguments"),
        ("scroll", {"scroll_direction": "up", "scroll_amount": -1}, "bad_arguments"),
        ("scroll", {"scroll_direction": "up", "scroll_amount": MOST_CLICKS + 1}, "bad_arguments"),
        ("type", {}, "bad_arguments"),
        ("type", {"text": ["a"]}, "bad_arguments"),
        ("key", {"text": "a", "repeat": 0}, "bad_arguments"),
        ("key", {"text": "a", "repeat": 1.5}, "bad_arguments"),
        ("key", {"text": "a b", "repeat": 51}, "bad_arguments"),
        ("hold_key", {"text": "a", "duration": 61}, "bad_arguments"),
        ("wait", {"duration": -1}, "bad_arguments"),
        ("wait", {}, "bad_arguments"),
        ("zoom", {"region": [10, 10, 10, 20]}, "bad_arguments"),
        ("zoom", {"region": [0, 0, 641, 360]}, "outside_image"),
    ],
)
def test_what_cannot_be_meant_is_named(name: str, given: dict[str, Any], fault: Fault) -> None:
    with pytest.raises(Unusable) as caught:
        read(name, **given)
    assert caught.value.fault == fault


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("key", {"text": "ctrl+nonsense"}),
        ("key", {"text": ""}),
        ("left_click", {"text": "ctrl+a"}),
        ("type", {"text": "x" * 100_001}),
    ],
)
def test_keys_and_lengths_are_refused_as_everywhere(name: str, given: dict[str, Any]) -> None:
    with pytest.raises(ActionError):
        read(name, **given)


def test_the_first_tool_cannot_zoom() -> None:
    with pytest.raises(Unusable, match="there is no action 'zoom'") as caught:
        read("zoom", zooms=False, region=[0, 0, 1, 1])
    assert caught.value.fault == "unknown_action"
    assert not str(caught.value).endswith("zoom")
