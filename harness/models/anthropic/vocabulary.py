"""Reads what a call of Anthropic's computer tools asks for.

A scroll counts clicks of the wheel: one is 120 CSS pixels. Where a call names no place, it is where the
pointer is: where the last action before it in the same answer leaves it, or where it was.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from harness.action import (
    Action,
    MouseDown,
    MouseUp,
    Move,
    TakeScreenshot,
    Wait,
    parse_action,
)
from harness.models.dialect import MOST_ACTIONS, Frame, Unusable
from harness.models.functions import left_at, placed, point

WHEEL: Final = 120
"""CSS pixels of one click of the wheel."""
MOST_CLICKS: Final = 100
"""Clicks of the wheel in one call."""
LONGEST_WAIT: Final = 60
"""Seconds; a longer wait is cut to it."""
MEMBERS: Final = (
    *("key", "hold_key", "type", "cursor_position", "mouse_move", "left_mouse_down", "left_mouse_up"),
    *("left_click", "left_click_drag", "right_click", "middle_click", "double_click", "triple_click"),
    *("scroll", "wait", "screenshot", "zoom"),
)
"""Every action; `computer_20250124` has no `zoom`."""
CLICKS: Final[Mapping[str, tuple[str, int]]] = {
    "left_click": ("left", 1),
    "right_click": ("right", 1),
    "middle_click": ("middle", 1),
    "double_click": ("left", 2),
    "triple_click": ("left", 3),
}
"""Members that click: which button, and how often."""
_SIDES: Final[Mapping[str, tuple[int, int]]] = {
    "up": (0, -1),
    "down": (0, 1),
    "left": (-1, 0),
    "right": (1, 0),
}


class Reading:
    """Reads the calls of one answer, in order.

    Args:
        frame: what its coordinates mean.
        zooms: whether the tool can zoom.
    """

    def __init__(self, frame: Frame, *, zooms: bool = True) -> None:
        self._space = frame.space
        self._pointer = frame.pointer
        self._zooms = zooms

    def read(self, name: str, given: Mapping[str, JsonValue]) -> Sequence[Action] | str:
        """Give the actions that a call stands for, or the text that answers it.

        Raises:
            Unusable: if there is no such action, its arguments are wrong, or a place is outside the picture.
            ActionError: if a key or a length is wrong.
        """
        found = self._read(name, given)
        if not isinstance(found, str):
            for action in found:
                self._pointer = left_at(action) or self._pointer
        return found

    def _read(self, name: str, given: Mapping[str, JsonValue]) -> Sequence[Action] | str:
        match name:
            case "key" | "hold_key" | "type" | "wait":
                return _typed(name, given)
            case "screenshot":
                return [TakeScreenshot()]
            case "zoom" if self._zooms:
                return [self._zoom(given)]
            case "cursor_position":
                x, y = self._space.to_model(*self._pointer)
                return f"X={x},Y={y}"
            case _:
                return [self._pointed(name, given)]

    def _pointed(self, name: str, given: Mapping[str, JsonValue]) -> Action:
        match name:
            case "left_mouse_down" | "left_mouse_up":
                return self._button(name, given)
            case "left_click_drag":
                start, end = self._place(given, "start_coordinate"), self._place(given, needed=True)
                return _action("drag", path=[list(start), list(end)], modifiers=_modifiers(given))
            case "mouse_move":
                x, y = self._place(given, needed=True)
                return Move(x=x, y=y)
            case "scroll":
                return self._scroll(given)
            case _ if name in CLICKS:
                x, y = self._place(given)
                button, count = CLICKS[name]
                return _action("click", x=x, y=y, button=button, count=count, modifiers=_modifiers(given))
            case _:
                known = ", ".join(one for one in MEMBERS if self._zooms or one != "zoom")
                raise Unusable("unknown_action", f"there is no action {name[:80]!r}; there are: {known}")

    def _button(self, name: str, given: Mapping[str, JsonValue]) -> Action:
        kind: type[MouseDown | MouseUp] = MouseDown if name == "left_mouse_down" else MouseUp
        if given.get("coordinate") is None:
            return kind()
        x, y = self._place(given)
        return kind(x=x, y=y)

    def _scroll(self, given: Mapping[str, JsonValue]) -> Action:
        x, y = self._place(given)
        side = given.get("scroll_direction")
        if not isinstance(side, str) or side not in _SIDES:
            raise Unusable("bad_arguments", f"scroll_direction is one of {', '.join(_SIDES)}")
        clicks = _number(given, "scroll_amount", MOST_CLICKS)
        across, down = _SIDES[side]
        dx, dy = round(across * clicks * WHEEL), round(down * clicks * WHEEL)
        return _action("scroll", x=x, y=y, dx=dx, dy=dy, modifiers=_modifiers(given))

    def _zoom(self, given: Mapping[str, JsonValue]) -> Action:
        left, top, right, bottom = _numbers(given.get("region"), 4, "region is [x0, y0, x1, y1]")
        if left >= right or top >= bottom:
            raise Unusable("bad_arguments", "region is [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
        return placed(_action("zoom", region=[left, top, right, bottom]), self._space)

    def _place(
        self, given: Mapping[str, JsonValue], name: str = "coordinate", *, needed: bool = False
    ) -> tuple[int, int]:
        value = given.get(name)
        if value is None and not needed:
            return self._pointer
        x, y = _numbers(value, 2, f"{name} is [x, y]")
        return point(x, y, self._space)


def _typed(name: str, given: Mapping[str, JsonValue]) -> Sequence[Action]:
    match name:
        case "type":
            return [_action("type", text=_text(given))]
        case "hold_key":
            return [_action("hold", keys=_text(given), seconds=_number(given, "duration", LONGEST_WAIT))]
        case "wait":
            return [Wait(seconds=min(LONGEST_WAIT, _number(given, "duration", math.inf)))]
        case _:
            # A space parts the chords of a sequence; alone it is the key.
            chords = _text(given).split() or [_text(given)]
            times = _number(given, "repeat", MOST_ACTIONS) if given.get("repeat") is not None else 1
            if times != int(times) or not 1 <= times * len(chords) <= MOST_ACTIONS:
                raise Unusable("bad_arguments", f"repeat is a whole number; {MOST_ACTIONS} presses at most")
            return [_action("press", keys=one) for _ in range(int(times)) for one in chords]


def _action(kind: str, **fields: object) -> Action:
    return parse_action({"kind": kind, **fields})


def _modifiers(given: Mapping[str, JsonValue]) -> str:
    for name in ("text", "key"):
        match given.get(name):
            case None:
                continue
            case str(keys):
                return keys.replace(" ", "")
            case _:
                raise Unusable("bad_arguments", f"{name} is the keys to hold, such as 'ctrl+shift'")
    return ""


def _text(given: Mapping[str, JsonValue]) -> str:
    text = given.get("text")
    if not isinstance(text, str):
        raise Unusable("bad_arguments", f"text is a string, not {type(text).__name__}")
    return text


def _number(given: Mapping[str, JsonValue], name: str, most: float) -> float:
    (value,) = _numbers([given.get(name)], 1, f"{name} is a number")
    if not 0 <= value <= most:
        raise Unusable("bad_arguments", f"{name} is a number from 0 to {most:g}, not {value:g}")
    return value


def _numbers(value: JsonValue, count: int, what: str) -> list[float]:
    if not isinstance(value, list) or len(value) != count:
        raise Unusable("bad_arguments", what)
    numbers: list[float] = []
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float) or not -1e9 < one < 1e9:
            raise Unusable("bad_arguments", f"{what}: numbers, not {str(one)[:80]!r}")
        numbers.append(one)
    return numbers
