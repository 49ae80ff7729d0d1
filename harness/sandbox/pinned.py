"""A clock for pages that stands still, and goes on at once to where it is to be.

Pages see the time of a recorded run. Their timers and animation frames fire in order, without waiting, when
the harness looks at the page or acts on it; in between nothing passes. Transitions end a hundred times as
fast. Workers, video and pictures that move keep this machine's time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from playwright.async_api import BrowserContext

from harness.errors import SandboxError
from harness.sandbox.base import Pinned
from harness.sandbox.tab import CALL, OpenTab

LONGEST: Final = 20_000
"""Milliseconds that are gone through timer by timer; of a longer time each timer fires once in the rest."""
FIRST: Final = 20
"""Milliseconds gone through after something has come, before the next look; each way after it is twice as
long, so that what the page does with it begins early."""
SLACK: Final = 200
"""Milliseconds of the way that are left for what a page does with what has come."""
PARTS: Final = 3
"""In how many parts those are gone through."""
LEAST: Final = 10
"""Milliseconds of such a part at least, so that a page can always do something."""
SUBRESOURCES: Final = 3.0
"""Seconds of this machine to wait for what the page asked for: a recording answers at once, or never."""
SPEED: Final = 100
"""How many times as fast transitions are."""


class PinnedClock:
    """The clock of all pages of one browser.

    Args:
        pinned: what they take for the time.
        context: the pages.
    """

    def __init__(self, pinned: Pinned, context: BrowserContext) -> None:
        self._pinned = pinned
        self._clock = context.clock
        self._now = pinned.start
        self._begun = False
        self._fast: set[int] = set()

    async def catch_up(self, tab: OpenTab, interrupted: Callable[[], bool], short: int = 0) -> bool:
        """Go on to where the time is to be, and wait for what the page asks for meanwhile.

        Stops early if a dialog opens, or the page does not answer; the next call goes on.

        Args:
            tab: what is looked at.
            interrupted: whether a dialog has opened.
            short: milliseconds that are left out at the end.

        Returns:
            Whether it got there.

        Raises:
            SandboxError: if the tab is gone.
        """
        await self._begin(tab)
        left = self._left - short
        if left > LONGEST:
            jump = self._clock.fast_forward(left - LONGEST)
            if not await self._go(jump, left - LONGEST, tab, interrupted):
                return False
            left = LONGEST
        part = left if self._pinned.quiet(self._now, self._pinned.due()) else FIRST
        while left > 0:
            part = min(left, FIRST if await self._arrived(tab, interrupted) else 2 * part)
            if not await self._go(self._clock.run_for(part), part, tab, interrupted):
                return False
            left -= part
        return True

    async def settle(self, tab: OpenTab, interrupted: Callable[[], bool]) -> None:
        """Catch up, and give the page a moment for what it does with what has come meanwhile.

        Raises:
            SandboxError: if the tab is gone.
        """
        await self._arrived(tab, interrupted)
        going = await self.catch_up(tab, interrupted, SLACK)
        part = max(LEAST, -(-self._left // PARTS))
        for _ in range(PARTS):
            if not going:
                return
            await self._arrived(tab, interrupted)
            going = await self._go(self._clock.run_for(part), part, tab, interrupted)

    @property
    def _left(self) -> int:
        return (self._pinned.due() - self._now) // timedelta(milliseconds=1)

    @asynccontextmanager
    async def passing(self, tab: OpenTab, takes_time: bool) -> AsyncIterator[None]:  # noqa: FBT001 - internal
        """Let the time pass as it does on this machine during an action that takes some."""
        if not takes_time:
            yield
            return
        began = asyncio.get_running_loop().time()
        await self._told(tab, self._clock.resume())
        try:
            yield
        finally:
            await self._pause(tab, began)

    async def _pause(self, tab: OpenTab, began: float) -> None:
        passed = asyncio.get_running_loop().time() - began
        # The order reaches the page later than it is given, and cannot stop it in its past.
        for margin in (0.1, 1.0, 5.0):
            until = self._now + timedelta(seconds=passed + margin)
            if await self._told(tab, self._clock.pause_at(until)):
                self._now = until
                return

    async def _begin(self, tab: OpenTab) -> None:
        if not self._begun:
            self._begun = True
            # It can be stopped only at a later time than it was started at.
            await tab.call(self._clock.install(time=self._now - timedelta(seconds=60)), "set the clock")
            await tab.call(self._clock.pause_at(self._now), "stop the clock")
        if tab.id not in self._fast:
            self._fast.add(tab.id)
            await tab.send("Animation.enable")
            await tab.send("Animation.setPlaybackRate", {"playbackRate": SPEED})

    async def _arrived(self, tab: OpenTab, interrupted: Callable[[], bool]) -> bool:
        if not tab.busy:
            return False
        if not await tab.idle(SUBRESOURCES, interrupted):
            tab.forget()
        return True

    async def _go(
        self, work: Awaitable[None], ahead: int, tab: OpenTab, interrupted: Callable[[], bool]
    ) -> bool:
        began = asyncio.get_running_loop().time()
        self._now += timedelta(milliseconds=ahead)
        await self._told(tab, work)
        slow = asyncio.get_running_loop().time() - began >= CALL
        return not (slow or interrupted() or tab.gone is not None)

    async def _told(self, tab: OpenTab, work: Awaitable[None]) -> bool:
        try:
            await tab.call(work, "let the page's time pass")
        except SandboxError:
            # A timer of the page raised, or opened a dialog; its time has passed, or will after the answer.
            return False
        return True
