"""The colour picker: swatches to click, and a code to type."""

import colorsys
import re
from typing import Final

from harness.clearance import Box
from harness.sandbox.chrome import Piece, Pieces
from harness.sandbox.picker_list import Change, place

_COLUMNS: Final = 12
_CELL: Final = 26
_HEX: Final = re.compile(r"#[0-9a-f]{6}")


def _swatches() -> tuple[str, ...]:
    greys = [(at / 11,) * 3 for at in range(_COLUMNS)]
    hues = [at / _COLUMNS for at in range(_COLUMNS)]
    rows = [[colorsys.hls_to_rgb(hue, light / 8, 1.0) for hue in hues] for light in (1, 2, 3, 4, 5, 6, 7)]
    return tuple(_code(*rgb) for rgb in (*greys, *(one for row in rows for one in row)))


def _code(red: float, green: float, blue: float) -> str:
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


class ColorPicker:
    """A table of colours, the code of the chosen one, and OK."""

    def __init__(self, anchor: Box, value: str) -> None:
        """Make a picker for a field that holds `value`, such as `#ff0000`."""
        self._anchor = anchor
        self._value = value
        self._fresh = True
        self._swatches = _swatches()

    @property
    def title(self) -> str:
        """What is open."""
        return "a colour picker"

    def pieces(self, width: int, height: int) -> Pieces:
        """Swatches over a field and buttons."""
        rows = len(self._swatches) // _COLUMNS
        wide, tall = _COLUMNS * _CELL + 24, rows * _CELL + 24 + 40
        left, top = place(self._anchor, wide, tall, width, height)
        out = [Piece("panel", left, top, wide, tall, text=self.title, role="dialog")]
        for at, code in enumerate(self._swatches):
            x, y = left + 12 + at % _COLUMNS * _CELL, top + 12 + at // _COLUMNS * _CELL
            on = code == self._value
            out.append(
                Piece("swatch", x, y, _CELL - 2, _CELL - 2, code, f"color:{code}", on=on, role="gridcell")
            )
        y = top + 18 + rows * _CELL
        if _HEX.fullmatch(self._value):
            out.append(Piece("swatch", left + 12, y, 32, 32, self._value))
        out.append(Piece("field", left + 52, y, 130, 32, self._value, "code", on=self._fresh, role="textbox"))
        out.append(Piece("button", left + wide - 82, y, 70, 32, "OK", "ok", on=True, role="button"))
        return tuple(out)

    def click(self, key: str) -> Change:
        """Choose a swatch, or take the code that was typed."""
        match key.partition(":"):
            case ("color", _, code):
                self._value, self._fresh = code, True
                return Change(code)
            case ("ok", _, _):
                good = _HEX.fullmatch(self._value) is not None
                return Change(self._value if good else None, close=True)
        return Change()

    def press(self, keys: tuple[str, ...]) -> Change | None:
        """Enter takes the code, Escape closes, Backspace and characters edit it."""
        match keys:
            case ("Enter",):
                return self.click("ok")
            case ("Escape",):
                return Change(close=True)
            case ("Backspace",) | ("Delete",):
                self._value = "" if self._fresh else self._value[:-1]
                self._fresh = False
                return Change()
            case ("Control", "a" | "A"):
                self._fresh = True
                return Change()
            case (key,) if len(key) == 1:
                return self.type(key)
        return None

    def type(self, text: str) -> Change:
        """Write the code, such as `#1a5fd0`; a newline takes it."""
        line, newline, _ = text.partition("\n")
        written = (line if self._fresh else self._value + line).strip().lower()
        self._value = ("" if written.startswith("#") else "#") + written[:7]
        self._fresh = False
        return self.click("ok") if newline else Change()

    def scroll(self, rows: int) -> None:
        """Nothing to scroll."""
