"""The colour picker, without a browser."""

from harness.clearance import Box
from harness.sandbox.picker_color import ColorPicker

ANCHOR = Box(x=10, y=10, width=100, height=20)


def test_a_code_is_typed_and_taken() -> None:
    one = ColorPicker(ANCHOR, "#ff0000")
    one.type("1a2b3")
    assert one.press(("Enter",)) == (None, True)
    one.press(("Backspace",))
    one.type("34")
    assert one.press(("Enter",)) == ("#1a2b34", True)


def test_the_chosen_colour_is_marked_and_drawn_inside() -> None:
    one = ColorPicker(ANCHOR, "#ffffff")
    marked = [piece for piece in one.pieces(1280, 720) if piece.kind == "swatch" and piece.on]
    assert {piece.text for piece in marked} == {"#ffffff"}
    assert one.click("color:#000000") == ("#000000", False)
    assert one.press(("Escape",)) == (None, True)
    assert one.press(("F5",)) is None
