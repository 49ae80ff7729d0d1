"""The driver: shows one browser as `Screen`s, and performs what was cleared."""

import asyncio
from collections import deque
from typing import Final, assert_never

from playwright.async_api import Browser, BrowserContext, CDPSession, FileChooser
from playwright.async_api import Error as PlaywrightError

from harness.action import (
    Action,
    Answer,
    AskUser,
    Back,
    Click,
    CloseTab,
    Drag,
    Forward,
    GiveUp,
    Goto,
    Hold,
    MouseDown,
    MouseUp,
    Move,
    NewTab,
    Point,
    Press,
    Reload,
    Scroll,
    SwitchTab,
    TakeScreenshot,
    Type,
    Upload,
    Wait,
    Zoom,
)
from harness.clearance import Act, Cleared, Target, redeem
from harness.errors import ActionError, NotClearedError, SandboxError
from harness.sandbox import navigate
from harness.sandbox.base import ActOutcome, SandboxOptions
from harness.sandbox.chrome import answering, blank, draw, hit, target
from harness.sandbox.dialogs import Dialogs, Overlay
from harness.sandbox.files import Downloads, FileDialog
from harness.sandbox.ground import Grounder
from harness.sandbox.input import Hand
from harness.sandbox.look import look, zoom
from harness.sandbox.pickers import Pickers
from harness.sandbox.settle import settle
from harness.sandbox.tabs import CALL, OpenTab, Tabs, first_line
from harness.sandbox.words import clean
from harness.screen import Screen, Screenshot, Tab

NOTES: Final = 50
"""Notes in one screen at most."""


