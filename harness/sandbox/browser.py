"""The driver: shows one browser as `Screen`s, and performs what was cleared."""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, ViewportSize
from playwright.async_api import Error as PlaywrightError

from harness.action import Action, Drag, Hold, Move, Press, TakeScreenshot, Type, Wait, Zoom
from harness.clearance import Act, Cleared, Target, redeem
from harness.errors import ActionError, BusyError, NotClearedError, SandboxError
from harness.sandbox.barred import Barred
from harness.sandbox.base import ActOutcome, SandboxOptions
from harness.sandbox.downloads import Downloads, copy
from harness.sandbox.ground import Grounder
from harness.sandbox.ground_frames import LostError
from harness.sandbox.ground_target import joined
from harness.sandbox.input import Hand
from harness.sandbox.mask import Masks, covered
from harness.sandbox.navigate import PATIENCE
from harness.sandbox.overlays import Overlays
from harness.sandbox.page_text import visible_text
from harness.sandbox.perform import outside, perform, place_of
from harness.sandbox.pinned import PinnedClock
from harness.sandbox.revoked import Revoked
from harness.sandbox.said import Said
from harness.sandbox.settle import capture, settle
from harness.sandbox.tab import CALL, OpenTab, first_line
from harness.sandbox.tabs import Tabs
from harness.sandbox.watcher import StaleError, Watcher
from harness.sandbox.words import clean
from harness.screen import Screen, Screenshot, Tab

NOTES: Final = 50
"""Notes in one screen at most."""
URL: Final = 65_536
"""Characters of an address at most."""
_ANSWER: Final = 1.0


