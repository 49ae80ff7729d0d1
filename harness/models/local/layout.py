"""What belongs together on the screen: a label and its field, tick box or value; a table and its cells."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import JsonValue

from harness.clearance import Box
from harness.models.local.matching import Ambiguous, Match, Missing, choose, gap, resolve, same_row
from harness.models.local.ocr import Line, View
from harness.models.local.pixels import Rect, Toggle, has_arrow, looks_like_link
from harness.models.local.sentences import Find


@dataclass(frozen=True)
class Field:
    """Where a label's text goes."""

    box: Box
    """The field, or the label itself where no field was seen."""
    seen: bool
    """Whether a field was seen."""
    text: str = ""
    """What stands in it: a value or a hint."""

    @property
    def centre(self) -> tuple[int, int]:
        """The point to click, in CSS pixels: at the left of a text, which may have parts of its own."""
        across = min(8.0, self.box.width / 4) if self.seen and self.text else self.box.width / 2
        return round(self.box.x + across), round(self.box.y + min(self.box.height / 2, 24))


def locate(
    view: View, find: Find, accept: Callable[[Match], bool] = lambda _: True
) -> Match | Missing | Ambiguous:
    """Find the one place that a sentence means: a text, or what looks like a link, a button or a field."""
    match find.kind:
        case "text":
            return resolve(view.lines, find, accept)
        case "button":
            return resolve(view.lines, find, lambda match: _in_button(view, match) and accept(match))
        case "link":
            return resolve(view.lines, find, lambda match: _is_link(view, match) and accept(match))
        case "field":
            fields = [match for match in _fields(view) if accept(match)]
            return choose(view.lines, find, fields)
        case _:
            assert_never(find.kind)


def field_of(view: View, label: Match) -> Field | None:
    """Find the field that a label names: around it, else right of it or below it, whichever is nearer."""
    if label.box in view.fields:
        return Field(label.box, seen=True, text=label.text)
    leaves = [box for box in view.fields if _is_field(view, box)]
    inside = [box for box in leaves if _holds(box, label.box)]
    for box in sorted(inside, key=lambda one: one.width * one.height):
        menu = view.image is not None and has_arrow(view.image, _rect(box))
        if len(_shown(view, box)) == 1 and (menu or not _centred(box, label.line.box)):
            return Field(box, seen=True, text=label.line.text)
    ranked: list[tuple[float, Box]] = []
    for box in leaves:
        if _holds(box, label.box):
            continue
        cost = _right_of(view, label.box, box)
        if cost is None:
            cost = _below(view, label.box, box)
        if cost is not None:
            texts = _texts(view, box)
            button = len(texts) == 1 and _centred(box, texts[0].box)
            ranked.append((cost + (1000 if button else 0), box))
    if not ranked:
        return None
    best = min(ranked, key=lambda one: one[0])[1]
    return Field(best, seen=True, text=" ".join(line.text for line in _texts(view, best)))


def toggle_of(view: View, label: Match) -> Toggle | None:
    """Find the tick box of a label: beside it, with no other text between."""
    ranked: list[tuple[float, Toggle]] = []
    for toggle in view.toggles:
        box = _box_of(toggle)
        middle = label.box.y + label.box.height / 2
        if abs(box.y + box.height / 2 - middle) > 0.7 * max(box.height, label.box.height):
            continue
        left = label.box.x - box.x - box.width
        right = box.x - label.box.x - label.box.width
        between = (box.x + box.width, label.box.x) if left >= -3 else (label.box.x + label.box.width, box.x)
        if (-3 <= left <= 48 or -3 <= right <= 800) and not _blocked(view, label.box, *between):
            ranked.append((left if left >= -3 else right + 1, toggle))
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def value_of(view: View, label: Match) -> str | None:
    """Read what stands after a label: in its line, else right of it, else below it."""
    rest = " ".join(word.text for word in label.after if word.box.y == label.box.y)
    value = re.sub(r"^[\s:=–—-]+", "", rest)  # noqa: RUF001
    if value:
        return value
    right = beside(view, label.box, "right")
    if right is not None:
        return right.text
    # A value below its label is close, and may be indented.
    box = label.box
    reach = box.model_copy(update={"width": box.width + 4 * box.height})
    below = beside(view, reach, "below")
    return below.text if below is not None and gap(below.box, reach) <= 2.5 * box.height else None


