"""Sizes and places: what a screenshot is sent in, and where a model's coordinates lie on the screen."""

import io
from dataclasses import dataclass
from typing import Literal

from PIL import Image


@dataclass(frozen=True, slots=True)
class Space:
    """How the coordinates of a picture lie on the screen that it shows."""

    kind: Literal["pixels", "thousandths"]
    """Whether coordinates count pixels of the picture, or thousandths of its sides."""
    width: int
    """Pixels of the picture."""
    height: int
    """Pixels of the picture."""
    view_width: int
    """Pixels of the screen."""
    view_height: int
    """Pixels of the screen."""

    def inside(self, x: float, y: float) -> bool:
        """Whether a point lies on the picture; its far edges count where they are thousandths."""
        if self.kind == "thousandths":
            return 0 <= x <= 1000 and 0 <= y <= 1000
        return 0 <= x < self.width and 0 <= y < self.height

    def to_view(self, x: float, y: float) -> tuple[int, int]:
        """Give the pixel of the screen under a point of the picture."""
        return _across(x, self._wide, self.view_width), _across(y, self._high, self.view_height)

    def to_model(self, x: float, y: float) -> tuple[int, int]:
        """Give the point of the picture that shows a pixel of the screen."""
        return _across(x, self.view_width, self._wide), _across(y, self.view_height, self._high)

    @property
    def _wide(self) -> int:
        return 1000 if self.kind == "thousandths" else self.width

    @property
    def _high(self) -> int:
        return 1000 if self.kind == "thousandths" else self.height


def _across(value: float, of: int, onto: int) -> int:
    # The middle of a pixel lies on the middle of another: what is scaled down comes back to where it was.
    return min(onto - 1, max(0, round((value + 0.5) * onto / of - 0.5)))


def shrink(png: bytes, size: tuple[int, int]) -> bytes:
    """Give a PNG in another size; the same bytes if it has that size."""
    with Image.open(io.BytesIO(png)) as image:
        if image.size == size:
            return png
        file = io.BytesIO()
        image.convert("RGB").resize(size, Image.Resampling.LANCZOS).save(file, "PNG")
    return file.getvalue()
