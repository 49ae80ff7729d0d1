import pytest
from harness.clearance import Box
from harness.models.local.matching import Ambiguous, Match, Missing, matches, resolve
from harness.models.local.ocr import Line, Word
from harness.models.local.sentences import Find, Relation


def line(text: str, x: float = 10, y: float = 10) -> Line:
    """A line whose characters are 8 pixels wide and 12 high."""
    words = []
    at = x
    for word in text.split():
        words.append(Word(word, Box(x=at, y=y, width=8 * len(word), height=12)))
        at += 8 * len(word) + 8
    return Line(text, Box(x=x, y=y, width=at - x - 8, height=12), 0.99, tuple(words))


def one(lines: list[Line], find: Find) -> Match:
    found = resolve(lines, find)
    assert isinstance(found, Match), found
    return found


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ("Submit", "Submit", "Press Submit to go on"),
        ("Submit", "Submit", "submit"),
        ("submit", "Submit", "Press submit to go on"),
        ("Add to cart", "Add tocart", "Add to card"),
        ("Illinois", "IIlinois", "Illinoise"),
        ("Order 1042", "Order 1O42", "Order 1043"),
        ("Modern art", "Modem art", "Modest art"),
        ("Delivery address", "Delivery addres", "Billing address"),
        ("Name", "Name:", "User name"),
    ],
)
def test_the_better_reading_wins(wanted: str, right: str, wrong: str) -> None:
    lines = [line(wrong), line(right, y=60)]
    assert one(lines, Find(wanted)).box.y == 60


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ("Item 12", "Item 13"),
        ("Save", "Safe"),
        ("Cart", "Cartoon"),
        ("OK", "0"),
        ("Sign in", "Sign up"),
        ("Accept", "Except"),
    ],
)
def test_another_text_is_not_taken_for_it(wanted: str, shown: str) -> None:
    found = resolve([line(shown)], Find(wanted))
    assert found == Missing(wanted, (shown,))


def test_between_equals_nothing_is_guessed() -> None:
    found = resolve([line("Edit"), line("Edit", y=50)], Find("Edit"))
    assert isinstance(found, Ambiguous)
    assert [match.box.y for match in found.places] == [10, 50]


def test_a_part_of_a_line_has_a_box_of_its_own() -> None:
    found = one([line("Please sign in or register")], Find("sign in"))
    assert (found.box.x, found.box.width) == (10 + 8 * 7, 8 * 7)
    assert [word.text for word in found.after] == ["or", "register"]


def test_a_phrase_may_wrap_to_the_next_line() -> None:
    found = one(
        [line("I agree to the terms and"), line("conditions of sale", y=26)], Find("terms and conditions")
    )
    assert (found.box.x, found.box.y) == (10 + 8 * 15, 10)


def test_exactly_takes_whole_lines_only() -> None:
    assert isinstance(resolve([line("Delete all")], Find("Delete", exactly=True)), Missing)
    assert one([line("Delete all"), line("Delete", y=50)], Find("Delete", exactly=True)).box.y == 50


ROWS = [
    line("Alice"),
    line("Edit", x=200),
    line("Bob", y=40),
    line("Edit", x=200, y=40),
    line("Carol", y=70),
    line("Edit", x=200, y=70),
]


@pytest.mark.parametrize(
    ("find", "y"),
    [
        (Find("Edit", ordinal=2), 40),
        (Find("Edit", ordinal=-1), 70),
        (Find("Edit", relations=(Relation("row", "Bob"),)), 40),
        (Find("Edit", relations=(Relation("near", "Carol"),)), 70),
        (Find("Edit", relations=(Relation("right", "Alice"),)), 10),
        (Find("Edit", relations=(Relation("below", "Bob"),)), 70),
        (Find("Edit", relations=(Relation("above", "Bob"),)), 10),
        (Find("Edit", ordinal=2, relations=(Relation("below", "Alice"),)), 70),
    ],
)
def test_a_place_is_said_by_order_or_by_another_text(find: Find, y: int) -> None:
    assert one(ROWS, find).box.y == y


def test_an_order_beyond_the_last_says_how_many_there_are() -> None:
    found = resolve(ROWS, Find("Edit", ordinal=4))
    assert isinstance(found, Missing)
    assert "there are 3" in found.text


def test_the_other_text_must_be_one_too() -> None:
    assert isinstance(resolve(ROWS, Find("Bob", relations=(Relation("near", "Edit"),))), Ambiguous)
    assert isinstance(resolve(ROWS, Find("Edit", relations=(Relation("near", "Dave"),))), Missing)


def test_nothing_is_looked_for_without_a_text() -> None:
    assert matches(ROWS, "  ") == []
