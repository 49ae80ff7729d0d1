"""Gemini's predefined functions, read as our actions.

Coordinates and lengths are thousandths of the picture's sides. A function may stand for several actions, such
as `type_text_at`; each is judged alone.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action, parse_action
from harness.models.dialect import Unusable
from harness.models.functions import point
from harness.models.scaling import Space

FunctionSet = Literal["current", "legacy"]
"""`current` since `gemini-3.5-flash`; `legacy` for the computer use previews before it."""

CURRENT: Final = (
    *(
        "click",
        "double_click",
        "triple_click",
        "middle_click",
        "right_click",
        "mouse_down",
        "mouse_up",
        "move",
    ),
    *("type", "drag_and_drop", "wait", "press_key", "key_down", "key_up", "hotkey", "take_screenshot"),
    *("scroll", "go_back", "go_forward", "navigate"),
)
"""The functions of the current set."""
LEGACY: Final = (
    *("open_web_browser", "click_at", "hover_at", "type_text_at", "scroll_document", "scroll_at"),
    *("wait_5_seconds", "go_back", "go_forward", "search", "navigate", "key_combination", "drag_and_drop"),
)
"""The functions of the legacy set."""
UNDOABLE: Final = ("key_down", "key_up")
"""What no action of ours can do."""

_FIXED: Final[Mapping[str, Mapping[str, JsonValue]]] = {
    "wait_5_seconds": {"kind": "wait", "seconds": 5},
    "take_screenshot": {"kind": "screenshot"},
    "go_back": {"kind": "back"},
    "go_forward": {"kind": "forward"},
}
_WAYS: Final = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}
_MAGNITUDE: Final = 800
_FARTHEST: Final = 100_000


def names(functions: FunctionSet) -> tuple[str, ...]:
    """Give the functions of a set."""
    return CURRENT if functions == "current" else LEGACY


def read(
    name: str, given: Mapping[str, JsonValue], space: Space, *, search: str | None
) -> list[Action] | str:
    """Make the actions that a call stands for, or the text that answers it.

    Args:
        name: a predefined function of either set.
        given: its arguments; those that are not known are not looked at.
        space: the picture that it was given for.
        search: the page that `search` opens; nothing if there is none.

    Raises:
        Unusable: if it cannot be done, an argument is missing or wrong, or a point is outside the picture.
        ActionError: if a field is wrong.
    """
    match name:
        case "open_web_browser":
            return "the browser is open already"
        case "search" if not search:
            raise Unusable(
                "unknown_action", "there is no search page here; navigate to one that you may visit"
            )
        case "search":
            return [_action("goto", url=search)]
        case "key_down" | "key_up":
            raise Unusable("unknown_action", f"{name} cannot be done here; use press_key or hotkey")
        case _ if name in _FIXED:
            return [parse_action(dict(_FIXED[name]))]
        case _ if name in _READERS:
            return _READERS[name](_Arguments(given, space))
        case _:
            raise Unusable("unknown_tool", f"there is no function {name[:80]!r}")


def _type_text_at(args: "_Arguments") -> list[Action]:
    found = [_action("click", **args.at())]
    if args.flag("clear_before_typing", default=True):
        found += [_action("press", keys=["Control", "a"]), _action("press", keys=["Delete"])]
    return [*found, _action("type", text=args.text("text")), *_enter(args)]


def _enter(args: "_Arguments") -> list[Action]:
    return [_action("press", keys=["Enter"])] if args.flag("press_enter", default=False) else []


def _action(kind: str, **fields: JsonValue) -> Action:
    return parse_action({"kind": kind, **fields})


class _Arguments:
    """The arguments of one call; what is missing or of another type is named."""

    def __init__(self, given: Mapping[str, JsonValue], space: Space) -> None:
        self._given = given
        self._space = space

    def number(self, name: str, default: float | None = None) -> float:
        value = self._given.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad(name, "a number", value)
        # An integer of JSON has any size; one that no float holds is no coordinate either.
        if not -_FARTHEST <= value <= _FARTHEST or not math.isfinite(value):
            raise _bad(name, f"a number from -{_FARTHEST} to {_FARTHEST}", value)
        return value

    def at(self, x: str = "x", y: str = "y") -> dict[str, JsonValue]:
        across, down = point(self.number(x), self.number(y), self._space)
        return {"x": across, "y": down}

    def middle(self) -> dict[str, JsonValue]:
        return {"x": self._space.view_width // 2, "y": self._space.view_height // 2}

    def text(self, name: str) -> str:
        value = self._given.get(name)
        if not isinstance(value, str):
            raise _bad(name, "text", value)
        return value

    def texts(self, name: str) -> list[JsonValue]:
        value = self._given.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _bad(name, "a list of texts", value)
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._given.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise _bad(name, "true or false", value)
        return value

    def lengths(self) -> dict[str, JsonValue]:
        direction = self.text("direction")
        if direction not in _WAYS:
            raise _bad("direction", f"one of {', '.join(_WAYS)}", direction)
        across, down = _WAYS[direction]
        magnitude = self.number("magnitude", _MAGNITUDE)
        if magnitude < 0:
            raise _bad("magnitude", "a number from 0", magnitude)
        return {
            "dx": round(across * magnitude * self._space.view_width / 1000),
            "dy": round(down * magnitude * self._space.view_height / 1000),
        }


def _bad(name: str, wanted: str, value: JsonValue) -> Unusable:
    if value is None:
        return Unusable("bad_arguments", f"{name} is missing; it is {wanted}")
    return Unusable("bad_arguments", f"{name} is {wanted}, not {_shown(value)}")


def _shown(value: JsonValue) -> str:
    match value:
        case str():
            return repr(value[:80])
        case bool() | float():
            return repr(value)
        case int():
            # Python refuses to write out an integer of thousands of digits.
            return repr(value) if value.bit_length() <= 256 else "a number of that size"
        case list() | dict():
            return "a list" if isinstance(value, list) else "an object"
        case None:
            return "nothing"


def _drag(args: _Arguments) -> list[Action]:
    start, end = args.at(), args.at("destination_x", "destination_y")
    return [_action("drag", path=[[start["x"], start["y"]], [end["x"], end["y"]]])]


_READERS: Final[Mapping[str, Callable[[_Arguments], list[Action]]]] = {
    "click": lambda args: [_action("click", **args.at())],
    "click_at": lambda args: [_action("click", **args.at())],
    "double_click": lambda args: [_action("click", **args.at(), count=2)],
    "triple_click": lambda args: [_action("click", **args.at(), count=3)],
    "middle_click": lambda args: [_action("click", **args.at(), button="middle")],
    "right_click": lambda args: [_action("click", **args.at(), button="right")],
    "move": lambda args: [_action("move", **args.at())],
    "hover_at": lambda args: [_action("move", **args.at())],
    "mouse_down": lambda args: [_action("mouse_down", **args.at())],
    "mouse_up": lambda args: [_action("mouse_up", **args.at())],
    "type": lambda args: [_action("type", text=args.text("text")), *_enter(args)],
    "type_text_at": _type_text_at,
    "drag_and_drop": _drag,
    "wait": lambda args: [_action("wait", seconds=args.number("seconds", 1))],
    "press_key": lambda args: [_action("press", keys=args.text("key"))],
    "hotkey": lambda args: [_action("press", keys=args.texts("keys"))],
    "key_combination": lambda args: [_action("press", keys=args.text("keys"))],
    "scroll": lambda args: [_action("scroll", **args.at(), **args.lengths())],
    "scroll_at": lambda args: [_action("scroll", **args.at(), **args.lengths())],
    "scroll_document": lambda args: [_action("scroll", **args.middle(), **args.lengths())],
    "navigate": lambda args: [_action("goto", url=args.text("url"))],
}


def offered(kinds: Sequence[str], functions: FunctionSet) -> tuple[str, ...]:
    """Leave out of our own functions those that the set has under another name."""
    has = {"goto": "navigate", "back": "go_back", "forward": "go_forward"}
    return tuple(kind for kind in kinds if has.get(kind) not in names(functions))
