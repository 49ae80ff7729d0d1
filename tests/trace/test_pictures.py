"""Two screenshots are compared pixel by pixel."""

import io

import pytest
from harness.errors import TraceError
from harness.trace.pictures import beside, compare
from PIL import Image
from tests.trace.conftest import picture


def dotted(*dots: tuple[int, int], colour: str = "white") -> bytes:
    drawn = Image.new("RGB", (40, 30), colour)
    for dot in dots:
        drawn.putpixel(dot, (255, 0, 0))
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


def test_the_same_file_and_the_same_pixels_do_not_differ() -> None:
    assert compare(dotted(), dotted()).box is None
    file = io.BytesIO()
    Image.new("RGBA", (40, 30), "white").save(file, "PNG", compress_level=0)
    found = compare(dotted(), file.getvalue())
    assert (found.pixels, found.total, found.box) == (0, 1200, None)
    assert str(found) == "the same pixels"


def test_pixels_that_differ_are_counted_and_boxed() -> None:
    found = compare(dotted(), dotted((3, 4), (10, 20), (5, 6)))
    assert (found.pixels, found.box) == (3, (3, 4, 11, 21))
    assert found.share == 3 / 1200
    assert str(found) == "3 pixels differ (0.25%), within 3, 4 to 11, 21"


def test_what_only_one_of_them_has_differs_whatever_its_colour() -> None:
    small, large = picture("gray", 20, 10), picture("gray", 30, 10)
    for one, other in ((small, large), (large, small)):
        found = compare(one, other)
        assert (found.pixels, found.total, found.box) == (100, 300, (20, 0, 30, 10))


def test_they_are_drawn_side_by_side_with_what_differs() -> None:
    with Image.open(io.BytesIO(beside(dotted(), dotted((20, 15))))) as sheet:
        assert sheet.size == (3 * 40 + 2 * 12, 30)
        assert sheet.getpixel((2 * 52 + 20, 15)) == (214, 40, 40)
        assert sheet.getpixel((20, 15)) == (255, 255, 255)
        assert sheet.getpixel((52 + 20, 15)) == (255, 0, 0)


@pytest.mark.parametrize("bad", [b"", b"no picture", dotted()[:60], b"\x89PNG\r\n\x1a\n" + b"\xff" * 40])
def test_what_is_no_picture_is_one_message(bad: bytes) -> None:
    with pytest.raises(TraceError, match="picture"):
        compare(dotted(), bad)
