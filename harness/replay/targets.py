"""Whether a live element is the recorded one: by all that is said of it, or by what it means.

A target's own fingerprint holds names that the browser gave in one run, so it never fits another run.
`mark` is a fingerprint that does: over everything but where the element is.
"""

import hashlib
import json
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue

from harness.clearance import Box, Target

_QUIET: Final = ("body", "html")
_ADDRESSES: Final = ("link", "form")
_TOKEN: Final = 16
"""Characters from which on a value with a digit in it may be another in every run."""
_KEPT: Final = (
    "role",
    "name",
    "tag",
    "text",
    "href",
    "form_method",
    "form_action",
    "submits",
    "input_type",
    "editable",
    "password",
    "frame_origin",
    "dialog",
)


def mark(target: Target) -> str:
    """Fingerprint a target over all that is the same in every run: everything but its place."""
    return hashlib.sha256(json.dumps(_said(target), sort_keys=True).encode()).hexdigest()


def _said(target: Target) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {name: target.__dict__[name] for name in _KEPT}
    if target.tag in _QUIET:
        # What a whole page says changes all the time.
        said |= {"tag": "body", "role": "", "name": "", "text": ""}
    others = {"submitter": target.submitter, "end": target.end, "behind": target.behind}
    return said | {name: _said(other) for name, other in others.items() if other is not None}


def meaning(target: Target) -> dict[str, JsonValue]:
    """Give what a target means to whoever uses it: what it is called and what it does."""
    quiet = target.tag in _QUIET
    said: dict[str, JsonValue] = {
        "role": "" if quiet else target.role,
        "name": "" if quiet else " ".join(target.name.split()),
    }
    return said | doing(target)


def doing(target: Target) -> dict[str, JsonValue]:
    """Give what using a target does, whatever it is called."""
    said: dict[str, JsonValue] = {
        "link": target.href,
        "form": target.form_action,
        "form method": target.form_method,
        "submits": target.submits,
        "password": target.password,
        "frame": target.frame_origin,
        "dialog": target.dialog,
    }
    if target.submitter is not None:
        said["what Enter presses"] = meaning(target.submitter)
    if target.end is not None:
        said["where it is dropped"] = meaning(target.end)
    return said


def means(recorded: Target, live: Target) -> bool:
    """Whether a live target is called and does what the recorded one did; it may look another way."""
    return not _unlike(meaning(recorded), meaning(live))


def does(recorded: Target, live: Target) -> bool:
    """Whether a live target does what the recorded one did, whatever it is called."""
    return not _unlike(doing(recorded), doing(live))


def difference(recorded: Target, live: Target) -> str:
    """Say in words what is not the same in two targets; nothing if their meaning is."""
    was, now = meaning(recorded), meaning(live)
    parts = [f"{name} was {_shown(was.get(name))}, is {_shown(now.get(name))}" for name in _unlike(was, now)]
    return "; ".join(parts)


def _unlike(was: dict[str, JsonValue], now: dict[str, JsonValue]) -> list[str]:
    names = dict.fromkeys((*was, *now))
    return [name for name in names if not _fits(name, was.get(name), now.get(name))]


def _fits(name: str, was: JsonValue, now: JsonValue) -> bool:
    if isinstance(was, dict) and isinstance(now, dict):
        return not _unlike(was, now)
    if name in _ADDRESSES and isinstance(was, str) and isinstance(now, str):
        return was == now or _leads(was, now)
    return was == now


def _leads(was: str, now: str) -> bool:
    """Whether an address leads where another did: to the same path, with all of its query but for tokens."""
    try:
        one, other = urlsplit(was), urlsplit(now)
        if one._replace(query="") != other._replace(query=""):
            return False
        kept = dict(parse_qsl(other.query, keep_blank_values=True))
        wanted = parse_qsl(one.query, keep_blank_values=True)
    except ValueError:
        return False
    return all(
        name in kept and (kept[name] == value or (_token(value) and _token(kept[name])))
        for name, value in wanted
    )


def _token(value: str) -> bool:
    return len(value) >= _TOKEN and value.isascii() and any(char.isdigit() for char in value)


def overlap(one: Box, other: Box) -> float:
    """Give the part of two boxes' common area that both cover, 0 to 1."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0.0, across) * max(0.0, down)
    all_of_it = one.width * one.height + other.width * other.height - both
    return both / all_of_it if all_of_it else 0.0


def carried(point: tuple[int, int], was: Box, now: Box) -> tuple[int, int]:
    """Carry a point of a box to the like point of another, at least a pixel inside it."""
    found = []
    for at, start, length, onto, extent in (
        (point[0], was.x, was.width, now.x, now.width),
        (point[1], was.y, was.height, now.y, now.height),
    ):
        part = min(1.0, max(0.0, (at - start) / length)) if length else 0.5
        edge = min(1.0, extent / 2)
        found.append(round(min(max(onto + part * extent, onto + edge), onto + extent - edge)))
    return found[0], found[1]


def _shown(value: JsonValue) -> str:
    return "nothing" if value in (None, "") else repr(value)[:200]
