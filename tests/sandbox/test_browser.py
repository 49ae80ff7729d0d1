"""The door: no ticket, no effect; and every action that cannot be done says why."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from harness.action import (
    Answer,
    AskUser,
    Click,
    Drag,
    GiveUp,
    Move,
    Point,
    Press,
    Scroll,
    TakeScreenshot,
    Wait,
)
from harness.clearance import Plan, Verdict, clear, digest
from harness.errors import BusyError, NotClearedError, SandboxError
from harness.sandbox.browser import Driver

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_ticket_is_good_once(pilot: Any, make_ticket: Any) -> None:
    await pilot.go("mouse.html")
    ticket = make_ticket(Click(x=50, y=50), await pilot.driver.ground(Click(x=50, y=50)))
    assert (await pilot.driver.act(ticket)).ok
    with pytest.raises(NotClearedError):
        await pilot.driver.act(ticket)
    with pytest.raises(NotClearedError):
        await pilot.driver.act(Click(x=50, y=50))
    assert len([entry for entry in await pilot.js("log") if entry[0] == "click"]) == 1


async def test_a_ticket_for_something_else_moves_nothing(pilot: Any) -> None:
    plan = Plan(text="click everything")
    verdict = Verdict(outcome="allow", rule="t", reason="t", policy="0", effect=digest(plan))
    with pytest.raises(NotClearedError, match="plan"):
        await pilot.driver.act(clear(plan, verdict))


@pytest.mark.parametrize(
    "action",
    [
        Click(x=1280, y=10),
        Click(x=-1, y=10),
        Move(x=10, y=720),
        Scroll(x=5000, y=5, dy=5),
        Drag(path=(Point(x=5, y=5), Point(x=5, y=-5))),
    ],
)
async def test_points_off_the_screen_are_refused(pilot: Any, action: Any) -> None:
    await pilot.go("mouse.html")
    outcome = await pilot.do(action)
    assert not outcome.ok
    assert "1280 pixels wide and 720 high" in outcome.message
    assert await pilot.js("log") == []
    if not isinstance(action, Drag):
        assert await pilot.driver.ground(action) is None


@pytest.mark.parametrize("action", [AskUser(question="?"), Answer(text="x"), GiveUp(reason="x")])
async def test_actions_for_others_are_refused(pilot: Any, action: Any) -> None:
    outcome = await pilot.do(action)
    assert not outcome.ok
    assert action.kind in outcome.message


async def test_waiting_and_looking_do_nothing(pilot: Any) -> None:
    await pilot.go("mouse.html")
    await pilot.done(Wait(seconds=timedelta(milliseconds=10).total_seconds()), TakeScreenshot())
    assert await pilot.js("log") == []


async def test_targets_are_resolved_for_point_and_focus(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    target = await pilot.driver.ground(Click(x=60, y=35))
    assert (target.role, target.name) == ("button", "alert")
    await pilot.go("keys.html")
    focused = await pilot.driver.ground(Press(keys=("a",)))
    assert (focused.tag, focused.editable) == ("textarea", True)
    assert await pilot.driver.ground(Wait()) is None


async def test_a_page_in_a_loop_is_busy_and_can_be_asked_again(pilot: Any) -> None:
    await pilot.go("dialogs.html")
    loop = "() => { const end = Date.now() + 5000; while (Date.now() < end) {} }"
    looping = asyncio.ensure_future(pilot.js(loop))
    await asyncio.sleep(0)
    with pytest.raises(BusyError, match="did not answer"):
        await pilot.driver.ground(Click(x=60, y=35))
    await looping
    found = await pilot.driver.ground(Click(x=60, y=35))
    assert found.name == "alert"


async def test_a_closed_or_unopened_driver_says_so(chromium: Any, pilot: Any) -> None:
    with pytest.raises(SandboxError, match="not open"):
        await Driver(chromium, pilot.options).observe()
    await pilot.driver.close()
    await pilot.driver.close()
    with pytest.raises(SandboxError, match="not open"):
        await pilot.see()


async def test_notes_are_capped_and_counted(pilot: Any) -> None:
    for number in range(70):
        pilot.driver._note(str(number))
    notes = (await pilot.see()).notes
    assert notes[0] == "20 earlier notes were left out"
    assert notes[-1] == "69"
    assert (await pilot.see()).notes == ()


async def test_cookies_of_one_browser_are_taken_up_by_another(flight: Any) -> None:
    first, second = await flight(), await flight()
    kept = [
        {"name": "a", "value": "1", "domain": "a.test", "path": "/", "httpOnly": True, "secure": True},
        {"name": "b", "value": "2", "domain": ".b.test", "path": "/x", "expires": 4_000_000_000},
    ]
    await first.driver.bring(json.dumps(kept))
    found = await first.driver.cookies()
    assert {one["name"]: one["value"] for one in json.loads(found)} == {"a": "1", "b": "2"}
    assert await second.driver.cookies() == "[]"
    await second.driver.bring(found)
    assert json.loads(await second.driver.cookies()) == json.loads(found)


@pytest.mark.parametrize("cookies", ["s3cret", "{}", '[{"name": "s3cret"}]', '"s3cret"'])
async def test_cookies_that_cannot_be_used_are_not_repeated(pilot: Any, cookies: str) -> None:
    with pytest.raises(SandboxError, match="the kept cookies cannot be used") as caught:
        await pilot.driver.bring(cookies)
    assert "s3cret" not in str(caught.value)
