"""Lists that drop down: the options of a `<select>`, and the suggestions of a `<datalist>`."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from harness.clearance import Box
from harness.sandbox.chrome import Piece, Pieces, text_width

ROW: Final = 26
"""Height of a row in pixels."""
ROWS: Final = 12
"""Rows that are shown at once."""


class Change(NamedTuple):
    """What a click or key in a picker does."""

    value: str | None = None
    """The new value of the field, or the index of the option; nothing if it stays."""
    close: bool = False
    """Whether the picker is over."""


@dataclass(frozen=True)
class Option:
    """One row."""

    text: str
    """What it says: page text."""
    value: str
    """What choosing it sets."""
    off: bool = False
    """A heading, or disabled."""


class ListPicker:
    """A drop-down list; it shows twelve rows and scrolls."""

    def __init__(self, anchor: Box, options: tuple[Option, ...], chosen: int, *, keyed: bool) -> None:
        """Make a list.

        Args:
            anchor: the field it belongs to.
            options: the rows.
            chosen: which is highlighted, or -1.
            keyed: whether keys are the list's; if not, they are the page's.
        """
        self._anchor = anchor
        self._options = options
        self._at = chosen
        self.keyed = keyed
        self._typed = ""
        self._top = max(0, min(chosen - ROWS // 2, len(options) - ROWS))

    @property
    def title(self) -> str:
        """What is open."""
        return "a list of options"

    def pieces(self, width: int, height: int) -> Pieces:
        """A panel of rows under the field, or above it, with arrows where there is more."""
        fit = max(3, min(ROWS, (height - 16) // ROW - 2))
        more = len(self._options) > fit
        self._top = max(0, min(self._top, len(self._options) - fit))
        shown = self._options[self._top : self._top + fit]
        wide = max(round(self._anchor.width), *(text_width(option.text[:80]) + 28 for option in shown), 60)
        wide = min(wide, width)
        tall = ROW * (len(shown) + (2 if more else 0)) + 4
        left, top = place(self._anchor, wide, tall, width, height)
        out = [Piece("panel", left, top, wide, tall, text=self.title, role="listbox")]
        y = top + 2
        if more:
            out.append(
                Piece("row", left + 2, y, wide - 4, ROW, "▲ more", "up", off=self._top == 0, role="button")
            )
            y += ROW
        for at, option in enumerate(shown, self._top):
            key = "" if option.off else f"option:{at}"
            out.append(
                Piece(
                    "row", left + 2, y, wide - 4, ROW, option.text, key, at == self._at, option.off, "option"
                )
            )
            y += ROW
        if more:
            end = self._top + fit >= len(self._options)
            out.append(Piece("row", left + 2, y, wide - 4, ROW, "▼ more", "down", off=end, role="button"))
        return tuple(out)

    def click(self, key: str) -> Change:
        """Choose a row, or scroll."""
        match key.partition(":"):
            case ("option", _, number):
                return Change(self._options[int(number)].value, close=True)
            case ("up", _, _):
                self.scroll(-ROWS + 1)
            case ("down", _, _):
                self.scroll(ROWS - 1)
        return Change()

    def scroll(self, rows: int) -> None:
        """Show other rows."""
        self._top = max(0, min(self._top + rows, len(self._options) - 1))

    def press(self, keys: tuple[str, ...]) -> Change | None:  # noqa: C901  - a table of keys
        """Arrows move, Enter chooses, Escape closes, letters find."""
        if not self.keyed:
            return Change(close=True) if keys == ("Escape",) else None
        match keys:
            case ("ArrowDown",):
                return self._go(self._at + 1, 1)
            case ("ArrowUp",):
                return self._go(self._at - 1, -1)
            case ("PageDown",):
                return self._go(min(self._at + ROWS, len(self._options) - 1), -1)
            case ("PageUp",):
                return self._go(max(self._at - ROWS, 0), 1)
            case ("Home",):
                return self._go(0, 1)
            case ("End",):
                return self._go(len(self._options) - 1, -1)
            case ("Enter",) | ("Tab",) | (" ",) if not (keys == (" ",) and self._typed):
                good = 0 <= self._at < len(self._options)
                return Change(self._options[self._at].value if good else None, close=True)
            case ("Escape",):
                return Change(close=True)
            case (key,) if len(key) == 1:
                return self.type(key)
        return None

    def type(self, text: str) -> Change | None:
        """Highlight the first row that begins with what was typed; a newline chooses it."""
        if not self.keyed:
            return None
        line, newline, _ = text.partition("\n")
        self._typed += line.casefold()
        for typed in (self._typed, line.casefold()):
            found = [
                at
                for at, option in enumerate(self._options)
                if not option.off and option.text.casefold().startswith(typed)
            ]
            if typed and found:
                self._typed = typed
                self._go(found[0], 1)
                break
        return self.press(("Enter",)) if newline else Change()

    def _go(self, at: int, step: int) -> Change:
        while 0 <= at < len(self._options) and self._options[at].off:
            at += step
        if 0 <= at < len(self._options):
            self._at = at
            if not self._top <= at < self._top + ROWS - 1:
                self._top = max(0, at - ROWS // 2)
        return Change()


def place(anchor: Box, wide: int, tall: int, width: int, height: int) -> tuple[int, int]:
    """Where a panel goes: under its field, else above it, else where it fits."""
    left = max(0, min(round(anchor.x), width - wide))
    below, above = round(anchor.y + anchor.height), round(anchor.y) - tall
    if below + tall <= height:
        return left, max(0, below)
    return left, above if above >= 0 else max(0, height - tall)
