"""What the members of Anthropic's computer and browser toolsets are in our actions.

A browser member is read as the computer member it stands for, and that as what a model of Anthropic's calls
is read; what only a browser has stands beside it. Pure: nothing here acts, and nothing here is the vendor's.
"""

from collections.abc import Mapping
from typing import Any, Final

from harness.action import Action, TakeScreenshot, parse_action
from harness.errors import ActionError
from harness.models.anthropic.vocabulary import CLICKS, MEMBERS, Reading
from harness.models.dialect import Frame, Unusable
from harness.models.scaling import Space

COMPUTER: Final = MEMBERS
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
_NOTCHES: Final = 3
_PLACED: Final = (*CLICKS, "mouse_move", "hover", "scroll")


def read(
    name: str, given: Mapping[str, Any], pointer: tuple[int, int] | None, size: tuple[int, int]
) -> tuple[Action, ...]:
    """Give the actions that a member stands for; none for `cursor_position`.

    Args:
        name: the member, of either family.
        given: its input, as the vendor's types read it; without `tab_id`, where it is not what is meant.
        pointer: where the pointer is, if that is known.
        size: width and height of the screen.

    Raises:
        ActionError: in words for the model, if we have nothing like it.
    """
    if name not in COMPUTER and name not in BROWSER:
        raise ActionError(f"{name!r} is not offered by this browser")
    flat = _flat(given)
    match name:
        case "list_tabs":
            return (TakeScreenshot(),)
        case "navigate" | "new_tab" | "switch_tab" | "close_tab":
            return (parse_action(_tabs(name, flat)),)
        case _:
            return _computer(name, flat, pointer, size)


def _computer(
    name: str, flat: dict[str, Any], pointer: tuple[int, int] | None, size: tuple[int, int]
) -> tuple[Action, ...]:
    if name in _PLACED and "coordinate" not in flat:
        if pointer is None:
            raise ActionError("where the pointer is is not known yet; give a coordinate")
        flat["coordinate"] = list(pointer)
    if name == "scroll":
        flat.setdefault("scroll_amount", _NOTCHES)
    reading = Reading(Frame(Space("pixels", *size, *size), pointer or (0, 0)))
    try:
        found = reading.read("mouse_move" if name == "hover" else name, flat)
    except Unusable as error:
        raise ActionError(str(error)) from error
    return () if isinstance(found, str) else tuple(found)


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
    found: dict[str, Any] = {
        name: list(one) if isinstance(one, tuple) else one for name, one in given.items()
    }
    for theirs, ours in (("target", "coordinate"), ("from", "start_coordinate")):
        if theirs in found:
            point = found.pop(theirs)
            if point.get("type") == "ref":
                raise ActionError("this browser has no element references; give a coordinate target")
            found[ours] = [point["x"], point["y"]]
    if "modifiers" in found:
        found["text"] = found.pop("modifiers")
    return found
