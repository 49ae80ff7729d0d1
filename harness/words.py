"""Effects in plain words, with nothing in them that a page or a model could hide or fake."""

import unicodedata
from typing import TypeGuard, assert_never
from urllib.parse import quote

import ada_url

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
from harness.clearance import Act, Effect, FileOffer, Incident, Plan, Request, SafetySignal, Target, Usage

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\x1b": "\\e"}
_MARKS = 2
_NAME = 80
_TEXT = 200
_URL = 300
_COUNTS = {1: "", 2: "double-", 3: "triple-"}


def visible(text: str, limit: int | None = None) -> str:
    r"""Give text on one line with every invisible character written out, such as `\u{202e}`.

    Control, ANSI, bidirectional, zero-width, private and unassigned characters, blanks that are not the
    space, and marks piled on one letter are written out; a backslash is doubled, so nothing can pretend to
    be an escape.

    Args:
        text: anything a page or a model wrote.
        limit: characters of `text` to show at most: its head and its tail, with its whole length between.
    """
    if limit is None or len(text) <= limit:
        return _shown(text)
    tail = limit // 3
    head = limit - tail
    return f"{_shown(text[:head])} […{len(text):,} characters in all…] {_shown(text[len(text) - tail :])}"


def _shown(text: str) -> str:
    parts: list[str] = []
    piled = 0
    for character in text:
        kind = unicodedata.category(character)
        piled = piled + 1 if kind in ("Mn", "Me") else 0
        if character == " ":
            parts.append(character)
        elif character == "\\":
            parts.append("\\\\")
        elif character in _SHORT:
            parts.append(_SHORT[character])
        elif kind in _HIDDEN or kind == "Zs" or character in _BLANK or piled > _MARKS or _selects(character):
            parts.append(f"\\u{{{ord(character):x}}}")
        else:
            parts.append(character)
    return "".join(parts)