class Driver:
    """Drives one browser for one run. Every effect on a page goes through `act` with a ticket.

    Args:
        browser: a running Chromium; its caller closes it.
        options: what the sandbox was told.
    """

    def __init__(self, browser: Browser, options: SandboxOptions) -> None:
        self._browser = browser
        self._options = options
        self._size = (options.viewport.width, options.viewport.height)
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._lost = 0
        self._dialogs = Dialogs(options.dialogs, self._note, self._stopped)
        self._downloads = Downloads(options.downloads, self._note)
        self._hands: dict[int, Hand] = {}
        self._chooser: tuple[OpenTab, FileDialog] | None = None
        self._dead: str | None = None
        self._closed = False
        self._context: BrowserContext | None = None
        self._session: CDPSession | None = None
        self._built: tuple[Tabs, Grounder, Pickers] | None = None

    async def start(self) -> None:
        """Open a blank tab, ready to be driven.

        Raises:
            SandboxError: if the browser does not answer.
        """
        width, height = self._size
        try:
            async with asyncio.timeout(4 * CALL):
                self._context = context = await self._browser.new_context(
                    viewport={"width": width, "height": height}, accept_downloads=True, locale="en-US"
                )
                self._session = session = await self._browser.new_browser_cdp_session()
        except (TimeoutError, PlaywrightError) as error:
            raise SandboxError(f"the browser could not be driven: {first_line(error)}") from error
        self._browser.on("disconnected", lambda _: self._died())
        tabs = Tabs(context, self._note, self._watch)
        self._built = tabs, Grounder(context), Pickers()
        first = await tabs.open()
        info = await first.send("Target.getTargetInfo")
        ours = info["targetInfo"].get("browserContextId")
        session.on("Target.targetCreated", lambda event: _announced(tabs, event["targetInfo"], ours))
        session.on("Target.targetDestroyed", lambda event: tabs.destroyed(event["targetId"]))
        await first.call(session.send("Target.setDiscoverTargets", {"discover": True}), "watch for tabs")

    async def observe(self) -> Screen:
        """Wait until the screen is still, within the cap, and give it.

        Raises:
            SandboxError: if the page or the browser has crashed, or does not answer.
        """
        tabs, _, pickers = self._parts
        await tabs.arrivals(self._options.settle_cap)
        await tabs.ensure()
        tab = tabs.active
        png, settled = await self._picture(tab)
        if self._modal is None and await pickers.look(tab):
            png, settled = await self._picture(tab)
        if self._modal is None:
            png = await look(tab, png, pickers, self._size)
        else:
            png = draw(png, self._modal.pieces(*self._size))
        listed = await asyncio.gather(*(self._tab(one) for one in tabs.all))
        active = next((one for one in listed if one.active), None)
        return Screen(
            screenshot=Screenshot.of(png),
            url=tab.page.url,
            title=active.title if active else "",
            tabs=tuple(listed),
            notes=self._said(),
            downloads=self._downloads.all,
            settled=settled,
        )

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch.

        Raises:
            SandboxError: if the page does not answer: what cannot be known is not judged.
        """
        tabs, grounder, pickers = self._parts
        tab = tabs.active
        point = _point(action, tab.pointer)
        keyed = isinstance(action, Type | Press | Hold)
        overlay = self._modal or pickers.current(tab)
        if overlay is not None and (point or keyed):
            pieces = overlay.pieces(*self._size)
            piece = hit(pieces, point.x, point.y) if point else answering(pieces, action)
            if piece is not None or self._modal is not None:
                return target(piece or pieces[0], tab.page.url)
        if point is not None and self._outside(point) is None:
            return await tab.call(
                grounder.at(tab.page, point.x, point.y), "find what is at the point", 2 * CALL
            )
        if keyed:
            return await tab.call(grounder.focused(tab.page), "find what has the focus", 2 * CALL)
        return None

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good, and spend the ticket.

        Raises:
            NotClearedError: if the ticket is not good; nothing happened.
            SandboxError: if the browser has crashed.
        """
        effect = redeem(cleared)
        if not isinstance(effect, Act):
            raise NotClearedError(f"a sandbox performs actions; this ticket is for a {effect.kind}")
        tabs = self._parts[0]
        tab = tabs.active
        try:
            return await self._perform(effect.action, tabs, tab)
        except ActionError as error:
            return ActOutcome(ok=False, message=str(error))
        except SandboxError as error:
            return await self._failed(tabs, tab, error)

    async def close(self) -> None:
        """Close what was opened; the browser itself is its caller's. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._built is not None:
            self._built[0].stop()
        await self._downloads.close()
        if self._context is not None and self._dead is None:
            try:
                async with asyncio.timeout(2 * CALL):
                    await self._context.close()
            except (TimeoutError, PlaywrightError) as error:
                self._note(f"the browser did not close its tabs: {first_line(error)}")
        await self._dialogs.close()

    async def _perform(self, action: Action, tabs: Tabs, tab: OpenTab) -> ActOutcome:
        points = action.path if isinstance(action, Drag) else (_point(action, tab.pointer),)
        wrong = next((why for point in points if point and (why := self._outside(point))), None)
        if wrong is not None:
            return ActOutcome(ok=False, message=wrong)
        drawn = await self._on_overlay(action, tab)
        if drawn is not None:
            return drawn
        tab.hovering = isinstance(action, Move) or (
            tab.hovering and isinstance(action, Wait | TakeScreenshot | Zoom)
        )
        hand = self._hands.setdefault(tab.id, Hand(tab))
        match action:
            case Click():
                await hand.click(action)
            case Move():
                await hand.move(action.x, action.y)
            case MouseDown():
                await hand.down(action)
            case MouseUp():
                await hand.up(action)
            case Drag():
                await hand.drag(action)
            case Scroll():
                await hand.scroll(action)
            case Type():
                await hand.type(action)
            case Press():
                await hand.press(action)
            case Hold():
                await hand.hold(action)
            case Wait():
                await asyncio.sleep(action.seconds)
            case TakeScreenshot():
                pass
            case Zoom():
                picker = self._parts[2].current(tab)
                drawn_over = draw(self._last(tab), picker.pieces(*self._size)) if picker else None
                return await zoom(tab, action, self._size, drawn=drawn_over)
            case Goto():
                return await navigate.goto(tab, action.url)
            case Back():
                return await navigate.step(tab, -1)
            case Forward():
                return await navigate.step(tab, +1)
            case Reload():
                return await navigate.reload(tab)
            case NewTab():
                opened = await tabs.open()
                return await navigate.goto(opened, action.url) if action.url else ActOutcome(ok=True)
            case SwitchTab():
                await tabs.show(_known(tabs, action.tab))
            case CloseTab():
                await tabs.close(tab if action.tab is None else _known(tabs, action.tab))
            case Upload():
                return ActOutcome(
                    ok=False, message="no file chooser is open; click the page's upload button first"
                )
            case AskUser() | Answer() | GiveUp():
                return ActOutcome(ok=False, message=f"{action.kind} is not for the browser; nothing happened")
            case _:
                assert_never(action)
        return ActOutcome(ok=True)

    async def _on_overlay(self, action: Action, tab: OpenTab) -> ActOutcome | None:
        modal, pickers = self._modal, self._parts[2]
        if modal is None:
            return await pickers.take(action, tab, self._size)
        match action:
            case Upload() if isinstance(modal, FileDialog):
                return await modal.give(action.files)
            case Click(button="left", count=1):
                piece = hit(modal.pieces(*self._size), action.x, action.y)
                done = await modal.click(piece.key if piece else "")
            case Press():
                done = await modal.press(action.keys)
            case Type():
                done = await modal.type(action.text)
            case Zoom():
                return await zoom(
                    tab, action, self._size, drawn=draw(self._last(tab), modal.pieces(*self._size))
                )
            case Move() | Wait() | TakeScreenshot():
                await asyncio.sleep(action.seconds if isinstance(action, Wait) else 0)
                return ActOutcome(ok=True)
            case _:
                return ActOutcome(ok=False, message=f"a dialog is open: {modal.title}; answer it first")
        if self._modal is None and tab.id in self._hands:
            await self._hands[tab.id].release()
        return done

    async def _failed(self, tabs: Tabs, tab: OpenTab, error: SandboxError) -> ActOutcome:
        if self._dead is not None:
            raise SandboxError(self._dead) from error
        if self._modal is not None:
            return ActOutcome(ok=True, message=f"a dialog opened: {self._modal.title}")
        if tab.gone is not None and tabs.get(tab.id) is tab:
            raise error
        if tab.gone is not None:
            return ActOutcome(ok=True, message="the tab was closed by this")
        return ActOutcome(ok=False, message=str(error))

    @property
    def _parts(self) -> tuple[Tabs, Grounder, Pickers]:
        if self._built is None or self._closed:
            raise SandboxError("the browser is not open")
        if self._dead is not None:
            raise SandboxError(self._dead)
        return self._built

    @property
    def _modal(self) -> Overlay | None:
        if self._chooser is not None and self._chooser[0].gone is not None:
            self._chooser = None
        return self._dialogs.current or (self._chooser[1] if self._chooser else None)

    async def _picture(self, tab: OpenTab) -> tuple[bytes, bool]:
        if not self._dialogs.blocks(tab):
            if tab.gone is not None:
                raise SandboxError(tab.gone)
            shot = await settle(tab, self._options.settle_cap, lambda: self._dialogs.blocks(tab))
            if shot is not None:
                tab.last = shot.png
                return shot.png, shot.settled
        return self._last(tab), True

    def _last(self, tab: OpenTab) -> bytes:
        return tab.last or blank(*self._size)

    async def _tab(self, tab: OpenTab) -> Tab:
        title = ""
        if tab.gone is None:
            info = await tab.send("Target.getTargetInfo")
            title = clean(info["targetInfo"]["title"], 300)
        active = self._parts[0].active is tab
        return Tab(id=tab.id, url=tab.page.url, title=title, active=active)

    def _outside(self, point: Point) -> str | None:
        width, height = self._size
        if 0 <= point.x < width and 0 <= point.y < height:
            return None
        return f"({point.x}, {point.y}) is outside the screen, which is {width} pixels wide and {height} high"

    def _watch(self, tab: OpenTab) -> None:
        self._dialogs.watch(tab)
        self._downloads.watch(tab)
        tab.page.on("filechooser", lambda chooser: self._choose(tab, chooser))

    def _choose(self, tab: OpenTab, chooser: FileChooser) -> None:
        self._chooser = (tab, FileDialog(chooser, self._options.uploads, self._chosen))
        self._note(f"{self._chooser[1].title} is open; click a file in it, or use upload")

    def _chosen(self) -> None:
        self._chooser = None

    def _stopped(self, tab: OpenTab) -> None:
        tab.interrupt()

    def _died(self) -> None:
        if not self._closed:
            self._dead = "the browser has ended unexpectedly; nothing more can be done in this run"
            for tab in self._built[0].all if self._built else ():
                tab.lose(self._dead)

    def _note(self, text: str) -> None:
        if len(self._notes) == NOTES:
            self._lost += 1
        self._notes.append(text)

    def _said(self) -> tuple[str, ...]:
        said = tuple(self._notes)
        if self._lost:
            said = (f"{self._lost} earlier notes were left out", *said)
        self._notes.clear()
        self._lost = 0
        return said


def _point(action: Action, pointer: tuple[int, int]) -> Point | None:
    match action:
        case Click() | Move() | Scroll():
            return Point(x=action.x, y=action.y)
        case MouseDown() | MouseUp():
            x, y = pointer
            return Point(x=x if action.x is None else action.x, y=y if action.y is None else action.y)
        case Drag():
            return action.path[0]
        case _:
            return None


def _known(tabs: Tabs, number: int) -> OpenTab:
    found = tabs.get(number)
    if found is None:
        known = ", ".join(str(tab.id) for tab in tabs.all)
        raise ActionError(f"no tab {number} is open; the open tabs are {known}")
    return found


def _announced(tabs: Tabs, info: dict[str, str], ours: str | None) -> None:
    if info.get("type") == "page" and info.get("browserContextId") == ours:
        tabs.announced(info["targetId"])
