"""When a screen is still, and when the wait for it ends."""

import asyncio
import hashlib
from typing import Any

import pytest
from harness.action import Back, Click, Goto, Scroll, Type
from harness.sandbox.settle import settle

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_still_page_gives_the_same_picture_each_time(pilot: Any) -> None:
    await pilot.go("still.html")
    shots = {(await pilot.see()).screenshot.sha256 for _ in range(4)}
    assert len(shots) == 1


async def test_a_picture_that_is_known_to_be_still_is_taken_once(
    pilot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (await pilot.go("still.html")).screenshot.sha256
    taken: list[str] = []
    send = pilot.tab.send

    async def told(method: str, *more: Any) -> Any:
        taken.append(method)
        return await send(method, *more)

    monkeypatch.setattr(pilot.tab, "send", told)
    for still, pictures in ((known, 1), (None, 2), ("0" * 64, 2)):
        taken.clear()
        shot = await settle(pilot.tab, 2.0, lambda: False, still=still)
        assert shot is not None
        assert (shot.settled, hashlib.sha256(shot.png).hexdigest()) == (True, known)
        assert taken.count("Page.captureScreenshot") == pictures


async def test_a_caret_does_not_blink(pilot: Any) -> None:
    await pilot.go("still.html")
    await pilot.done(Click(x=50, y=50), Type(text="a"))
    first = await pilot.see()
    await asyncio.sleep(0.7)
    assert (await pilot.see()).screenshot.sha256 == first.screenshot.sha256
    assert await pilot.js("getComputedStyle(area).caretAnimation") == "manual"


async def test_an_endless_animation_ends_at_the_cap(flight: Any) -> None:
    pilot = await flight(settle_cap=0.3)
    await pilot.go("still.html")
    await pilot.js("document.body.className = 'spin'")
    assert (await pilot.see()).settled is False
    await pilot.js("document.body.className = ''")
    assert (await pilot.see()).settled is True


async def test_a_transition_is_waited_for(pilot: Any) -> None:
    await pilot.go("still.html")
    await pilot.js("document.body.className = 'moved'")
    assert (await pilot.see()).settled is True
    assert await pilot.js("slow.getBoundingClientRect().left") == 700


async def test_a_click_that_navigates_gives_the_new_page(pilot: Any) -> None:
    old = await pilot.go("tabs.html")
    await pilot.done(Click(x=60, y=195))
    new = await pilot.see()
    assert new.url.endswith("/keys.html")
    assert new.title == "Keys"
    await pilot.done(Back())
    again = await pilot.see()
    assert (again.url, again.screenshot.sha256) == (old.url, old.screenshot.sha256)


async def test_a_slow_document_is_waited_for(pilot: Any) -> None:
    await pilot.go("tabs.html")
    await pilot.done(Click(x=60, y=235))
    looking = asyncio.ensure_future(pilot.see())
    await pilot.tab.page.wait_for_event("request", timeout=5000) if not pilot.tab.busy else None
    pilot.web.gate.set()
    assert (await looking).url.endswith("/slow/page")


async def test_a_document_that_never_comes_ends_at_the_cap(flight: Any) -> None:
    pilot = await flight(settle_cap=0.4)
    await pilot.go("tabs.html")
    await pilot.done(Click(x=60, y=235))
    screen = await pilot.see()
    assert screen.url.endswith("/tabs.html")
    assert (await pilot.see()).settled is True


async def test_what_a_click_fetches_is_waited_for(pilot: Any) -> None:
    await pilot.go("tabs.html")
    await pilot.done(Click(x=60, y=395))
    looking = asyncio.ensure_future(pilot.see())
    await asyncio.sleep(0.1)
    pilot.web.gate.set()
    await looking
    assert await pilot.js("document.querySelector('button:last-of-type').textContent") == "got data"


async def test_pictures_stop_when_a_dialog_opens(pilot: Any) -> None:
    await pilot.go("still.html")
    assert await settle(pilot.tab, 1.0, lambda: True) is None


async def test_a_scrolled_page_is_seen_scrolled(pilot: Any) -> None:
    before = await pilot.go("scroll.html")
    await pilot.done(Scroll(x=800, y=600, dy=500))
    after = await pilot.see()
    assert after.screenshot.sha256 != before.screenshot.sha256
    await pilot.done(Goto(url=f"{pilot.web.base}/still.html"))
    assert (await pilot.see()).settled
