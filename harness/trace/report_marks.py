"""Draws on a screenshot what an action touched: an SVG in the pixels of the screenshot."""

from collections.abc import Sequence
from typing import NamedTuple

from harness.action import Action, Click, Drag, MouseDown, MouseUp, Move, Scroll, Zoom
from harness.clearance import Box
from harness.trace.timeline import Deed


class _At(NamedTuple):
    x: float
    y: float


def marks(deeds: Sequence[Deed], width: int, height: int) -> str:
    """Give the SVG elements for the actions of a step; empty if none has a place on the screen."""
    placed = [deed for deed in deeds if deed.action is not None]
    labels = [
        f'<g class="mark">{_number(place, number, width, height)}</g>'
        for number, deed in enumerate(placed, 1)
        if len(placed) > 1 and deed.action is not None and (place := _place(deed.action)) is not None
    ]
    return "".join((*(_marked(deed) for deed in placed), *labels))


def _marked(deed: Deed) -> str:
    if deed.action is None:
        return ""
    box = _box(deed.target.box) if deed.target is not None and deed.target.box is not None else ""
    drawn = _drawn(deed.action)
    if not box and not drawn:
        return ""
    kind = "mark refused" if deed.refused else "mark asked" if deed.askings else "mark"
    return f'<g class="{kind}">{box}{drawn}</g>'


def _place(action: Action) -> _At | None:
    match action:
        case Click() | Move() | Scroll():
            return _At(action.x, action.y)
        case MouseDown(x=int(x), y=int(y)) | MouseUp(x=int(x), y=int(y)):
            return _At(x, y)
        case Drag(path=path):
            return _At(path[0].x, path[0].y)
        case _:
            return None


def _drawn(action: Action) -> str:
    place = _place(action)
    match action:
        case Drag(path=path):
            return _drag([_At(point.x, point.y) for point in path])
        case Scroll() if place is not None:
            return _scroll(place, action.dx, action.dy)
        case Zoom(region=(left, top, right, bottom)):
            return _twice(
                f'<rect class="zoom" x="{min(left, right)}" y="{min(top, bottom)}" '
                f'width="{abs(right - left)}" height="{abs(bottom - top)}"/>'
            )
        case Move() if place is not None:
            return _twice(f'<circle cx="{place.x}" cy="{place.y}" r="9"/>')
        case Click(count=count) if place is not None:
            return _cross(place, count)
        case _:
            return _cross(place, 1) if place is not None else ""


def _cross(at: _At, rings: int) -> str:
    arms = "".join(
        f"M{at.x + dx * 13} {at.y + dy * 13}L{at.x + dx * 25} {at.y + dy * 25}"
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
    )
    circles = "".join(f'<circle cx="{at.x}" cy="{at.y}" r="{13 + 6 * ring}"/>' for ring in range(rings))
    return _twice(f'{circles}<path d="{arms}"/>') + f'<circle class="dot" cx="{at.x}" cy="{at.y}" r="2.5"/>'


def _drag(path: Sequence[_At]) -> str:
    points = " ".join(f"{point.x},{point.y}" for point in path)
    first, last = path[0], path[-1]
    return (
        _twice(
            f'<circle cx="{first.x}" cy="{first.y}" r="8"/><polyline points="{points}"/>'
            + _head(path[-2] if len(path) > 1 else first, last)
        )
        + f'<circle class="dot" cx="{first.x}" cy="{first.y}" r="2.5"/>'
    )


def _scroll(at: _At, dx: int, dy: int) -> str:
    longest = max(abs(dx), abs(dy), 1)
    reach = min(max(longest, 50), 160) / longest
    end = _At(at.x + dx * reach, at.y + dy * reach)
    shaft = f'<path d="M{at.x} {at.y}L{end.x:g} {end.y:g}"/>'
    return _twice(f'<circle cx="{at.x}" cy="{at.y}" r="8"/>{shaft}{_head(at, end)}')


def _head(before: _At, end: _At) -> str:
    """An arrow's head at the end of a line."""
    dx, dy = end.x - before.x, end.y - before.y
    length = max((dx * dx + dy * dy) ** 0.5, 1.0)
    ux, uy = dx / length * 12, dy / length * 12
    one = f"M{end.x - ux - uy * 0.7:.1f} {end.y - uy + ux * 0.7:.1f}"
    other = f"L{end.x - ux + uy * 0.7:.1f} {end.y - uy - ux * 0.7:.1f}"
    return f'<path d="{one}L{end.x:g} {end.y:g}{other}"/>'


def _box(box: Box) -> str:
    width, height = max(box.width, 0) + 4, max(box.height, 0) + 4
    place = f'x="{box.x - 2:g}" y="{box.y - 2:g}" width="{width:g}" height="{height:g}"'
    return _twice(f'<rect class="target" rx="4" {place}/>')


def _number(at: _At, number: int, width: int, height: int) -> str:
    x, y = min(max(at.x + 26, 15), width - 15), min(max(at.y - 26, 15), height - 15)
    return f'<circle class="disc" cx="{x}" cy="{y}" r="14"/><text x="{x}" y="{y}">{number}</text>'


def _twice(shapes: str) -> str:
    """Draws shapes over a wider pale copy of themselves, so that they stand out on any page."""
    return f'<g class="halo">{shapes}</g><g class="line">{shapes}</g>'
