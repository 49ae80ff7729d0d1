"""Read a screenshot: which words are where. What was seen before is not read again."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.clearance import Box
from harness.screen import Screenshot

if TYPE_CHECKING:
    from harness.models.local.engine import Engine, Reading
    from harness.models.local.pixels import Image, Piece, Rect, Toggle

_KEPT_STRIPS = 8192
_KEPT_TILES = 512
_SMALL_SCREEN = 420


@dataclass(frozen=True)
class Word:
    """A run of characters without a space."""

    text: str
    """As read."""
    box: Box
    """Where it is, in CSS pixels."""


@dataclass(frozen=True)
class Line:
    """Words side by side with no wide gap, field edge or tick box between them."""

    text: str
    """As read, with single spaces."""
    box: Box
    """Where its ink is, in CSS pixels."""
    score: float
    """How sure the reading is, 0 to 1."""
    words: tuple[Word, ...]
    """Its words from left to right."""


@dataclass(frozen=True)
class View:
    """Everything the pixels of one screenshot tell."""

    width: int
    """Pixels across."""
    height: int
    """Pixels down."""
    lines: tuple[Line, ...]
    """The text, in reading order."""
    toggles: tuple["Toggle", ...]
    """Tick boxes and radio buttons."""
    fields: tuple[Box, ...]
    """Areas of one colour closed in by an edge: fields, buttons, panels."""
    image: "Image | None" = field(default=None, compare=False, repr=False)
    """The pixels; nothing for a screen that was not read."""


class Reader:
    """Reads screenshots with PP-OCRv6, which ships inside the `rapidocr` package. Thread-safe.

    The networks are loaded by the first `read`. The screen is searched in tiles, and what a tile or a line
    says depends on its own pixels alone: those that were seen before, on any screen, are not read again, and
    the result is the same as if they were.
    """

    def __init__(self, threads: int = 2) -> None:
        """Set how many threads the networks may use."""
        self._threads = threads
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._last: tuple[str, View] | None = None
        self._tiles: OrderedDict[bytes, list[Rect]] = OrderedDict()
        self._strips: OrderedDict[bytes, Reading] = OrderedDict()

    def read(self, screenshot: Screenshot) -> tuple[Line, ...]:
        """Give the lines of text in reading order.

        Raises:
            ModelError: if the networks are not installed.
            ValueError: if the screenshot is not a readable PNG file.
        """
        return self.view(screenshot).lines

    def view(self, screenshot: Screenshot) -> View:
        """Give the lines of text, and the tick boxes, fields and changes around them.

        Raises:
            ModelError: if the networks are not installed.
            ValueError: if the screenshot is not a readable PNG file.
        """
        with self._lock:
            if self._last is None or self._last[0] != screenshot.sha256:
                self._last = (screenshot.sha256, self._look(screenshot))
            return self._last[1]

    def _look(self, screenshot: Screenshot) -> View:
        # Loading numpy, OpenCV and onnxruntime takes half a second that runs with other models need not pay.
        from harness.models.local import pixels  # noqa: PLC0415

        image = pixels.decode(screenshot.png)
        edges = pixels.steps(image)
        toggles = pixels.toggles(image, edges)
        fields = pixels.undivided(image, pixels.flat_boxes(edges, toggles))
        boxes = self._detect(image)
        boxes += pixels.strays(edges, [*boxes, *(toggle.box for toggle in toggles)])
        pieces = [piece for box in boxes for piece in pixels.segments(image, box, toggles, fields)]
        pieces = pixels.distinct(pieces)
        readings = self._readings([pixels.cut(image, piece.strip) for piece in pieces])
        lines = (_line(reading, piece) for piece, reading in zip(pieces, readings, strict=True))
        return View(
            width=image.shape[1],
            height=image.shape[0],
            lines=_in_reading_order(line for line in lines if line is not None),
            toggles=tuple(toggles),
            fields=tuple(_box(rect) for rect in fields),
            image=image,
        )

    def _networks(self) -> "Engine":
        from harness.models.local.engine import Engine  # noqa: PLC0415

        if self._engine is None:
            self._engine = Engine(self._threads)
        return self._engine

    def _detect(self, image: "Image") -> list["Rect"]:
        from harness.models.local import pixels  # noqa: PLC0415

        scale = 2.0 if min(image.shape[:2]) <= _SMALL_SCREEN else 1.0
        found: list[list[Rect]] = []
        for tile in pixels.tiles(pixels.bounds(image)):
            area = pixels.cut(image, tile.area)
            key = _key(area)
            if key not in self._tiles:
                self._tiles[key] = self._networks().detect(area, scale)
            self._tiles.move_to_end(key)
            boxes = [rect.moved(tile.area.left, tile.area.top) for rect in self._tiles[key]]
            found.append([box for box in boxes if tile.core.holds_middle(box)])
        while len(self._tiles) > _KEPT_TILES:
            self._tiles.popitem(last=False)
        return pixels.stitch(found)

    def _readings(self, strips: list["Image"]) -> list["Reading"]:
        keys = [_key(strip) for strip in strips]
        new = {key: strip for key, strip in zip(keys, strips, strict=True) if key not in self._strips}
        fresh = dict(zip(new, self._networks().recognise(list(new.values())), strict=True)) if new else {}
        for key in keys:
            self._strips[key] = fresh[key] if key in fresh else self._strips[key]
            self._strips.move_to_end(key)
        answers = [self._strips[key] for key in keys]
        while len(self._strips) > _KEPT_STRIPS:
            self._strips.popitem(last=False)
        return answers


def _key(strip: "Image") -> bytes:
    return hashlib.blake2b(repr(strip.shape).encode() + strip.tobytes(), digest_size=16).digest()


def _box(rect: "Rect") -> Box:
    return Box(x=rect.left, y=rect.top, width=rect.width, height=rect.height)


def _line(reading: "Reading", piece: "Piece") -> Line | None:
    if not reading.text.strip() or reading.score < 0.5:
        return None
    area = piece.ink
    places = [piece.strip.left + centre * piece.strip.width for centre in reading.centres]
    space = _space(piece, reading.text, places)
    words: list[tuple[str, float, float]] = []
    fresh = True
    for character, place in zip(reading.text, places, strict=True):
        if character.isspace():
            fresh = True
            continue
        if words and not fresh:
            # The network tends to lose spaces, most of all after a full stop; the pixels still show them.
            blank = _gap(piece, words[-1][2], place)
            stop = words[-1][0][-1] in (".:" if character.isupper() else "") + ",;!?)|"
            least = 3.0 if stop and character.isalpha() else space
            fresh = blank is not None and blank[1] - blank[0] >= least
        if fresh:
            words.append((character, place, place))
            fresh = False
        else:
            words[-1] = (words[-1][0] + character, words[-1][1], place)
    spread: list[Word] = []
    left = float(area.left)
    for index, (word, _, last) in enumerate(words):
        right, onward = float(area.right), float(area.right)
        if index + 1 < len(words):
            following = words[index + 1][1]
            blank = _gap(piece, last, following)
            right, onward = blank if blank is not None else ((last + following) / 2,) * 2
        right = min(max(left + 1, right), float(area.right))
        spread.append(Word(word, Box(x=left, y=area.top, width=right - left, height=area.height)))
        left = min(max(onward, right), area.right - 1.0)
    return Line(" ".join(word.text for word in spread), _box(area), reading.score, tuple(spread))


def _space(piece: "Piece", text: str, places: list[float]) -> float:
    widths = []
    for before, character, after in zip(range(len(text)), text[1:], range(2, len(text)), strict=False):
        blank = _gap(piece, places[before], places[after]) if character == " " else None
        if blank is not None:
            widths.append(blank[1] - blank[0])
    if not widths:
        return max(4.0, 0.5 * piece.ink.height)
    return max(3.0, 0.75 * sorted(widths)[len(widths) // 2])


def _gap(piece: "Piece", left: float, right: float) -> tuple[float, float] | None:
    between = [
        gap for gap in piece.gaps if gap[0] >= left - 2 and gap[1] <= right + 2 and gap[1] - gap[0] >= 3
    ]
    return max(between, key=lambda gap: gap[1] - gap[0]) if between else None


def _in_reading_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box.y + line.box.height / 2, line.box.x)):
        middle = line.box.y + line.box.height / 2
        first = rows[-1][0].box if rows else None
        if first is not None and abs(first.y + first.height / 2 - middle) < 0.5 * min(
            first.height, line.box.height
        ):
            rows[-1].append(line)
        else:
            rows.append([line])
    return tuple(line for row in rows for line in sorted(row, key=lambda line: line.box.x))
