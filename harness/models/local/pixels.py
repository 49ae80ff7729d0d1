"""What pixels alone tell: ink and its gaps, boxes drawn on the screen, tick boxes."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_CONTRAST = 45
_TILE = (640, 144)
_OVERLAP = (32, 24)
_RIM = 3


class Rect(NamedTuple):
    """A rectangle in whole pixels; `right` and `bottom` are just outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.bottom - self.top

    def touches(self, other: "Rect") -> bool:
        """Whether they share a pixel."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle around both."""
        return Rect(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def moved(self, across: int, down: int) -> "Rect":
        """The same rectangle elsewhere."""
        return Rect(self.left + across, self.top + down, self.right + across, self.bottom + down)

    def holds_middle(self, other: "Rect") -> bool:
        """Whether the other's middle lies in it."""
        across, down = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= across <= self.right and self.top <= down <= self.bottom

    def within(self, bounds: "Rect") -> "Rect":
        """The part that lies within bounds."""
        return Rect(
            max(self.left, bounds.left),
            max(self.top, bounds.top),
            min(self.right, bounds.right),
            min(self.bottom, bounds.bottom),
        )

    def grown(self, across: int, down: int, bounds: "Rect") -> Self:
        """Larger on every side, but within bounds."""
        return self._replace(
            left=min(self.left, max(bounds.left, self.left - across)),
            top=min(self.top, max(bounds.top, self.top - down)),
            right=max(self.right, min(bounds.right, self.right + across)),
            bottom=max(self.bottom, min(bounds.bottom, self.bottom + down)),
        )


class Piece(NamedTuple):
    """A run of ink that is read as one line."""

    ink: Rect
    """What the ink fills."""
    strip: Rect
    """What is read: the ink and some paper around it, but nothing of what stands beside."""
    gaps: tuple[tuple[int, int], ...] = ()
    """Where no ink is for three columns or more: from, and just after."""


@dataclass(frozen=True)
class Toggle:
    """A tick box or a radio button."""

    box: Rect
    """Where it is."""
    checked: bool
    """Whether something is drawn inside."""
    shape: Literal["square", "round"]
    """A tick box is square, a radio button round."""


def decode(png: bytes) -> Image:
    """Unpack a PNG file into rows of blue, green, red."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("the screenshot is not a readable PNG file")
    return np.asarray(image, np.uint8)


def bounds(image: Image) -> Rect:
    """The whole image."""
    return Rect(0, 0, image.shape[1], image.shape[0])


def cut(image: Image, rect: Rect) -> Image:
    """The pixels of a rectangle."""
    return image[rect.top : rect.bottom, rect.left : rect.right]


class Tile(NamedTuple):
    """A part of the screen that is searched for text on its own."""

    area: Rect
    """What is searched."""
    core: Rect
    """What it answers for: a line whose middle lies elsewhere is whole in another tile."""


def tiles(whole: Rect) -> list[Tile]:
    """Divide an image into tiles that overlap by more than a line of text."""
    found = []
    for top in range(0, whole.bottom, _TILE[1]):
        for left in range(0, whole.right, _TILE[0]):
            core = Rect(left, top, left + _TILE[0], top + _TILE[1]).within(whole)
            found.append(Tile(core.grown(*_OVERLAP, whole), core.grown(4, 4, whole)))
    return found


def stitch(found: list[list[Rect]]) -> list[Rect]:
    """Join what neighbouring tiles found of the same line."""
    boxes = [(tile, box) for tile, own in enumerate(found) for box in own]
    group = list(range(len(boxes)))
    for index, (tile, box) in enumerate(boxes):
        for other in range(index):
            if boxes[other][0] != tile and _continues(box, boxes[other][1]):
                joined, gone = group[other], group[index]
                group = [joined if one == gone else one for one in group]
    wholes: dict[int, Rect] = {}
    for one, (_, box) in zip(group, boxes, strict=True):
        wholes[one] = wholes[one].union(box) if one in wholes else box
    return sorted(wholes.values(), key=lambda rect: (rect.top, rect.left))


def _continues(one: Rect, other: Rect) -> bool:
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    across = min(one.right, other.right) - max(one.left, other.left)
    narrower = min(one.width, other.width)
    return down >= 0.6 * min(one.height, other.height) and across >= min(24, 0.5 * narrower)


def ink(region: Image) -> Mask:
    """Which pixels stand out from the region's most common colour."""
    coarse = (region >> 4).astype(np.int32)
    codes = (coarse[..., 0] << 8 | coarse[..., 1] << 4 | coarse[..., 2]).ravel()
    common = np.bincount(codes, minlength=4096).argmax()
    paper = np.median(region.reshape(-1, 3)[codes == common], axis=0).astype(np.int16)
    return np.asarray(np.abs(region.astype(np.int16) - paper).max(axis=2) > _CONTRAST)


def segments(image: Image, box: Rect, toggles: list[Toggle], fields: list[Rect]) -> list[Piece]:
    """Split a found line where something else stands between its words, and fit the pieces to their ink.

    The side of a field, a tick box, a vertical rule and a wide gap each end a piece.
    """
    middle = (box.top + box.bottom) / 2
    cells = [
        field
        for field in fields
        if field.grown(_RIM, 0, bounds(image)).touches(box)
        and field.top <= middle < field.bottom
        and field.height <= 3 * box.height
        and not _is_counter(field, box)
    ]
    marks = sorted({toggle.box for toggle in toggles if toggle.box.touches(box)} | set(cells))
    found: list[Piece] = []
    whole = bounds(image)
    start, wall = box.left, 0
    for mark in marks:
        if mark.left - _RIM > start:
            before = box._replace(left=start, right=min(box.right, mark.left - _RIM))
            found += _inked(image, before, whole._replace(left=wall, right=mark.left - _RIM))
        if mark in cells:
            # Rounded corners reach into the field.
            inside = Rect(
                max(start, mark.left + 2),
                max(box.top, mark.top + 2),
                min(box.right, mark.right - 2),
                min(box.bottom, mark.bottom - 2),
            )
            if inside.width > 1 and inside.height > 1:
                found += _inked(image, inside, mark)
        wall = max(wall, mark.right + _RIM - 1)
        start = max(start, min(box.right, wall))
    rest = box._replace(left=start)
    return found + (_inked(image, rest, whole._replace(left=wall)) if rest.width > 1 else [])


def distinct(pieces: list[Piece]) -> list[Piece]:
    """Leave out the pieces that lie mostly within a larger one."""
    kept: list[Piece] = []
    for piece in sorted(pieces, key=lambda one: (-one.ink.width * one.ink.height, one.ink)):
        area = piece.ink
        if not any(
            area.touches(other.ink) and _size(area.within(other.ink)) > 0.6 * _size(area) for other in kept
        ):
            kept.append(piece)
    return kept


def _size(rect: Rect) -> int:
    return rect.width * rect.height


def _is_counter(field: Rect, box: Rect) -> bool:
    """Whether a closed area is the inside of a large letter."""
    return field.width <= 1.3 * field.height and field.top >= box.top + 2 and field.bottom <= box.bottom - 2


def _inked(image: Image, box: Rect, limits: Rect) -> list[Piece]:
    tall = box.grown(0, 3, bounds(image))
    marks = ink(cut(image, tall))
    if marks.mean() > 0.6:
        return [Piece(box, box)]
    body = marks[box.top - tall.top : box.bottom - tall.top].copy()
    body[body.mean(axis=1) > 0.95] = False
    # A letter is not as high as the box that was found around its line; the side of a cell is.
    wall = np.asarray(marks[2:-2].all(axis=0), np.bool_)
    long = np.ones((1, max(24, round(0.8 * box.height))), np.uint8)
    rules = np.flatnonzero(_runs(body.astype(np.uint8), long).any(axis=1))
    above, below = rules[rules < box.height / 2], rules[rules >= box.height / 2]
    if len(above) and len(below):
        # A cell of a table: what reaches from its upper to its lower side is a side too.
        body[: above[-1] + 1] = False
        body[below[0] :] = False
        wall |= body[above[-1] + 1 : below[0]].all(axis=0)
    body[:, wall] = False
    band = _main_band(body)
    if band is None:
        return []
    body[: band[0]] = False
    body[band[1] :] = False
    rows = np.flatnonzero(body.any(axis=1))
    columns = np.flatnonzero(body.any(axis=0))
    gap = max(9.0, 0.85 * (rows[-1] - rows[0] + 1))
    pieces: list[list[int]] = [[int(columns[0])] * 2]
    for column in columns[1:]:
        last = pieces[-1][1]
        if column - last > gap or wall[last:column].any():
            pieces.append([int(column), int(column)])
        else:
            pieces[-1][1] = int(column)
    found = []
    for first, last in pieces:
        lines = np.flatnonzero(body[:, first : last + 1].any(axis=1))
        rect = Rect(
            box.left + first, box.top + int(lines[0]), box.left + last + 1, box.top + int(lines[-1]) + 1
        )
        if rect.height >= 4 and rect.width >= 2:
            pad = max(2, round(rect.height * 0.2))
            # An underline reaches into the space after its last letter.
            letters = body[lines[0] : lines[-1] + 1, first : last + 1].astype(np.uint8)
            under = np.ones((1, max(12, round(1.2 * rect.height))), np.uint8)
            letters[_runs(letters, under) > 0] = 0
            inked = np.flatnonzero(letters.any(axis=0)) + rect.left
            blanks = np.flatnonzero(np.diff(inked) > 3)
            gaps = tuple((int(inked[place]) + 1, int(inked[place + 1])) for place in blanks)
            found.append(Piece(rect, rect.grown(pad, pad, limits), gaps))
    return found


def _runs(marks: Image, length: Image) -> Image:
    # By default OpenCV takes what lies outside of the image for ink.
    return np.asarray(
        cv2.morphologyEx(
            marks, cv2.MORPH_OPEN, length, borderType=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0)
        ),
        np.uint8,
    )


