"""The tabs: which are open, which is looked at, and what each one is waiting for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from playwright.async_api import BrowserContext, CDPSession, Page, Request, ViewportSize
from playwright.async_api import Error as PlaywrightError

from harness.errors import SandboxError
from harness.sandbox.ground_frames import Sessions

CALL: Final = 5.0
"""Seconds in which a page must answer."""
PAGES: Final = 20
"""Tabs at most; what a page opens beyond is closed."""

_AWAITED: Final = frozenset({"document", "stylesheet", "script", "image", "font", "xhr", "fetch"})
# The caret stays lit instead of blinking, so that equal screens give equal pictures.
_STEADY_CARET: Final = (
    "(()=>{const s=new CSSStyleSheet();s.replaceSync(':root{caret-animation:manual}');"
    "document.adoptedStyleSheets.push(s)})()"
)

T = TypeVar("T")


class OpenTab:
    """One tab: its page, its debugging session, its pointer and its traffic."""

    def __init__(self, number: int, page: Page, sessions: Sessions) -> None:
        self.id = number
        self.page = page
        self.target = ""
        self.patience = CALL
        self.pointer = (0, 0)
        self.hovering = False
        self.documents = 0
        self.sessions = sessions
        self.last: bytes | None = None
        self.gone: str | None = None
        self._cdp: CDPSession | None = None
        self._main = ""
        self._requests: set[Request] = set()
        self.leaving = False
        self._navigating = False
        self._loading = False
        self._changed = asyncio.Event()
        self._deadlines: set[asyncio.Timeout] = set()
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    @property
    def cdp(self) -> CDPSession:
        """The debugging session.

        Raises:
            SandboxError: if the tab is gone, or was never reached.
        """
        if self._cdp is None or self.gone is not None:
            raise SandboxError(f"tab {self.id} cannot be reached: {self.gone or 'it is not ready'}")
        return self._cdp

    async def attach(self) -> None:
        """Open the debugging session and listen for navigations."""
        session = await self.call(self.page.context.new_cdp_session(self.page), "attach to a tab")
        self._cdp = session
        session.on("Page.frameRequestedNavigation", self._requested)
        session.on("Page.frameStartedNavigating", self._requested)
        session.on("Page.frameNavigated", self._navigated)
        session.on("Page.loadEventFired", self._loaded)
        session.on("Page.frameStoppedLoading", self._stopped)
        await self.send("Page.enable")
        tree = await self.send("Page.getFrameTree")
        info = await self.send("Target.getTargetInfo")
        await self.send(
            "Page.addScriptToEvaluateOnNewDocument",
            {"source": _STEADY_CARET, "worldName": "harness", "runImmediately": True},
        )
        self._main = tree["frameTree"]["frame"]["id"]
        self.target = info["targetInfo"]["targetId"]

    async def send(
        self, method: str, params: dict[str, Any] | None = None, seconds: float | None = None
    ) -> dict[str, Any]:
        """Call the debugging protocol."""
        answer: dict[str, Any] = await self.call(self.cdp.send(method, params), method, seconds)
        return answer

    async def call(self, work: Awaitable[T], what: str, seconds: float | None = None) -> T:
        """Wait for an answer of the page, no longer than `seconds`, or the tab's patience.

        Raises:
            SandboxError: if it crashed, was closed, or is too busy to answer.
        """
        limit = self.patience if seconds is None else seconds
        deadline = asyncio.timeout(limit)
        self._deadlines.add(deadline)
        try:
            async with deadline:
                return await work
        except TimeoutError as error:
            why = self.gone or f"no answer within {limit:g} s; the page's scripts may be in a loop"
            raise SandboxError(f"{what}: {why}") from error
        except PlaywrightError as error:
            raise SandboxError(f"{what}: {self.gone or first_line(error)}") from error
        finally:
            self._deadlines.discard(deadline)

    def lose(self, why: str) -> None:
        """Mark the tab as crashed or closed, and end whatever waits for it."""
        self.gone = self.gone or why
        self.interrupt()

    def interrupt(self) -> None:
        """End whatever waits for the page: it crashed, or a dialog stopped it."""
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            deadline.reschedule(now)
        self._changed.set()

    @property
    def navigating(self) -> bool:
        """Whether a new document is on its way or still loading."""
        return self._navigating or self._loading

    @property
    def busy(self) -> bool:
        """Whether anything is on its way that may change the picture."""
        return self.gone is None and (self.navigating or bool(self._requests))

    async def idle(self, seconds: float, interrupted: Callable[[], bool]) -> bool:
        """Wait until nothing is on its way, or something interrupts; say whether that came to be."""
        try:
            async with asyncio.timeout(seconds):
                while self.busy and not interrupted():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def landed(self, seconds: float) -> None:
        """Wait until no document is on its way: the browser answers no question about a page meanwhile.

        Raises:
            SandboxError: if it is still on its way after `seconds`.
        """
        try:
            async with asyncio.timeout(seconds):
                while self.leaving and self.gone is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise SandboxError(
                f"tab {self.id} has waited {seconds:g} s for a page that has not come"
            ) from error

    async def moved(self, documents: int) -> None:
        """Wait until another document than the given one is shown."""
        while self.documents == documents and self.gone is None:
            self._changed.clear()
            await self._changed.wait()

    def forget(self) -> None:
        """Wait no longer for what is on its way now: it had its time."""
        self._requests.clear()
        self._navigating = self._loading = False

    def _asked(self, request: Request) -> None:
        if request.resource_type in _AWAITED:
            self._requests.add(request)

    def _answered(self, request: Request) -> None:
        self._requests.discard(request)
        self._changed.set()

    def _requested(self, event: dict[str, Any]) -> None:
        scheme = str(event.get("url", "")).partition(":")[0]
        if event.get("frameId") == self._main and scheme in ("http", "https", "about", "data", "blob"):
            self.leaving = self._navigating = event.get("navigationType") != "sameDocument"

    def _navigated(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self._main = event["frame"]["id"]
            self.leaving = self._navigating = False
            self._loading = True
            self.hovering = False
            self.documents += 1
            self._changed.set()

    def _loaded(self, _: dict[str, Any]) -> None:
        self._loading = False
        self._changed.set()

    def _stopped(self, event: dict[str, Any]) -> None:
        if event.get("frameId") == self._main:
            self.leaving = self._navigating = self._loading = False
            self._changed.set()


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


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without Playwright's prefix, 300 characters at most."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
