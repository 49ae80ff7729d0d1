"""Our guarded browser as Anthropic's own computer and browser toolsets.

`GuardedComputer` and `GuardedBrowser` go into `client.beta.messages.tool_runner(tools=[…])` of
`AsyncAnthropic`; `BlockingGuardedComputer` and `BlockingGuardedBrowser` into that of `Anthropic`. A refused
action is an `is_error` result with rule and reason, and the run goes on. Members that we do not offer
(scripts, console, network, element references, page text, uploads) are declared as disabled, and refused by
name if they are called all the same.

The SDK's `confirm` always says yes: policy and approver decide at the doors, where the target is seen.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from anthropic.tools import (
    BetaAbstractBrowserToolset20260801,
    BetaAbstractComputerToolset20260801,
    BetaAsyncAbstractBrowserToolset20260801,
    BetaAsyncAbstractComputerToolset20260801,
    BetaBrowserMemberResult,
    BetaBrowserNavigateResult,
    BetaBrowserState,
    BetaComputerCursorPositionResult,
    BetaComputerMemberResult,
    BetaScreenshotResult,
    BetaToolsetCallContext,
    ToolError,
)
from anthropic.types.beta import (
    BetaBrowserMemberName,
    BetaBrowserStateChangeParam,
    BetaBrowserStateTabEntryParam,
    BetaBrowserToolsetConfigsParam,
)
from pydantic import BaseModel

from harness.action import Action, SwitchTab
from harness.errors import ActionError
from harness.integrations.anthropic_members import BROWSER, read, tab
from harness.integrations.blocking import BlockingSession
from harness.integrations.session import Seen, Session, SessionOverError, said
from harness.models.functions import left_at
from harness.screen import Download, Observation, Screenshot

_MOST_TABS = 100
_LOST = (ActionError, SessionOverError)


def _disabled() -> BetaBrowserToolsetConfigsParam:
    names = [one for one in get_args(BetaBrowserMemberName) if one not in BROWSER]
    return cast("BetaBrowserToolsetConfigsParam", {one: {"enabled": False} for one in names})


def _judged_at_the_doors(context: BetaToolsetCallContext) -> bool:
    del context
    return True


class _Hand:
    """What one toolset remembers between calls: the pointer, and which tabs and downloads were told."""

    def __init__(self, latest: Observation) -> None:
        self.pointer: tuple[int, int] | None = None
        self._tabs = {one.id for one in latest.tabs}
        self._downloads: dict[str, Download] = {}

    def batches(self, name: str, given: BaseModel, latest: Observation) -> Iterator[tuple[Action, ...]]:
        """Give what to do, in turns: a tab that is named is shown first."""
        parts = given.model_dump(by_alias=True, exclude_none=True)
        named = parts.get("tab_id")
        if named and name not in ("switch_tab", "close_tab"):
            wanted = tab(named)
            if not any(one.id == wanted and one.active for one in latest.tabs):
                yield (SwitchTab(tab=wanted),)
        screen = latest.screenshot
        actions = read(name, parts, self.pointer, (screen.width, screen.height))
        if actions:
            yield actions

    def passed(self, seen: Seen) -> Seen:
        """Remember where the pointer went; raise what was not done, for the model."""
        for one in seen.results:
            if one.status == "done":
                self.pointer = left_at(one.action) or self.pointer
        if seen.trouble is not None:
            raise ToolError("\n".join((said(seen.trouble), *seen.observation.notes)))
        return seen

    def state(self, latest: Observation) -> BetaBrowserState:
        """Report the tabs, and what came since the last report."""
        changes: list[BetaBrowserStateChangeParam] = [
            {"type": "tab_opened", "tab_id": str(one.id)} for one in latest.tabs if one.id not in self._tabs
        ]
        self._tabs |= {one.id for one in latest.tabs}
        for one in latest.downloads:
            if self._downloads.get(one.name) != one:
                changes.append(_download(one))
                self._downloads[one.name] = one
        return BetaBrowserState(tabs=_entries(latest), state_changes=list(changes))


def _download(one: Download) -> BetaBrowserStateChangeParam:
    match one.status:
        case "started":
            return {"type": "download_started", "download_id": one.name, "url": one.url}
        case "completed":
            return {
                "type": "download_completed",
                "download_id": one.name,
                "url": one.url,
                "size_bytes": one.size,
            }
        case "failed":
            return {"type": "download_failed", "download_id": one.name, "url": one.url, "error": one.why}


def _entries(latest: Observation) -> list[BetaBrowserStateTabEntryParam]:
    ordered = sorted(latest.tabs, key=lambda one: not one.active)[:_MOST_TABS]
    found: list[BetaBrowserStateTabEntryParam] = []
    for one in sorted(ordered, key=lambda one: one.id):
        entry: BetaBrowserStateTabEntryParam = {"tab_id": str(one.id), "title": one.title, "url": one.url}
        found.append({**entry, "active": True} if one.active else entry)
    return found


def _picture(image: Screenshot) -> BetaScreenshotResult:
    return BetaScreenshotResult(data=base64.b64encode(image.png).decode(), media_type="image/png")


def _shown(name: str, seen: Seen) -> BetaScreenshotResult | str | None:
    if name == "screenshot":
        return _picture(seen.observation.screenshot)
    if name == "zoom":
        zoomed = next((one.image for one in seen.results if one.image), None)
        if zoomed is None:
            raise ToolError("zoom: there is no picture of that region")
        return _picture(zoomed)
    return "; ".join(seen.observation.notes) or None


def _computer(name: str, seen: Seen | None, hand: _Hand) -> BetaComputerMemberResult:
    if seen is None:
        x, y = hand.pointer or (0, 0)
        return BetaComputerCursorPositionResult(x=x, y=y)
    return _shown(name, seen)


def _browser(name: str, seen: Seen | None) -> BetaBrowserMemberResult:
    if seen is None:
        raise ToolError(f"{name!r} is not offered by this browser")
    screen = seen.observation
    match name:
        case "navigate":
            return BetaBrowserNavigateResult(url=screen.url, title=screen.title or None)
        case "new_tab" | "switch_tab":
            return next(one for one in _entries(screen) if one.get("active"))
        case "list_tabs":
            return _entries(screen)
        case "close_tab":
            return None
        case _:
            return _shown(name, seen)


class GuardedComputer(BetaAsyncAbstractComputerToolset20260801):
    """The asynchronous computer toolset over a session.

    Args:
        session: an open session.
        options: `configs` and `tool_configs` of the SDK's class.
    """

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**{"confirm": _judged_at_the_doors, **options})
        self._session = session
        self._hand = _Hand(session.latest)

    async def execute(
        self,
        context: BetaToolsetCallContext,
        name: str,
        input: BaseModel,  # noqa: A002 - the SDK's name
    ) -> BetaComputerMemberResult:
        """Do what one call says, through the doors."""
        del context
        seen = None
        try:
            for batch in self._hand.batches(name, input, self._session.latest):
                seen = self._hand.passed(await self._session.do(*batch))
        except _LOST as error:
            raise ToolError(str(error)) from error
        return _computer(name, seen, self._hand)


class GuardedBrowser(BetaAsyncAbstractBrowserToolset20260801):
    """The asynchronous browser toolset over a session; coordinates only.

    Args:
        session: an open session.
        options: `tool_configs` of the SDK's class, and `configs` to turn more members off.
    """

    def __init__(self, session: Session, **options: Any) -> None:
        super().__init__(**_only_ours(options))
        self._session = session
        self._hand = _Hand(session.latest)

    async def execute(
        self,
        context: BetaToolsetCallContext,
        name: str,
        input: BaseModel,  # noqa: A002 - the SDK's name
    ) -> BetaBrowserMemberResult:
        """Do what one call says, through the doors."""
        del context
        seen = None
        try:
            for batch in self._hand.batches(name, input, self._session.latest):
                seen = self._hand.passed(await self._session.do(*batch))
        except _LOST as error:
            raise ToolError(str(error)) from error
        return _browser(name, seen)

    async def _browser_state(self, context: BetaToolsetCallContext) -> BetaBrowserState:
        del context
        return self._hand.state(self._session.latest)


class BlockingGuardedComputer(BetaAbstractComputerToolset20260801):
    """The computer toolset over a blocking session; see `GuardedComputer`."""

    def __init__(self, session: BlockingSession, **options: Any) -> None:
        super().__init__(**{"confirm": _judged_at_the_doors, **options})
        self._session = session
        self._hand = _Hand(session.latest)

    def execute(
        self,
        context: BetaToolsetCallContext,
        name: str,
        input: BaseModel,  # noqa: A002 - the SDK's name
    ) -> BetaComputerMemberResult:
        """Do what one call says, through the doors."""
        del context
        seen = None
        try:
            for batch in self._hand.batches(name, input, self._session.latest):
                seen = self._hand.passed(self._session.do(*batch))
        except _LOST as error:
            raise ToolError(str(error)) from error
        return _computer(name, seen, self._hand)


class BlockingGuardedBrowser(BetaAbstractBrowserToolset20260801):
    """The browser toolset over a blocking session; see `GuardedBrowser`."""

    def __init__(self, session: BlockingSession, **options: Any) -> None:
        super().__init__(**_only_ours(options))
        self._session = session
        self._hand = _Hand(session.latest)

    def execute(
        self,
        context: BetaToolsetCallContext,
        name: str,
        input: BaseModel,  # noqa: A002 - the SDK's name
    ) -> BetaBrowserMemberResult:
        """Do what one call says, through the doors."""
        del context
        seen = None
        try:
            for batch in self._hand.batches(name, input, self._session.latest):
                seen = self._hand.passed(self._session.do(*batch))
        except _LOST as error:
            raise ToolError(str(error)) from error
        return _browser(name, seen)

    def _browser_state(self, context: BetaToolsetCallContext) -> BetaBrowserState:
        del context
        return self._hand.state(self._session.latest)


def _only_ours(options: Mapping[str, Any]) -> dict[str, Any]:
    """Turn off what we do not offer, whatever the caller's own configs say of it."""
    configs = {**(options.get("configs") or {}), **_disabled()}
    return {"confirm": _judged_at_the_doors, **options, "configs": configs}
