"""alert, confirm, prompt and beforeunload: seen, answered, and never a hang."""

from typing import Any

import pytest
from harness.action import Click, Goto, Move, Press, Scroll, TakeScreenshot, Type, Wait, Zoom

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALERT, CONFIRM, PROMPT, FLOOD, LEAVE, DOWN = (Click(x=60, y=y) for y in (35, 75, 115, 155, 195, 235))


def spot(pilot: Any, key: str) -> Click:
    piece = next(piece for piece in pilot.driver._over.modal.pieces(1280, 720) if piece.key == key)
    return Click(x=piece.x + 9, y=piece.y + 9)


async def said(pilot: Any) -> Any:
    return await pilot.js("document.getElementById('said').textContent")


async def test_an_alert_is_drawn_refuses_other_actions_and_is_answered_by_a_click(pilot: Any) -> None:
    plain = await pilot.go("dialogs.html")
    outcome = await pilot.do(ALERT)
    assert outcome.ok
    assert "Tea is ready" in outcome.message
    screen = await pilot.see()
    assert screen.screenshot.sha256 != plain.screenshot.sha256
    assert screen.notes == ("a dialog is open: alert: 'Tea is ready'",)
    for action in (
        Click(x=60, y=75, button="right"),
        Scroll(x=5, y=5, dy=5),
        Goto(url="https://a.test/"),
        Type(text="x"),
    ):
        refused = await pilot.do(action)
        assert not refused.ok
        assert "Tea is ready" in refused.message
    await pilot.done(Move(x=5, y=5), Wait(seconds=0), TakeScreenshot())
    assert (await pilot.do(Zoom(region=(400, 0, 900, 300)))).image is not None
    target = await pilot.driver.ground(spot(pilot, "ok"))
    assert (target.tag, target.role, target.name) == ("chrome", "button", "OK")
    assert target.dialog == "alert: 'Tea is ready'"
    await pilot.done(spot(pilot, "ok"))
    await pilot.until("document.getElementById('said').textContent === 'alerted'")
    assert (await pilot.see()).notes == ()


async def test_confirm_is_answered_both_ways_by_mouse_and_key(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    for answer, expected in (("ok", "true"), ("cancel", "false"), ("Enter", "true"), ("Escape", "false")):
        await pilot.done(CONFIRM)
        await pilot.done(spot(pilot, answer) if answer in ("ok", "cancel") else Press(keys=(answer,)))
        await pilot.until(f"document.getElementById('said').textContent === 'confirm {expected}'")


async def test_a_prompt_takes_text(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    await pilot.done(PROMPT)
    target = await pilot.driver.ground(Type(text="7"))
    assert (target.tag, target.role, target.editable) == ("chrome", "textbox", True)
    before = await pilot.see()
    await pilot.done(Type(text="71"), Press(keys=("Backspace",)), Press(keys=("3",)))
    assert (await pilot.see()).screenshot.sha256 != before.screenshot.sha256
    await pilot.done(Press(keys=("Enter",)))
    await pilot.until("document.getElementById('said').textContent === 'prompt 73'")
    await pilot.done(PROMPT, Press(keys=("Enter",)))
    await pilot.until("document.getElementById('said').textContent === 'prompt 2'")
    await pilot.done(PROMPT, Type(text="many\n"))
    await pilot.until("document.getElementById('said').textContent === 'prompt many'")
    await pilot.done(PROMPT, Press(keys=("Escape",)))
    await pilot.until("document.getElementById('said').textContent === 'prompt null'")


async def test_a_dialog_in_the_middle_of_a_click_leaves_no_button_pressed(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    await pilot.done(DOWN, Press(keys=("Enter",)), Move(x=400, y=400))
    await pilot.see()
    await pilot.go("mouse.html")
    await pilot.done(Move(x=10, y=10), Move(x=20, y=20))
    assert await pilot.js("log.some(e => e[0] === 'mousedown')") is False


async def test_a_dialog_while_a_page_loads_is_drawn(pilot: Any) -> None:
    outcome = await pilot.do(Goto(url="data:text/html,<script>alert('early')</script>late"))
    assert outcome.ok
    screen = await pilot.see()
    if not screen.notes:
        screen = await pilot.see()
    assert pilot.driver._over.modal is not None
    await pilot.done(Press(keys=("Enter",)))
    assert pilot.driver._over.modal is None
    assert (await pilot.see()).settled


@pytest.mark.parametrize(("mode", "expected"), [("accept", "true"), ("dismiss", "false")])
async def test_dialogs_can_be_answered_at_once(flight: Any, mode: str, expected: str) -> None:
    pilot = await flight(dialogs=mode)
    await pilot.go("dialogs.html")
    await pilot.done(CONFIRM)
    await pilot.until(f"document.getElementById('said').textContent === 'confirm {expected}'")
    assert (await pilot.see()).notes == (f"a dialog was {mode}ed at once: confirm: 'Drink it?'",)


async def test_a_flood_of_dialogs_is_cut_off(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    await pilot.done(FLOOD)
    answered = 0
    while pilot.driver._over.modal is not None:
        await pilot.done(Press(keys=("Enter",)))
        await pilot.see()
        answered += 1
        assert answered <= 20
    await pilot.until("document.getElementById('said').textContent === 'over'")
    assert answered == 20


async def test_leaving_is_not_asked_for(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    await pilot.done(Click(x=300, y=300), LEAVE)
    screen = await pilot.see()
    assert screen.url.endswith("/mouse.html")
    assert screen.notes == ("the page asked whether to leave it; it was left",)
