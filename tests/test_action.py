import json
from typing import Any

import pytest
from harness.action import KINDS, Click, Drag, Press, parse_action
from harness.errors import ActionError
from hypothesis import given
from hypothesis import strategies as st

EVERY: list[dict[str, Any]] = [
    {"kind": "click", "x": 10, "y": 20},
    {"kind": "click", "x": 1, "y": 2, "button": "back", "count": 3, "modifiers": ["ctrl", "shift"]},
    {"kind": "move", "x": 1, "y": 2},
    {"kind": "mouse_down"},
    {"kind": "mouse_up", "x": 4, "y": 5, "button": "right"},
    {"kind": "drag", "path": [[1, 2], [3, 4]]},
    {"kind": "scroll", "x": 1, "y": 1, "dy": 300},
    {"kind": "type", "text": "日本語 🙂\n"},
    {"kind": "press", "keys": ["ctrl", "a"]},
    {"kind": "hold", "keys": "w", "seconds": 2},
    {"kind": "wait", "seconds": 0.5},
    {"kind": "screenshot"},
    {"kind": "zoom", "region": [0, 0, 10, 10]},
    {"kind": "goto", "url": "https://shop.test/"},
    {"kind": "back"},
    {"kind": "forward"},
    {"kind": "reload"},
    {"kind": "new_tab"},
    {"kind": "switch_tab", "tab": 2},
    {"kind": "close_tab"},
    {"kind": "upload", "files": ["a.txt"]},
    {"kind": "ask_user", "question": "which?"},
    {"kind": "answer", "text": "done", "data": {"id": 7}},
    {"kind": "give_up", "reason": "no"},
]


@pytest.mark.parametrize("data", EVERY, ids=lambda data: data["kind"])
def test_every_action_survives_a_round_trip_through_json(data: dict[str, Any]) -> None:
    action = parse_action(data)
    assert parse_action(json.loads(action.model_dump_json())) == action


def test_every_kind_is_covered_above() -> None:
    assert {data["kind"] for data in EVERY} == set(KINDS)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"kind": "clik", "x": 1, "y": 2}, "did you mean 'click'"),
        ({"x": 1}, "no action is called 'None'"),
        ("click", "not str"),
        ({"kind": "click", "x": float("nan"), "y": 1}, "finite"),
        ({"kind": "click", "x": float("inf"), "y": 1}, "finite"),
        ({"kind": "click", "x": 1e308, "y": 1}, "less than or equal"),
        ({"kind": "click", "x": True, "y": 1}, "truth value"),
        ({"kind": "click", "x": 1}, "y: Field required"),
        ({"kind": "press", "keys": [1]}, "keys.0: Input should be a valid string"),
        ({"kind": "click", "x": 1, "y": 2, "modifiers": [None]}, "modifiers.0: Input should be"),
        ({"kind": "click", "x": 1, "y": 2, "count": 1000}, "count"),
        ({"kind": "click", "x": 1, "y": 2, "z": 3}, "z: Extra"),
        ({"kind": "click", "x": 1, "y": 2, "modifiers": ["a"]}, "not a modifier"),
        ({"kind": "press", "keys": "ctrl+Retrun"}, "did you mean 'Enter'"),
        ({"kind": "press", "keys": []}, "chord"),
        ({"kind": "wait", "seconds": 1e9}, "less than or equal to 60"),
        ({"kind": "drag", "path": [[1, 2]]}, "at least 2"),
        ({"kind": "drag", "path": [[1, 2, 3], [1, 2, 3]]}, "path"),
        ({"kind": "type", "text": "x" * 100_001}, "at most 100000"),
        ({"kind": "upload", "files": []}, "at least 1"),
    ],
)
def test_what_is_not_an_action_is_refused_in_one_line(data: object, says: str) -> None:
    with pytest.raises(ActionError) as caught:
        parse_action(data)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.text() | st.sampled_from(["kind", "x", "y", "keys", "path"]), inner)
        ),
        max_leaves=12,
    )
)
def test_anything_at_all_is_parsed_or_refused(data: object) -> None:
    try:
        parse_action(data)
    except ActionError:
        return


def test_fractions_are_rounded_and_names_made_canonical() -> None:
    click = parse_action({"kind": "click", "x": 10.6, "y": 3.2, "modifiers": "ctrl+alt"})
    assert isinstance(click, Click)
    assert (click.x, click.y, click.modifiers) == (11, 3, ("Control", "Alt"))
    press = parse_action({"kind": "press", "keys": "Return"})
    assert isinstance(press, Press)
    assert press.keys == ("Enter",)
    drag = parse_action({"kind": "drag", "path": [{"x": 1, "y": 2}, [3, 4]]})
    assert isinstance(drag, Drag)
    assert [(point.x, point.y) for point in drag.path] == [(1, 2), (3, 4)]