class Driver:
    """Drives one browser for one run. Every effect on a page goes through `act` with a ticket.

    Args:
        browser: a running Chromium; its caller closes it.
        options: what the sandbox was told.
        take: copies a file that the browser wrote to a place that is not there yet, and gives its size.
    """

    def __init__(
        self, browser: Browser, options: SandboxOptions, take: Callable[[Path, Path], int] = copy
    ) -> None:
        self._browser = browser
        self._take = take
        self._notes: deque[str] = deque(maxlen=NOTES)
        self._lost = 0
        self._told(options)
        self._ahead = False
        self._hands: dict[int, Hand] = {}
        self._dead: str | None = None
        self._closed = False
        self._silences = 0
        self._context: BrowserContext | None = None
        self._built: tuple[Tabs, Grounder] | None = None

    def _told(self, options: SandboxOptions) -> None:
        self._options = options
        self._size = (options.viewport.width, options.viewport.height)
        self._secrets = options.secrets
        self._masks = Masks(options.secrets)
        self._aside = Said(options, self._note)
        self._over = Overlays(options, self._note, self._aside.answered)
        self._downloads = Downloads(options.downloads, self._note, options.keep, self._take)
        self._barred = Barred(options, self._note)
        self._clock: PinnedClock | None = None
        self._revoked = Revoked(options.barred, self._note) if options.barred and options.allowlist else None

    def suits(self, options: SandboxOptions) -> bool:
        """Whether a driver that was started ahead can serve a run: a tab keeps its size and what it saves."""
        mine = self._options
        return (mine.viewport, mine.saves) == (options.viewport, options.saves)

    def bind(self, options: SandboxOptions) -> None:
        """Tell a driver that was started ahead what its run wants; nothing was watched until now.

        Raises:
            SandboxError: if it was not started ahead, or does not suit the run.
        """
        if not self._ahead or not self.suits(options):
            raise SandboxError("the blank tab that was opened ahead is not what this run needs")
        tabs, _ = self._parts
        self._told(options)
        self._ahead = False
        for tab in tabs.all:
            self._watch(tab)

    async def start(self, *, ahead: bool = False) -> None:
        """Open a blank tab, ready to be driven.

        Args:
            ahead: whether its run is not known yet; then `bind` comes before anything is done.

        Raises:
            SandboxError: if the browser does not answer.
        """
        self._ahead = ahead
        size = ViewportSize(width=self._size[0], height=self._size[1])
        try:
            async with asyncio.timeout(4 * CALL):
                self._context = context = await self._browser.new_context(
                    viewport=size, accept_downloads=self._options.saves, locale="en-US"
                )
                session = await self._browser.new_browser_cdp_session()
        except (TimeoutError, PlaywrightError) as error:
            raise SandboxError(f"the browser could not be driven: {first_line(error)}") from error
        self._browser.on("disconnected", self._died)
        tabs = Tabs(context, size, self._note, self._watch)
        self._built = tabs, Grounder(context)
        first = await tabs.open()
        info = await first.send("Target.getTargetInfo")
        ours = info["targetInfo"].get("browserContextId")

        def created(event: dict[str, Any]) -> None:
            target = event["targetInfo"]
            if target["type"] == "page" and target.get("browserContextId") == ours:
                tabs.announced(target["targetId"])

        await first.call(session.send("Target.setDiscoverTargets", {"discover": True}), "watch for tabs")
        # Listening begins here: what the browser announced until now was there before any page could open it.
        session.on("Target.targetCreated", created)
        session.on("Target.targetDestroyed", lambda event: tabs.destroyed(event["targetId"]))

    async def answers(self) -> bool:
        """Whether the tab that is looked at answers."""
        try:
            await self._parts[0].active.send("Page.getFrameTree", seconds=_ANSWER)
        except SandboxError:
            return False
        return True

    async def observe(self) -> Screen:
        """Wait until the screen is still, within the cap, and give it.

        Raises:
            SandboxError: if the page or the browser has crashed, or does not answer.
        """
        tabs, _ = self._parts
        while True:
            await tabs.arrivals(self._options.settle_cap)
            await tabs.ensure()
            await self._barred.settled()
            tab = tabs.active
            try:
                await self._catch_up(tab, settle=True)
                return await self._screen(tabs, tab)
            except SandboxError:
                if self._dead is not None or tabs.get(tab.id) is tab:
                    raise
                # It closed itself while it was looked at: look at the one that is shown now.

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch.

        Raises:
            BusyError: if the page does not answer: what cannot be known is not judged.
            SandboxError: if the page or the browser is gone.
        """
        tab = self._parts[0].active
        try:
            await self._catch_up(tab)
            known = self._options.pinned.touched(action) if self._options.pinned else None
            if known is not None:
                await tab.landed(PATIENCE)
                return known.target
            return self._hidden(await self._ground(action))
        except SandboxError as error:
            if self._dead is None and tab.gone is None:
                raise BusyError(str(error)) from error
            raise

    async def _catch_up(self, tab: OpenTab, *, settle: bool = False) -> None:
        """Let the pages' own time go on to where it is to be, if it is not this machine's."""
        pinned = self._options.pinned
        if pinned is None or self._context is None or self._over.blocks(tab):
            return
        self._clock = self._clock or PinnedClock(pinned, self._context)
        going = self._clock.settle if settle else self._clock.catch_up
        await going(tab, lambda: self._over.blocks(tab))

    async def find(self, like: Target) -> tuple[Target, ...]:
        """Say where in the active tab, or over it, something is that was described elsewhere.

        Raises:
            SandboxError: if the page does not answer.
        """
        tabs, grounder = self._parts
        tab = tabs.active
        if tab.gone is not None:
            raise SandboxError(f"tab {tab.id} cannot be reached: {tab.gone}")
        if like.tag == "chrome" or self._over.modal is not None:
            found = self._over.find(like, tab)
        else:
            await tab.landed(PATIENCE)
            found = await tab.call(grounder.find(tab.page, like), "search the page", 4 * CALL)
        return tuple(one for one in map(self._hidden, found) if one is not None)

    def _hidden(self, target: Target | None) -> Target | None:
        if target is None or not self._secrets:
            return target
        shown = self._secrets.redactor.json(target.model_dump(mode="json"))
        found = Target.model_validate(shown)
        if found == target:
            return target
        mark = hashlib.sha256(found.model_dump_json(exclude={"fingerprint"}).encode()).hexdigest()
        return found.model_copy(update={"fingerprint": mark})

    async def _ground(self, action: Action) -> Target | None:
        tabs, grounder = self._parts
        tab = tabs.active
        point = place_of(action, tab.pointer)
        keyed = isinstance(action, Type | Press | Hold)
        if not keyed and (point is None or outside(action, tab.pointer, self._size) is not None):
            return None
        if tab.gone is not None:
            raise SandboxError(f"tab {tab.id} cannot be reached: {tab.gone}")
        drawn = self._over.ground(action, tab, point)
        if drawn is not None and (not keyed or self._over.modal is not None):
            return drawn if not isinstance(action, Drag) else joined(drawn, end=drawn)
        await tab.landed(PATIENCE)
        if point is None:
            found = await tab.call(grounder.focused(tab.page), "find what has the focus", 2 * CALL)
            return found if drawn is None else joined(drawn, behind=found)
        return await self._at(action, tab)

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good, and spend the ticket.

        Raises:
            NotClearedError: if the ticket is not good; nothing happened.
            SandboxError: if the browser has crashed.
        """
        effect = redeem(cleared)
        if not isinstance(effect, Act):
            raise NotClearedError(f"a sandbox performs actions; this ticket is for a {effect.kind}")
        tabs, _ = self._parts
        await tabs.adopted()
        tab = tabs.active
        try:
            outcome = await self._perform(effect, tabs, tab)
        except StaleError as error:
            outcome = ActOutcome(ok=False, stale=True, message=str(error))
        except ActionError as error:
            outcome = ActOutcome(ok=False, message=str(error))
        except SandboxError as error:
            outcome = self._failed(tabs, tab, error)
        return outcome.model_copy(update={"message": self._secrets.hide(outcome.message)})

    async def cookies(self) -> str:
        """Give the browser's cookies as JSON.

        Raises:
            SandboxError: if the browser does not answer.
        """
        if self._context is None:
            raise SandboxError("the browser is not open")
        try:
            async with asyncio.timeout(CALL):
                return json.dumps(await self._context.cookies(), sort_keys=True)
        except (TimeoutError, PlaywrightError) as error:
            raise SandboxError(f"the browser's cookies cannot be read: {first_line(error)}") from error

    async def bring(self, cookies: str) -> None:
        """Take up the cookies of a browser before this one.

        Raises:
            SandboxError: if they cannot be read, or the browser does not take them.
        """
        if self._context is None:
            raise SandboxError("the browser is not open")
        try:
            async with asyncio.timeout(CALL):
                await self._context.add_cookies(json.loads(cookies))
        except (TimeoutError, PlaywrightError, ValueError, TypeError, AttributeError) as error:
            # Their text is not repeated: it holds credentials.
            raise SandboxError(f"the kept cookies cannot be used ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close what was opened; the browser itself is its caller's. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._browser.remove_listener("disconnected", self._died)
        if self._built is not None:
            await self._built[0].stop()
        await self._downloads.close()
        await self._barred.close()
        if self._context is not None and self._dead is None:
            try:
                async with asyncio.timeout(2 * CALL):
                    await self._context.close()
            except (TimeoutError, PlaywrightError) as error:
                raise SandboxError(f"the browser did not close its tabs: {first_line(error)}") from error
        await self._over.close()

    async def _screen(self, tabs: Tabs, tab: OpenTab) -> Screen:
        if self._clock is not None and not tab.busy:
            # The page's time stands still: what it has opened is known before the first picture.
            await self._over.look(tab)
        settled = await self._picture(tab)
        if await self._over.look(tab):
            settled = await self._picture(tab)
        png = await self._over.finish(tab)
        listed = await asyncio.gather(*(self._tab(one, active=one is tab) for one in tabs.all))
        title, hide = next((one.title for one in listed if one.active), ""), self._secrets.hide
        return Screen(
            screenshot=Screenshot.of(png),
            url=hide(tab.page.url[:URL]),
            title=title,
            tabs=tuple(listed),
            notes=tuple(map(hide, self._said())),
            downloads=tuple(
                one.model_copy(
                    update={
                        "name": hide(one.name),
                        "suggested": hide(one.suggested),
                        "url": hide(one.url),
                        "why": hide(one.why),
                    }
                )
                for one in self._downloads.all
            ),
            settled=settled,
            text=await self._text(tab),
        )

    async def _text(self, tab: OpenTab) -> str | None:
        if not self._options.read_text:
            return None
        # A page that waits for an answer cannot be read; the box over it is what can be seen.
        text = self._over.modal.title if self._over.modal else await visible_text(tab)
        return None if text is None else self._secrets.hide(text)

    async def place(self) -> str:
        """Name what is looked at: tab, document and address, and the dialog over it.

        Raises:
            SandboxError: if the browser is gone.
        """
        tabs, _ = self._parts
        await tabs.arrivals(self._options.settle_cap)
        tab = tabs.active
        over = self._over.modal
        try:
            if not self._over.blocks(tab):
                # What the page has already begun is known once it has answered.
                await tab.send("Page.getFrameTree", seconds=1.0)
        except SandboxError:
            if self._dead is not None:
                raise
            # What it may have begun cannot be known: it is no place that was looked at before.
            self._silences += 1
            return f"{tab.id}:silent:{self._silences}"
        if tab.leaving:
            return f"{tab.id}:leaving"
        return f"{tab.id}:{tab.documents}:{over.title if over else ''}:{tab.page.url.partition('#')[0][:URL]}"

    async def _perform(self, act: Act, tabs: Tabs, tab: OpenTab) -> ActOutcome:
        action = act.action
        wrong = outside(action, tab.pointer, self._size)
        if wrong is not None:
            return ActOutcome(ok=False, message=wrong)
        hand = self._hands.setdefault(tab.id, Hand(tab, lambda name: self._type_secret(tab, name)))
        self._check_drawn(act, tab)
        if isinstance(action, Zoom) and self._masks and not self._over.blocks(tab):
            tab.last = await self._masked(tab, await capture(tab))
        taken = await self._over.take(action, tab)
        if not self._over.blocks(tab):
            await hand.release()
        if taken is not None:
            return taken
        looks = isinstance(action, Wait | TakeScreenshot | Zoom)
        tab.hovering = isinstance(action, Move) or (tab.hovering and looks)
        if self._clock is None:
            return await perform(action, tabs, tab, hand, self._watcher(act, tab))
        if isinstance(action, Wait):
            return ActOutcome(ok=True)
        async with self._clock.passing(tab, isinstance(action, Drag | Hold)):
            return await perform(action, tabs, tab, hand, self._watcher(act, tab))

    def _check_drawn(self, act: Act, tab: OpenTab) -> None:
        point = place_of(act.action, tab.pointer)
        if point is None and not isinstance(act.action, Type | Press | Hold):
            return
        drawn = self._hidden(self._over.ground(act.action, tab, point))
        was, now = (one is not None and one.tag == "chrome" for one in (act.target, drawn))
        if was != now:
            raise StaleError("something opened or closed over the page just now; look again")
        if drawn is not None and act.target is not None and _piece(drawn) != _piece(act.target):
            raise StaleError("what lies over the page has just changed; look again")

    def _watcher(self, act: Act, tab: OpenTab) -> Watcher:
        grounder = self._parts[1]
        seen = act.target.behind if act.target is not None and act.target.tag == "chrome" else act.target

        async def now() -> Target | None:
            if place_of(act.action, tab.pointer) is None:
                work = grounder.focused(tab.page)
                return self._hidden(await tab.call(work, "find what has the focus", 2 * CALL))
            return self._hidden(await self._at(act.action, tab))

        async def focus() -> str:
            return await tab.call(grounder.focus(tab.page), "find what has the focus", 2 * CALL)

        pinned = self._options.pinned
        if pinned is None:
            return Watcher(seen, now, focus)
        return Watcher(seen, now, focus, sure=pinned.sure(), steady=pinned.touched(act.action) is not None)

    async def _at(self, action: Action, tab: OpenTab) -> Target | None:
        point, grounder = place_of(action, tab.pointer), self._parts[1]
        if point is None:
            return None
        found = await tab.call(grounder.at(tab.page, *point), "find what is at the point", 2 * CALL)
        if found is None or not isinstance(action, Drag):
            return found
        last = (action.path[-1].x, action.path[-1].y)
        end = await tab.call(grounder.at(tab.page, *last), "find where the drag ends", 2 * CALL)
        return joined(found, end=end)

    def _failed(self, tabs: Tabs, tab: OpenTab, error: SandboxError) -> ActOutcome:
        if self._dead is not None:
            raise SandboxError(self._dead) from error
        if self._over.modal is not None:
            return ActOutcome(ok=True, message=f"a dialog opened: {self._over.modal.title}")
        if tab.gone is None:
            return ActOutcome(ok=False, message=str(error))
        if tabs.get(tab.id) is tab:
            raise error
        return ActOutcome(ok=True, message="the tab was closed by this")

    @property
    def _parts(self) -> tuple[Tabs, Grounder]:
        if self._built is None or self._closed:
            raise SandboxError("the browser is not open")
        if self._dead is not None:
            raise SandboxError(self._dead)
        return self._built

    async def _picture(self, tab: OpenTab) -> bool:
        if self._over.blocks(tab):
            return True
        pinned = self._options.pinned
        still = pinned.still() if pinned else None
        shot = await settle(tab, self._options.settle_cap, lambda: self._over.blocks(tab), still=still)
        if shot is None:
            return True
        tab.last = await self._masked(tab, shot.png)
        return shot.settled

    async def _masked(self, tab: OpenTab, png: bytes) -> bytes:
        if not self._masks:
            return png
        try:
            return await self._masks.over(tab, png)
        except (SandboxError, LostError, PlaywrightError):
            if tab.gone is not None:
                raise
            self._note("the page could not be searched for secrets, so it is not shown; look again")
            return covered(png)

    async def _type_secret(self, tab: OpenTab, name: str) -> None:
        work = self._parts[1].fill(tab.page, name, self._secrets)
        self._masks.filled(*await tab.call(work, "type a secret", 2 * CALL))

    async def _tab(self, tab: OpenTab, *, active: bool) -> Tab:
        title = ""
        if tab.gone is None:
            info = await tab.send("Target.getTargetInfo")
            title = clean(self._secrets.hide(info["targetInfo"]["title"]), 300)
        return Tab(id=tab.id, url=self._secrets.hide(tab.page.url[:URL]), title=title, active=active)

    def _watch(self, tab: OpenTab) -> None:
        if self._ahead:
            return
        self._over.watch(tab)
        self._aside.watch(tab)
        self._downloads.watch(tab)
        self._barred.watch(tab)
        if self._revoked:
            self._revoked.watch(tab)

    def _died(self, _: Browser) -> None:
        self._dead = "the browser has ended unexpectedly; nothing more can be done in this run"
        for tab in self._built[0].all if self._built else ():
            tab.lose(self._dead)

    def _note(self, text: str) -> None:
        self._lost += len(self._notes) == NOTES
        self._notes.append(text)

    def _said(self) -> tuple[str, ...]:
        left_out = (f"{self._lost} earlier notes were left out",) if self._lost else ()
        said = (*left_out, *self._notes)
        self._notes.clear()
        self._lost = 0
        return said


def _piece(target: Target) -> tuple[object, ...]:
    accepts = target.submitter
    return target.role, target.name, target.url, target.box, accepts and (accepts.name, accepts.box)
