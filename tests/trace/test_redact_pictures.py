"""Painting over what is read in pictures."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from harness.clearance import Box
from harness.screen import Screenshot
from harness.trace.patterns import Patterns
from harness.trace.redact_pictures import Painted, Pictures
from PIL import Image
from tests.trace.conftest import picture


@dataclass
class Word:
    text: str
    box: Box


@dataclass
class Line:
    words: Sequence[Word]


class Fake:
    """Reads the same in every picture: words 10 pixels high, 40 apart."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def read(self, screenshot: Screenshot) -> Sequence[Line]:
        assert screenshot.width == 320
        return [
            Line(
                [
                    Word(text, Box(x=40 * n, y=20 * row, width=30, height=10))
                    for n, text in enumerate(line.split())
                ]
            )
            for row, line in enumerate(self.lines, 1)
        ]


def colours(png: bytes, *places: tuple[int, int]) -> list[bool]:
    """Say which places are painted over."""
    with Image.open(io.BytesIO(png)) as image:
        return [image.convert("RGB").getpixel(place) == (32, 32, 32) for place in places]


def test_only_the_words_that_were_found_are_painted_over() -> None:
    pictures = Pictures(Patterns(), Fake("Write to ada@example.org now", "Pay 4111 1111 1111 1111"))
    png, found = pictures.masked(picture("white"))
    assert [one.kind for one in found] == ["email", "card", "card", "card", "card"]
    assert found[0] == Painted("email", (80, 20, 30, 10))
    assert colours(png, (95, 25), (78, 18), (55, 25), (135, 25)) == [True, True, False, False]
    assert colours(png, (45, 45), (165, 45), (10, 45)) == [True, True, False]


def test_what_was_masked_in_a_text_is_found_although_it_is_read_badly() -> None:
    patterns = Patterns({"code": "X0I5-[A-Z]+"})
    patterns.text("X0I5-AB")
    png, found = Pictures(patterns, Fake("code XOl5-AB", "xO15 -aB")).masked(picture("white"))
    assert found == [
        Painted("code", (40, 20, 30, 10)),
        Painted("code", (0, 40, 30, 10)),
        Painted("code", (40, 40, 30, 10)),
    ]
    assert colours(png, (50, 25), (10, 25)) == [True, False]


def test_a_picture_in_which_nothing_is_found_stays_as_it_is() -> None:
    png = picture("white")
    assert Pictures(Patterns(), Fake("Blue mug $12.50")).masked(png) == (png, [])


def test_what_cannot_be_read_is_painted_over_as_a_whole() -> None:
    png, found = Pictures(Patterns(), None).masked(picture("white"))
    assert found == [Painted("picture", (0, 0, 320, 200))]
    assert colours(png, (0, 0), (319, 199)) == [True, True]
    broken = picture("white")[:60]
    png, found = Pictures(Patterns(), Fake("ada@example.org")).masked(broken)
    assert found == [Painted("picture", (0, 0, 320, 200))]
    assert Pictures(Patterns(), None).masked(b"no PNG")[1] == [Painted("picture", (0, 0, 1, 1))]
    huge = picture("white")[:16] + (100_000).to_bytes(4) * 2 + picture("white")[24:]
    assert Pictures(Patterns(), None).masked(huge)[1] == [Painted("picture", (0, 0, 1, 1))]
