"""From an action to what does it: the hand for pointer and keys, the tabs for pages."""

import asyncio
from typing import assert_never

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
from harness.errors import ActionError
from harness.sandbox import navigate
from harness.sandbox.base import ActOutcome
from harness.sandbox.input import Hand
from harness.sandbox.tab import OpenTab
from harness.sandbox.tabs import Tabs
from harness.sandbox.watcher import Watcher

ByHand = Click | Move | MouseDown | MouseUp | Drag | Scroll | Type | Press | Hold
InTabs = Goto | Back | Forward | Reload | NewTab | SwitchTab | CloseTab


async def perform(action: Action, tabs: Tabs, tab: OpenTab, hand: Hand, watcher: Watcher) -> ActOutcome:
    """Do it, if its target is still what `watcher` has seen.

    Raises:
        ActionError: if it cannot be done as it stands; nothing happened.
        StaleError: if the target has changed; nothing happened.
        SandboxError: if the page crashed or does not answer.
    """
    match action:
        case Click() | Move() | MouseDown() | MouseUp() | Drag() | Scroll() | Type() | Press() | Hold():
            await _by_hand(action, hand, watcher)
            return ActOutcome(ok=True)
        case Goto() | Back() | Forward() | Reload() | NewTab() | SwitchTab() | CloseTab():
            return await _in_tabs(action, tabs, tab)
        case Wait():
            await asyncio.sleep(action.seconds)
            return ActOutcome(ok=True)
        case TakeScreenshot():
            return ActOutcome(ok=True)
        case Upload():
            raise ActionError("no file chooser is open; click the page's upload button first")
        case AskUser() | Answer() | GiveUp() | Zoom():
            raise ActionError(f"{action.kind} is nothing the browser does to a page; nothing happened")
        case _:
            assert_never(action)


async def _by_hand(action: ByHand, hand: Hand, watcher: Watcher) -> None:
    match action:
        case Click():
            await hand.click(action, watcher)
        case Move():
            await hand.move(action.x, action.y)
        case MouseDown():
            await hand.down(action, watcher)
        case MouseUp():
            await hand.up(action, watcher)
        case Drag():
            await hand.drag(action, watcher)
        case Scroll():
            await hand.scroll(action)
        case Type():
            await hand.type(action, watcher)
        case Press():
            await hand.press(action, watcher)
        case Hold():
            await hand.hold(action, watcher)
        case _:
            assert_never(action)


async def _in_tabs(action: InTabs, tabs: Tabs, tab: OpenTab) -> ActOutcome:
    match action:
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
        case _:
            assert_never(action)
    return ActOutcome(ok=True)


def place_of(action: Action, pointer: tuple[int, int]) -> tuple[int, int] | None:
    """Where an action begins, or nothing if it has no place.

    Args:
        action: any action.
        pointer: where the pointer is, for a button that is pressed or released there.
    """
    match action:
        case Click() | Move() | Scroll():
            return action.x, action.y
        case MouseDown() | MouseUp():
            x, y = pointer
            return x if action.x is None else action.x, y if action.y is None else action.y
        case Drag():
            return action.path[0].x, action.path[0].y
        case _:
            return None


def outside(action: Action, pointer: tuple[int, int], size: tuple[int, int]) -> str | None:
    """Why an action's places are not on the screen; nothing if they all are."""
    width, height = size
    start = place_of(action, pointer)
    points = action.path if isinstance(action, Drag) else (Point(x=start[0], y=start[1]),) if start else ()
    for point in points:
        if not (0 <= point.x < width and 0 <= point.y < height):
            return (
                f"({point.x}, {point.y}) is outside the screen, which is {width} pixels wide"
                f" and {height} high; nothing happened"
            )
    return None


def _known(tabs: Tabs, number: int) -> OpenTab:
    found = tabs.get(number)
    if found is None:
        known = ", ".join(str(tab.id) for tab in tabs.all)
        raise ActionError(f"no tab {number} is open; the open tabs are {known}")
    return found