def _selects(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def quoted(text: str, limit: int | None = None) -> str:
    """Give `visible` text in single quotes, with the quotes inside it marked."""
    return "'" + visible(text, limit).replace("'", "\\'") + "'"


def host(url: str) -> str:
    """Give a URL's host in ASCII, with its port if it has one; `no host` where there is none."""
    try:
        return ada_url.URL(url).host or "no host"
    except ValueError:
        return "no host"


def address(url: str, limit: int = _URL) -> str:
    """Give a URL as a browser reads it, in ASCII."""
    try:
        return visible(ada_url.URL(url).href, limit)
    except ValueError:
        return visible(quote(url, safe="/:?#[]@!$&'()*+,;=%~ "), limit)


def origin(text: str) -> str:
    """Give an origin as a browser reads it, in ASCII; `null` for an opaque one."""
    try:
        return visible(ada_url.URL(text).origin, _URL)
    except ValueError:
        return visible(text, _NAME)


def describe(effect: Effect) -> str:
    """Say what would happen, such as `click 'Pay' (button) in https://shop.test at 640, 512`."""
    match effect:
        case Act(action=action, target=target):
            return _action(action, target)
        case Request(method=method, url=url, body_size=size):
            body = f" ({size:,} bytes)" if size else ""
            return f"{visible(method, 20)} {address(url)}{body}"
        case FileOffer(name=name, url=url):
            return f"keep the file {quoted(name, _NAME)} from {address(url)}"
        case Plan(text=text):
            return f"follow the plan {quoted(text, _TEXT)}"
        case SafetySignal(provider=provider, code=code, message=message):
            words = f": {quoted(message, _TEXT)}" if message else ""
            return f"go on after the warning {visible(code, _NAME)} by {visible(provider, _NAME)}{words}"
        case _:
            assert_never(effect)


def points(action: Action) -> tuple[tuple[int, int], ...]:
    """Give the places on the screen that an action touches, in order."""
    match action:
        case Click(x=x, y=y) | Move(x=x, y=y) | Scroll(x=x, y=y):
            return ((x, y),)
        case MouseDown(x=x, y=y) | MouseUp(x=x, y=y):
            return ((x, y),) if x is not None and y is not None else ()
        case Drag(path=path):
            return tuple((point.x, point.y) for point in path)
        case _:
            return ()


def _action(action: Action, target: Target | None) -> str:
    match action:
        case Click() | Move() | MouseDown() | MouseUp() | Drag() | Scroll():
            return _pointing(action, target)
        case Type() | Press() | Hold() | Upload():
            return _giving(action, target)
        case Wait() | TakeScreenshot() | Zoom() | Goto() | Back() | Forward() | Reload():
            return _looking(action)
        case NewTab() | SwitchTab() | CloseTab() | AskUser() | Answer() | GiveUp():
            return _deciding(action)
        case _:
            assert_never(action)


def _pointing(action: Click | Move | MouseDown | MouseUp | Drag | Scroll, target: Target | None) -> str:
    thing = _thing(target)
    held = f" with {'+'.join(action.modifiers)} held" if _held(action) else ""
    match action:
        case Click(button=button, count=count):
            verb = {"left": "click", "right": "right-click"}.get(button, f"{button}-click")
            return f"{_COUNTS[count]}{verb}{thing}{_at(action)}{held}"
        case Move():
            return f"point at{thing or ' the screen'}{_at(action)}"
        case MouseDown(button=button):
            return f"press the {button} mouse button on{thing or ' the screen'}{_at(action)}"
        case MouseUp(button=button):
            return f"release the {button} mouse button on{thing or ' the screen'}{_at(action)}"
        case Drag(path=path):
            end = _thing(target.end) if target else ""
            onto = f" on{end}" if end else ""
            return f"drag{thing} from {path[0].x}, {path[0].y} to {path[-1].x}, {path[-1].y}{onto}{held}"
        case Scroll(dx=dx, dy=dy):
            ways = [f"{abs(dy)} px {'down' if dy > 0 else 'up'}"] if dy else []
            ways += [f"{abs(dx)} px {'right' if dx > 0 else 'left'}"] if dx else []
            return f"scroll{thing} {' and '.join(ways) or 'by nothing'}{_at(action)}{held}"


def _held(action: Action) -> TypeGuard[Click | Drag | Scroll]:
    return isinstance(action, Click | Drag | Scroll) and bool(action.modifiers)


def _giving(action: Type | Press | Hold | Upload, target: Target | None) -> str:
    match action:
        case Type(text=text):
            secret = target is not None and target.password
            what = f"{len(text):,} hidden characters" if secret else quoted(text, _TEXT)
            return f"type {what}{_onto(target, 'into')}"
        case Press(keys=keys):
            return f"press {visible('+'.join(keys), _NAME)}{_onto(target, 'in')}"
        case Hold(keys=keys, seconds=seconds):
            return f"hold {visible('+'.join(keys), _NAME)} for {seconds:g} s{_onto(target, 'in')}"
        case Upload(files=files):
            names = ", ".join(quoted(name, _NAME) for name in files[:10])
            return f"upload {names}{_more(files)}{_onto(target, 'to')}"


def _looking(action: Wait | TakeScreenshot | Zoom | Goto | Back | Forward | Reload) -> str:
    match action:
        case Wait(seconds=seconds):
            return f"wait {seconds:g} s"
        case TakeScreenshot():
            return "look again"
        case Zoom(region=(left, top, right, bottom)):
            return f"look closer at {left}, {top} to {right}, {bottom}"
        case Goto(url=url):
            return f"go to {address(url)}"
        case Back():
            return "go back"
        case Forward():
            return "go forward"
        case Reload():
            return "load the page again"


def _deciding(action: NewTab | SwitchTab | CloseTab | AskUser | Answer | GiveUp) -> str:
    match action:
        case NewTab(url=url):
            return f"open a new tab at {address(url)}" if url else "open a new tab"
        case SwitchTab(tab=tab):
            return f"switch to tab {tab}"
        case CloseTab(tab=tab):
            return "close this tab" if tab is None else f"close tab {tab}"
        case AskUser(question=question):
            return f"ask you: {quoted(question, _TEXT)}"
        case Answer(text=text, data=data):
            values = f" with {', '.join(visible(name, _NAME) for name in data)}" if data else ""
            return f"finish with the answer {quoted(text, _TEXT)}{values}"
        case GiveUp(reason=reason):
            return f"give up: {quoted(reason, _TEXT)}"


def _more(files: tuple[str, ...]) -> str:
    return f" and {len(files) - 10} more" if len(files) > 10 else ""


def _at(action: Action) -> str:
    places = points(action)
    return f" at {places[0][0]}, {places[0][1]}" if places else " where the pointer is"


def _onto(target: Target | None, preposition: str) -> str:
    thing = _thing(target)
    return f" {preposition}{thing}" if thing else ""


def _thing(target: Target | None) -> str:
    if target is None:
        return ""
    name = target.name or target.text
    kind = target.role or target.tag
    words = f" {quoted(name, _NAME)}" if name else ""
    words += f" ({visible(kind, 40)})" if name and kind else f" a {visible(kind, 40)}" if kind else ""
    return words + (f" in {origin(target.frame_origin)}" if target.frame_origin else "")


def spent(usage: Usage) -> str:
    """Say what an answer or a run cost: nothing where nothing was counted, never zero for the unknown."""
    if usage.input_tokens is None and usage.output_tokens is None:
        return ""
    read, written = (
        "unknown" if count is None else f"{count:,}" for count in (usage.input_tokens, usage.output_tokens)
    )
    cost = "cost unknown" if usage.cost_usd is None else f"{usage.cost_usd:.4f} USD"
    return f"{read} tokens read, {written} written, {cost}"


def mishap(incident: Incident) -> str:
    """Say what went wrong with an answer."""
    waited = "" if incident.waited is None else f"; asked again after {incident.waited:g} s"
    return f"{incident.fault.replace('_', ' ')}: {visible(incident.message, _TEXT)}{waited}"
