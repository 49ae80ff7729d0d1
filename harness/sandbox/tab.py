"""One tab: its page, its debugging session, and what it is waiting for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from playwright.async_api import CDPSession, Page, Request
from playwright.async_api import Error as PlaywrightError

from harness.errors import SandboxError
from harness.sandbox.ground_frames import Sessions

CALL: Final = 5.0
"""Seconds in which a page must answer."""

_PAGES: Final = ("http", "https", "about", "data", "blob")
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
        self.unreachable: Callable[[dict[str, Any]], None] = _ignore
        self.started: Callable[[str], None] = _ignore
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

    @property
    def frame(self) -> str:
        """The browser's name for the main frame."""
        return self._main

    async def attach(self) -> None:
        """Open the debugging session and listen for navigations."""
        session = await self.call(self.page.context.new_cdp_session(self.page), "attach to a tab")
        self._cdp = session
        session.on("Page.frameRequestedNavigation", self._requested)
        session.on("Page.frameStartedNavigating", self._requested)
        session.on("Page.frameStartedNavigating", self._started)
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
        self.unreachable(tree["frameTree"]["frame"])
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
        # What is asked for as a download or for another tab takes no document away from this one.
        here = event.get("disposition", "currentTab") == "currentTab"
        if here and event.get("frameId") == self._main and scheme in _PAGES:
            self.leaving = self._navigating = event.get("navigationType") != "sameDocument"

    def _started(self, event: dict[str, Any]) -> None:
        if event.get("frameId") != self._main:
            self.started(str(event.get("url", "")))

    def _navigated(self, event: dict[str, Any]) -> None:
        self.unreachable(event["frame"])
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


def _ignore(_: object) -> None:
    pass


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without Playwright's prefix, 300 characters at most."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
