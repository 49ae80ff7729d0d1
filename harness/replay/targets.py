"""Whether a live element is the recorded one: by all that is said of it, or by what it means.

A target's own fingerprint holds names that the browser gave in one run, so it never fits another run.
`mark` is a fingerprint that does: over everything but where the element is.
"""

import hashlib
import json
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import JsonValue

from harness.clearance import Box, Target

_QUIET: Final = ("body", "html")
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
    """Give what a target means to whoever uses it: what it is called and what it does.

    Two targets with the same meaning may look different, and may differ in a link's query.
    """
    quiet = target.tag in _QUIET
    said: dict[str, JsonValue] = {
        "role": "" if quiet else target.role,
        "name": "" if quiet else " ".join(target.name.split()),
    }
    said |= doing(target)
    return said


def doing(target: Target) -> dict[str, JsonValue]:
    """Give what using a target does, whatever it is called."""
    said: dict[str, JsonValue] = {
        "link": _bare(target.href),
        "form": _bare(target.form_action),
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


def difference(recorded: Target, live: Target) -> str:
    """Say in words what is not the same in two targets; nothing if their meaning is."""
    was, now = meaning(recorded), meaning(live)
    parts = [
        f"{name} was {_shown(was.get(name))}, is {_shown(now.get(name))}"
        for name in (*was, *(name for name in now if name not in was))
        if was.get(name) != now.get(name)
    ]
    return "; ".join(parts)


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


def _bare(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _shown(value: JsonValue) -> str:
    return "nothing" if value in (None, "") else repr(value)[:200]
