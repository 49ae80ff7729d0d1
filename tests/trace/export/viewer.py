"""Opens what was exported in the tool that it is for, in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.sandbox.chromium import find_chromium
from playwright.async_api import Page, async_playwright


@asynccontextmanager
async def page() -> AsyncIterator[Page]:
    """Give a page of a real browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), chromium_sandbox=False)
        yield await browser.new_page(viewport={"width": 1400, "height": 900})
        await browser.close()
