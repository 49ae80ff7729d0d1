"""A second look at an action's target, just before a button or key goes down."""

from collections.abc import Awaitable, Callable

from harness.clearance import Target
from harness.errors import ActionError


class StaleError(Exception):
    """The target is no longer what the ticket was made for. Nothing was done."""


class Watcher:
    """Knows what an action was cleared for, and looks whether it is still there.

    Args:
        seen: the target of the ticket.
        now: finds what the action would touch now.
        focus: names what has the focus now.
        sure: whether it is known to be there still when the action begins.
        steady: whether the whole action is known to go through, and the focus to stay, as it did before.
    """

    def __init__(
        self,
        seen: Target | None,
        now: Callable[[], Awaitable[Target | None]],
        focus: Callable[[], Awaitable[str]],
        *,
        sure: bool = False,
        steady: bool = False,
    ) -> None:
        self._seen = seen
        self._now = now
        self._focus = focus
        self._sure = sure or steady
        self._steady = steady
        self._held: str | None = None

    @property
    def seen(self) -> Target | None:
        """The target of the ticket."""
        return self._seen

    @property
    def steady(self) -> bool:
        """Whether nothing needs to be looked at between the parts of the action."""
        return self._steady

    async def check(self) -> None:
        """Look before anything is done.

        Raises:
            StaleError: if the target is another, or has changed.
            SandboxError: if the page does not answer.
        """
        if not self._sure and not await self._same():
            raise StaleError("what the action would touch has just changed; look again")

    async def recheck(self, done: str) -> None:
        """Look again between the parts of an action.

        Args:
            done: what was done so far, in words.

        Raises:
            ActionError: if the target is another, or has changed.
            SandboxError: if the page does not answer.
        """
        if not await self._same():
            raise ActionError(f"{done}; then what it acts on changed, and no more was done; look again")

    async def hold_focus(self) -> None:
        """Remember what has the focus."""
        self._held = None if self._steady else await self._focus()

    async def check_focus(self, done: str) -> None:
        """See whether the focus is where it was at `hold_focus`.

        Raises:
            ActionError: if it is not.
            SandboxError: if the page does not answer.
        """
        if not self._steady and await self._focus() != self._held:
            raise ActionError(f"{done}; then the page moved the focus, and no more was done; look again")

    async def _same(self) -> bool:
        now = await self._now()
        if now is None or self._seen is None:
            return now is self._seen
        return now.fingerprint == self._seen.fingerprint
