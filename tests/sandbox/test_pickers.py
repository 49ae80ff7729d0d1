"""Select menus, calendars, clocks, colours and suggestions, by mouse and by key, on a real page."""

from typing import Any

import pytest
from harness.action import Click, Press, Scroll, TakeScreenshot, Type, Zoom

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACES = {"select": 100, "long": 260, "date": 480, "month": 640, "week": 800, "time": 960, "when": 1188}


def pieces(pilot: Any) -> Any:
    over = pilot.driver._over._pickers.current(pilot.tab)
    assert over is not None
    return over.pieces(1280, 720)


async def click(pilot: Any, key: str) -> None:
    piece = next(piece for piece in pieces(pilot) if piece.key == key)
    where = Click(x=piece.x + piece.width // 2, y=piece.y + piece.height // 2)
    target = await pilot.driver.ground(where)
    assert (target.tag, target.name) == ("chrome", piece.text)
    await pilot.done(where)
    await pilot.see()


async def value(pilot: Any, field: str) -> Any:
    return await pilot.js(f"document.getElementById('{field}').value")


async def opened(pilot: Any, field: str) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=PLACES[field], y=32))
    await pilot.see()


async def test_an_option_is_chosen_with_the_mouse(pilot: Any) -> None:
    await opened(pilot, "select")
    assert [p.text for p in pieces(pilot)][1:] == ["apple", "banana", "berries", "cherry", "durian", "elder"]
    await click(pilot, "option:3")
    assert await value(pilot, "select") == "cherry"
    assert await pilot.js("log") == ["input select", "change select"]
    assert pilot.driver._over._pickers.current(pilot.tab) is None


async def test_an_option_is_chosen_with_keys_that_the_page_does_not_see(pilot: Any) -> None:
    await opened(pilot, "select")
    await pilot.done(Press(keys=("ArrowDown",)), Press(keys=("ArrowDown",)), Press(keys=("ArrowDown",)))
    await pilot.done(Press(keys=("Enter",)))
    assert await value(pilot, "select") == "elder"
    assert await pilot.js("log") == ["input select", "change select"]


async def test_an_option_is_chosen_by_its_first_letters(pilot: Any) -> None:
    await opened(pilot, "select")
    await pilot.done(Type(text="ban\n"))
    assert await value(pilot, "select") == "banana"


async def test_keys_in_one_batch_reach_the_browsers_own_menu(pilot: Any) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=100, y=32), Press(keys=("ArrowDown",)), Press(keys=("Enter",)))
    await pilot.see()
    assert await value(pilot, "select") == "banana"


async def test_a_long_list_scrolls_by_wheel_and_arrow(pilot: Any) -> None:
    await opened(pilot, "long")
    first = pieces(pilot)[2].text
    await pilot.done(Scroll(x=260, y=200, dy=260))
    assert pieces(pilot)[2].text != first
    await click(pilot, "down")
    await click(pilot, "option:25")
    assert await value(pilot, "long") == "row 25"
    assert await pilot.js("scrollY") == 0


async def test_the_menu_closes_by_escape_by_its_button_and_by_a_click_elsewhere(pilot: Any) -> None:
    for ending in (Press(keys=("Escape",)), Click(x=100, y=32), Click(x=900, y=600)):
        await opened(pilot, "select")
        await pilot.done(ending)
        await pilot.see()
        assert pilot.driver._over._pickers.current(pilot.tab) is None
        assert await pilot.js("log") == []
        assert await value(pilot, "select") == "apple"


async def test_a_day_is_chosen_with_the_mouse_in_another_month(pilot: Any) -> None:
    await opened(pilot, "date")
    await click(pilot, "turn:1")
    await click(pilot, "day:2026-04-15")
    assert await value(pilot, "date") == "2026-04-15"


async def test_a_day_before_the_minimum_takes_no_click(pilot: Any) -> None:
    await opened(pilot, "date")
    await click(pilot, "turn:-1")
    keys = {piece.key for piece in pieces(pilot)}
    assert "day:2026-02-01" in keys
    assert "day:2026-01-31" not in keys


async def test_a_day_is_chosen_with_keys(pilot: Any) -> None:
    await opened(pilot, "date")
    await pilot.done(Press(keys=("ArrowRight",)), Press(keys=("ArrowDown",)), Press(keys=("PageDown",)))
    await pilot.done(Press(keys=("Enter",)))
    assert await value(pilot, "date") == "2026-04-18"


