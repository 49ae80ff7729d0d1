"""The actions of OpenAI's computer tools, read into ours."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from harness.action import Action, parse_action
from harness.models.dialect import MOST_ACTIONS, JsonObject, Unusable
from harness.models.functions import placed
from harness.models.scaling import Space

PAUSE: Final = 2.0
"""Seconds of a `wait`, which says no time."""
_BUTTONS: Final[Mapping[str, str]] = {
    "left": "left",
    "right": "right",
    "wheel": "middle",
    "back": "back",
    "forward": "forward",
}


def actions(item: JsonObject, space: Space) -> Sequence[Action]:
    """Read the actions of a `computer_call`: one in `action`, or several in `actions`.

    Raises:
        Unusable: if any of them cannot be used; then none is.
        ActionError: if a field is wrong.
    """
    one, several = item.get("action"), item.get("actions")
    if (one is None) == (several is None):
        raise Unusable("malformed", "a computer call has either 'action' or 'actions'")
    given = [one] if several is None else several
    if not isinstance(given, list) or not given:
        raise Unusable("malformed", "'actions' is a list of at least one action")
    if len(given) > MOST_ACTIONS:
        raise Unusable("too_large", f"more than {MOST_ACTIONS} actions in one answer")
    return [action(single, space) for single in given]


def action(given: JsonValue, space: Space) -> Action:
    """Read one action.

    Raises:
        Unusable: if it is unknown, or a point is outside the picture.
        ActionError: if a field is wrong.
    """
    if not isinstance(given, dict):
        raise Unusable("malformed", f"an action is an object, not {type(given).__name__}")
    fields = _fields(given)
    if fields is None:
        raise Unusable("unknown_action", f"the computer has no action {str(given.get('type'))[:80]!r}")
    # What the vendor leaves out or sends as null is left to our own defaults, or found to be missing.
    return placed(parse_action({name: one for name, one in fields.items() if one is not None}), space)


def _fields(given: JsonObject) -> JsonObject | None:  # noqa: C901 - one case an action
    at: JsonObject = {"x": given.get("x"), "y": given.get("y")}
    held: JsonObject = {"modifiers": given.get("keys")}
    match given.get("type"):
        case "click":
            return {"kind": "click", **at, **held, "button": _button(given.get("button", "left"))}
        case "double_click":
            return {"kind": "click", **at, **held, "count": 2}
        case "drag":
            return {"kind": "drag", **held, "path": given.get("path")}
        case "keypress":
            return {"kind": "press", "keys": given.get("keys")}
        case "move":
            if given.get("keys"):
                raise Unusable("bad_arguments", "move: no key is held while the pointer moves")
            return {"kind": "move", **at}
        case "scroll":
            return {"kind": "scroll", **at, **held, "dx": given.get("scroll_x"), "dy": given.get("scroll_y")}
        case "type":
            return {"kind": "type", "text": given.get("text")}
        case "wait":
            return {"kind": "wait", "seconds": PAUSE}
        case "screenshot":
            return {"kind": "screenshot"}
        case _:
            return None


def _button(given: JsonValue) -> str:
    if not isinstance(given, str) or given not in _BUTTONS:
        raise Unusable("bad_arguments", f"click: no button is called {str(given)[:80]!r}")
    return _BUTTONS[given]
