"""Each member of Anthropic's toolsets is one of our actions, or is refused in words."""

from typing import Any, get_args

import pytest
from anthropic.types.beta import BetaBrowserMemberName, BetaComputerMemberName
from harness.action import Click, Drag, Hold, MouseDown, MouseUp, Move, Point, Press, Scroll, parse_action
from harness.errors import ActionError
from harness.integrations.anthropic_members import BROWSER, COMPUTER, read

SPOT = {"type": "coordinate", "x": 5, "y": 6}
REF = {"type": "ref", "ref": "ref_7"}
SIZE = (640, 480)


def test_the_names_are_the_vendors() -> None:
    assert set(COMPUTER) == set(get_args(BetaComputerMemberName))
    assert set(get_args(BetaBrowserMemberName)) - set(BROWSER) == {
        "read_page",
        "get_page_text",
        "read_console",
        "read_network",
        "find",
        "form_input",
        "file_upload",
        "scroll_to",
        "javascript_exec",
    }


@pytest.mark.parametrize(
    ("name", "given", "ours"),
    [
        ("left_click", {"coordinate": [5, 6], "text": "ctrl+shift"}, {"kind": "click", "x": 5, "y": 6}),
        ("left_click", {}, Click(x=1, y=2)),
        ("right_click", {"target": SPOT}, Click(x=5, y=6, button="right")),
        ("middle_click", {"coordinate": [5, 6]}, Click(x=5, y=6, button="middle")),
        ("double_click", {"target": SPOT, "modifiers": "alt"}, Click(x=5, y=6, count=2, modifiers=("Alt",))),
        ("triple_click", {"coordinate": [5, 6]}, Click(x=5, y=6, count=3)),
        ("mouse_move", {"coordinate": [5, 6]}, Move(x=5, y=6)),
        ("hover", {"target": SPOT}, Move(x=5, y=6)),
        ("left_mouse_down", {}, MouseDown()),
        ("left_mouse_up", {"target": SPOT}, MouseUp(x=5, y=6)),
        (
            "left_click_drag",
            {"start_coordinate": [1, 2], "coordinate": [5, 6]},
            Drag(path=(Point(x=1, y=2), Point(x=5, y=6))),
        ),
        (
            "left_click_drag",
            {"from": {"type": "coordinate", "x": 1, "y": 2}, "target": SPOT},
            Drag(path=(Point(x=1, y=2), Point(x=5, y=6))),
        ),
        ("scroll", {"scroll_direction": "down", "target": SPOT}, Scroll(x=5, y=6, dy=360)),
        ("scroll", {"scroll_direction": "left", "scroll_amount": 2}, Scroll(x=1, y=2, dx=-240)),
        ("hold_key", {"text": "shift", "duration": 2}, Hold(keys=("Shift",), seconds=2)),
        ("type", {"text": "a b"}, {"kind": "type", "text": "a b"}),
        ("wait", {"duration": 61}, {"kind": "wait", "seconds": 60}),
        ("wait", {"duration": 1}, {"kind": "wait", "seconds": 1}),
        ("zoom", {"region": [0, 0, 9, 9]}, {"kind": "zoom", "region": [0, 0, 9, 9]}),
        ("zoom", {"region": (0, 0, 9, 9)}, {"kind": "zoom", "region": [0, 0, 9, 9]}),
        ("screenshot", {}, {"kind": "screenshot"}),
        ("list_tabs", {}, {"kind": "screenshot"}),
        ("navigate", {"url": "shop.test/x?a=b:c"}, {"kind": "goto", "url": "https://shop.test/x?a=b:c"}),
        ("navigate", {"url": "javascript:1"}, {"kind": "goto", "url": "javascript:1"}),
        ("navigate", {"url": " Back "}, {"kind": "back"}),
        ("new_tab", {}, {"kind": "new_tab"}),
        ("switch_tab", {"tab_id": "2"}, {"kind": "switch_tab", "tab": 2}),
        ("close_tab", {"tab_id": "2"}, {"kind": "close_tab", "tab": 2}),
    ],
)
def test_a_member_is_one_of_our_actions(name: str, given: dict[str, Any], ours: Any) -> None:
    if name == "left_click" and given:
        ours |= {"modifiers": ["ctrl", "shift"]}
    expected = parse_action(ours) if isinstance(ours, dict) else ours
    assert read(name, given, (1, 2), SIZE) == (expected,)


def test_a_sequence_of_keys_is_so_many_presses() -> None:
    found = read("key", {"text": "ctrl+a Delete", "repeat": 2}, None, SIZE)
    assert found == (Press(keys=("Control", "a")), Press(keys=("Delete",))) * 2
    assert read("cursor_position", {}, None, SIZE) == ()


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("left_click", {"target": REF}, "no element references"),
        ("left_click", {}, "not known yet"),
        ("left_click", {"coordinate": [5, 6], "text": "a"}, "not a modifier"),
        ("key", {"text": "hyper"}, "no key is called"),
        ("key", {"text": "a", "repeat": 101}, "repeat is a number from 0 to 100"),
        ("hold_key", {"text": "a", "duration": 61}, "duration is a number from 0 to 60"),
        ("left_click", {"target": {"type": "coordinate", "x": 640, "y": 6}}, "outside the picture"),
        ("switch_tab", {"tab_id": "x"}, "no tab is called 'x'"),
        ("switch_tab", {"tab_id": "²"}, "no tab is called"),
        ("javascript_exec", {"text": "1"}, "'javascript_exec' is not offered"),
        ("scroll_to", {"target": SPOT}, "'scroll_to' is not offered"),
    ],
)
def test_what_we_have_not_is_said(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(ActionError, match=words):
        read(name, given, None, SIZE)
