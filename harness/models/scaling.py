"""In what size a screenshot is sent, and where on the page a model's coordinates are.

A picture is never enlarged. It is brought to the size the vendor would make of it anyway, so that the model
sees exactly what was sent and its coordinates mean what they say.
"""

import io
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, assert_never

from PIL import Image, UnidentifiedImageError

from harness.errors import ActionError, InputError
from harness.models.catalogue import ModelFacts
from harness.models.images import (
    Claude,
    Detail,
    GeminiTiles,
    Levels,
    Patches,
    Size,
    Smart,
    Tiles,
    check,
    into,
    seen,
    smart,
)

THOUSANDTHS = 1000
"""Cells a side is divided into where coordinates are normalised."""


def sharpest(facts: ModelFacts) -> Detail:
    """Name the detail that coordinates need: `original` where OpenAI's models take it, else `high`."""
    rule = facts.image
    return "original" if isinstance(rule, Patches) and rule.original is not None else "high"


def fit(width: int, height: int, facts: ModelFacts, detail: Detail | None = None) -> Size:
    """Say in what size a screenshot is sent: as large as the model sees it, and never enlarged.

    Args:
        width: of the screenshot, in pixels.
        height: of the screenshot, in pixels.
        facts: the model; one whose rule is unknown is sent the screenshot as it is.
        detail: as it will be sent, by default the sharpest; `low` is sized as `high`, for OpenAI shrinks it
            then.

    Returns:
        Width and height in pixels. The Qwen family's are whole patches, which its own resizing leaves as they
        are; others keep the shape to within a pixel.

    Raises:
        InputError: for a bad size, or a detail the model does not have.
    """
    check(width, height)
    rule = facts.image
    asked = detail or sharpest(facts)
    level: Detail = "high" if asked == "low" else asked
    match rule:
        case None | GeminiTiles() | Levels():
            return width, height
        case Smart():
            return _whole(rule, width, height)
        case Patches():
            size = seen(rule, width, height, level)
            return size if rule.most is None else into(size, rule.patch, rule.most)
        case Tiles() | Claude():
            return seen(rule, width, height, level)
        case _:
            assert_never(rule)


def space(sent: Size, view: Size, facts: ModelFacts, *, kind: Literal["pixels", "thousandths"]) -> "Space":
    """Give the frame of a model's coordinates for a screenshot of `view` that was sent as `sent`.

    Raises:
        InputError: for a bad size.
    """
    check(*sent)
    check(*view)
    if kind == "thousandths":
        return Space(kind, THOUSANDTHS, THOUSANDTHS, *view)
    frame = smart(facts.image, *sent) if isinstance(facts.image, Smart) else sent
    return Space(kind, *frame, *view)


def shrink(png: bytes, size: Size) -> bytes:
    """Bring a PNG file to a smaller size; the same bytes always give the same bytes.

    Args:
        png: the file.
        size: width and height in pixels, neither larger than it is.

    Returns:
        A PNG file without metadata, or the very bytes given if it has that size already.

    Raises:
        InputError: if the bytes are not a PNG file, or would have to be enlarged.
    """
    check(*size)
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.size == size:
                return png
            if size[0] > picture.width or size[1] > picture.height:
                raise InputError(
                    f"a picture of {picture.width}x{picture.height} is not enlarged to {size[0]}x{size[1]}"
                )
            smaller = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"these {len(png)} bytes are not a PNG file that can be read: {error}") from error
    file = io.BytesIO()
    smaller.save(file, "PNG", compress_level=6)
    return file.getvalue()


@dataclass(frozen=True)
class Space:
    """The frame of a model's coordinates, and the page it looks at.

    Coordinates name pixels, not points between them: each maps to the pixel that holds its centre. So a
    model's pixel comes back exact from a page no smaller, and a page's pixel is met within half a model's
    pixel.
    """

    kind: Literal["pixels", "thousandths"]
    """Whether the model counts pixels, or thousandths of the width and height."""
    width: int
    """Pixels of the picture as the model sees it, or 1000."""
    height: int
    """Pixels of the picture as the model sees it, or 1000."""
    view_width: int
    """Pixels of the page."""
    view_height: int
    """Pixels of the page."""

    def __post_init__(self) -> None:
        """Refuse frames that have no pixels."""
        for name in ("width", "height", "view_width", "view_height"):
            side = self.__dict__[name]
            if not isinstance(side, int) or side < 1:
                raise InputError(f"{name} of a space is at least one pixel, not {side!r}")

    def inside(self, x: float, y: float) -> bool:
        """Whether a model's coordinates are in the picture; thousandths include 1000, the far edge."""
        both = ((x, self.width), (y, self.height))
        if self.kind == "thousandths":
            return all(0 <= value <= side for value, side in both)
        return all(0 <= value < side for value, side in both)

    def to_view(self, x: float, y: float) -> Size:
        """Give the pixel of the page that a model's coordinates mean.

        Raises:
            ActionError: if they are outside the picture.
        """
        if not self.inside(x, y):
            unit = "thousandths" if self.kind == "thousandths" else "pixels"
            raise ActionError(
                f"({x}, {y}) is outside the picture of {self.width}x{self.height} {unit}; nothing was done"
            )
        return _moved(x, self.width, self.view_width), _moved(y, self.height, self.view_height)

    def to_model(self, x: int, y: int) -> Size:
        """Give a model's coordinates of a pixel of the page.

        Raises:
            ActionError: if there is no such pixel.
        """
        if not (0 <= x < self.view_width and 0 <= y < self.view_height):
            raise ActionError(
                f"({x}, {y}) is outside the page of {self.view_width}x{self.view_height} pixels"
            )
        return _moved(x, self.view_width, self.width), _moved(y, self.view_height, self.height)


def _moved(at: float, side: int, other: int) -> int:
    return min(other - 1, math.floor((Fraction(at) + Fraction(1, 2)) * other / side))


def _whole(rule: Smart, width: int, height: int) -> Size:
    scale = min(1.0, math.sqrt(rule.most / (width * height)))
    across, down = (math.floor(side * scale / rule.factor) * rule.factor for side in (width, height))
    if not across or not down or across * down < rule.least:
        return width, height
    return across, down
