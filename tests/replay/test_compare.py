"""Two pictures, compared."""

import io

import pytest
from harness.clearance import Box
from harness.replay.compare import ALIKE, compare, moving
from PIL import Image, ImageDraw

SIZE = (400, 300)
Patch = tuple[int, int, int, int]


def png(*patches: Patch, colour: str = "black", level: int = 6) -> bytes:
    image = Image.new("RGB", SIZE, "white")
    brush = ImageDraw.Draw(image)
    for x, y, width, height in patches:
        brush.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=level)
    return out.getvalue()


def test_equal_bytes_are_the_same_by_their_hash() -> None:
    found = compare(png((1, 1, 50, 50)), png((1, 1, 50, 50)))
    assert (found.verdict, found.how, found.share, found.boxes) == ("same", "hash", 0.0, ())


def test_equal_pixels_in_other_bytes_are_the_same_by_pixels() -> None:
    found = compare(png((1, 1, 50, 50)), png((1, 1, 50, 50), level=0))
    assert (found.verdict, found.how) == ("same", "pixels")


@pytest.mark.parametrize(
    ("side", "verdict"), [(15, "alike"), (16, "differs")]
)  # of 120,000 pixels two in a thousand are 240
def test_few_pixels_are_alike_and_more_differ(side: int, verdict: str) -> None:
    assert (side**2 <= ALIKE * SIZE[0] * SIZE[1]) is (verdict == "alike")
    found = compare(png(), png((100, 80, side, side)))
    assert found.verdict == verdict
    assert found.share == pytest.approx(side**2 / 120_000)
    assert found.boxes == (Box(x=100, y=80, width=side, height=side),)


def test_a_smoother_edge_is_no_difference() -> None:
    found = compare(png((10, 10, 90, 90), colour="#808080"), png((10, 10, 90, 90), colour="#8f8f8f"))
    assert found.verdict == "same"


def test_each_place_that_differs_has_its_own_box() -> None:
    found = compare(png(), png((10, 10, 40, 20), (300, 200, 50, 60)))
    assert found.boxes == (Box(x=10, y=10, width=40, height=20), Box(x=300, y=200, width=50, height=60))


@pytest.mark.parametrize("patch", [(50, 50, 1, 20), (50, 50, 2, 30), (50, 50, 3, 48)])
def test_a_blinking_caret_is_no_difference(patch: Patch) -> None:
    assert compare(png(), png(patch)).verdict == "same"


@pytest.mark.parametrize("patch", [(50, 50, 1, 200), (50, 50, 4, 20), (50, 50, 2, 4)])
def test_a_line_or_a_dot_is_no_caret(patch: Patch) -> None:
    assert compare(png(), png(patch)).verdict == "alike"


def test_what_is_masked_does_not_count_at_all() -> None:
    mask = Box(x=95, y=75, width=60, height=60)
    live = png((100, 80, 50, 50), (300, 10, 4, 4))
    found = compare(png(), live, (mask,))
    assert found.boxes == (Box(x=300, y=10, width=4, height=4),)
    assert found.share == pytest.approx(16 / (120_000 - 3600))
    assert compare(png(), live).verdict == "differs"


def test_pictures_of_two_sizes_differ() -> None:
    out = io.BytesIO()
    Image.new("RGB", (400, 301), "white").save(out, "PNG")
    found = compare(png(), out.getvalue())
    assert (found.verdict, found.how, found.share) == ("differs", "size", 1.0)


def test_a_clock_is_what_moves_by_itself_and_another_page_is_not() -> None:
    assert moving(png(), png((10, 10, 60, 20))) == (Box(x=10, y=10, width=60, height=20),)
    assert moving(png(), png((0, 0, 400, 200))) == ()


def test_what_is_no_picture_is_said() -> None:
    with pytest.raises(ValueError, match="PNG"):
        compare(png(), b"\x89PNG\r\n\x1a\n" + b"0" * 40)