def beside(view: View, anchor: Box, side: Literal["below", "above", "right", "left"]) -> Line | None:
    """Give the nearest line on one side of a box."""
    found = []
    for line in view.lines:
        box = line.box
        across = box.x < anchor.x + anchor.width and box.x + box.width > anchor.x
        match side:
            case "right":
                fits = same_row(box, anchor) and box.x >= anchor.x + anchor.width - 2
            case "left":
                fits = same_row(box, anchor) and box.x + box.width <= anchor.x + 2
            case "below":
                fits = across and box.y >= anchor.y + anchor.height - 2
            case "above":
                fits = across and box.y + box.height <= anchor.y + 2
        if fits:
            found.append(line)
    return min(found, key=lambda line: gap(line.box, anchor)) if found else None


def table_below(view: View, heading: Box) -> list[JsonValue] | None:
    """Read the first table below a box: objects keyed by the header row, cells joined to columns by place."""
    rows = _rows([line for line in view.lines if line.box.y >= heading.y + heading.height - 2])
    for place in range(len(rows) - 1):
        header = _in_one_table(rows[place], rows[place + 1 : place + 3], heading, view)
        if len(header) >= 2 and _aligned(header, rows[place + 1]):
            return _read_rows(header, rows[place + 1 :])
    return None


def menus(view: View) -> list[Field]:
    """Find the fields that end in a menu's arrow."""
    if view.image is None:
        return []
    return [
        Field(box, seen=True, text=" ".join(line.text for line in _texts(view, box)))
        for box in view.fields
        if _is_field(view, box) and has_arrow(view.image, _rect(box))
    ]


def _rect(box: Box) -> Rect:
    return Rect(round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height))


def _fields(view: View) -> list[Match]:
    found = []
    for box in view.fields:
        texts = _texts(view, box)
        if _is_field(view, box) and not (len(texts) == 1 and _centred(box, texts[0].box)) and len(texts) < 2:
            shown = texts[0].text if texts else ""
            found.append(Match(shown, box, 1.0, 0, Line(shown, box, 1.0, ())))
    return sorted(found, key=lambda match: (round(match.box.y / 8), match.box.x))


def _in_button(view: View, place: Match) -> bool:
    around = [box for box in view.fields if _holds(box, place.box) and box.height <= 5 * place.box.height]
    return any(_centred(box, place.line.box) and len(_texts(view, box)) == 1 for box in around)


def _is_link(view: View, place: Match) -> bool:
    return view.image is not None and looks_like_link(view.image, _rect(place.box))


def _in_one_table(row: list[Line], below: list[list[Line]], heading: Box, view: View) -> list[Line]:
    # Text beside the table, such as a menu at the edge of the page, is far from the cells around it.
    if all(len(row) >= len(cells) and _all_lined_up(row, cells) for cells in below):
        return row
    limit = max(200.0, 0.3 * view.width)
    groups: list[list[Line]] = []
    for line in row:
        last = groups[-1][-1].box if groups else None
        if last is not None and line.box.x - last.x - last.width < limit:
            groups[-1].append(line)
        else:
            groups.append([line])
    return min(groups, key=lambda group: min(abs(line.box.x - heading.x) for line in group))


def _aligned(header: list[Line], row: list[Line]) -> bool:
    fit = [line for line in row if any(_lined_up(line.box, head.box) for head in header)]
    return len(header) >= 0.6 * len(row) and len(fit) >= max(2, 0.5 * min(len(header), len(row)))


def _all_lined_up(header: list[Line], row: list[Line]) -> bool:
    return all(any(_lined_up(line.box, head.box) for head in header) for line in row)


def _lined_up(one: Box, other: Box) -> bool:
    ends = (
        abs(one.x - other.x),
        abs(one.x + one.width - other.x - other.width),
        abs(one.x + one.width / 2 - other.x - other.width / 2),
    )
    return min(ends) <= 8


def _read_rows(header: list[Line], rows: list[list[Line]]) -> list[JsonValue]:
    table: list[dict[str, JsonValue]] = []
    names = _names(header)
    bottom = header[0].box.y + header[0].box.height
    pitch: float | None = None
    for row in rows:
        cells = [
            cell for line in row for cell in _cells(header, line) if _column(header, cell.box) is not None
        ]
        if not cells:
            continue
        down = min(line.box.y for line in cells) - bottom
        if down > 2.0 * (pitch if pitch is not None else 3 * header[0].box.height) + 8:
            break
        pitch = down if pitch is None else max(pitch, down)
        bottom = max(line.box.y + line.box.height for line in cells)
        record: dict[str, JsonValue] = dict.fromkeys(names, "")
        for line in cells:
            column = _column(header, line.box)
            if column is not None:
                before = record[names[column]]
                record[names[column]] = f"{before} {line.text}".strip()
        if table and not record[names[0]] and down < 0.6 * pitch:
            last = table[-1]
            for name in names:
                last[name] = f"{last[name]} {record[name]}".strip()
        else:
            table.append(record)
    return list(table)


