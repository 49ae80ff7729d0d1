"""Drop-down lists, without a browser."""

from harness.clearance import Box
from harness.sandbox.picker_list import ListPicker, Option, place

ANCHOR = Box(x=10, y=10, width=100, height=20)
OPTIONS = tuple(Option(f"row {n}", str(n), off=n == 1) for n in range(50))


def test_disabled_rows_are_skipped() -> None:
    one = ListPicker(ANCHOR, OPTIONS, 0, keyed=True)
    one.press(("ArrowDown",))
    change = one.press(("Enter",))
    assert change is not None
    assert change.value == "2"
    one.press(("ArrowUp",))
    assert one.press(("Enter",)) == ("0", True)


def test_ends_and_pages() -> None:
    one = ListPicker(ANCHOR, OPTIONS, 0, keyed=True)
    for key, expected in (
        ("End", "49"),
        ("ArrowDown", "49"),
        ("PageUp", "37"),
        ("Home", "0"),
        ("ArrowUp", "0"),
    ):
        one.press((key,))
        assert one.press(("Enter",)) == (expected, True)


def test_what_is_highlighted_is_shown() -> None:
    one = ListPicker(ANCHOR, OPTIONS, 40, keyed=True)
    assert [piece.key for piece in one.pieces(1280, 720) if piece.on] == ["option:40"]
    one.press(("Home",))
    assert [piece.key for piece in one.pieces(1280, 720) if piece.on] == ["option:0"]


def test_keys_of_suggestions_are_the_pages() -> None:
    one = ListPicker(ANCHOR, OPTIONS, -1, keyed=False)
    assert one.press(("a",)) is None
    assert one.type("abc") is None
    assert one.press(("Escape",)) == (None, True)


def test_a_panel_goes_where_it_fits() -> None:
    assert place(ANCHOR, 100, 200, 1280, 720) == (10, 30)
    assert place(Box(x=1250, y=700, width=20, height=20), 100, 200, 1280, 720) == (1180, 500)
    assert place(Box(x=0, y=100, width=20, height=20), 100, 690, 1280, 720) == (0, 30)
