"""Read a screenshot: which words are where. What did not change since the last one is not read again."""

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
    fresh: tuple[Box, ...]
    """Where it differs from the screenshot before; the whole screen for the first."""
    image: "Image | None" = field(default=None, compare=False, repr=False)
    """The pixels; nothing for a screen that was not read."""


@dataclass(frozen=True)
class _Found:
    box: "Rect"
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Seen:
    sha256: str
    image: "Image"
    found: tuple[_Found, ...]
    view: View


class Reader:
    """Reads screenshots with PP-OCRv6, which ships inside the `rapidocr` package. Thread-safe.

    The networks are loaded by the first `read`. A screenshot of the same size as the one before is compared
    with it, and only the rectangles that differ, grown to whole lines, are read; a strip of pixels that was
    read anywhere before is not read again.
    """

    def __init__(self, threads: int = 2) -> None:
        """Set how many threads the networks may use."""
        self._threads = threads
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._seen: _Seen | None = None
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
            seen = self._seen
            if seen is None or seen.sha256 != screenshot.sha256:
                seen = self._look(screenshot, seen)
                self._seen = seen
            return seen.view

    def _look(self, screenshot: Screenshot, before: _Seen | None) -> _Seen:
        # Loading numpy, OpenCV and onnxruntime takes half a second that runs with other models need not pay.
        from harness.models.local import pixels  # noqa: PLC0415

        image = pixels.decode(screenshot.png)
        whole = pixels.bounds(image)
        toggles = pixels.toggles(image)
        fields = pixels.flat_boxes(image, toggles)
        if before is not None and before.image.shape == image.shape:
            changed = pixels.changes(before.image, image)
            regions = _regions(changed, [one.box for one in before.found], whole)
        else:
            before, changed, regions = None, [whole], [whole]
        known = list(before.found) if before is not None else []
        kept, boxes = self._renew(image, known, regions, toggles)
        found = (*kept, *self._recognise(image, boxes, toggles, fields))
        view = View(
            width=image.shape[1],
            height=image.shape[0],
            lines=_in_reading_order(line for one in found for line in one.lines),
            toggles=tuple(toggles),
            fields=tuple(_box(rect) for rect in fields),
            fresh=tuple(_box(rect) for rect in changed),
            image=image,
        )
        return _Seen(screenshot.sha256, image, found, view)

    def _renew(
        self, image: "Image", known: list[_Found], regions: list["Rect"], toggles: list["Toggle"]
    ) -> tuple[list[_Found], list["Rect"]]:
        from harness.models.local import pixels  # noqa: PLC0415

        while True:
            kept = [one for one in known if not _touches(one.box, regions)]
            boxes = [box for region in regions for box in self._detect(image, region, toggles)]
            # What was known and now looks otherwise is read anew as a whole, with all that it touches.
            shaken = [one.box for one in kept if _touches(one.box, boxes)]
            if not shaken:
                return kept, boxes
            regions = _regions([*regions, *shaken], [one.box for one in known], pixels.bounds(image))

    def _networks(self) -> "Engine":
        from harness.models.local.engine import Engine  # noqa: PLC0415

        if self._engine is None:
            self._engine = Engine(self._threads)
        return self._engine

    def _detect(self, image: "Image", region: "Rect", toggles: list["Toggle"]) -> list["Rect"]:
        from harness.models.local import pixels  # noqa: PLC0415

        around = region.grown(32, 32, pixels.bounds(image))
        scale = 2.0 if min(image.shape[:2]) <= _SMALL_SCREEN else 1.0
        found = [
            rect._replace(
                left=rect.left + around.left,
                top=rect.top + around.top,
                right=rect.right + around.left,
                bottom=rect.bottom + around.top,
            )
            for rect in self._networks().detect(pixels.cut(image, around), scale)
        ]
        missed = pixels.strays(image, around, [*found, *(toggle.box for toggle in toggles)])
        return [rect for rect in (*found, *missed) if rect.touches(region)]

    def _recognise(
        self, image: "Image", boxes: list["Rect"], toggles: list["Toggle"], fields: list["Rect"]
    ) -> tuple[_Found, ...]:
        from harness.models.local import pixels  # noqa: PLC0415

        pieces = [(box, piece) for box in boxes for piece in pixels.segments(image, box, toggles, fields)]
        strips = [pixels.cut(image, piece.strip) for _, piece in pieces]
        lines: dict[Rect, list[Line]] = {box: [] for box in boxes}
        for (box, piece), reading in zip(pieces, self._readings(strips), strict=True):
            line = _line(reading, piece)
            if line is not None:
                lines[box].append(line)
        return tuple(_Found(box, tuple(read)) for box, read in lines.items())

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


def _touches(box: "Rect", others: list["Rect"]) -> bool:
    return any(box.touches(other) for other in others)


def _regions(changed: list["Rect"], known: list["Rect"], whole: "Rect") -> list["Rect"]:
    from harness.models.local.pixels import merge  # noqa: PLC0415

    regions = merge([rect.grown(16, 6, whole) for rect in changed])
    while True:
        grown = merge(
            [region.union(box) if region.touches(box) else region for region in regions for box in known]
            or regions
        )
        if grown == regions:
            break
        regions = grown
    if sum(rect.width * rect.height for rect in regions) > 0.6 * whole.width * whole.height:
        return [whole]
    return regions


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
