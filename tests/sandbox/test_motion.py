"""What moves and will soon stand is waited for; what goes on is not."""

import asyncio
from typing import Any

import pytest
from harness.sandbox.motion import ending
from harness.sandbox.settle import settle

pytestmark = pytest.mark.asyncio(loop_scope="session")
# The steps stand between the pictures: nothing but the page itself tells that they go on.
STEPS = """slow.style.transition = 'left {seconds}s steps(2)'; slow.getBoundingClientRect();
  slow.style.left = '{to}px'"""
MADE_UP = """Document.prototype.getAnimations = () => [{playState: 'running', playbackRate: 1, currentTime: 0,
  effect: {getComputedTiming: () => ({endTime: 1})}}]"""


async def left(pilot: Any) -> float:
    found: float = await pilot.js("slow.getBoundingClientRect().left")
    return found


async def test_a_step_that_has_not_come_yet_is_waited_for(pilot: Any) -> None:
    await pilot.go("still.html")
    await pilot.js(STEPS.format(seconds=0.8, to=300))
    assert (await pilot.see()).settled
    assert await left(pilot) == 300
    assert not await ending(pilot.tab, 60)


async def test_what_goes_on_for_longer_than_anyone_waits_holds_nothing_up(pilot: Any) -> None:
    await pilot.go("still.html")
    await pilot.js(STEPS.format(seconds=600, to=300))
    assert (await pilot.see()).settled
    assert await left(pilot) != 300
    assert await ending(pilot.tab, 601)
    assert not await ending(pilot.tab, 10)


async def test_what_begins_anew_again_and_again_is_waited_for_no_longer_than_the_cap(flight: Any) -> None:
    pilot = await flight(settle_cap=0.4)
    await pilot.go("still.html")
    again = "slow.animate([{opacity: 1}, {opacity: 1}], {duration: 200})"
    await pilot.js(f"void setInterval(() => {again}, 50)")
    await pilot.js(f"void {again}")
    assert await ending(pilot.tab, 0.4)
    # Its pictures are equal: when nobody waits any more, it is as still as it looks.
    async with asyncio.timeout(10):
        assert (await pilot.see()).settled


@pytest.mark.parametrize(
    "never",
    [
        "slow.animate([{opacity: 1}, {opacity: 1}], {duration: 100, iterations: Infinity})",
        "slow.animate([{opacity: 1}, {opacity: 1}], {duration: 100}).pause()",
        MADE_UP,
    ],
)
async def test_what_never_ends_stands_or_is_made_up_is_nothing_to_wait_for(pilot: Any, never: str) -> None:
    await pilot.go("still.html")
    await pilot.js(f"void ({never})")
    assert not await ending(pilot.tab, 60)
    assert (await pilot.see()).settled


async def test_a_page_that_does_not_say_is_still_when_its_pictures_are(pilot: Any) -> None:
    await pilot.go("still.html")
    pilot.tab._main, real = "no such frame", pilot.tab._main
    try:
        assert not await ending(pilot.tab, 60)
        shot = await settle(pilot.tab, 2.0, lambda: False)
    finally:
        pilot.tab._main = real
    assert shot is not None
    assert shot.settled
