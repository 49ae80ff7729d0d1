"""Mouse and keyboard, as a real page sees them."""

from typing import Any

import pytest
from harness.action import Click, Drag, Hold, MouseDown, MouseUp, Move, Point, Press, Scroll, Type

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(("button", "number"), [("left", 0), ("middle", 1), ("right", 2)])
async def test_each_button_presses_and_releases(pilot: Any, button: Any, number: int) -> None:
    await pilot.go("mouse.html")
    await pilot.done(Click(x=100, y=50, button=button))
    log = [entry for entry in await pilot.js("log") if entry[0] != "mousemove"]
    assert ["mousedown", 100, 50, number, 1, "", True] in log
    assert ["mouseup", 100, 50, number, 1, "", True] in log
    assert [entry[0] for entry in log][-1] == {0: "click", 1: "auxclick", 2: "auxclick"}[number]
    assert any(entry[0] == "contextmenu" for entry in log) is (button == "right")


@pytest.mark.parametrize(("button", "number"), [("back", 3), ("forward", 4)])
async def test_side_buttons_reach_the_page(pilot: Any, button: Any, number: int) -> None:
    await pilot.go("mouse.html")
    await pilot.done(Click(x=100, y=50, button=button, modifiers=("Shift",)))
    log = await pilot.js("log")
    assert ["mousedown", 100, 50, number, 1, "S", True] in log
    assert ["mouseup", 100, 50, number, 1, "S", True] in log


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_counts_are_told_to_the_page(pilot: Any, count: int) -> None:
    await pilot.go("mouse.html")
    await pilot.done(Click(x=100, y=50, count=count))
    log = await pilot.js("log")
    assert [entry[4] for entry in log if entry[0] == "click"] == list(range(1, count + 1))
    assert sum(entry[0] == "dblclick" for entry in log) == (1 if count >= 2 else 0)


async def test_modifiers_are_held_during_a_click_and_let_go_after(pilot: Any) -> None:
    await pilot.go("mouse.html")
    await pilot.done(Click(x=10, y=10, modifiers=("Alt", "Control", "Meta", "Shift")), Click(x=20, y=20))
    log = await pilot.js("log.filter(e => e[0] === 'click')")
    assert [entry[5] for entry in log] == ["ACMS", ""]


async def test_a_button_is_pressed_and_released_where_the_pointer_is(pilot: Any) -> None:
    await pilot.go("mouse.html")
    await pilot.done(
        Move(x=50, y=60), MouseDown(), MouseUp(x=90, y=80), MouseDown(button="right"), MouseUp(button="right")
    )
    log = [entry[:4] for entry in await pilot.js("log") if entry[0] in ("mousedown", "mouseup")]
    assert log == [
        ["mousedown", 50, 60, 0],
        ["mouseup", 90, 80, 0],
        ["mousedown", 90, 80, 2],
        ["mouseup", 90, 80, 2],
    ]


async def test_a_drag_goes_through_every_point_of_its_path(pilot: Any) -> None:
    await pilot.go("mouse.html")
    path = (Point(x=10, y=10), Point(x=200, y=10), Point(x=200, y=200))
    await pilot.done(Drag(path=path, modifiers=("Shift",)))
    log = await pilot.js("log")
    moved = [tuple(entry[1:3]) for entry in log if entry[0] == "mousemove"]
    assert {(10, 10), (200, 10), (200, 200)} <= set(moved)
    assert len(moved) > 10
    assert ["mousedown", 10, 10, 0, 1, "S", True] in log
    assert any(entry[:3] == ["mouseup", 200, 200] and entry[5] == "S" for entry in log)


async def test_html5_drag_and_drop_delivers(pilot: Any) -> None:
    await pilot.go("drag.html")
    await pilot.done(Drag(path=(Point(x=70, y=70), Point(x=450, y=70))))
    await pilot.until("log.includes('end')")
    assert await pilot.js("log") == ["start", "drop the card", "end"]


async def test_a_slider_slides_and_text_is_selected(pilot: Any) -> None:
    await pilot.go("drag.html")
    await pilot.done(Drag(path=(Point(x=28, y=168), Point(x=170, y=168))))
    assert 40 <= int(await pilot.js("slide.value")) <= 60
    await pilot.done(Drag(path=(Point(x=21, y=232), Point(x=180, y=232))))
    assert (await pilot.js("getSelection().toString()")).startswith("select thes")


