"""Mouse and keyboard: one tab's real input events.

Text is typed as keys where a US keyboard has them and inserted where it has not; a newline is the Enter key,
and a tab character is inserted as it stands: the Tab key is pressed, never typed.
"""

import asyncio
import math
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from typing import Final, Literal

from harness.action import Button, Click, Drag, Hold, MouseDown, MouseUp, Press, Scroll, Type
from harness.errors import ActionError
from harness.sandbox.tab import OpenTab

LONG_TEXT: Final = 1000
"""Characters from which text is inserted by the line, as a paste is, instead of typed by the key."""
REPEAT: Final = 1 / 30
"""Seconds between the repeats of a held key."""
FIRST_REPEAT: Final = 0.25
"""Seconds until a held key begins to repeat."""

_SIDE_BUTTONS: Final = {"back": 8, "forward": 16}
_SHIFTED: Final = dict(zip("`1234567890-=[]\\;',./", '~!@#$%^&*()_+{}|:"<>?', strict=True))
_BITS: Final = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
_FAR_KEYS: Final = {f"F{number}": 111 + number for number in range(13, 25)}


class Hand:
    """What moves a tab's pointer and presses its keys."""

    def __init__(self, tab: OpenTab) -> None:
        self._tab = tab
        self._mouse = tab.page.mouse
        self._keyboard = tab.page.keyboard
        self._keys: list[str] = []
        self._buttons: list[Button] = []

    async def move(self, x: int, y: int, steps: int = 1) -> None:
        """Move the pointer; its place is remembered."""
        await self._tab.call(self._mouse.move(x, y, steps=steps), "move the pointer")
        self._tab.pointer = (x, y)

    async def click(self, action: Click) -> None:
        """Click with any button, once to three times."""
        async with self._holding(action.modifiers):
            match action.button:
                case "back" | "forward":
                    await self.move(action.x, action.y)
                    for count in range(1, action.count + 1):
                        await self._side("mousePressed", action.button, count)
                        await self._side("mouseReleased", action.button, count)
                case "left" | "middle" | "right":
                    self._tab.pointer = (action.x, action.y)
                    work = self._mouse.click(
                        action.x, action.y, button=action.button, click_count=action.count
                    )
                    await self._tab.call(work, "click")

    async def down(self, action: MouseDown) -> None:
        """Press a button and keep it down."""
        await self._to(action)
        match action.button:
            case "back" | "forward":
                await self._side("mousePressed", action.button, 1)
            case "left" | "middle" | "right":
                await self._tab.call(self._mouse.down(button=action.button), "press a mouse button")

    async def up(self, action: MouseUp) -> None:
        """Release a button."""
        await self._to(action)
        await self._release(action.button)

    async def drag(self, action: Drag) -> None:
        """Press at the first point, go through all of them in small steps, release at the last."""
        first, *rest = action.path
        async with self._holding(action.modifiers):
            await self.move(first.x, first.y)
            self._buttons.append("left")
            await self.down(MouseDown())
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

    async def type(self, action: Type) -> None:
        """Type text.

        Raises:
            ActionError: if it holds control characters; nothing was typed.
        """
        text = action.text.replace("\r\n", "\n").replace("\r", "\n")
        wrong = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"), None)
        if wrong is not None:
            raise ActionError(f"the text holds U+{ord(wrong):04X}, which no key types; leave it out")
        for number, line in enumerate(text.split("\n")):
            if number:
                await self._tab.call(self._keyboard.press("Enter"), "press Enter")
            if len(text) > LONG_TEXT:
                if line:
                    await self._tab.call(self._keyboard.insert_text(line), "insert text")
                continue
            for keyed, run in groupby(line, key=_has_key):
                if keyed:
                    for character in run:
                        await self._tab.call(self._keyboard.press(character), "type")
                else:
                    await self._tab.call(self._keyboard.insert_text("".join(run)), "insert text")

    async def press(self, action: Press) -> None:
        """Press a chord: down in order, up in reverse.

        Raises:
            ActionError: if no keyboard here has one of the keys; nothing was pressed.
        """
        match action.keys:
            case (key,) if len(key) == 1 and not _has_key(key):
                await self._tab.call(self._keyboard.insert_text(key), "insert text")
            case keys:
                self._check(keys)
                async with self._holding(keys):
                    pass

    async def hold(self, action: Hold) -> None:
        """Hold a chord down; its last key repeats, as on a real keyboard.

        Raises:
            ActionError: if no keyboard here has one of the keys; nothing was pressed.
        """
        self._check(action.keys)
        loop = asyncio.get_running_loop()
        end = loop.time() + action.seconds
        async with self._holding(action.keys):
            pause = FIRST_REPEAT
            while (left := end - loop.time()) > 0:
                await asyncio.sleep(min(pause, left))
                if loop.time() < end:
                    await self._key_down(self._keys[-1])
                pause = REPEAT

    async def release(self) -> None:
        """Let go of what an interrupted action left pressed; a button of `mouse_down` stays down."""
        for button in tuple(self._buttons):
            await self._release(button)
        for key in reversed(tuple(self._keys)):
            await self._key_up(key)

    @asynccontextmanager
    async def _holding(self, keys: Sequence[str]) -> AsyncIterator[None]:
        named = [_shifted(key) if "Shift" in keys[:at] else key for at, key in enumerate(keys)]
        for key in named:
            self._keys.append(key)
            await self._key_down(key)
        yield
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

    async def _release(self, button: Button) -> None:
        if button in self._buttons:
            self._buttons.remove(button)
        match button:
            case "back" | "forward":
                await self._side("mouseReleased", button, 1)
            case "left" | "middle" | "right":
                await self._tab.call(self._mouse.up(button=button), "release a mouse button")

    async def _to(self, action: MouseDown | MouseUp) -> None:
        x, y = self._tab.pointer
        await self.move(x if action.x is None else action.x, y if action.y is None else action.y)

    def _check(self, keys: Sequence[str]) -> None:
        wrong = [key for key in keys if len(key) == 1 and not _has_key(key)]
        if wrong:
            raise ActionError(f"no key gives {wrong[0]!r}; write it with 'type', or press it alone")


def _shifted(key: str) -> str:
    return _SHIFTED.get(key, key.upper() if len(key) == 1 else key)


def _has_key(character: str) -> bool:
    return " " <= character <= "~"
