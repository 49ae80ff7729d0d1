"""Mouse and keyboard: one tab's real input events.

Text is typed as keys where a US keyboard has them and inserted where it has not; a newline is the Enter key,
and a tab character is inserted as it stands: the Tab key is pressed, never typed.
"""

import asyncio
import math
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Final, Literal

from harness.action import Button, Click, Drag, Hold, MouseDown, MouseUp, Press, Scroll, Type
from harness.errors import ActionError
from harness.keys import shifted
from harness.sandbox.tab import OpenTab
from harness.sandbox.watcher import StaleError, Watcher
from harness.secrets import PLACEHOLDER

LONG_TEXT: Final = 1000
"""Characters from which text is inserted by the line, as a paste is, instead of typed by the key."""
REPEAT: Final = 1 / 30
"""Seconds between the repeats of a held key."""
FIRST_REPEAT: Final = 0.25
"""Seconds until a held key begins to repeat."""

_SIDE_BUTTONS: Final = {"back": 8, "forward": 16}
_BITS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
_FAR_KEYS: Final = {f"F{number}": 111 + number for number in range(13, 25)}


class Hand:
    """What moves a tab's pointer and presses its keys."""

    def __init__(self, tab: OpenTab, secret: Callable[[str], Awaitable[None]]) -> None:
        self._tab = tab
        self._secret = secret
        self._mouse = tab.page.mouse
        self._keyboard = tab.page.keyboard
        self._keys: list[str] = []
        self._buttons: list[Button] = []

    async def move(self, x: int, y: int, steps: int = 1) -> None:
        """Move the pointer; its place is remembered."""
        await self._tab.call(self._mouse.move(x, y, steps=steps), "move the pointer")
        self._tab.pointer = (x, y)

    async def click(self, action: Click, watcher: Watcher) -> None:
        """Click with any button, once to three times.

        Raises:
            StaleError: if the target has changed; nothing was pressed.
            ActionError: if it changed between two clicks.
        """
        async with self._holding(action.modifiers):
            match action.button:
                case "left" | "middle" | "right" as button if watcher.steady and action.count == 1:
                    self._tab.pointer = (action.x, action.y)
                    await self._tab.call(self._mouse.click(action.x, action.y, button=button), "click")
                    return
                case _:
                    pass
            # A page may put something else there once the pointer comes, or after the first of two clicks.
            await self.move(action.x, action.y)
            await watcher.check()
            for count in range(1, action.count + 1):
                if count > 1:
                    await watcher.recheck(f"clicked {count - 1} of {action.count} times")
                await self._press_button(action.button, count)
                await self._release(action.button, count)

    async def down(self, action: MouseDown, watcher: Watcher) -> None:
        """Press a button and keep it down.

        Raises:
            StaleError: if the target has changed; nothing was pressed.
        """
        await self._to(action)
        await watcher.check()
        await self._press_button(action.button, 1)

    async def up(self, action: MouseUp, watcher: Watcher) -> None:
        """Release a button.

        Raises:
            StaleError: if the target has changed; nothing was released.
        """
        # Before the pointer moves: what is dragged comes along and lies under it then.
        await watcher.check()
        await self._to(action)
        await self._release(action.button)

    async def drag(self, action: Drag, watcher: Watcher) -> None:
        """Press at the first point, go through all of them in small steps, release at the last.

        Raises:
            StaleError: if either end has changed; nothing was pressed.
        """
        first, *rest = action.path
        async with self._holding(action.modifiers):
            await self.move(first.x, first.y)
            await watcher.check()
            self._buttons.append("left")
            await self._press_button("left", 1)
            here = first
            for point in rest:
                far = math.dist((here.x, here.y), (point.x, point.y))
                await self.move(point.x, point.y, steps=max(1, min(25, round(far / 16))))
                here = point
            # A second event at the end: a drop target answers to the first and accepts at the second.
            await self.move(here.x, here.y)
            await self._release("left")

    async def scroll(self, action: Scroll) -> None:
        """Turn the wheel."""
        async with self._holding(action.modifiers):
            await self.move(action.x, action.y)
            await self._tab.call(self._mouse.wheel(action.dx, action.dy), "turn the wheel")

    async def type(self, action: Type, watcher: Watcher) -> None:
        """Type text, as long as the focus stays where it was.

        Raises:
            StaleError: if the target has changed; nothing was typed.
            ActionError: if the text holds control characters, and nothing was typed; or if the page moved
                the focus meanwhile.
        """
        text = action.text.replace("\r\n", "\n").replace("\r", "\n")
        wrong = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"), None)
        if wrong is not None:
            raise ActionError(f"the text holds U+{ord(wrong):04X}, which no key types; leave it out")
        await watcher.hold_focus()
        await watcher.check()
        typed = 0
        for piece in _pieces(text):
            done = f"typed {typed} of {len(text)} characters"
            if piece == "\n":
                if typed:
                    await watcher.check_focus(done)
                    await self._enter_again(watcher, done)
                await self._tab.call(self._keyboard.press("Enter"), "press Enter")
            else:
                if typed:
                    await watcher.check_focus(done)
                name = PLACEHOLDER.fullmatch(piece)
                if name is not None:
                    await self._secret(name[1])
                else:
                    await self._write(piece, whole=len(text) > LONG_TEXT, at_once=watcher.steady)
            typed += len(piece)

    async def _enter_again(self, watcher: Watcher, done: str) -> None:
        seen = watcher.seen
        if seen is None or not seen.editable or seen.form_method is not None:
            await watcher.recheck(done)

    async def _write(self, piece: str, *, whole: bool, at_once: bool) -> None:
        if whole:
            await self._tab.call(self._keyboard.insert_text(piece), "insert text")
            return
        for keyed, run in groupby(piece, key=_has_key):
            if keyed and at_once:
                await self._tab.call(self._keyboard.type("".join(run)), "type")
            elif keyed:
                for character in run:
                    await self._tab.call(self._keyboard.press(character), "type")
            else:
                await self._tab.call(self._keyboard.insert_text("".join(run)), "insert text")

    async def press(self, action: Press, watcher: Watcher) -> None:
        """Press a chord: down in order, up in reverse.

        Raises:
            StaleError: if the target has changed; no key but modifiers was pressed.
            ActionError: if no keyboard here has one of the keys; nothing was pressed.
        """
        match action.keys:
            case (key,) if len(key) == 1 and not _has_key(key):
                await watcher.check()
                await self._tab.call(self._keyboard.insert_text(key), "insert text")
            case keys:
                self._check(keys)
                async with self._holding(keys, watcher):
                    pass

    async def hold(self, action: Hold, watcher: Watcher) -> None:
        """Hold a chord down; its last key repeats, as on a real keyboard.

        Raises:
            StaleError: if the target has changed; no key but modifiers was pressed.
            ActionError: if no keyboard here has one of the keys, and nothing was pressed; or if what Enter
                or Space acts on changed meanwhile.
        """
        self._check(action.keys)
        loop = asyncio.get_running_loop()
        end = loop.time() + action.seconds
        async with self._holding(action.keys, watcher):
            pause = FIRST_REPEAT
            while (left := end - loop.time()) > 0:
                await asyncio.sleep(min(pause, left))
                if loop.time() < end:
                    if self._keys[-1] in ("Enter", " "):
                        await watcher.recheck("held the keys for a while")
                    await self._key_down(self._keys[-1])
                pause = REPEAT

    async def release(self) -> None:
        """Let go of what an interrupted action left pressed; a button of `mouse_down` stays down."""
        for button in tuple(self._buttons):
            await self._release(button)
        for key in reversed(tuple(self._keys)):
            await self._key_up(key)

    @asynccontextmanager
    async def _holding(self, keys: Sequence[str], watcher: Watcher | None = None) -> AsyncIterator[None]:
        named = [shifted(key) if "Shift" in keys[:at] else key for at, key in enumerate(keys)]
        try:
            for key in named:
                if watcher is not None and key not in _BITS:
                    # Modifiers went down before, and the page has seen them.
                    await watcher.check()
                    watcher = None
                self._keys.append(key)
                await self._key_down(key)
            yield
        except (StaleError, ActionError):
            await self.release()
            raise
        for key in reversed(named):
            await self._key_up(key)

    async def _key_down(self, key: str) -> None:
        if key in _FAR_KEYS:
            await self._far("rawKeyDown", key)
        else:
            await self._tab.call(self._keyboard.down(key), f"press {key}")

    async def _key_up(self, key: str) -> None:
        if key in self._keys:
            self._keys.remove(key)
        if key in _FAR_KEYS:
            await self._far("keyUp", key)
        else:
            await self._tab.call(self._keyboard.up(key), f"release {key}")

    async def _far(self, kind: Literal["rawKeyDown", "keyUp"], key: str) -> None:
        held = sum(_BITS.get(one, 0) for one in set(self._keys))
        await self._tab.send(
            "Input.dispatchKeyEvent",
            {
                "type": kind,
                "key": key,
                "code": key,
                "windowsVirtualKeyCode": _FAR_KEYS[key],
                "modifiers": held,
            },
        )

    async def _side(
        self, kind: Literal["mousePressed", "mouseReleased"], button: Literal["back", "forward"], count: int
    ) -> None:
        x, y = self._tab.pointer
        held = sum(_BITS.get(one, 0) for one in set(self._keys))
        await self._tab.send(
            "Input.dispatchMouseEvent",
            {
                "type": kind,
                "x": x,
                "y": y,
                "button": button,
                "buttons": _SIDE_BUTTONS[button] if kind == "mousePressed" else 0,
                "clickCount": count,
                "modifiers": held,
            },
        )

    async def _press_button(self, button: Button, count: int) -> None:
        match button:
            case "back" | "forward":
                await self._side("mousePressed", button, count)
            case "left" | "middle" | "right":
                work = self._mouse.down(button=button, click_count=count)
                await self._tab.call(work, "press a mouse button")

    async def _release(self, button: Button, count: int = 1) -> None:
        if button in self._buttons:
            self._buttons.remove(button)
        match button:
            case "back" | "forward":
                await self._side("mouseReleased", button, count)
            case "left" | "middle" | "right":
                work = self._mouse.up(button=button, click_count=count)
                await self._tab.call(work, "release a mouse button")

    async def _to(self, action: MouseDown | MouseUp) -> None:
        x, y = self._tab.pointer
        await self.move(x if action.x is None else action.x, y if action.y is None else action.y)

    def _check(self, keys: Sequence[str]) -> None:
        wrong = [key for key in keys if len(key) == 1 and not _has_key(key)]
        if wrong:
            raise ActionError(f"no key gives {wrong[0]!r}; write it with 'type', or press it alone")


def _has_key(character: str) -> bool:
    return " " <= character <= "~"


def _pieces(text: str) -> list[str]:
    """Break text into newlines, words and secrets: between two of them a page may have moved the focus."""
    words = r"\n|[^\n]+" if len(text) > LONG_TEXT else r"\n|[ \t]*[^ \t\n]+|[ \t]+"
    out: list[str] = []
    place = 0
    for found in PLACEHOLDER.finditer(text):
        out += [*re.findall(words, text[place : found.start()]), found[0]]
        place = found.end()
    return [*out, *re.findall(words, text[place:])]
