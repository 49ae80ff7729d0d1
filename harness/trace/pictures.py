"""Compares two screenshots, and draws them side by side with what differs."""

import io
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageDraw, UnidentifiedImageError

from harness.errors import TraceError
from harness.screen import Screenshot

_MOST_PIXELS: Final = 50_000_000
_GAP: Final = 12
_MARK: Final = (214, 40, 40)


class Compared(NamedTuple):
    """How two pictures differ."""

    pixels: int
    """Pixels that differ; those that only one of them has count too."""
    total: int
    """Pixels of the larger of them, by width and height."""
    box: tuple[int, int, int, int] | None
    """Left, top, right and bottom of the smallest rectangle around them; nothing if none differs."""

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.pixels / self.total if self.total else 0.0

    def __str__(self) -> str:
        """Say it in words."""
        if self.box is None:
            return "the same pixels"
        left, top, right, bottom = self.box
        return f"{self.pixels:,} pixels differ ({self.share:.2%}), within {left}, {top} to {right}, {bottom}"


def compare(one: bytes, other: bytes) -> Compared:
    """Compare two PNG files, pixel by pixel.

    Raises:
        TraceError: if one cannot be read as a picture, or is too large.
    """
    if one == other:
        shot = Screenshot.of(one)
        return Compared(0, shot.width * shot.height, None)
    changed = _changed(_opened(one), _opened(other))
    total = changed.width * changed.height
    return Compared(total - changed.histogram()[0], total, changed.getbbox())


def beside(one: bytes, other: bytes) -> bytes:
    """Draw two pictures and what differs next to each other, as a PNG file.

    Raises:
        TraceError: if one cannot be read as a picture, or is too large.
    """
    left, right = _opened(one), _opened(other)
    changed = _changed(left, right)
    faint = Image.blend(_on(left, changed.size), Image.new("RGB", changed.size, "white"), 0.75)
    faint.paste(_MARK, mask=changed.point(lambda value: 255 if value else 0))
    if (box := changed.getbbox()) is not None:
        for drawn in (left, right, faint):
            ImageDraw.Draw(drawn).rectangle((box[0] - 2, box[1] - 2, box[2] + 1, box[3] + 1), outline=_MARK)
    width, height = changed.size
    sheet = Image.new("RGB", (3 * width + 2 * _GAP, height), "black")
    for place, drawn in enumerate((left, right, faint)):
        sheet.paste(drawn, (place * (width + _GAP), 0))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _opened(png: bytes) -> Image.Image:
    try:
        shot = Screenshot.of(png)
        if shot.width * shot.height > _MOST_PIXELS:
            raise TraceError(f"a picture of {shot.width} by {shot.height} pixels is too large to be compared")
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            return picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise TraceError(f"a picture cannot be read: {error}") from error


def _on(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture.copy()
    canvas = Image.new("RGB", size, "gray")
    canvas.paste(picture)
    return canvas


def _changed(one: Image.Image, other: Image.Image) -> Image.Image:
    """Give a picture that is 0 where the two are the same."""
    size = max(one.width, other.width), max(one.height, other.height)
    bands = ImageChops.difference(_on(one, size), _on(other, size)).split()
    found = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    # What only one of them has differs, whatever colour it is.
    both = min(one.width, other.width), min(one.height, other.height)
    if both != size:
        only = Image.new("L", size, 0)
        for picture in (one, other):
            only.paste(255, (0, 0, *picture.size))
        only.paste(0, (0, 0, *both))
        found = ImageChops.lighter(found, only)
    return found
