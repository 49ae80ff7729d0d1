"""What the conditions of a rule are compared with: the fields of an effect, in the spellings that matter."""

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote_plus

from harness.action import (
    Action,
    Answer,
    AskUser,
    Click,
    CloseTab,
    Drag,
    GiveUp,
    Goto,
    Hold,
    MouseDown,
    MouseUp,
    NewTab,
    Press,
    Scroll,
    SwitchTab,
    Type,
    Upload,
)
from harness.clearance import Act, FileOffer, Plan, Request, SafetySignal, Sight, Target
from harness.policy.match import Values, chord_name, fold
from harness.policy.urls import Address, parse, spellings

Read = Callable[[str], Values]
"""Gives the value of one field of one effect."""

_TOUCHING = (Click, MouseDown, MouseUp, Drag, Type, Press, Hold)
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/bfnrt]))")


def action_values(act: Act, tab: int | None = None, missing: frozenset[str] = frozenset()) -> Read:
    """Read the fields of an action; those of a target that is not known are unknown.

    Args:
        act: the action and its target.
        tab: the number of the active tab, if it is known.
        missing: fields that cannot be known.
    """
    unknown: Values = None if act.target is None and isinstance(act.action, _TOUCHING) else ()

    def read(field: str) -> Values:
        if field in missing:
            return None
        if field in _OF_TARGET:
            return _OF_TARGET[field](act.target) if act.target else unknown
        if field == "tab":
            return _tab(act.action, tab)
        return _OF_ACTION[field](act.action)

    return read


def request_values(request: Request) -> Read:
    """Read the fields of a request."""

    def read(field: str) -> Values:
        if field.startswith("header."):
            wanted = field.removeprefix("header.")
            return tuple(value for name, value in request.headers if name.lower() == wanted)
        return _OF_REQUEST[field](request)

    return read


def page_values(url: str, address: Address | None) -> Read:
    """Read the fields of a page that a tab is sent to."""

    def read(field: str) -> Values:
        if field == "host":
            return (address.host,) if address else ()
        return spellings(url)

    return read


def uploads(act: Act) -> bool:
    """Whether an action gives files to a page: by their names, or with what is chosen in the file chooser."""
    if isinstance(act.action, Upload):
        return True
    target = act.target
    return target is not None and _box(target) == "files" and _answer(act.action, target) == "accept"


def upload_values(act: Act) -> Read:
    """Read the fields of an action that gives files; which ones is not known where a chooser is clicked."""
    of_action = action_values(act)
    files = act.action.files if isinstance(act.action, Upload) else None
    return lambda field: files if field == "files" else of_action(field)


def answers(act: Act) -> bool:
    """Whether an action meets a box that the harness draws."""
    return act.target is not None and act.target.dialog is not None


def dialog_values(act: Act) -> Read:
    """Read the fields of an action that meets a box."""
    target = act.target or Target()
    fields: dict[str, Values] = {
        "dialog": (_box(target),),
        "text": _words(_unquoted((target.dialog or "").partition(": ")[2])),
        "answer": (_answer(act.action, target),),
        "page": _link(target.url),
    }
    return lambda field: fields[field]


def download_values(file: FileOffer) -> Read:
    """Read the fields of a file that a page gives."""

    def read(field: str) -> Values:
        match field:
            case "name":
                return _words(file.name)
            case "host":
                address = parse(file.url.removeprefix("blob:"))
                return (address.host,) if address and address.host else ()
            case "page":
                return _link(file.page)
            case _:
                return spellings(file.url)

    return read


def screen_values(sight: Sight) -> Read:
    """Read the fields of what the screen shows; its text is unknown where it was not read."""
    fields: dict[str, Values] = {
        "seen.url": _link(sight.url),
        "seen.title": _words(sight.title),
        "seen.text": None if sight.text is None else _words(sight.text),
    }
    return lambda field: fields[field]


def screen_numbers(sight: Sight) -> Mapping[str, int | None]:
    """Give the numbers of what the screen shows."""
    return {"seen.tabs": sight.tabs}


def plan_values(plan: Plan) -> Read:
    """Read the fields of a plan."""
    return lambda _: _words(plan.text)


def signal_values(signal: SafetySignal) -> Read:
    """Read the fields of a vendor's warning."""
    fields = {"provider": (signal.provider,), "code": (signal.code,), "message": _words(signal.message)}
    return lambda field: fields[field]


def leads_to(action: Action) -> str | None:
    """Give the URL that an action loads by itself; nothing if it loads none."""
    if isinstance(action, Goto):
        return action.url
    if isinstance(action, NewTab) and action.url is not None:
        return None if action.url == "about:blank" else action.url
    return None


