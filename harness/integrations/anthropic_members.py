"""What the members of Anthropic's computer and browser toolsets are in our actions.

Both families have one vocabulary here: a browser member is read as the computer member it stands for, with
what only a browser has beside it. Pure: nothing here acts, and nothing here is the vendor's code.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.action import Action, parse_action
from harness.errors import ActionError

COMPUTER: Final = (
    "key",
    "hold_key",
    "type",
    "cursor_position",
    "mouse_move",
    "left_mouse_down",
    "left_mouse_up",
    "left_click",
    "left_click_drag",
    "right_click",
    "middle_click",
    "double_click",
    "triple_click",
    "scroll",
    "wait",
    "screenshot",
    "zoom",
)
"""The members of the computer toolset, all of which we offer."""
BROWSER: Final = (
    *(one for one in COMPUTER if one != "cursor_position"),
    "hover",
    "navigate",
    "new_tab",
    "list_tabs",
    "switch_tab",
    "close_tab",
)
"""The members of the browser toolset that we offer: none that runs scripts or reaches into the page."""
NOTCH: Final = 120
"""CSS pixels of one notch of the wheel."""
_NOTCHES: Final = 3
_CLICKS: Final[Mapping[str, tuple[str, int]]] = {
    "left_click": ("left", 1),
    "right_click": ("right", 1),
    "middle_click": ("middle", 1),
    "double_click": ("left", 2),
    "triple_click": ("left", 3),
}
_WAYS: Final[Mapping[str, tuple[int, int]]] = {
    "up": (0, -1),
    "down": (0, 1),
    "left": (-1, 0),
    "right": (1, 0),
}
_MOST: Final = 100


def read(name: str, given: Mapping[str, Any], pointer: tuple[int, int] | None) -> tuple[Action, ...]:
    """Give the actions that a member stands for; none for `cursor_position`.

    Args:
        name: the member, of either family.
        given: its input, as the vendor's types read it; without `tab_id`.
        pointer: where the pointer is, if that is known.

    Raises:
        ActionError: in words for the model, if we have nothing like it.
    """
    if name not in COMPUTER and name not in BROWSER:
        raise ActionError(f"{name!r} is not offered by this browser")
    flat = _flat(given)
    match name:
        case "key":
            return _presses(flat)
        case "cursor_position":
            return ()
        case "hold_key":
            data = {"kind": "hold", "keys": flat["text"], "seconds": flat["duration"]}
        case "type":
            data = {"kind": "type", "text": flat["text"]}
        case "wait":
            data = {"kind": "wait", "seconds": flat["duration"]}
        case "zoom":
            data = {"kind": "zoom", "region": flat["region"]}
        case "screenshot" | "list_tabs":
            data = {"kind": "screenshot"}
        case "navigate" | "new_tab" | "switch_tab" | "close_tab":
            data = _tabs(name, flat)
        case _:
            data = _pointed(name, flat, pointer)
    return (parse_action(data),)


def _presses(flat: Mapping[str, Any]) -> tuple[Action, ...]:
    keys = flat["text"].split() or [flat["text"]]
    repeat = max(1, flat.get("repeat", 1))
    if len(keys) * repeat > _MOST:
        raise ActionError(f"key: {len(keys) * repeat} presses in one call; {_MOST} are the most")
    return tuple(parse_action({"kind": "press", "keys": one}) for one in keys * repeat)


def _pointed(name: str, flat: Mapping[str, Any], pointer: tuple[int, int] | None) -> dict[str, Any]:
    held = flat.get("text", "")
    if name in ("left_mouse_down", "left_mouse_up"):
        place = _place(flat) if "coordinate" in flat else {}
        return {"kind": name.removeprefix("left_"), **place}
    if name == "left_click_drag":
        return {"kind": "drag", "path": [flat["start_coordinate"], flat["coordinate"]], "modifiers": held}
    place = _place(flat if "coordinate" in flat else {"coordinate": pointer})
    if name in ("mouse_move", "hover"):
        return {"kind": "move", **place}
    if name == "scroll":
        right, down = _WAYS[flat["scroll_direction"]]
        far = NOTCH * flat.get("scroll_amount", _NOTCHES)
        return {"kind": "scroll", **place, "dx": right * far, "dy": down * far, "modifiers": held}
    button, count = _CLICKS[name]
    return {"kind": "click", **place, "button": button, "count": count, "modifiers": held}


def _tabs(name: str, flat: Mapping[str, Any]) -> dict[str, Any]:
    if name == "new_tab":
        return {"kind": "new_tab"}
    if name == "navigate":
        url = flat["url"].strip()
        if url.lower() in ("back", "forward", "reload"):
            return {"kind": url.lower()}
        return {"kind": "goto", "url": url if ":" in url.split("/")[0] else f"https://{url}"}
    return {"kind": name, "tab": tab(flat["tab_id"])}


def tab(tab_id: str) -> int:
    """Read a tab's id.

    Raises:
        ActionError: if it is none of ours.
    """
    if not tab_id.isascii() or not tab_id.isdigit() or len(tab_id) > 9:
        raise ActionError(f"no tab is called {tab_id[:40]!r}; use list_tabs to see what is open")
    return int(tab_id)


def _flat(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read a browser member's targets and modifiers as the computer members have them."""
    found = dict(given)
    for theirs, ours in (("target", "coordinate"), ("from", "start_coordinate")):
        if theirs in found:
            point = found.pop(theirs)
            if point.get("type") == "ref":
                raise ActionError("this browser has no element references; give a coordinate target")
            found[ours] = [point["x"], point["y"]]
    if "modifiers" in found:
        found["text"] = found.pop("modifiers")
    return found


def _place(flat: Mapping[str, Any]) -> dict[str, int]:
    point = flat["coordinate"]
    if point is None:
        raise ActionError("where the pointer is is not known yet; give a coordinate")
    return {"x": point[0], "y": point[1]}


def pointed_at(action: Action) -> tuple[int, int] | None:
    """Say where an action leaves the pointer, if it moves it."""
    match action.kind:
        case "click" | "move" | "scroll":
            return action.x, action.y
        case "mouse_down" | "mouse_up" if action.x is not None and action.y is not None:
            return action.x, action.y
        case "drag":
            return action.path[-1].x, action.path[-1].y
        case _:
            return None
