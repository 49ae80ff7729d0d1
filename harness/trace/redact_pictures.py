"""Paints over what must not be seen in screenshots, by reading them."""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from PIL import Image, ImageDraw, UnidentifiedImageError

from harness.clearance import Box
from harness.screen import Screenshot
from harness.trace.patterns import Patterns

MOST_PIXELS = 64_000_000
"""Pixels a picture may have to be read; a larger one is painted over as a whole."""
_MARGIN = 3
_SHORTEST = 5
_COLOUR = (32, 32, 32)
_ALIKE = str.maketrans("OoIl|SsBZz", "0011155822")


class Word(Protocol):
    """A word in a picture."""

    @property
    def text(self) -> str:
        """As read."""
        ...

    @property
    def box(self) -> Box:
        """Where it is, in pixels."""
        ...


class Line(Protocol):
    """Words side by side."""

    @property
    def words(self) -> Sequence[Word]:
        """From left to right."""
        ...


class Reads(Protocol):
    """Reads pictures, such as the local model's reader."""

    def read(self, screenshot: Screenshot) -> Sequence[Line]:
        """Give the lines of text.

        Raises:
            ValueError: if it is not a readable PNG file.
        """
        ...


class Painted(NamedTuple):
    """One thing that was painted over."""

    kind: str
    """What it was: a pattern's name, or `picture` for a picture as a whole."""
    box: tuple[int, int, int, int]
    """Left, top, width and height in pixels."""


class Pictures:
    """Masks pictures."""

    def __init__(self, patterns: Patterns, reads: Reads | None) -> None:
        """Look for what `patterns` finds and for what it has masked; without a reader nothing can be seen.

        Args:
            patterns: what is to be masked.
            reads: reads pictures; if nothing, every picture is painted over as a whole.
        """
        self._patterns = patterns
        self._reads = reads

    def masked(self, png: bytes) -> tuple[bytes, list[Painted]]:
        """Give a picture with what was found in it painted over, and what that was.

        A picture that cannot be read is painted over as a whole.
        """
        try:
            screenshot = Screenshot.of(png)
            if self._reads is None or screenshot.width * screenshot.height > MOST_PIXELS:
                return _blank(png)
            lines = self._reads.read(screenshot)
            found = list(dict.fromkeys(one for line in lines for one in self._found(line)))
            return (_painted(png, found) if found else png), found
        except (ValueError, OSError, UnidentifiedImageError):
            return _blank(png)

    def _found(self, line: Line) -> Iterator[Painted]:
        spans: list[tuple[int, int, Box]] = []
        text = ""
        for word in line.words:
            start = len(text) + (1 if text else 0)
            text = f"{text} {word.text}" if text else word.text
            spans.append((start, len(text), word.box))
        for one in self._patterns.find(text):
            for start, end, box in spans:
                if start < one.end and one.start < end:
                    yield Painted(one.kind, _rounded(box))
        # What was masked in the texts stands in the pictures too, and a reader may take 0 for O.
        squeezed, owner = "", []
        for start, end, box in spans:
            part = _folded(text[start:end])
            squeezed += part
            owner += [box] * len(part)
        for value, kind in self._patterns.values.items():
            wanted = _folded(value)
            place = squeezed.find(wanted) if len(wanted) >= _SHORTEST else -1
            while place >= 0:
                boxes = {_rounded(box) for box in owner[place : place + len(wanted)]}
                yield from (Painted(kind, box) for box in sorted(boxes))
                place = squeezed.find(wanted, place + len(wanted))


def _folded(text: str) -> str:
    return "".join(text.split()).translate(_ALIKE).casefold()


def _rounded(box: Box) -> tuple[int, int, int, int]:
    return int(box.x), int(box.y), int(box.width + 0.999), int(box.height + 0.999)


def _painted(png: bytes, found: Sequence[Painted]) -> bytes:
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    draw = ImageDraw.Draw(image)
    for _, (left, top, width, height) in found:
        area = (left - _MARGIN, top - _MARGIN, left + width + _MARGIN, top + height + _MARGIN)
        draw.rectangle(area, fill=_COLOUR)
    return _saved(image)


def _blank(png: bytes) -> tuple[bytes, list[Painted]]:
    try:
        seen = Screenshot.of(png)
        size = (max(1, seen.width), max(1, seen.height))
    except ValueError:
        size = (1, 1)
    if size[0] * size[1] > MOST_PIXELS:
        size = (1, 1)
    return _saved(Image.new("RGB", size, _COLOUR)), [Painted("picture", (0, 0, *size))]


def _saved(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
