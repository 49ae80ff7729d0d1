"""What one action costs at the pointer: what lies under it, and whether it is still there when it goes down.

The harness's driver and a plain script look at the same page of the same browser in turn. The plain script
asks the page itself for the element under a point, and clicks without looking.
"""

import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import launched, site
from harness.action import Click, Press
from harness.clearance import Act, Verdict, clear, digest
from harness.sandbox.base import SandboxOptions
from harness.sandbox.browser import Driver
from playwright.async_api import Page, async_playwright

ROUNDS = 60
BUTTON = Click(x=120, y=112)


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that a call takes."""
    begun = time.perf_counter()
    await call()
    return (time.perf_counter() - begun) * 1000


async def clicked(driver: Driver) -> float:
    """Milliseconds of a cleared click, whose target is looked at again just before the button goes down."""
    act = Act(action=BUTTON, target=await driver.ground(BUTTON))
    verdict = Verdict(outcome="allow", rule="bench", reason="measured", policy="", effect=digest(act))
    ticket = clear(act, verdict)
    begun = time.perf_counter()
    outcome = await driver.act(ticket)
    taken = (time.perf_counter() - begun) * 1000
    if not outcome.ok:
        raise RuntimeError(f"a click was not made: {outcome.message}")
    return taken


async def looks(driver: Driver, page: Page, rounds: int) -> dict[str, list[float]]:
    """Each way in turn."""
    at = {"x": BUTTON.x, "y": BUTTON.y}
    ways: dict[str, Callable[[], Awaitable[float]]] = {
        "point": lambda: timed(lambda: driver.ground(BUTTON)),
        "key": lambda: timed(lambda: driver.ground(Press(keys=("Enter",)))),
        "asked": lambda: timed(
            lambda: page.evaluate("a => document.elementFromPoint(a.x, a.y).outerHTML.length", at)
        ),
        "click": lambda: clicked(driver),
        "blind": lambda: timed(lambda: page.mouse.click(BUTTON.x, BUTTON.y)),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(-3, rounds):
        for name, way in ways.items():
            taken = await way()
            if number >= 0:
                found[name].append(taken)
    return found


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    rounds = 4 if quick else ROUNDS
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with site() as url, async_playwright() as playwright:
            browser = await launched(playwright)
            driver = Driver(browser, SandboxOptions(downloads=folder / "kept", runtime=folder))
            await driver.start()
            page = browser.contexts[0].pages[0]
            await page.goto(url)
            await driver.observe()
            found = await looks(driver, page, rounds)
            await driver.close()
            await browser.close()
    return {
        "ground_ms": Figure(
            "what lies under a point, p50",
            "ms",
            median(found["point"]),
            median(found["asked"]),
            "a script that asks the page for the element there",
            detail={
                "p99_ms": percentile(found["point"], 99),
                "key_p50_ms": median(found["key"]),
                "rounds": rounds,
            },
        ),
        "click_ms": Figure(
            "a cleared click, looked at again before it goes down, p50",
            "ms",
            median(found["click"]),
            median(found["blind"]),
            "a plain script's click",
            detail={"p99_ms": percentile(found["click"], 99), "rounds": rounds},
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
