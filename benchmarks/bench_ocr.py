"""How long a changed screen of 1280 by 720 takes to read, over reading the whole of it.

The screens are those of a real page as it is worked with: a number that counts up, a field that gets the
focus, text that is typed, a list that scrolls. The same picture is read in turn by a reader that saw the one
before, and by one that saw nothing. Loading the networks is measured apart.
"""

import asyncio
import io
import sys
import time

from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import launched, opened, pictured, site
from harness.models.local.ocr import Reader
from harness.screen import Screenshot
from PIL import Image
from playwright.async_api import async_playwright

TURNS = 3


async def screens(turns: int) -> list[Screenshot]:
    """The screens of a page while somebody works with it; no two in a row are equal."""
    found: list[Screenshot] = []
    async with site() as url, async_playwright() as playwright:
        browser = await launched(playwright)
        page = await opened(browser, url)

        async def shot() -> None:
            seen = Screenshot.of(await pictured(page))
            if not found or found[-1].sha256 != seen.sha256:
                found.append(seen)

        await shot()
        for _ in range(turns):
            await page.mouse.click(120, 112)
            await shot()
            await page.mouse.click(200, 190)
            await shot()
            await page.keyboard.type("Ada ")
            await shot()
            await page.evaluate("document.getElementById('list').scrollBy(0, 120)")
            await shot()
        await browser.close()
    return found


def loaded() -> tuple[Reader, float]:
    """A reader with its networks loaded and nothing seen, and the seconds that took."""
    file = io.BytesIO()
    Image.new("RGB", (200, 120), "white").save(file, "PNG")
    reader = Reader()
    begun = time.perf_counter()
    reader.view(Screenshot.of(file.getvalue()))
    return reader, time.perf_counter() - begun


def read(reader: Reader, screenshot: Screenshot) -> float:
    """Seconds to read a screen."""
    begun = time.perf_counter()
    reader.view(screenshot)
    return time.perf_counter() - begun


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    shots = asyncio.run(screens(1 if quick else TURNS))[: 2 if quick else None]
    reader, loading = loaded()
    whole = [read(reader, shots[0])]
    changed: list[float] = []
    for shot in shots[1:]:
        changed.append(read(reader, shot))
        if not quick:
            whole.append(read(loaded()[0], shot))
    return {
        "ocr_changed_seconds": Figure(
            "OCR of a changed screen, 1280x720, p50",
            "s",
            median(changed),
            median(whole),
            "the whole screen, networks loaded",
            0.25,
            detail={
                "p90_s": percentile(changed, 90),
                "most_s": max(changed),
                "load_s": loading,
                "screens": len(changed),
            },
        )
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
