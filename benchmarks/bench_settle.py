"""How long a look at a still page takes beyond one screenshot of it: the wait until two pictures are equal.

The harness's driver and a bare screenshot look at the same page of the same browser in turn.
"""

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import launched, site
from harness.sandbox.base import SandboxOptions
from harness.sandbox.browser import Driver
from playwright.async_api import CDPSession, async_playwright

ROUNDS = 60


async def once(session: CDPSession) -> float:
    """Milliseconds of one screenshot, taken as the driver takes it."""
    begun = time.perf_counter()
    await session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
    return (time.perf_counter() - begun) * 1000


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    rounds = 4 if quick else ROUNDS
    looks: list[float] = []
    shots: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with site() as url, async_playwright() as playwright:
            browser = await launched(playwright)
            driver = Driver(browser, SandboxOptions(downloads=folder / "kept", runtime=folder))
            await driver.start()
            page = browser.contexts[0].pages[0]
            await page.goto(url)
            session = await page.context.new_cdp_session(page)
            await driver.observe()
            for _ in range(rounds):
                shots.append(await once(session))
                begun = time.perf_counter()
                screen = await driver.observe()
                looks.append((time.perf_counter() - begun) * 1000)
                if not screen.settled:
                    raise RuntimeError("a still page was not found still")
            await driver.close()
            await browser.close()
    beyond = [look - shot for look, shot in zip(looks, shots, strict=True)]
    return {
        "settle_ms": Figure(
            "settle on a still page, beyond one shot, p50",
            "ms",
            median(beyond),
            median(shots),
            "one screenshot",
            80,
            detail={"p90_ms": percentile(beyond, 90), "look_p50_ms": median(looks), "rounds": rounds},
        )
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
