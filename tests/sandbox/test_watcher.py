"""What changed since it was judged is not acted on: a page may swap Cancel for Pay at any moment."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from harness.action import Action, Click, Drag, Hold, MouseDown, MouseUp, Point, Press, Type, parse_action
from harness.errors import ActionError
from harness.sandbox.watcher import StaleError, Watcher

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANCEL = Click(x=60, y=40)
FIELD = Click(x=60, y=110)
Ticket = Callable[..., Any]


@pytest.mark.parametrize(
    "swap",
    [
        "one.textContent = 'Pay'",
        "one.replaceWith(Object.assign(one.cloneNode(true)))",
        "one.type = 'submit'",
        "one.style.left = '600px'; send.style.top = '20px'",
        "form.action = '/pay'",
        "history.pushState(null, '', '?pay')",
    ],
)
async def test_a_click_on_what_has_changed_since_is_stale(pilot: Any, make_ticket: Ticket, swap: str) -> None:
    await pilot.go("swap.html")
    ticket = make_ticket(CANCEL, await pilot.driver.ground(CANCEL))
    await pilot.js(swap)
    outcome = await pilot.driver.act(ticket)
    assert (outcome.ok, outcome.stale) == (False, True)
    assert await pilot.js("log") == []
    assert (await pilot.do(CANCEL)).ok


async def test_what_comes_with_the_pointer_is_seen_before_the_button_goes_down(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("one.addEventListener('mouseenter', () => { one.textContent = 'Pay' })")
    outcome = await pilot.do(CANCEL)
    assert outcome.stale
    assert await pilot.js("log") == []


async def test_what_is_known_to_stay_is_not_looked_for_again_until_something_was_done(pilot: Any) -> None:
    await pilot.go("swap.html")
    looks: list[None] = []

    async def now() -> None:
        looks.append(None)

    async def focus() -> str:
        return ""

    seen = await pilot.driver.ground(CANCEL)
    assert seen is not None
    await Watcher(seen, now, focus, sure=True).check()
    assert looks == []
    with pytest.raises(ActionError, match="clicked once"):
        await Watcher(seen, now, focus, sure=True).recheck("clicked once")
    with pytest.raises(StaleError):
        await Watcher(seen, now, focus).check()


async def test_the_second_of_two_clicks_is_not_made_on_something_else(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("one.addEventListener('click', () => { one.textContent = 'Pay' })")
    outcome = await pilot.do(Click(x=60, y=40, count=2))
    assert (outcome.ok, outcome.stale) == (False, False)
    assert "clicked 1 of 2 times" in outcome.message
    assert len(await pilot.js("log")) == 1


@pytest.mark.parametrize(
    ("kind", "before", "swap"),
    [
        (MouseDown(x=60, y=40), "0", "one.textContent = 'Pay'"),
        (MouseUp(x=60, y=40), "0", "one.textContent = 'Pay'"),
        (Drag(path=(Point(x=500, y=300), Point(x=60, y=40))), "0", "one.textContent = 'Pay'"),
        (Press(keys=("Enter",)), "one.focus()", "one.textContent = 'Pay'"),
        (Press(keys=("Enter",)), "one.focus()", "other.focus()"),
        (Press(keys=("Enter",)), "field.focus()", "send.textContent = 'Pay'"),
        (Hold(keys=(" ",), seconds=0), "one.focus()", "other.focus()"),
        (Type(text="x\n"), "field.focus()", "send.textContent = 'Pay'"),
        (Type(text="x"), "field.focus()", "area.focus()"),
    ],
)
async def test_buttons_keys_and_text_are_stale_alike(
    pilot: Any, make_ticket: Ticket, kind: Action, before: str, swap: str
) -> None:
    await pilot.go("swap.html")
    await pilot.js(before)
    ticket = make_ticket(kind, await pilot.driver.ground(kind))
    await pilot.js(swap)
    assert (await pilot.driver.act(ticket)).stale
    assert await pilot.js("log") == []
    assert await pilot.js("field.value + area.value") == ""


async def test_a_key_that_only_comes_after_its_modifier_is_looked_at_then(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("one.focus(); one.addEventListener('keydown', () => other.focus(), {once: true})")
    outcome = await pilot.do(Press(keys=("Shift", "Enter")))
    assert outcome.stale
    assert await pilot.js("log") == []


async def test_typing_ends_where_the_page_moves_the_focus(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("field.focus(); field.addEventListener('input', () => other.focus(), {once: true})")
    outcome = await pilot.do(Type(text="a b c"))
    assert not outcome.ok
    assert "the page moved the focus" in outcome.message
    assert await pilot.js("field.value") == "a"
    assert await pilot.js("log") == []


async def test_enter_is_not_pressed_once_it_would_press_another_button(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("field.focus(); field.addEventListener('input', () => { send.textContent = 'Pay' })")
    outcome = await pilot.do(Type(text="mugs\n"))
    assert "typed 4 of 5 characters" in outcome.message
    assert (await pilot.js("field.value"), await pilot.js("log")) == ("mugs", [])
    await pilot.done(Press(keys=("Enter",)))
    assert "sent Pay" in await pilot.js("log")


async def test_a_held_enter_stops_at_the_next_button(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("one.focus(); one.addEventListener('click', () => other.focus())")
    outcome = await pilot.do(Hold(keys=("Enter",), seconds=5))
    assert not outcome.ok
    assert await pilot.js("log") == ["click Cancel"]
    await pilot.done(Press(keys=("a",)))
    assert await pilot.js("log") == ["click Cancel", "key a"]


async def test_a_dialog_that_opened_since_does_not_get_the_key(pilot: Any, make_ticket: Ticket) -> None:
    await pilot.go("swap.html")
    await pilot.js("one.focus()")
    enter = Press(keys=("Enter",))
    ticket = make_ticket(enter, await pilot.driver.ground(enter))
    await pilot.js("setTimeout(() => { window.answer = confirm('Pay?') })")
    async with pilot.deadline():
        while pilot.driver._over.modal is None:
            await pilot.tick()
    outcome = await pilot.driver.act(ticket)
    assert outcome.stale
    assert pilot.driver._over.modal is not None
    target = await pilot.driver.ground(enter)
    assert (target.tag, target.name) == ("chrome", "OK")


async def test_text_into_a_field_that_reacts_is_typed_whole(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("area.focus(); area.addEventListener('input', () => { document.title = area.value })")
    await pilot.done(Type(text="two words\nand a line"))
    assert await pilot.js("area.value") == "two words\nand a line"


async def test_what_a_key_would_press_is_named(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("field.focus()")
    target = await pilot.driver.ground(Press(keys=("Enter",)))
    assert (target.name, target.submitter.name, target.submitter.role) == ("Note", "Search", "button")
    await pilot.js("area.focus()")
    assert (await pilot.driver.ground(Type(text="x"))).submitter is None
    drag = await pilot.driver.ground(Drag(path=(Point(x=60, y=40), Point(x=350, y=40))))
    assert (drag.name, drag.end.name) == ("Cancel", "Other")
    await pilot.js("send.remove()")
    await pilot.js("field.focus()")
    assert (await pilot.driver.ground(Press(keys=("Enter",)))).submitter is None


async def test_keys_behind_a_list_of_suggestions_are_the_fields(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js(
        "area.insertAdjacentHTML('afterend', '<datalist id=all><option>mugs<option>cups</datalist>');"
        "field.setAttribute('list', 'all')"
    )
    await pilot.done(FIELD)
    await pilot.see()
    target = await pilot.driver.ground(Press(keys=("Enter",)))
    assert target.tag == "chrome"
    assert target.behind.submitter.name == "Search"
    await pilot.done(Press(keys=("Enter",)))
    assert "sent Search" in await pilot.js("log")


PLACES: list[tuple[str, bool]] = [
    ("one.textContent = 'x'", False),
    ("location.hash = 'x'", False),
    ("history.pushState(null, '', '?x')", True),
    ("location.href = '/other'", True),
    ("location.reload()", True),
    ("setTimeout(() => alert('x'))", True),
    ("void open('/other')", True),
]


@pytest.mark.parametrize(("happens", "changes"), PLACES)
async def test_a_place_is_another_after_navigations_dialogs_and_tabs(
    pilot: Any, happens: str, changes: bool
) -> None:
    await pilot.go("swap.html")
    place: Callable[[], Awaitable[str]] = pilot.driver.place
    before = await place()
    await pilot.js(happens)
    if not changes:
        assert await place() == before
        return
    async with pilot.deadline():
        while await place() == before:
            await pilot.tick()


async def test_a_page_that_does_not_answer_is_no_place_seen_before(pilot: Any) -> None:
    await pilot.go("swap.html")
    place: Callable[[], Awaitable[str]] = pilot.driver.place
    before = await place()
    await pilot.js("void setTimeout(() => { const end = Date.now() + 5000; while (Date.now() < end); })")
    async with pilot.deadline():
        while (silent := await place()) == before:
            await pilot.tick()
        assert await place() not in (before, silent)
        while await place() != before:
            await pilot.tick()


async def test_the_place_has_changed_by_the_time_a_click_on_a_link_is_done(pilot: Any) -> None:
    await pilot.go("swap.html")
    await pilot.js("document.body.innerHTML = '<a href=/slow/data>go</a>'")
    before = await pilot.driver.place()
    await pilot.done(parse_action({"kind": "click", "x": 8, "y": 10}))
    assert await pilot.driver.place() != before