async def test_a_date_is_typed_into_its_field(pilot: Any) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=350, y=32), Type(text="05062027"))
    await pilot.see()
    assert await value(pilot, "date") == "2027-05-06"


async def test_month_week_time_and_both_are_chosen_with_the_mouse(pilot: Any) -> None:
    await opened(pilot, "month")
    await click(pilot, "turn:12")
    await click(pilot, "month:7")
    assert await value(pilot, "month") == "2027-07"
    await opened(pilot, "week")
    await click(pilot, "day:2026-03-18")
    assert await value(pilot, "week") == "2026-W12"
    await opened(pilot, "time")
    await click(pilot, "hour:17")
    await click(pilot, "minute:35")
    await click(pilot, "ok")
    assert await value(pilot, "time") == "17:35"
    await opened(pilot, "when")
    await click(pilot, "day:2026-03-20")
    await click(pilot, "hour:23")
    await click(pilot, "ok")
    assert await value(pilot, "when") == "2026-03-20T23:05"
    await opened(pilot, "when")
    await click(pilot, "clear")
    assert await value(pilot, "when") == ""


async def test_a_colour_is_chosen_with_the_mouse_and_typed(pilot: Any) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=80, y=72))
    await pilot.see()
    await click(pilot, "color:#0000ff")
    assert await value(pilot, "color") == "#0000ff"
    await pilot.done(Type(text="#12ab34\n"))
    assert await value(pilot, "color") == "#12ab34"


async def test_suggestions_are_drawn_and_taken_while_keys_stay_the_pages(pilot: Any) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=220, y=72), Type(text="ber"))
    await pilot.see()
    assert [piece.text for piece in pieces(pilot)][1:] == ["blackberry", "cranberry"]
    await pilot.done(Press(keys=("Backspace",)))
    await pilot.see()
    await click(pilot, "option:0")
    assert await value(pilot, "list") == "blackberry"
    assert pilot.driver._over._pickers.current(pilot.tab) is None


async def test_a_menu_in_a_frame_is_drawn_where_it_is(pilot: Any) -> None:
    await pilot.go("pickers.html")
    await pilot.done(Click(x=60, y=522))
    await pilot.see()
    panel = pieces(pilot)[0]
    assert 30 <= panel.x <= 34
    await click(pilot, "option:1")
    assert await pilot.js("frame.contentDocument.querySelector('select').value") == "green"


async def test_the_open_menu_is_in_the_picture_and_gone_after(pilot: Any) -> None:
    plain = await pilot.go("pickers.html")
    await pilot.done(Click(x=100, y=32))
    shown = await pilot.see()
    again = await pilot.see()
    assert shown.screenshot.sha256 == again.screenshot.sha256 != plain.screenshot.sha256
    zoomed = await pilot.do(Zoom(region=(0, 0, 320, 180)))
    assert zoomed.image is not None
    await pilot.done(TakeScreenshot(), Click(x=900, y=600))
    assert (await pilot.see()).screenshot.sha256 == plain.screenshot.sha256


async def test_a_menu_goes_with_its_document(pilot: Any) -> None:
    await opened(pilot, "select")
    await pilot.go("mouse.html")
    assert pilot.driver._over._pickers.current(pilot.tab) is None


async def test_details_popovers_modals_and_validation_work_as_they_are(pilot: Any) -> None:
    before = await pilot.go("pickers.html")
    await pilot.done(Click(x=352, y=70))
    assert await pilot.js("document.querySelector('details').open") is True
    await pilot.done(Click(x=530, y=70))
    assert await pilot.js("over.matches(':popover-open')") is True
    await pilot.done(Press(keys=("Escape",)), Click(x=640, y=70))
    box = await pilot.js("(r => [r.x, r.y])(fine.getBoundingClientRect())")
    await pilot.done(Click(x=round(box[0]) + 5, y=round(box[1]) + 5))
    assert await pilot.js("document.getElementById('box').returnValue") == "fine"
    send = await pilot.js("(r => [r.x, r.y])(document.getElementById('send').getBoundingClientRect())")
    unsent = await pilot.see()
    await pilot.done(Click(x=round(send[0]) + 5, y=round(send[1]) + 5))
    bubble = await pilot.see()
    assert await pilot.js("document.activeElement.id") == "must"
    assert bubble.screenshot.sha256 not in (unsent.screenshot.sha256, before.screenshot.sha256)