def _words(text: str) -> tuple[str, ...]:
    folded = fold(text)
    return (folded,) if folded == text else (folded, text)


def _said(action: Action) -> Values:
    match action:
        case Type() | Answer():
            return _words(action.text)
        case AskUser():
            return _words(action.question)
        case GiveUp():
            return _words(action.reason)
        case _:
            return ()


def _chords(action: Action) -> Values:
    match action:
        case Press() | Hold():
            return (chord_name(action.keys),)
        case Type():
            pressed = {"Enter": "\n\r", "Tab": "\t", "Space": " "}
            return tuple(key for key, chars in pressed.items() if any(char in action.text for char in chars))
        case _:
            return ()


def _button(action: Action) -> Values:
    match action:
        case Click() | MouseDown() | MouseUp():
            return (action.button,)
        case Drag():
            return ("left",)
        case _:
            return ()


def _modifiers(action: Action) -> Values:
    match action:
        case Click() | Drag() | Scroll():
            return action.modifiers
        case _:
            return ()


def _tab(action: Action, active: int | None) -> Values:
    match action:
        case SwitchTab(tab=tab):
            return (str(tab),)
        case CloseTab(tab=tab) if tab is not None:
            return (str(tab),)
        case NewTab():
            return ()
        case _:
            return None if active is None else (str(active),)


def _box(target: Target) -> str:
    if target.dialog is None:
        return ""
    kind = target.dialog.partition(":")[0]
    return kind if kind in ("alert", "confirm", "prompt") else "files"


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _answer(action: Action, target: Target) -> str:
    match action:
        case Press(keys=("Enter",)) | Hold(keys=("Enter",)):
            return "accept"
        case Press(keys=(" ",)) if _box(target) in ("alert", "confirm"):
            return "accept"
        case Press(keys=("Escape",)) | Hold(keys=("Escape",)):
            return "dismiss"
        case Type(text=text) if "\n" in text or "\r" in text:
            return "accept"
        case Upload():
            return "accept"
        case Click() | MouseDown() | MouseUp() if target.role == "button":
            return {"OK": "accept", "Open": "accept", "Cancel": "dismiss"}.get(target.name, "other")
        case _:
            return "other"


def _body(request: Request) -> Values:
    if request.body_text is None:
        return None if request.body_size else ()
    text = request.body_text
    plain = unquote_plus(text, errors="replace") if "%" in text or "+" in text else text
    found = dict.fromkeys((text, plain))
    for one in (text, plain):
        if "\\" in one:
            found[_JSON_ESCAPE.sub(_unescaped, one)] = None
    return tuple(found)


def _unescaped(found: re.Match[str]) -> str:
    try:
        return str(json.loads(f'"{found[0]}"'))
    except ValueError:
        return found[0]


def _url(action: Action) -> Values:
    url = leads_to(action)
    return () if url is None else spellings(url)


def _host(request: Request) -> Values:
    address = parse(request.url)
    return (address.host,) if address else ()


def _optional(text: str | None) -> Values:
    return () if text is None else (text,)


def _link(url: str | None) -> Values:
    return () if not url else spellings(url)


def _truth(*, value: bool) -> Values:
    return ("true" if value else "false",)


_OF_ACTION: Mapping[str, Callable[[Action], Values]] = {
    "kind": lambda action: (action.kind,),
    "keys": _chords,
    "text": _said,
    "url": _url,
    "button": _button,
    "modifiers": _modifiers,
    "files": lambda action: action.files if isinstance(action, Upload) else (),
}
_OF_TARGET: Mapping[str, Callable[[Target], Values]] = {
    "page": lambda target: _link(target.url),
    "target.role": lambda target: (target.role,),
    "target.name": lambda target: (fold(target.name),),
    "target.text": lambda target: (fold(target.text),),
    "target.tag": lambda target: (target.tag,),
    "target.href": lambda target: _link(target.href),
    "target.form_method": lambda target: _optional(target.form_method),
    "target.form_action": lambda target: _link(target.form_action),
    "target.frame_origin": lambda target: (target.frame_origin,),
    "target.editable": lambda target: _truth(value=target.editable),
    "target.password": lambda target: _truth(value=target.password),
    "target.submits": lambda target: _truth(value=target.submits),
    "target.input_type": lambda target: _optional(target.input_type),
}
_OF_REQUEST: Mapping[str, Callable[[Request], Values]] = {
    "method": lambda request: (request.method.upper(),),
    "url": lambda request: spellings(request.url),
    "host": _host,
    "resource": lambda request: (request.resource,),
    "initiator": lambda request: _optional(request.initiator),
    "body": _body,
}
