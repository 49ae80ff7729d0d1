"""Hands for trying a browser: pages opened beside the driver's own, each with a profile of its own.

What is done here is not judged and not recorded. The containment suite plays a browser that an attacker has
taken over with it; a run never uses it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable

from playwright.async_api import Browser, BrowserContext, Dialog, Error, Page

from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.tab import first_line

_SECONDS = 8.0
_BLANK_SECONDS = 2.0


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

    async def give(self, selector: str, path: str) -> str:
        """Give a file of this machine to a field, whatever its path; give what went wrong, or nothing."""
        return await self._said(self._page.set_input_files(selector, path, timeout=_SECONDS * 1000))

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

    async def _said(self, doing: Awaitable[object]) -> str:
        try:
            await doing
        except Error as error:
            return first_line(error)
        return ""


class Probes:
    """Pages of one sandbox's browser, used again and again: a page costs more to open than to try.

    Args:
        sandbox: an open sandbox.
    """

    def __init__(self, sandbox: HostedSandbox) -> None:
        self._browser: Browser = sandbox.browser
        self._idle: list[tuple[BrowserContext, Page]] = []

    @contextlib.asynccontextmanager
    async def tab(self) -> AsyncIterator[ProbeTab]:
        """Give a blank page that nobody else uses, and take it back."""
        context, page = self._idle.pop() if self._idle else await self._new()
        try:
            yield ProbeTab(context, page)
        finally:
            if await self._cleared(context, page):
                self._idle.append((context, page))
            else:
                with contextlib.suppress(Error, TimeoutError):
                    async with asyncio.timeout(_SECONDS):
                        await context.close()

    async def _new(self) -> tuple[BrowserContext, Page]:
        context = await self._browser.new_context(viewport={"width": 800, "height": 600})
        context.set_default_timeout(_SECONDS * 1000)
        context.on("dialog", _dismiss)
        return context, await context.new_page()

    async def _cleared(self, context: BrowserContext, page: Page) -> bool:
        try:
            async with asyncio.timeout(_BLANK_SECONDS):
                for popup in context.pages:
                    if popup is not page:
                        await popup.close()
                await page.goto("about:blank")
        except (Error, TimeoutError):
            return False
        return context.pages == [page]


def open_tabs(sandbox: HostedSandbox) -> int:
    """How many tabs the driver has."""
    return len(sandbox.browser.contexts[0].pages)


async def in_page(sandbox: HostedSandbox, script: str) -> None:
    """Run a script in the page that the driver shows, as if the page itself had; what it throws is left."""
    with contextlib.suppress(Error):
        await sandbox.browser.contexts[0].pages[-1].evaluate(script)


async def _dismiss(dialog: Dialog) -> None:
    with contextlib.suppress(Error):
        await dialog.dismiss()
