"""Hands for trying a browser: pages opened beside the driver's own, each with a profile of its own.

What is done here is not judged and not recorded. The containment suite plays a browser that an attacker has
taken over with it; a run never uses it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser, BrowserContext, Dialog, Error, Page

from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.tab import first_line

_SECONDS = 8.0


class ProbeTab:
    """One page and what it opens."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self._context = context
        self._page = page

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._page.url

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the page and everything it opened are."""
        return tuple(page.url for page in self._context.pages)

    async def goto(self, url: str) -> str:
        """Go to a URL, as it is written; give what went wrong, or nothing."""
        return await self._said(self._page.goto(url, wait_until="commit", timeout=_SECONDS * 1000))

    async def click(self, selector: str) -> str:
        """Click an element; give what went wrong, or nothing."""
        return await self._said(self._page.click(selector, timeout=_SECONDS * 1000, no_wait_after=True))

    async def press(self, keys: str) -> str:
        """Press a chord in Playwright's spelling; give what went wrong, or nothing."""
        return await self._said(self._page.keyboard.press(keys))

    async def type(self, text: str) -> str:
        """Type a text, newlines as Enter; give what went wrong, or nothing."""
        return await self._said(self._page.keyboard.type(text))

    async def run(self, script: str) -> str:
        """Run a script in the page; give what went wrong, or nothing."""
        return await self._said(self._page.evaluate(script))

    async def picture(self) -> bytes:
        """Give a PNG of every page, each after the other; nothing for one that cannot be had."""
        parts = []
        for page in self._context.pages:
            with contextlib.suppress(Error):
                parts.append(await page.screenshot(timeout=_SECONDS * 1000))
        return parts[-1] if parts else b""

    async def text(self) -> str:
        """Give the text of the page and of its frames; nothing for what cannot be read."""
        parts = []
        for page in self._context.pages:
            for frame in page.frames:
                with contextlib.suppress(Error):
                    parts.append(await frame.evaluate("document.documentElement.outerHTML"))
        return "\n".join(parts)

    async def _said(self, doing: object) -> str:
        try:
            await doing  # type: ignore[misc] - every method above gives an awaitable of its own type
        except Error as error:
            return first_line(error)
        return ""


@contextlib.asynccontextmanager
async def probe_tab(sandbox: HostedSandbox) -> AsyncIterator[ProbeTab]:
    """Open a blank page with a profile of its own in a sandbox's browser, and close both.

    Raises:
        SandboxError: if the sandbox is not open.
    """
    browser: Browser = sandbox.browser
    context = await browser.new_context(viewport={"width": 800, "height": 600})
    context.set_default_timeout(_SECONDS * 1000)
    context.on("dialog", _dismiss)
    try:
        yield ProbeTab(context, await context.new_page())
    finally:
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(_SECONDS):
                await context.close()


async def _dismiss(dialog: Dialog) -> None:
    with contextlib.suppress(Error):
        await dialog.dismiss()
