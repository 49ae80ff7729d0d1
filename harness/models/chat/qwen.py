"""Qwen2.5-VL and Qwen3-VL: `computer_use` as they were trained on it, told in our own words."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action, Answer, Drag, GiveUp, Point, parse_action
from harness.models.chat.marked import TOOL, MarkedDialect
from harness.models.dialect import Brief, Frame, JsonObject, Unusable
from harness.models.functions import EXTRAS, arguments, length, point

QwenVersion = Literal["2.5", "3"]

_ACTIONS: Final[Mapping[str, str]] = {
    "key": "press `keys` together",
    "type": "type `text` where the focus is",
    "mouse_move": "move the pointer to `coordinate`",
    "left_click": "click at `coordinate`",
    "left_click_drag": "drag from where the pointer is to `coordinate`",
    "right_click": "click with the right button at `coordinate`",
    "middle_click": "click with the middle button at `coordinate`",
    "double_click": "click twice at `coordinate`",
    "triple_click": "click three times at `coordinate`",
    "scroll": "turn the wheel by `pixels`, up where positive, down where negative, at `coordinate` if given",
    "hscroll": "turn the wheel sideways by `pixels`, to the right where positive",
    "wait": "wait `time` seconds",
    "terminate": "end, with `status`",
    "answer": "say that the task is done, with its result as `text`; data that is asked for as a JSON object",
}
_FIELDS: Final[Mapping[str, JsonObject]] = {
    "keys": {"type": "array", "items": {"type": "string"}},
    "text": {"type": "string"},
    "coordinate": {"type": "array", "items": {"type": "number"}, "description": "[x, y]"},
    "pixels": {"type": "number"},
    "time": {"type": "number"},
    "status": {"type": "string", "enum": ["success", "failure"]},
}


class QwenVocabulary:
    """What Qwen-VL's `computer_use` can do."""

    extras: Final = EXTRAS

    def tool(self, width: int, height: int) -> JsonObject:
        """Describe it."""
        return described(_ACTIONS, _FIELDS, width, height)

    def read(self, given: Mapping[str, JsonValue], frame: Frame, thought: str) -> Sequence[Action]:
        """Give the actions."""
        match action := named(given, _ACTIONS):
            case "terminate":
                return [ended(given, thought)]
            case "answer":
                return [answered(text(given, "text"))]
            case _:
                return pointed(action, given, frame)


def qwen_dialect(
    model: str,
    brief: Brief,
    fields: Mapping[str, JsonValue],
    *,
    version: QwenVersion,
    spotlight: bool = False,
) -> MarkedDialect:
    """Speak to Qwen2.5-VL, in pixels of the picture, or Qwen3-VL, in thousandths."""
    space: Literal["pixels", "thousandths"] = "thousandths" if version == "3" else "pixels"
    return MarkedDialect(
        model, brief, fields, QwenVocabulary(), space=space, provider="qwen-vl", spotlight=spotlight
    )


def described(
    actions: Mapping[str, str], fields: Mapping[str, JsonObject], width: int, height: int
) -> JsonObject:
    """Describe a `computer_use` as a function tool."""
    listed = "; ".join(f"`{name}`: {what}" for name, what in actions.items())
    return {
        "type": "function",
        "function": {
            "name": TOOL,
            "description": f"Mouse, keyboard and screen of the browser. The screen is {width}x{height}; "
            "(0, 0) is its top left corner. Aim at the middle of things.",
            "parameters": {
                "type": "object",
                "properties": {
                    "action": {"type": "string", "enum": [*actions], "description": f"What to do. {listed}."},
                    **fields,
                },
                "required": ["action"],
            },
        },
    }


def named(given: Mapping[str, JsonValue], actions: Mapping[str, str]) -> str:
    """Give the action's name.

    Raises:
        Unusable: if there is no such action.
    """
    name = given.get("action")
    if not isinstance(name, str) or name not in actions:
        raise Unusable(
            "unknown_action", f"there is no action {str(name)[:80]!r}; there are: {', '.join(actions)}"
        )
    return name


def pointed(action: str, given: Mapping[str, JsonValue], frame: Frame) -> list[Action]:
    """Give the actions of mouse and keyboard, which every family shares.

    Raises:
        Unusable: if there are none.
        ActionError: if a field is wrong.
    """
    match action:
        case "key":
            keys = given.get("keys", given.get("text"))
            return [parse_action({"kind": "press", "keys": keys})]
        case "type":
            return [parse_action({"kind": "type", "text": given.get("text")})]
        case "mouse_move":
            x, y = coordinate(given, frame)
            return [parse_action({"kind": "move", "x": x, "y": y})]
        case "left_click" | "right_click" | "middle_click" | "double_click" | "triple_click":
            x, y = coordinate(given, frame)
            button = action.partition("_")[0] if action in ("right_click", "middle_click") else "left"
            count = {"double_click": 2, "triple_click": 3}.get(action, 1)
            return [parse_action({"kind": "click", "x": x, "y": y, "button": button, "count": count})]
        case "left_click_drag":
            x, y = coordinate(given, frame)
            start = Point(x=frame.pointer[0], y=frame.pointer[1])
            return [Drag(path=(start, Point(x=x, y=y)))]
        case "scroll" | "hscroll":
            return [_scroll(action, given, frame)]
        case "wait":
            return [parse_action({"kind": "wait", "seconds": given.get("time", 1.0)})]
        case _:
            raise Unusable("unknown_action", f"there is no action {action[:80]!r}")


def coordinate(given: Mapping[str, JsonValue], frame: Frame) -> tuple[int, int]:
    """Give the pixel of the screen that `coordinate` names.

    Raises:
        Unusable: if it is none.
    """
    match given.get("coordinate"):
        case [int() | float() as x, int() | float() as y] if not isinstance(x, bool) and not isinstance(
            y, bool
        ):
            return point(x, y, frame.space)
        case other:
            raise Unusable("bad_arguments", f"coordinate is [x, y], not {str(other)[:80]!r}")


def text(given: Mapping[str, JsonValue], name: str) -> str:
    """Give a field that must be text.

    Raises:
        Unusable: if it is none.
    """
    found = given.get(name)
    if not isinstance(found, str):
        raise Unusable("bad_arguments", f"{name} is text, not {type(found).__name__}")
    return found


def answered(said: str) -> Answer:
    """Make an answer; words that are a JSON object are its data."""
    try:
        data = arguments(said) if said.lstrip().startswith("{") else None
    except Unusable:
        data = None
    made = {"kind": "answer", "text": said, **({"data": data} if data else {})}
    found = parse_action(made)
    if not isinstance(found, Answer):
        raise AssertionError("an answer is an answer")
    return found


def ended(given: Mapping[str, JsonValue], thought: str) -> Action:
    """Make the end that `terminate` asks for: only the word success is one."""
    if given.get("status") == "success":
        return answered(thought[:10_000])
    return GiveUp(reason=thought[:10_000])


def _scroll(action: str, given: Mapping[str, JsonValue], frame: Frame) -> Action:
    pixels = given.get("pixels")
    if isinstance(pixels, bool) or not isinstance(pixels, int | float) or not -100_000 <= pixels <= 100_000:
        raise Unusable("bad_arguments", f"pixels is a number, not {str(pixels)[:80]!r}")
    x, y = coordinate(given, frame) if given.get("coordinate") is not None else frame.pointer
    wide, high = length(pixels, pixels, frame.space)
    dx, dy = (wide, 0) if action == "hscroll" else (0, -high)
    return parse_action({"kind": "scroll", "x": x, "y": y, "dx": dx, "dy": dy})