def _main_band(body: Mask) -> tuple[int, int] | None:
    """Give the rows of the line itself, from and just after, without slivers of the lines above and below."""
    inked = np.concatenate([[False], body.any(axis=1), [False]])
    edges = np.flatnonzero(inked[1:] != inked[:-1])
    bands = [(int(first), int(after)) for first, after in zip(edges[::2], edges[1::2], strict=True)]
    if not bands:
        return None
    top, bottom = max(bands, key=lambda band: int(body[band[0] : band[1]].sum()))
    size = bottom - top
    for first, after in bands:
        cut_off = first == 0 or after == len(body)
        apart = max(first - bottom, top - after)
        if not cut_off and 0 <= apart <= 0.35 * size and max(bottom, after) - min(top, first) <= 1.6 * size:
            top, bottom = min(top, first), max(bottom, after)
    return top, bottom


def looks_like_link(image: Image, rect: Rect) -> bool:
    """Whether the ink in a rectangle is coloured, or has a line under it."""
    area = rect.grown(1, 3, bounds(image))
    region = cut(image, area)
    marks = ink(region)
    if not marks.any():
        return False
    if bool((marks[rect.height // 2 :].mean(axis=1) > 0.85).any()):
        return True
    # Where ink meets paper their colours mix; the ink's own colour is the one farthest from the paper's.
    paper = np.median(region[~marks].astype(np.int16), axis=0) if not marks.all() else 0
    dots = region[marks].astype(np.int16)
    far = np.abs(dots - paper).sum(axis=1)
    own = dots[far >= np.quantile(far, 0.7)]
    return bool(np.median(own.max(axis=1) - own.min(axis=1)) > 70)


def steps(image: Image) -> Image:
    """Give how much each pixel differs from the one left of it or above it, whichever is more."""
    most: Image = np.zeros(image.shape[:2], np.uint8)
    for here, there, out in (
        (image[:, 1:], image[:, :-1], most[:, 1:]),
        (image[1:], image[:-1], most[1:]),
    ):
        if here.size:
            blue, green, red = cv2.split(cv2.absdiff(here, there))
            np.maximum(out, np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8), out=out)
    return most


def flat_boxes(edges: Image, toggles: list[Toggle]) -> list[Rect]:
    """Find areas of one colour that are closed in by an edge and fill their rectangle: fields and buttons."""
    calm = (edges <= 6).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(calm, connectivity=4)
    taken = {toggle.box for toggle in toggles}
    found = []
    for index in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[index])
        if w < 16 or h < 10 or area < 0.25 * w * h:
            continue
        rect = Rect(x, y, x + w, y + h)
        if any(rect.touches(box) and box.width >= w - 4 for box in taken):
            continue
        part = np.equal(labels[y : y + h, x : x + w], index)
        rim = (part[:3].any(axis=0).mean() + part[-3:].any(axis=0).mean()) / 2
        side = (part[:, :3].any(axis=1).mean() + part[:, -3:].any(axis=1).mean()) / 2
        if rim > 0.7 and side > 0.55:
            found.append(rect)
    return found


def undivided(image: Image, boxes: list[Rect]) -> list[Rect]:
    """Join the two parts of a field that the caret divides: one column of high contrast."""
    found: list[Rect] = []
    for box in sorted(boxes):
        part = next((one for one in found if _caret_between(image, one, box)), None)
        if part is not None:
            found.remove(part)
        found.append(box if part is None else part.union(box))
    return found


def _caret_between(image: Image, one: Rect, other: Rect) -> bool:
    if not (0 <= other.left - one.right <= 2 and abs(one.top - other.top) <= 1 and one.height <= 64):
        return False
    if abs(one.bottom - other.bottom) > 1:
        return False
    area = image[one.top + 2 : one.bottom - 2, one.right - 1 : other.left + 1].astype(np.int16)
    paper = np.median(cut(image, one).reshape(-1, 3), axis=0)
    dark = (np.abs(area - paper).max(axis=2) > 150).all(axis=0)
    return int(dark.sum()) == 1


def toggles(image: Image, edges: Image) -> list[Toggle]:
    """Find tick boxes and radio buttons: small closed shapes as wide as high, apart from other ink."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((edges > 20).astype(np.uint8), connectivity=8)
    found = []
    for index in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[index])
        if not (10 <= w <= 26 and abs(w - h) <= 1):
            continue
        rect = Rect(x, y, x + w, y + h)
        shape = _shape(image, rect)
        if shape is not None:
            found.append(Toggle(rect, _drawn_inside(image, rect, shape), shape))
    return found


def _shape(image: Image, rect: Rect) -> Literal["square", "round"] | None:
    part = cut(image, rect).astype(np.int16)
    whole = bounds(image)
    around = rect.grown(2, 2, whole)
    rim = np.concatenate(
        [
            image[around.top, around.left : around.right],
            image[around.bottom - 1, around.left : around.right],
            image[around.top : around.bottom, around.left],
            image[around.top : around.bottom, around.right - 1],
        ]
    ).astype(np.int16)
    paper = np.median(rim, axis=0)
    if np.abs(rim - paper).max() > 24:
        return None
    differs = np.abs(part - paper).max(axis=2) > 24
    size = rect.width
    middle = slice(size // 2 - 2, size // 2 + 3)
    sides = (
        differs[:2, middle].any(axis=0),
        differs[-3:, middle].any(axis=0),
        differs[middle, :2].any(axis=1),
        differs[middle, -3:].any(axis=1),
    )
    if not all(bool(side.all()) for side in sides):
        return None
    reach = max(1, size // 6)
    along = [
        differs[:3].any(axis=0)[reach:-reach].mean(),
        differs[-3:].any(axis=0)[reach:-reach].mean(),
        differs[:, :3].any(axis=1)[reach:-reach].mean(),
        differs[:, -3:].any(axis=1)[reach:-reach].mean(),
    ]
    if min(along) > 0.95:
        return "square"
    corners = differs[:reach, :reach].any() or differs[-reach:, -reach:].any()
    return "round" if not corners and min(along) > 0.4 else None


def _drawn_inside(image: Image, rect: Rect, shape: Literal["square", "round"]) -> bool:
    if shape == "square":
        inset = max(3, round(rect.width * 0.24))
        core = image[rect.top + inset : rect.bottom - inset, rect.left + inset : rect.right - inset]
        dots = core.reshape(-1, 3).astype(np.int16)
        return bool((dots.max(axis=0) - dots.min(axis=0)).max() > 70)
    down, across = (rect.top + rect.bottom - 1) // 2, (rect.left + rect.right - 1) // 2
    reach = round(rect.width * 0.29)
    centre = np.median(image[down - 1 : down + 2, across - 1 : across + 2].reshape(-1, 3), axis=0)
    around = [
        image[down - reach, across],
        image[down + reach, across],
        image[down, across - reach],
        image[down, across + reach],
    ]
    apart = np.abs(np.median(np.stack(around).astype(np.int16), axis=0) - centre).max()
    return bool(apart > 60 or centre.max() - centre.min() > 60)


def has_arrow(image: Image, field: Rect) -> bool:
    """Whether a field ends in a menu's small arrow: wider above than below, half-way up."""
    end = field._replace(left=max(field.left, field.right - 30), right=field.right - 1)
    if end.width < 8 or field.height < 8:
        return False
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        ink(cut(image, end)).astype(np.uint8), connectivity=8
    )
    for index in range(1, count):
        x, y, w, h, _ = (int(value) for value in stats[index])
        if not (5 <= w <= 14 and 3 <= h <= 9 and w > h) or abs(y + h / 2 - field.height / 2) > 3:
            continue
        rows = [np.flatnonzero(row) for row in np.equal(labels[y : y + h, x : x + w], index)]
        if np.ptp(rows[0]) >= np.ptp(rows[-1]) + 3:
            return True
    return False


