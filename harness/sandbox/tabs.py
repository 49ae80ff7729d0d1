"""The tabs: which are open, and which is looked at."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from playwright.async_api import BrowserContext, Page, ViewportSize
from playwright.async_api import Error as PlaywrightError

from harness.errors import SandboxError
from harness.sandbox.ground_frames import Sessions
from harness.sandbox.tab import CALL, OpenTab, first_line

PAGES: Final = 20
"""Tabs at most; what a page opens beyond is closed."""


class Tabs:
    """Every tab of a run, the active one among them."""

    def __init__(
        self,
        context: BrowserContext,
        size: ViewportSize,
        note: Callable[[str], None],
        watch: Callable[[OpenTab], None],
    ) -> None:
        self._context = context
        self._size = size
        self._sessions = Sessions(context)
        self._note = note
        self._watch = watch
        self._open: dict[int, OpenTab] = {}
        self._next = 1
        self._active = 0
        self._adopting: set[asyncio.Task[None]] = set()
        self._expected: dict[str, None] = {}
        self._arrived = asyncio.Event()
        self._closing = False
        context.on("page", self._page)

    @property
    def active(self) -> OpenTab:
        """The tab that is looked at."""
        if self._active not in self._open:
            raise SandboxError("no tab is open: the browser is gone")
        return self._open[self._active]

    @property
    def all(self) -> tuple[OpenTab, ...]:
        """Every open tab, in the order of their ids."""
        return tuple(self._open.values())

    def get(self, number: int) -> OpenTab | None:
        """The tab with an id, if it is open."""
        return self._open.get(number)

    async def open(self) -> OpenTab:
        """Open a blank tab and look at it."""
        try:
            async with asyncio.timeout(2 * CALL):
                page = await self._context.new_page()
        except (TimeoutError, PlaywrightError) as error:
            raise SandboxError(f"a tab could not be opened: {first_line(error)}") from error
        await self.adopted()
        found = next((tab for tab in self.all if tab.page is page), None)
        if found is None:
            raise SandboxError("a tab was opened and closed at once")
        return found

    async def show(self, tab: OpenTab) -> None:
        """Look at another tab."""
        self._active = tab.id
        await tab.call(tab.page.bring_to_front(), f"show tab {tab.id}")

    async def close(self, tab: OpenTab) -> None:
        """Close a tab; a blank one takes the place of the last."""
        try:
            await tab.call(tab.page.close(), f"close tab {tab.id}", 2 * CALL)
        except SandboxError:
            if tab.id in self._open:
                raise
        self._closed(tab)
        await self.ensure()

    async def ensure(self) -> None:
        """Wait for tabs that are opening; open a blank one if none is left."""
        await self.adopted()
        if not self._open and not self._closing:
            self._note("the last tab was closed; a blank one was opened")
            await self.open()

    async def adopted(self) -> None:
        """Wait until every new tab is ready."""
        while self._adopting:
            await asyncio.gather(*self._adopting)

    async def arrivals(self, seconds: float) -> None:
        """Wait for pop-ups that the browser has announced, as long as `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self._expected:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            self._expected.clear()
        await self.adopted()

    def announced(self, target: str) -> None:
        """The browser says that a page was made."""
        if all(tab.target != target for tab in self.all):
            self._expected[target] = None

    def destroyed(self, target: str) -> None:
        """The browser says that a page is gone."""
        self._expected.pop(target, None)
        self._arrived.set()

    async def stop(self) -> None:
        """Adopt nothing more: the browser is being closed."""
        self._closing = True
        for task in tuple(self._adopting):
            task.cancel()
        await asyncio.gather(*self._adopting, return_exceptions=True)

    def _page(self, page: Page) -> None:
        if self._closing:
            return
        if len(self._open) >= PAGES:
            self._note(f"a page opened more than {PAGES} tabs; the new one was closed")
            self._later(self._dismiss(page))
            return
        tab = OpenTab(self._next, page, self._sessions)
        self._next += 1
        opened_by_page = bool(self._open)
        self._open[tab.id] = tab
        page.on("close", lambda _: self._closed(tab))
        page.on("crash", lambda _: tab.lose(f"the page at {page.url[:200]} crashed"))
        self._watch(tab)
        self._later(self._adopt(tab, noted=opened_by_page))

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _dismiss(self, page: Page) -> None:
        try:
            async with asyncio.timeout(CALL):
                await page.close()
        except (TimeoutError, PlaywrightError) as error:
            self._note(f"a tab beyond the limit could not be closed: {first_line(error)}")

    async def _adopt(self, tab: OpenTab, *, noted: bool) -> None:
        try:
            await tab.attach()
            if tab.page.viewport_size != self._size:
                await tab.call(tab.page.set_viewport_size(self._size), "size a pop-up as the screen")
        except SandboxError as error:
            if tab.gone is None:
                self._note(f"tab {tab.id} could not be reached: {error}")
        self.destroyed(tab.target)
        if tab.id in self._open:
            self._active = tab.id
            if noted:
                self._note(f"tab {tab.id} was opened and is now shown")

    def _closed(self, tab: OpenTab) -> None:
        if self._open.pop(tab.id, None) is None:
            return
        tab.lose("the tab was closed")
        if self._active == tab.id and self._open:
            self._active = max(self._open)
            self._note(f"tab {tab.id} was closed; tab {self._active} is now shown")
