"""Tabs and pop-ups, and what a tab that is busy, crashed or gone does to a run."""

import asyncio
from typing import Any

import pytest
from harness.action import Click, CloseTab, Goto, NewTab, SwitchTab, Type
from harness.errors import SandboxError
from harness.sandbox import tabs
from harness.sandbox.chromium import find_chromium
from playwright.async_api import async_playwright

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINK, POPUP, MANY, CLOSE, SAME, SLOW, HANG, LATER = (Click(x=60, y=y) for y in range(35, 335, 40))


async def test_a_link_to_a_new_tab_is_seen_at_once(pilot: Any) -> None:
    await pilot.go("tabs.html")
    await pilot.done(LINK)
    screen = await pilot.see()
    assert [(tab.id, tab.active) for tab in screen.tabs] == [(1, False), (2, True)]
    assert screen.url.endswith("/mouse.html")
    assert screen.title == "Mouse"
    assert screen.notes == ("tab 2 was opened and is now shown",)


async def test_a_pop_up_is_a_tab_with_keys_of_its_own(pilot: Any) -> None:
    await pilot.go("tabs.html")
    await pilot.done(POPUP)
    screen = await pilot.see()
    assert screen.url.endswith("/keys.html")
    assert (screen.screenshot.width, screen.screenshot.height) == (1280, 720)
    await pilot.done(Type(text="hi"))
    assert await pilot.js("area.value") == "hi"


async def test_tabs_are_opened_shown_and_closed(pilot: Any) -> None:
    await pilot.done(
        Goto(url=f"{pilot.web.base}/keys.html"), NewTab(), NewTab(url=f"{pilot.web.base}/mouse.html")
    )
    assert [tab.id for tab in (await pilot.see()).tabs] == [1, 2, 3]
    await pilot.done(SwitchTab(tab=1))
    assert (await pilot.see()).url.endswith("/keys.html")
    await pilot.done(CloseTab(tab=2), CloseTab())
    screen = await pilot.see()
    assert [(tab.id, tab.active) for tab in screen.tabs] == [(3, True)]
    assert "now shown" in screen.notes[-1]
    for action in (SwitchTab(tab=9), CloseTab(tab=9)):
        outcome = await pilot.do(action)
        assert not outcome.ok
        assert outcome.message == "no tab 9 is open; the open tabs are 3"


async def test_the_last_tab_makes_way_for_a_blank_one(pilot: Any) -> None:
    await pilot.done(CloseTab())
    screen = await pilot.see()
    assert screen.url == "about:blank"
    assert [tab.id for tab in screen.tabs] == [2]


async def test_a_page_that_closes_itself_is_no_error(pilot: Any) -> None:
    await pilot.go("tabs.html")
    await pilot.js("void open('tabs.html')")
    await pilot.see()
    assert pilot.tab.id == 2
    await pilot.done(CLOSE)
    screen = await pilot.see()
    assert [tab.id for tab in screen.tabs] == [1]


async def test_there_are_never_more_than_so_many_tabs(pilot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "PAGES", 4)
    await pilot.go("tabs.html")
    await pilot.do(MANY)
    screen = await pilot.see()
    assert len(screen.tabs) <= 4
    assert any("more than 4 tabs" in note for note in screen.notes)


async def test_titles_are_clean(pilot: Any) -> None:
    assert (await pilot.go("tabs.html")).title == "Tabs reversed"


async def test_a_page_in_a_loop_is_an_outcome_and_then_an_error(pilot: Any) -> None:
    await pilot.go("tabs.html")
    pilot.tab.patience = 0.5
    async with asyncio.timeout(30):
        outcome = await pilot.do(HANG)
        assert not outcome.ok
        assert "may be in a loop" in outcome.message
        with pytest.raises(SandboxError, match="may be in a loop"):
            await pilot.see()


async def test_a_crashed_page_is_an_error_with_a_reason(flight: Any) -> None:
    pilot = await flight()
    await pilot.go("tabs.html")
    with pytest.raises(SandboxError, match="crashed"):
        await pilot.tab.send("Page.crash")
    with pytest.raises(SandboxError, match="crashed"):
        await pilot.see()
    with pytest.raises(SandboxError, match="crashed"):
        await pilot.do(SAME)


async def test_a_dead_browser_is_an_error_everywhere(flight: Any) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), chromium_sandbox=False)
        pilot = await flight(browser)
        await pilot.go("tabs.html")
        looking = asyncio.ensure_future(pilot.see())
        await browser.close()
        await asyncio.wait({looking})
        assert looking.exception() is None or isinstance(looking.exception(), SandboxError)
        for work in (pilot.see, lambda: pilot.do(SAME), lambda: pilot.driver.ground(SAME)):
            with pytest.raises(SandboxError, match="ended unexpectedly"):
                await work()
        await pilot.driver.close()
