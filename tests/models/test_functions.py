import json

import pytest
from harness.action import KINDS, Click, Drag, MouseDown, MouseUp, Move, Point, Press, Scroll, Type, Zoom
from harness.models.dialect import Unusable
from harness.models.functions import arguments, call, functions, left_at, placed
from harness.models.scaling import Space

HALF = Space("pixels", 640, 360, 1280, 720)
NORMAL = Space("thousandths", 1000, 1000, 1280, 720)


def test_every_kind_is_a_function_whose_schema_stands_alone() -> None:
    made = functions()
    assert [one["name"] for one in made] == list(KINDS)
    text = json.dumps(made)
    assert "$ref" not in text
    assert all(one["description"] for one in made)
    click = next(one for one in made if one["name"] == "click")
    assert isinstance(click["parameters"], dict)
    assert click["parameters"]["required"] == ["x", "y"]
    assert "kind" not in json.dumps(click["parameters"]["properties"])


def test_points_and_lengths_are_moved_to_the_screen() -> None:
    assert call("click", '{"x": 0, "y": 359}', HALF) == Click(x=1, y=719)
    assert call("click", {"x": 500, "y": 500}, NORMAL) == Click(x=640, y=360)
    assert placed(Scroll(x=10, y=10, dx=3, dy=-100), HALF) == Scroll(x=21, y=21, dx=6, dy=-200)
    drag = placed(Drag(path=(Point(x=0, y=0), Point(x=10, y=20))), HALF)
    assert drag == Drag(path=(Point(x=1, y=1), Point(x=21, y=41)))
    assert placed(Zoom(region=(0, 0, 640, 360)), HALF) == Zoom(region=(0, 0, 1280, 720))
    assert placed(MouseDown(), HALF) == MouseDown()
    assert placed(Type(text="640"), HALF) == Type(text="640")


@pytest.mark.parametrize(
    "action", [Click(x=640, y=0), Click(x=-1, y=0), Drag(path=(Point(x=0, y=0), Point(x=0, y=360)))]
)
def test_a_point_outside_the_picture_is_refused(action: Click | Drag) -> None:
    with pytest.raises(Unusable, match="outside the picture, which is 640 by 360"):
        placed(action, HALF)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("{", "malformed"),
        ("[1]", "bad_arguments"),
        (3, "bad_arguments"),
        ("[" * 10_000, "malformed"),
        ({"text": object()}, "malformed"),
        (json.loads("[" * 30 + "]" * 30), "bad_arguments"),
        ({"a": json.loads("[" * 30 + "]" * 30)}, "bad_arguments"),
    ],
)
def test_arguments_that_are_no_object_are_refused(given: object, fault: str) -> None:
    with pytest.raises(Unusable) as caught:
        arguments(given)
    assert caught.value.fault == fault


def test_a_kind_among_the_arguments_does_not_change_what_is_called() -> None:
    assert call("type", {"text": "a", "kind": "goto"}, HALF) == Type(text="a")
    with pytest.raises(Unusable, match="there is no function 'eval'"):
        call("eval", {"kind": "click", "x": 1, "y": 1}, HALF)


@pytest.mark.parametrize("text", ['{"x": NaN}', '{"x": 1e999}', '{"x": "\\ud800"}'])
def test_what_no_trace_can_hold_is_no_argument(text: str) -> None:
    with pytest.raises(Unusable, match="not JSON"):
        arguments(text)


def test_the_pointer_is_where_an_action_leaves_it() -> None:
    drag = Drag(path=(Point(x=1, y=2), Point(x=5, y=6)))
    actions = (drag, MouseUp(), MouseDown(x=7, y=8), Press(keys=("a",)), Move(x=3, y=4), Scroll(x=1, y=1))
    assert [left_at(one) for one in actions] == [(5, 6), None, (7, 8), None, (3, 4), (1, 1)]
