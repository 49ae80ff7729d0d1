"""Two screenshots for a person who has to tell what happened."""

import io

import pytest
from harness.errors import HarnessError
from harness.replay.pair import GAP, beside, same
from harness.screen import Screenshot
from harness.testing import blank
from PIL import Image


def test_the_same_pixels_are_the_same_whatever_the_file() -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(blank().png)).save(file, "PNG", compress_level=0)
    assert file.getvalue() != blank().png
    assert same(blank(), Screenshot.of(file.getvalue()))
    assert same(blank(), blank())
    assert not same(blank(), blank(colour="red"))
    assert not same(blank(), blank(width=100))
    assert not same(blank(), blank().model_copy(update={"png": b"x", "sha256": "0" * 64}))


def test_both_are_in_one_picture() -> None:
    both = beside(blank(100, 50, "red"), blank(60, 80, "blue"))
    assert (both.width, both.height) == (160 + GAP, 80)
    image = Image.open(io.BytesIO(both.png))
    assert (image.getpixel((0, 0)), image.getpixel((both.width - 1, 79))) == ((255, 0, 0), (0, 0, 255))
    with pytest.raises(HarnessError, match="cannot be read"):
        beside(blank(), blank().model_copy(update={"png": b"x"}))
