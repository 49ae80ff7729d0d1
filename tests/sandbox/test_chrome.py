"""What the harness draws: pieces, their places and what a policy is told of them."""

import io

import pytest
from harness.action import Press, Type
from harness.sandbox.chrome import Piece, answering, blank, clip, crop, draw, hit, target, text_width, wrap
from PIL import Image

PIECES = (
    Piece("panel", 10, 10, 200, 100, "box", role="dialog"),
    Piece("field", 20, 20, 100, 30, "text", "field", role="textbox"),
    Piece("button", 20, 60, 60, 30, "OK", "ok", on=True, role="button"),
    Piece("button", 90, 60, 60, 30, "Cancel", "cancel", role="button"),
)


def test_the_topmost_piece_is_hit() -> None:
    assert hit(PIECES, 25, 65) == PIECES[2]._replace(box="box")
    assert hit(PIECES, 12, 12) == PIECES[0]._replace(box="box")
    assert hit(PIECES, 210, 50) is None


def test_keys_act_on_what_they_answer() -> None:
    assert answering(PIECES, Press(keys=("Enter",))).text == "OK"
    assert answering(PIECES, Press(keys=("Escape",))).text == "Cancel"
    assert answering(PIECES, Type(text="x")).kind == "field"


def test_a_policy_is_told_that_it_is_the_browsers() -> None:
    told = target(PIECES[2], "https://a.test/")
    assert (told.tag, told.role, told.name, told.url) == ("chrome", "button", "OK", "https://a.test/")
    assert told.fingerprint != target(PIECES[3], "https://a.test/").fingerprint


def test_drawing_is_the_same_each_time_and_stays_inside() -> None:
    base = blank(300, 200)
    drawn = draw(base, PIECES)
    assert drawn == draw(base, PIECES) != base
    with Image.open(io.BytesIO(drawn)) as image:
        assert image.size == (300, 200)
        assert image.getpixel((25, 65)) == (26, 95, 208)
        assert image.getpixel((290, 190)) == (255, 255, 255)


def test_a_part_is_cut_and_enlarged() -> None:
    with Image.open(io.BytesIO(crop(draw(blank(300, 200), PIECES), (20, 60, 80, 90), 2))) as image:
        assert image.size == (120, 60)


@pytest.mark.parametrize("text", ["word " * 100, "x" * 500, "a\nb\nc\nd\ne\nf", "", "漢字" * 100])
def test_wrapped_lines_fit(text: str) -> None:
    lines = wrap(text, 200, 4)
    assert 1 <= len(lines) <= 4
    assert all(text_width(line) <= 230 for line in lines)
    assert text_width(clip(text, 100)) <= 100