def strays(edges: Image, covered: list[Rect]) -> list[Rect]:
    """Find ink of the size of a word that is in none of the covered rectangles, at most 64 pieces of it."""
    edge = (edges > _CONTRAST).astype(np.uint8)
    for rect in covered:
        edge[max(0, rect.top - 2) : rect.bottom + 2, max(0, rect.left - 2) : rect.right + 2] = 0
    across = _runs(edge, np.ones((1, 32), np.uint8))
    down = _runs(edge, np.ones((28, 1), np.uint8))
    edge[(across > 0) | (down > 0)] = 0
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        cv2.dilate(edge, np.ones((3, 9), np.uint8)), connectivity=8
    )
    found = []
    for index in range(1, count):
        x, y, w, h, area = (int(value) for value in stats[index])
        if not (8 <= h <= 44 and 10 <= w <= 240) or area < 0.3 * w * h:
            continue
        rows, columns = np.nonzero((labels[y : y + h, x : x + w] == index) & (edge[y : y + h, x : x + w] > 0))
        rect = Rect(
            max(0, x + int(columns.min()) - 1),
            max(0, y + int(rows.min()) - 1),
            min(edges.shape[1], x + int(columns.max()) + 2),
            min(edges.shape[0], y + int(rows.max()) + 2),
        )
        if rect.height >= 6:
            found.append(rect)
    return found[:64]
