"""The picture of a divergence."""

import io

import pytest
from harness.clearance import Box
from harness.replay.picture import side_by_side
from harness.testing import blank
from PIL import Image, ImageDraw


def drawn(*, box: bool) -> bytes:
    image = Image.new("RGB", (200, 100), "white")
    if box:
        ImageDraw.Draw(image).rectangle((50, 40, 69, 59), fill="black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_both_pictures_and_their_difference_stand_side_by_side() -> None:
    where = Box(x=50, y=40, width=20, height=20)
    png = side_by_side(drawn(box=False), drawn(box=True), boxes=(where,), title="step 3: page differs")
    with Image.open(io.BytesIO(png)) as image:
        assert image.width == 3 * 200 + 4 * 8
        at = [image.getpixel((8 + n * 208 + 60, 68 + 50)) for n in range(3)]
        assert at == [(255, 255, 255), (0, 0, 0), (214, 30, 30)]
        assert len(image.crop((0, 0, image.width, 34)).getcolors(100_000) or ()) > 1


def test_without_a_recorded_picture_the_live_one_stands_alone() -> None:
    with Image.open(io.BytesIO(side_by_side(None, drawn(box=True)))) as image:
        assert image.width == 200 + 16


def test_pictures_of_two_sizes_are_compared_where_they_are() -> None:
    small, large = blank(100, 50).png, blank(200, 100).png
    with Image.open(io.BytesIO(side_by_side(small, large))) as image:
        assert image.width == 100 + 200 + 200 + 4 * 8


def test_what_is_no_picture_is_said() -> None:
    with pytest.raises(ValueError, match="PNG"):
        side_by_side(None, b"nothing")
