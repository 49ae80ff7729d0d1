"""What an action comes to: a key on a button is that button's click, and is judged as one.

An action is judged as itself and as everything it would do besides; the most restrictive verdict wins. So a
rule on clicks on *Pay* also speaks of Enter and Space on it, of Enter in a field whose form it sends, of a
newline in typed text, of half a click, and of a drag that begins or ends on it. What cannot be known, such as
what a paste holds or what has the focus after Tab, is unknown to the rules: those that restrict speak.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from harness.action import Action, Click, Drag, Hold, MouseDown, MouseUp, Press, Type
from harness.clearance import Act, Target
from harness.keys import MODIFIERS

_PASTED: Final = frozenset({"text", "keys"})
_CHOSEN: Final = frozenset({"target.name", "target.text"})
_PRESSED: Final = frozenset({"button", "a", "area", "summary", "option", "select", "label"})
_FIELDS: Final = frozenset({"textbox", "searchbox", "spinbutton", "combobox"})
_ARROWS: Final = frozenset(
    {"ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"}
)


class Deed(NamedTuple):
    """One thing that an action does."""

    act: Act
    """It, as an action of its own."""
    unknown: frozenset[str] = frozenset()
    """Fields of it that cannot be known."""
    how: str = ""
    """Why the action comes to it; empty for the action itself."""


def deeds(act: Act) -> Iterator[Deed]:
    """Give everything that an action does, itself first."""
    yield Deed(act)
    action, target = act.action, act.target
    match action:
        case MouseDown() | MouseUp():
            yield _click(target, "pressing and releasing a button is a click", action)
        case Click(button="middle") if target is None or target.editable:
            yield _paste(target, "a middle click pastes")
        case Drag():
            end = target.end if target else None
            yield _click(target, "a drag presses the button where it begins", action)
            yield Deed(Act(action=action, target=end), how="a drag is what it ends on, too")
            yield _click(end, "a drag releases the button where it ends", action, -1)
        case Type(text=text):
            yield from _typed(text, target)
        case Press(keys=keys) | Hold(keys=keys):
            yield from _pressed(keys, target)
        case _:
            return
    if target is not None and target.behind is not None and isinstance(action, Type | Press | Hold):
        for deed in deeds(Act(action=action, target=target.behind)):
            yield deed._replace(how=deed.how or "the page may get the keys")


def _typed(text: str, target: Target | None) -> Iterator[Deed]:
    if "\n" in text or "\r" in text:
        yield from _enter(target, "a newline is the Enter key, and Enter")
    if " " in text and _takes_clicks(target):
        yield _click(target, "a blank is the Space key, and Space presses what has the focus")
    if _is_menu(target):
        yield _choice(target, "typing in a menu chooses")


def _pressed(keys: tuple[str, ...], target: Target | None) -> Iterator[Deed]:
    held = {key for key in keys if key in MODIFIERS}
    rest = [key for key in keys if key not in MODIFIERS]
    for place, key in enumerate(rest):
        # An earlier key of the chord may have moved the focus to where nobody has looked.
        here = target if place == 0 else None
        if key == "Enter":
            yield from _enter(here, "Enter")
        elif key == " " and _takes_clicks(here):
            yield _click(here, "Space presses what has the focus")
        elif key in _ARROWS and (_is_menu(here) or (here is not None and here.role == "radio")):
            yield _choice(here, "an arrow key chooses another")
        if len(key) == 1 and "Alt" in held:
            yield _click(None, "Alt and a letter press whatever has it as its access key")
        elif len(key) == 1 and not held & {"Control", "Meta"}:
            if here is None or here.editable:
                yield Deed(Act(action=Type(text=key), target=here), how="pressing a letter types it")
            if _is_menu(here):
                yield _choice(here, "typing in a menu chooses")
        if (key in "vV" and held & {"Control", "Meta"}) or (key == "Insert" and "Shift" in held):
            yield _paste(here, "a paste is typing")


def _enter(target: Target | None, key: str) -> Iterator[Deed]:
    if target is not None and target.submitter is not None:
        yield _click(target.submitter, f"{key} in a form presses its default button")
    elif target is not None and target.form_method is not None and _one_line(target):
        form = Target(
            role="form",
            tag="form",
            form_method=target.form_method,
            form_action=target.form_action,
            submits=True,
            frame_origin=target.frame_origin,
            url=target.url,
            box=target.box,
        )
        yield _click(form, f"{key} in a form sends it")
    if _takes_clicks(target):
        yield _click(target, f"{key} presses what has the focus")


def _one_line(target: Target) -> bool:
    return target.tag in ("input", "select", "") and target.input_type not in ("button", "reset", "file")


def _takes_clicks(target: Target | None) -> bool:
    """Whether Enter or Space may act on what has the focus, and not merely be text in it."""
    if target is None or target.tag in _PRESSED:
        return True
    if target.tag in ("body", "html", "textarea") or target.editable:
        return target.tag not in ("textarea", "input") and bool(target.role) and _is_widget(target.role)
    return target.role not in _FIELDS or target.tag == "input"


def _is_widget(role: str) -> bool:
    return role in {
        *("button", "link", "checkbox", "radio", "switch", "tab", "option", "treeitem"),
        *("menuitem", "menuitemcheckbox", "menuitemradio"),
    }


def _is_menu(target: Target | None) -> bool:
    return target is not None and not target.editable and target.role in ("combobox", "listbox")


def _click(target: Target | None, how: str, action: Action | None = None, point: int = 0) -> Deed:
    box = target.box if target else None
    x, y = (round(box.x + box.width / 2), round(box.y + box.height / 2)) if box else (0, 0)
    match action:
        case MouseDown() | MouseUp():
            x, y = (x if action.x is None else action.x), (y if action.y is None else action.y)
            return Deed(Act(action=Click(x=x, y=y, button=action.button), target=target), how=how)
        case Drag():
            place = action.path[point]
            click = Click(x=place.x, y=place.y, modifiers=action.modifiers)
            return Deed(Act(action=click, target=target), how=how)
        case _:
            limit = 1_000_000
            click = Click(x=max(-limit, min(limit, x)), y=max(-limit, min(limit, y)))
            return Deed(Act(action=click, target=target), how=how)


def _paste(target: Target | None, how: str) -> Deed:
    return Deed(Act(action=Type(text=""), target=target), _PASTED, how)


def _choice(target: Target | None, how: str) -> Deed:
    chosen = "radio" if target is not None and target.role == "radio" else "option"
    other = target.model_copy(update={"role": chosen}) if target else None
    return _click(other, how)._replace(unknown=_CHOSEN)