def _cells(header: list[Line], line: Line) -> list[Line]:
    # Where no rule was seen between two cells, the second still begins where its header does.
    starts = [
        place
        for place, word in enumerate(line.words)
        if place and any(abs(word.box.x - head.box.x) <= 8 for head in header if head.box.x > line.box.x + 8)
    ]
    found = []
    for first, after in zip([0, *starts], [*starts, len(line.words)], strict=True):
        words = line.words[first:after]
        left, right = words[0].box.x, words[-1].box.x + words[-1].box.width
        box = line.box.model_copy(update={"x": left, "width": max(1.0, right - left)})
        found.append(Line(" ".join(word.text for word in words), box, line.score, words))
    return found


def _names(header: list[Line]) -> list[str]:
    names: list[str] = []
    for line in header:
        name = line.text
        while name in names:
            name += " 2"
        names.append(name)
    return names


def _column(header: list[Line], box: Box) -> int | None:
    def apart(head: Box) -> float:
        shared = min(box.x + box.width, head.x + head.width) - max(box.x, head.x)
        if shared > 0:
            return -shared
        return min(abs(box.x - head.x), abs(box.x + box.width - head.x - head.width))

    best = min(range(len(header)), key=lambda place: apart(header[place].box))
    return best if apart(header[best].box) <= 160 else None


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: one.box.y + one.box.height / 2):
        if rows and same_row(rows[-1][0].box, line.box):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda one: one.box.x) for row in rows]


def _box_of(toggle: Toggle) -> Box:
    rect = toggle.box
    return Box(x=rect.left, y=rect.top, width=rect.width, height=rect.height)


def _is_field(view: View, box: Box) -> bool:
    if not (12 <= box.height <= 400 and box.width >= 24):
        return False
    if box.x <= 0 or box.y <= 0 or box.x + box.width >= view.width or box.y + box.height >= view.height:
        return False
    return not any(other is not box and other != box and _holds(box, other) for other in view.fields)


def _holds(outer: Box, inner: Box) -> bool:
    x, y = inner.x + inner.width / 2, inner.y + inner.height / 2
    return (
        outer.x <= x <= outer.x + outer.width
        and outer.y <= y <= outer.y + outer.height
        and outer.width >= inner.width - 2
        and outer.height >= inner.height - 2
    )


def _texts(view: View, box: Box) -> list[Line]:
    return [line for line in view.lines if _holds(box, line.box)]


def _shown(view: View, box: Box) -> list[Line]:
    # The arrow at the end of a menu is at times read as a letter.
    return [line for line in _texts(view, box) if len(line.text) > 1 or line.box.x < box.x + box.width - 30]


def _centred(box: Box, text: Box) -> bool:
    left, right = text.x - box.x, box.x + box.width - text.x - text.width
    return abs(left - right) <= max(5.0, 0.08 * box.width)


def _blocked(view: View, row: Box, left: float, right: float) -> bool:
    return any(
        same_row(line.box, row)
        and line.box.x + line.box.width > left + 1
        and line.box.x < right - 1
        and re.search(r"\w", line.text)
        for line in view.lines
    )


def _right_of(view: View, label: Box, box: Box) -> float | None:
    across = box.x - label.x - label.width
    middle = label.y + label.height / 2
    if not (-2 <= across <= 500 and box.y - 4 <= middle <= box.y + box.height + 4):
        return None
    return None if _blocked(view, label, label.x + label.width, box.x) else max(0.0, across)


def _below(view: View, label: Box, box: Box) -> float | None:
    down = box.y - label.y - label.height
    if not (-3 <= down <= 2.5 * label.height + 8) or not (
        box.x <= label.x + label.width and box.x + box.width >= label.x
    ):
        return None
    for line in view.lines:
        other = line.box
        if (
            label.y + label.height <= other.y + other.height / 2 <= box.y
            and other.x < label.x + label.width
            and other.x + other.width > label.x
        ):
            return None
    return max(0.0, down) + 0.2 * abs(box.x - label.x)
