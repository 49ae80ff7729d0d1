"""Says actions, amounts and outcomes in words, with nothing invisible in them."""

import unicodedata
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
from harness.clearance import Target

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_TIMES = {1: "", 2: "double-", 3: "triple-"}

OUTCOMES = {
    "done": "Done",
    "failed": "Failed its checks",
    "stopped": "Stopped at a boundary",
    "error": "Ended by an error",
    "interrupted": "Interrupted",
    "unfinished": "Unfinished",
}
"""How a run ended, in words."""


def visible(text: str, *, multiline: bool = False, most: int = 2000) -> str:
    """Give text in which control, direction and invisible characters are seen as `⟨U+202E⟩`.

    Args:
        text: what a page, a model or a person wrote.
        multiline: whether newlines and tabs stay; else they are seen as `⏎` and `⇥`.
        most: characters to keep; how many were left out is said.
    """
    kept = text if len(text) <= most else text[:most]
    if not (kept.isascii() and kept.isprintable()):
        kept = "".join(_seen(kept, place, multiline=multiline) for place in range(len(kept)))
    return kept if len(text) <= most else f"{kept}… and {len(text) - most:,} more characters"


def _seen(text: str, place: int, *, multiline: bool) -> str:
    character = text[place]
    if character in "\n\t":
        return character if multiline else "⏎" if character == "\n" else "⇥"
    if character == "\u200d" and 0 < place < len(text) - 1 and unicodedata.category(text[place + 1]) == "So":
        return character
    if unicodedata.category(character) in _HIDDEN or character in _UNSEEN:
        return f"⟨U+{ord(character):04X}⟩"
    return character


def say(action: Action, target: Target | None = None) -> str:
    """Say an action as a person would: `click 'Add to cart' (button) at 412, 310`."""
    on = f" {named(target)}" if target is not None and named(target) else ""
    match action:
        case Type() | Press() | Hold() | Wait() | Upload():
            return _keyboard(action, on)
        case AskUser() | Answer() | GiveUp():
            return _speech(action)
        case Click() | Move() | MouseDown() | MouseUp() | Drag() | Scroll() | Zoom():
            return _pointer(action, on)
        case _:
            return _browsing(action)


def _pointer(action: Click | Move | MouseDown | MouseUp | Drag | Scroll | Zoom, on: str) -> str:
    match action:
        case Click(x=x, y=y):
            return f"{_click(action)}{on} at {x}, {y}"
        case Move(x=x, y=y):
            return f"move the pointer{' over' + on if on else ''} to {x}, {y}"
        case MouseDown(x=x, y=y) | MouseUp(x=x, y=y):
            what = "press" if isinstance(action, MouseDown) else "release"
            place = "" if x is None or y is None else f" at {x}, {y}"
            return f"{what} the {action.button} mouse button{' on' + on if on else ''}{place}"
        case Drag(path=(first, *_, last)):
            return f"drag{on} from {first.x}, {first.y} to {last.x}, {last.y}"
        case Scroll(x=x, y=y):
            return f"scroll {_way(action.dx, action.dy)} at {x}, {y}"
        case Zoom(region=(left, top, right, bottom)):
            return f"zoom in on {left}, {top} to {right}, {bottom}"
        case _:
            return action.kind


def _keyboard(action: Type | Press | Hold | Wait | Upload, on: str) -> str:
    match action:
        case Type(text=text):
            return f"type {_quoted(text)}{' into' + on if on else ''}"
        case Press(keys=keys):
            return f"press {_keys(keys)}{' in' + on if on else ''}"
        case Hold(keys=keys):
            return f"hold {_keys(keys)} for {seconds(action.seconds)}"
        case Wait():
            return f"wait {seconds(action.seconds)}"
        case Upload(files=files):
            return f"upload {', '.join(_quoted(file) for file in files)}"
        case _:
            assert_never(action)


def _browsing(action: TakeScreenshot | Goto | Back | Forward | Reload | NewTab | SwitchTab | CloseTab) -> str:
    match action:
        case TakeScreenshot():
            return "look again"
        case Goto(url=url):
            return f"go to {visible(url, most=300)}"
        case Back() | Forward():
            return f"go {action.kind}"
        case Reload():
            return "load the page again"
        case NewTab(url=url):
            return f"open a tab{'' if url is None else ' with ' + visible(url, most=300)}"
        case SwitchTab(tab=tab):
            return f"look at tab {tab}"
        case CloseTab(tab=tab):
            return "close this tab" if tab is None else f"close tab {tab}"
        case _:
            assert_never(action)


def _speech(action: AskUser | Answer | GiveUp) -> str:
    match action:
        case AskUser(question=text):
            return f"ask the person: {visible(text, most=300)}"
        case Answer(text=text):
            return f"answer: {visible(text, most=300)}" if text else "answer"
        case GiveUp(reason=text):
            return f"give up: {visible(text, most=300)}" if text else "give up"
        case _:
            assert_never(action)


def named(target: Target) -> str:
    """Say what a target is: `'Add to cart' (button)`."""
    name = target.name or target.text
    role = visible(target.role or target.tag, most=40)
    return " ".join(part for part in (_quoted(name, 80) if name else "", f"({role})" if role else "") if part)


def seconds(amount: float) -> str:
    """Say a duration: `34 ms`, `1.2 s`, `2 min 05 s`."""
    if amount < 0.9995:
        return f"{amount * 1000:.0f} ms"
    if amount < 59.95:
        return f"{amount:.1f} s"
    minutes, rest = divmod(round(amount), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def size(amount: int) -> str:
    """Say an amount of bytes: `512 B`, `12.3 kB`, `4.5 MB`."""
    if amount < 1000:
        return f"{amount} B"
    if amount < 999_950:
        return f"{amount / 1000:.1f} kB"
    return f"{amount / 1_000_000:.1f} MB"


def count(amount: int, one: str, many: str = "") -> str:
    """Say how many: `1 step`, `2 steps`."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def _click(action: Click) -> str:
    button = "" if action.button == "left" else f"{action.button}-"
    held = "".join(f"{key}+" for key in action.modifiers)
    return f"{held}{_TIMES[action.count]}{button}click"


def _way(dx: int, dy: int) -> str:
    ways = [f"{'down' if dy > 0 else 'up'} {abs(dy)} px"] if dy else []
    ways += [f"{'right' if dx > 0 else 'left'} {abs(dx)} px"] if dx else []
    return " and ".join(ways) or "by nothing"


def _keys(keys: tuple[str, ...]) -> str:
    return "+".join("Space" if key == " " else visible(key) for key in keys)


def _quoted(text: str, most: int = 200) -> str:
    return f"'{visible(text, most=most)}'"
