"""Two screenshots: whether they are alike, and both in one picture for a person."""

import io

from PIL import Image, ImageChops

from harness.errors import HarnessError
from harness.screen import Screenshot

GAP = 12
"""Pixels between the two."""


def same(one: Screenshot, other: Screenshot) -> bool:
    """Whether two screenshots show the same pixels."""
    if one.sha256 == other.sha256:
        return True
    try:
        images = [_image(each) for each in (one, other)]
    except OSError:
        return False
    return images[0].size == images[1].size and ImageChops.difference(*images).getbbox() is None


def beside(one: Screenshot, other: Screenshot) -> Screenshot:
    """Put two screenshots next to each other.

    Raises:
        HarnessError: if one cannot be read.
    """
    try:
        left, right = _image(one), _image(other)
    except OSError as error:
        raise HarnessError(f"a screenshot cannot be read: {error}") from error
    both = Image.new("RGB", (left.width + GAP + right.width, max(left.height, right.height)), (226, 32, 44))
    both.paste(left, (0, 0))
    both.paste(right, (left.width + GAP, 0))
    file = io.BytesIO()
    both.save(file, "PNG", compress_level=1)
    return Screenshot.of(file.getvalue())


def _image(screenshot: Screenshot) -> Image.Image:
    with Image.open(io.BytesIO(screenshot.png)) as read:
        return read.convert("RGB")
