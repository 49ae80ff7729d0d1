"""What pages say besides what they show is told, in bounds, and holds nothing up."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from harness.action import Click, Press, Type
from harness.sandbox.base import ConsoleLine, DialogAnswer, PageWord
from harness.sandbox.said import LONGEST

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMPT = Click(x=60, y=115)


class Ear:
    """Hears so many words."""

    def __init__(self, most: int = 10_000) -> None:
        self.words: list[PageWord] = []
        self._most = most
        self._news = asyncio.Event()

    def told(self, word: PageWord) -> bool:
        self.words.append(word)
        self._news.set()
        return len(self.words) < self._most

    async def until(self, heard: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not heard():
                self._news.clear()
                await self._news.wait()

    @property
    def lines(self) -> list[ConsoleLine]:
        return [one for one in self.words if isinstance(one, ConsoleLine)]


def unheard(pilot: Any) -> bool:
    page = pilot.tab.page._impl_obj
    return not page.listeners("console") and not page.listeners("pageerror")


async def test_lines_and_uncaught_errors_are_told_with_where_they_come_from(flight: Any) -> None:
    ear = Ear()
    pilot = await flight(told=ear.told)
    await pilot.go("dialogs.html")
    await pilot.js("""() => {
        console.debug("one"); console.log("two", 2, {a: 1}); console.warn("three"); console.error("four");
        console.assert(false, "five");
        const script = document.createElement("script");
        script.textContent = "\\n\\nfunction fails() { throw Error('six ' + 'x'.repeat(3000)) }\\nfails()"
            + "\\n//# sourceURL=https://shop.test/a.js";
        document.body.append(script);
        Promise.reject(new Error("seven"));
    }""")
    await ear.until(lambda: "seven" in [one.text for one in ear.lines])
    found = {one.text.split()[0]: one for one in ear.lines}
    levels = {name: one.level for name, one in found.items()}
    assert levels == {
        "one": "debug",
        "two": "info",
        "three": "warning",
        "four": "error",
        "five": "error",
        "six": "uncaught",
        "seven": "uncaught",
    }
    assert found["two"].text == "two 2 {a: 1}"
    assert (found["six"].url, found["six"].line) == ("https://shop.test/a.js", 3)
    assert len(found["six"].text) == LONGEST


async def test_dialogs_are_told_with_their_answers(flight: Any) -> None:
    ear = Ear()
    pilot = await flight(told=ear.told)
    await pilot.go("dialogs.html")
    await pilot.done(PROMPT, Type(text="7"), Press(keys=("Enter",)))
    await pilot.done(PROMPT, Press(keys=("Escape",)))
    await pilot.done(Click(x=60, y=35), Press(keys=("Enter",)))
    await pilot.until("document.getElementById('said').textContent === 'alerted'")
    told = [one for one in ear.words if isinstance(one, DialogAnswer)]
    assert [(one.type, one.accepted, one.answer) for one in told] == [
        ("prompt", True, "7"),
        ("prompt", False, None),
        ("alert", True, None),
    ]
    assert told[2].message == "Tea is ready"


async def test_a_flood_is_not_listened_to_and_does_not_hold_up_the_run(flight: Any) -> None:
    ear = Ear(most=1000)
    pilot = await flight(told=ear.told)
    await pilot.go("dialogs.html")
    await pilot.js("""() => {
        for (let i = 0; i < 3000; i++) console.log("flood " + i, {deep: [1, 2, 3]});
    }""")
    await ear.until(lambda: len(ear.words) == 1000)
    async with asyncio.timeout(30):
        for _ in range(3):
            await pilot.see()
    assert len(ear.words) == 1000
    assert unheard(pilot)


async def test_long_lines_use_up_what_is_listened_to(flight: Any) -> None:
    ear = Ear()
    pilot = await flight(told=ear.told)
    await pilot.go("dialogs.html")
    await pilot.js("""() => { for (let i = 0; i < 30; i++) console.log("x".repeat(500000) + i) }""")
    await ear.until(lambda: len(ear.words) == 8)
    await pilot.js("console.log('after')")
    await pilot.see()
    assert len(ear.words) == 8
    assert [len(one.text) for one in ear.lines] == [LONGEST] * 8
    assert unheard(pilot)


async def test_whoever_fails_to_record_is_told_nothing_more_and_the_page_goes_on(flight: Any) -> None:
    ear = Ear()

    def broken(word: PageWord) -> bool:
        ear.told(word)
        raise OSError("disk full")

    pilot = await flight(told=broken)
    await pilot.go("dialogs.html")
    await pilot.js("console.log('one')")
    await ear.until(lambda: bool(ear.words))
    await pilot.js("console.log('two')")
    assert any("disk full" in note for note in (await pilot.see()).notes)
    assert len(ear.words) == 1
