"""What the conditions of a rule are compared with: the fields of an effect, in the spellings that matter."""

from collections.abc import Callable, Mapping

from harness.action import (
    Action,
    Answer,
    AskUser,
    Click,
    Drag,
    GiveUp,
    Goto,
    Hold,
    MouseDown,
    MouseUp,
    NewTab,
    Press,
    Type,
    Upload,
)
from harness.clearance import Act, Plan, Request, SafetySignal, Target
from harness.policy.match import Values, chord_name, fold
from harness.policy.urls import Address, parse, spellings

Read = Callable[[str], Values]
"""Gives the value of one field of one effect."""

_TOUCHING = (Click, MouseDown, MouseUp, Drag, Type, Press, Hold)


def action_values(act: Act, missing: frozenset[str] = frozenset()) -> Read:
    """Read the fields of an action; those `missing`, and those of a target not known, are unknown."""
    unknown: Values = None if act.target is None and isinstance(act.action, _TOUCHING) else ()

    def read(field: str) -> Values:
        if field in missing:
            return None
        if field in _OF_TARGET:
            return _OF_TARGET[field](act.target) if act.target else unknown
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
}
