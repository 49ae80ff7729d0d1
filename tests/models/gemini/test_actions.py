"""Every function of both of Gemini's sets."""

import pytest
from harness.action import Action, parse_action
from harness.models.dialect import Unusable
from harness.models.functions import EXTRAS
from harness.models.gemini.actions import CURRENT, LEGACY, FunctionSet, names, offered, read
from harness.models.scaling import Space
from pydantic import JsonValue

SPACE = Space("thousandths", 1000, 1000, 1280, 720)
AT: dict[str, JsonValue] = {"x": 500, "y": 500}
THERE: dict[str, JsonValue] = {"x": 640, "y": 360}
ENTER: dict[str, JsonValue] = {"kind": "press", "keys": ["Enter"]}


def act(**fields: JsonValue) -> Action:
    return parse_action(fields)


CASES: list[tuple[str, dict[str, JsonValue], list[dict[str, JsonValue]]]] = [
    ("click", AT, [{"kind": "click", **THERE}]),
    ("click_at", AT, [{"kind": "click", **THERE}]),
    ("double_click", AT, [{"kind": "click", **THERE, "count": 2}]),
    ("triple_click", AT, [{"kind": "click", **THERE, "count": 3}]),
    ("middle_click", AT, [{"kind": "click", **THERE, "button": "middle"}]),
    ("right_click", AT, [{"kind": "click", **THERE, "button": "right"}]),
    ("move", AT, [{"kind": "move", **THERE}]),
    ("hover_at", AT, [{"kind": "move", **THERE}]),
    ("mouse_down", AT, [{"kind": "mouse_down", **THERE}]),
    ("mouse_up", AT, [{"kind": "mouse_up", **THERE}]),
    ("type", {"text": "hi"}, [{"kind": "type", "text": "hi"}]),
    ("type", {"text": "hi", "press_enter": True}, [{"kind": "type", "text": "hi"}, ENTER]),
    (
        "type_text_at",
        {**AT, "text": "hi", "press_enter": True},
        [
            {"kind": "click", **THERE},
            {"kind": "press", "keys": ["Control", "a"]},
            {"kind": "press", "keys": ["Delete"]},
            {"kind": "type", "text": "hi"},
            ENTER,
        ],
    ),
    (
        "type_text_at",
        {**AT, "text": "hi", "clear_before_typing": False},
        [{"kind": "click", **THERE}, {"kind": "type", "text": "hi"}],
    ),
    (
        "drag_and_drop",
        {"x": 0, "y": 0, "destination_x": 999, "destination_y": 999},
        [{"kind": "drag", "path": [[0, 0], [1279, 719]]}],
    ),
    ("wait", {}, [{"kind": "wait", "seconds": 1}]),
    ("wait", {"seconds": 2.5}, [{"kind": "wait", "seconds": 2.5}]),
    ("wait_5_seconds", {}, [{"kind": "wait", "seconds": 5}]),
    ("press_key", {"key": "enter"}, [ENTER]),
    ("hotkey", {"keys": ["ctrl", "shift", "t"]}, [{"kind": "press", "keys": ["Control", "Shift", "t"]}]),
    ("key_combination", {"keys": "Control+A"}, [{"kind": "press", "keys": ["Control", "A"]}]),
    ("take_screenshot", {}, [{"kind": "screenshot"}]),
    ("scroll", {**AT, "direction": "down"}, [{"kind": "scroll", **THERE, "dy": 576}]),
    (
        "scroll",
        {**AT, "direction": "left", "magnitude": 100},
        [{"kind": "scroll", **THERE, "dx": -128}],
    ),
    (
        "scroll_at",
        {**AT, "direction": "up", "magnitude": 500},
        [{"kind": "scroll", **THERE, "dy": -360}],
    ),
    ("scroll_document", {"direction": "right"}, [{"kind": "scroll", **THERE, "dx": 1024}]),
    ("go_back", {}, [{"kind": "back"}]),
    ("go_forward", {}, [{"kind": "forward"}]),
    ("navigate", {"url": "https://shop.test/"}, [{"kind": "goto", "url": "https://shop.test/"}]),
    ("search", {}, [{"kind": "goto", "url": "https://search.test/"}]),
]


@pytest.mark.parametrize(("name", "given", "wanted"), CASES)
def test_a_function_stands_for_these_actions(
    name: str, given: dict[str, JsonValue], wanted: list[dict[str, JsonValue]]
) -> None:
    found = read(name, given, SPACE, search="https://search.test/")
    assert found == [act(**one) for one in wanted]


def test_every_function_of_both_sets_is_read_or_refused_by_name() -> None:
    tried = {name for name, _, _ in CASES} | {"open_web_browser", "key_down", "key_up"}
    assert tried == {*CURRENT, *LEGACY}


def test_the_browser_is_open_already_and_nothing_is_done_for_it() -> None:
    assert read("open_web_browser", {}, SPACE, search=None) == "the browser is open already"


@pytest.mark.parametrize(
    ("name", "given", "fault", "said"),
    [
        ("click", {"x": 1}, "bad_arguments", "y is missing; it is a number"),
        ("click", {"x": "1", "y": 1}, "bad_arguments", "x is a number, not '1'"),
        ("click", {"x": True, "y": 1}, "bad_arguments", "x is a number, not True"),
        ("click", {"x": 1001, "y": 1}, "outside_image", "outside the picture"),
        ("click", {"x": -1, "y": 1}, "outside_image", "outside the picture"),
        ("click", {"x": 10**5000, "y": 1}, "bad_arguments", "a number of that size"),
        ("click", {"x": float("nan"), "y": 1}, "bad_arguments", "not nan"),
        ("type", {"text": ["a"]}, "bad_arguments", "text is text, not a list"),
        ("type", {"text": "a", "press_enter": "yes"}, "bad_arguments", "press_enter is true or false"),
        ("hotkey", {"keys": "ctrl+a"}, "bad_arguments", "keys is a list of texts"),
        ("scroll", {**AT, "direction": "sideways"}, "bad_arguments", "one of up, down, left, right"),
        ("scroll", {**AT, "direction": "up", "magnitude": -5}, "bad_arguments", "magnitude"),
        ("key_down", {"key": "a"}, "unknown_action", "use press_key or hotkey"),
        ("key_up", {"key": "a"}, "unknown_action", "use press_key or hotkey"),
        ("search", {}, "unknown_action", "no search page"),
        ("explode", {}, "unknown_tool", "no function 'explode'"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, given: dict[str, JsonValue], fault: str, said: str) -> None:
    with pytest.raises(Unusable) as raised:
        read(name, given, SPACE, search=None)
    assert raised.value.fault == fault
    assert said in str(raised.value)


@pytest.mark.parametrize("functions", ["current", "legacy"])
def test_our_own_functions_are_offered_beside_those_of_a_set_and_none_twice(functions: FunctionSet) -> None:
    own = offered(EXTRAS, functions)
    assert set(EXTRAS) - set(own) == {"goto", "back", "forward"}
    assert not set(own) & set(names(functions))