@pytest.mark.parametrize(
    ("scroll", "expected"),
    [
        (Scroll(x=800, y=600, dy=300), [0, 300, 0, 0]),
        (Scroll(x=800, y=600, dx=200), [200, 0, 0, 0]),
        (Scroll(x=200, y=200, dy=150), [0, 0, 0, 150]),
        (Scroll(x=200, y=200, dx=120), [0, 0, 120, 0]),
        (Scroll(x=200, y=200, dy=90, modifiers=("Shift",)), [0, 0, 90, 0]),
    ],
)
async def test_the_wheel_scrolls_what_is_under_it(pilot: Any, scroll: Scroll, expected: list[int]) -> None:
    await pilot.go("scroll.html")
    await pilot.done(scroll)
    await pilot.see()
    assert await pilot.js("where()") == expected


async def test_the_wheel_turns_back_and_with_modifiers(pilot: Any) -> None:
    await pilot.go("scroll.html")
    await pilot.done(Scroll(x=800, y=600, dy=300), Scroll(x=800, y=600, dy=-100))
    await pilot.see()
    assert await pilot.js("where()") == [0, 200, 0, 0]
    await pilot.done(Scroll(x=800, y=600, dy=50, modifiers=("Alt",)))
    assert (await pilot.js("log"))[-1] == [0, 50, False, True]


async def test_text_arrives_as_written(pilot: Any) -> None:
    await pilot.go("keys.html")
    for text in (
        "plain words",
        "Grüße, ¿qué?",
        "漢字かな交じり文",
        "👩‍👩‍👧 🇫🇷 ✓",
        "a\tb",
        "one\ntwo\n\nthree",
        "x" * 1500 + "\nend",
    ):
        await pilot.js("area.value = ''")
        await pilot.done(Type(text=text))
        assert await pilot.js("area.value") == text


async def test_typing_presses_keys_and_a_newline_is_enter(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.js("document.querySelector('#form').focus()")
    await pilot.done(Type(text="aB\n"))
    assert await pilot.js("log.filter(e => e[0] !== 'keyup').map(e => e[1])") == ["a", "B", "Enter", ""]


async def test_windows_newlines_are_one_enter(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.done(Type(text="a\r\nb\rc"))
    assert await pilot.js("area.value") == "a\nb\nc"


async def test_control_characters_are_refused_before_anything_is_typed(pilot: Any) -> None:
    await pilot.go("keys.html")
    for text in ("a\x1bb", "\x7f", "a\x00"):
        outcome = await pilot.do(Type(text=text))
        assert not outcome.ok
        assert "no key types" in outcome.message
    assert await pilot.js("log") == []


async def test_every_key_goes_down_and_up(pilot: Any) -> None:
    await pilot.go("keys.html")
    named = (
        "AltGraph",
        "CapsLock",
        "NumLock",
        "ScrollLock",
        "Enter",
        "Escape",
        "Backspace",
        "Delete",
        "Insert",
    )
    moving = ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "Home", "End", "PageUp", "PageDown")
    others = (
        "ContextMenu",
        "PrintScreen",
        "Pause",
        "Alt",
        "Control",
        "Meta",
        "Shift",
        " ",
        "+",
        "~",
        "A",
        "5",
        "'",
    )
    keys = (*named, *moving, *others, *(f"F{number}" for number in range(1, 25)), "Tab")
    for key in keys:
        await pilot.done(Press(keys=(key,)))
    assert await pilot.js("log.filter(e => e[0] === 'keydown').map(e => e[1])") == list(keys)


async def test_a_chord_goes_down_in_order_and_up_in_reverse(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.done(Press(keys=("Control", "Shift", "F5")), Press(keys=("Control", "F14")))
    assert await pilot.js("log.map(e => e[0] + ' ' + e[1] + ' ' + e[3])") == [
        "keydown Control C",
        "keydown Shift CS",
        "keydown F5 CS",
        "keyup F5 CS",
        "keyup Shift C",
        "keyup Control ",
        "keydown Control C",
        "keydown F14 C",
        "keyup F14 C",
        "keyup Control ",
    ]


async def test_chords_edit(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.done(Type(text="old"), Press(keys=("Control", "a")), Type(text="new"))
    assert await pilot.js("area.value") == "new"


async def test_a_character_without_a_key_is_written_alone_and_refused_in_a_chord(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.done(Press(keys=("é",)))
    assert await pilot.js("area.value") == "é"
    outcome = await pilot.do(Press(keys=("Control", "漢")))
    assert not outcome.ok
    assert "漢" in outcome.message
    assert await pilot.js("log") == []


async def test_a_held_key_repeats_and_is_let_go(pilot: Any) -> None:
    await pilot.go("keys.html")
    await pilot.done(Hold(keys=("Shift", "x"), seconds=0.5))
    log = await pilot.js("log")
    assert log[0][:2] == ["keydown", "Shift"]
    assert log[1][:3] == ["keydown", "X", False]
    assert ["keydown", "X", True, "S"] in log
    assert [entry[:2] for entry in log[-2:]] == [["keyup", "X"], ["keyup", "Shift"]]
    assert not (await pilot.do(Hold(keys=("漢",), seconds=1))).ok
