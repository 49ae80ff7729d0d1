"""A clock for pages that stands still, and goes on at once to where it is to be."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from harness.action import Click, Drag, Goto, Point, Press, Type, Wait
from harness.clearance import Act, Target
from harness.sandbox.base import Pinned

pytestmark = pytest.mark.asyncio(loop_scope="session")
BEGUN = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)


class Course:
    """What time it is to be."""

    def __init__(self) -> None:
        self.at = BEGUN

    def due(self) -> datetime:
        return self.at

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


async def pinned(flight: Any, page: str = "clock.html", **options: Any) -> tuple[Any, Course]:
    course = Course()
    pilot = await flight(pinned=Pinned(start=BEGUN, due=course.due), **options)
    await pilot.done(Goto(url=f"{pilot.web.base}/{page}"))
    return pilot, course


async def test_a_page_sees_the_time_that_it_is_given(flight: Any) -> None:
    pilot, course = await pinned(flight)
    await pilot.see()
    assert await pilot.js("now.textContent") == "2024-02-29T12:00:00.000Z"
    course.go(3600)
    await pilot.see()
    assert await pilot.js("new Date().toISOString().slice(0, 20)") == "2024-02-29T13:00:00."
    # Of an hour, all but the last seconds are jumped over: what was due in it fires once, at its end.
    assert set((await pilot.js("said.textContent")).split()) == {"early", "late"}


async def test_timers_fire_in_order_and_without_waiting(flight: Any) -> None:
    pilot, course = await pinned(flight)
    course.go(5)
    began = asyncio.get_running_loop().time()
    first = await pilot.see()
    assert asyncio.get_running_loop().time() - began < 4
    assert await pilot.js("said.textContent") == "early late"
    ticks = int(await pilot.js("ticks.textContent"))
    assert 50 <= ticks <= 53
    await asyncio.sleep(0.2)
    assert int(await pilot.js("ticks.textContent")) == ticks
    assert first.settled


async def test_the_same_times_give_the_same_pictures(flight: Any) -> None:
    pictures = set[str]()
    for _ in range(2):
        pilot, course = await pinned(flight)
        course.go(0.73)
        await pilot.see()
        course.go(2.1)
        await pilot.done(Click(x=60, y=220))
        course.go(4)
        pictures.add((await pilot.see()).screenshot.sha256)
        assert await pilot.js("said.textContent") == "early fetched late"
    assert len(pictures) == 1


async def test_a_transition_ends_at_once_and_what_was_fetched_is_shown(flight: Any) -> None:
    pilot, course = await pinned(flight)
    await pilot.see()
    await pilot.done(Click(x=60, y=220))
    course.go(0.3)
    began = asyncio.get_running_loop().time()
    assert (await pilot.see()).settled
    assert asyncio.get_running_loop().time() - began < 2.5
    assert await pilot.js("box.getBoundingClientRect().left") == 600
    assert "fetched" in await pilot.js("said.textContent")


async def test_a_wait_takes_no_time_here(flight: Any) -> None:
    pilot, course = await pinned(flight)
    began = asyncio.get_running_loop().time()
    await pilot.done(Wait(seconds=8))
    course.go(8)
    await pilot.see()
    assert asyncio.get_running_loop().time() - began < 6
    assert await pilot.js("said.textContent") == "early late"


async def test_a_timer_that_asks_stops_the_time_until_it_is_answered(flight: Any) -> None:
    pilot, course = await pinned(flight, "clock.html?ask")
    course.go(0.5)
    await pilot.see()
    await pilot.done(Click(x=60, y=220))
    course.go(3)
    await pilot.see()
    assert pilot.driver._over.modal is not None
    await pilot.done(Press(keys=("Enter",)))
    course.go(1)
    await pilot.see()
    assert await pilot.js("said.textContent") == "early fetched answered"


async def test_time_passes_while_something_is_dragged(flight: Any) -> None:
    pilot, _ = await pinned(flight)
    await pilot.see()
    await pilot.js("globalThis.frames = 0; const f = () => { frames += 1; requestAnimationFrame(f) }; f()")
    way = (Point(x=300, y=300), Point(x=700, y=500), Point(x=300, y=300))
    await pilot.done(Drag(path=way))
    dragged = await pilot.js("frames")
    assert dragged > 1
    before = await pilot.js("Date.now()")
    await asyncio.sleep(0.15)
    assert await pilot.js("Date.now()") == before


async def test_another_document_and_another_tab_see_the_same_time(flight: Any) -> None:
    pilot, course = await pinned(flight)
    course.go(60)
    await pilot.see()
    here = await pilot.js("Date.now()")
    await pilot.done(Goto(url=f"{pilot.web.base}/clock.html?2"))
    assert await pilot.js("Date.now()") == here
    await pilot.js("open('clock.html?3') && 0")
    await pilot.see()
    assert pilot.tab.id == 2
    assert 0 <= await pilot.js("Date.now()") - here < 2000


async def test_what_an_action_touches_is_not_asked_for_if_it_is_known(flight: Any) -> None:
    course, click = Course(), Click(x=60, y=220)
    known = Act(action=click, target=Target(role="button", name="as recorded"))
    pilot = await flight(
        pinned=Pinned(start=BEGUN, due=course.due, touched=lambda action: known if action == click else None)
    )
    await pilot.done(Goto(url=f"{pilot.web.base}/clock.html"))
    await pilot.see()
    course.go(3)
    assert await pilot.driver.ground(click) == known.target
    # The page's time has gone on all the same.
    assert await pilot.js("new Date().toISOString().slice(17, 20)") == "03."
    found = await pilot.driver.ground(Click(x=61, y=220))
    assert found is not None
    assert found.name != "as recorded"


@pytest.mark.parametrize(
    ("page", "before", "action"),
    [
        ("keys.html", "area.focus()", Type(text="Ab c +~\u00e9 12")),
        ("mouse.html", "0", Click(x=140, y=90, modifiers=("Shift",))),
        ("mouse.html", "0", Click(x=140, y=90, button="back")),
    ],
)
async def test_what_is_known_to_go_through_is_done_at_once_and_gives_the_same_events(
    flight: Any, page: str, before: str, action: Type | Click
) -> None:
    logs = []

    def nothing(_: object) -> None:
        return None

    def all_through(_: object) -> Act:
        return Act(action=action)

    for touched in (nothing, all_through):
        pilot = await flight(pinned=Pinned(BEGUN, Course().due, touched=touched))
        await pilot.done(Goto(url=f"{pilot.web.base}/{page}"))
        await pilot.see()
        await pilot.js(before)
        await pilot.done(action)
        logs.append((await pilot.js("log"), await pilot.js("document.activeElement.value ?? ''")))
    assert logs[0] == logs[1]
    assert logs[0][0]


async def test_a_quiet_time_is_gone_through_at_once(flight: Any) -> None:
    course, asked = Course(), list[tuple[datetime, datetime]]()

    def quiet(since: datetime, until: datetime) -> bool:
        asked.append((since, until))
        return True

    pilot = await flight(pinned=Pinned(start=BEGUN, due=course.due, quiet=quiet))
    await pilot.done(Goto(url=f"{pilot.web.base}/clock.html"))
    await pilot.see()
    asked.clear()
    course.go(6)
    await pilot.driver.ground(Press(keys=("a",)))
    assert [until - since <= timedelta(seconds=6) for since, until in asked] == [True]
    assert await pilot.js("said.textContent") == "early late"
