"""The calendar and clock of date, month, week, time and datetime-local fields."""

import calendar
import re
from datetime import date, timedelta
from typing import Final, Literal

from harness.clearance import Box
from harness.sandbox.chrome import Piece, Pieces
from harness.sandbox.picker_list import Change, place

Kind = Literal["date", "datetime-local", "month", "week", "time"]
_CELL: Final = 36
_TALL: Final = 28
_WIDE: Final = 7 * _CELL + 24
_MONTHS: Final = tuple(calendar.month_abbr[1:])
_MOVES: Final = {"ArrowLeft": -1, "ArrowRight": 1, "ArrowUp": -7, "ArrowDown": 7}


class DatePicker:
    """A calendar, a grid of months, or a clock, as the kind of field asks for."""

    def __init__(
        self, kind: Kind, anchor: Box, value: str, *, today: date, low: str = "", high: str = ""
    ) -> None:
        """Make a picker.

        Args:
            kind: the field's type.
            anchor: the field it belongs to.
            value: what the field holds, as HTML writes it; empty for nothing.
            today: the day that `Today` means.
            low: the field's `min`, or empty.
            high: the field's `max`, or empty.
        """
        self._kind: Kind = kind
        self._anchor = anchor
        self._low, self._high = low, high
        self._today = today
        self._chosen = bool(value)
        self._day = _day_of(kind, value) or today
        clock = re.search(r"(\d\d):(\d\d)", value)
        self._hour, self._minute = (int(clock[1]), int(clock[2])) if clock else (12, 0)
        self._month = self._day.replace(day=1)

    @property
    def title(self) -> str:
        """What is open."""
        return "a clock" if self._kind == "time" else "a calendar"

    def pieces(self, width: int, height: int) -> Pieces:
        """Month, days and buttons; hours and minutes where the field holds a time."""
        days = self._kind in ("date", "datetime-local", "week")
        tall = 16 + (34 + 7 * _TALL if days else 0) + (34 + 4 * 32 if self._kind == "month" else 0)
        tall += (24 + 3 * 26 + 24 + 2 * 26 if self._timed else 0) + 42
        left, top = place(self._anchor, _WIDE, tall, width, height)
        out = [Piece("panel", left, top, _WIDE, tall, text=self.title, role="dialog")]
        y = top + 10
        if days:
            out += self._days(left, y)
            y += 34 + 7 * _TALL
        elif self._kind == "month":
            out += self._months(left, y)
            y += 34 + 4 * 32
        if self._timed:
            out += self._clock(left, y)
            y += 24 + 3 * 26 + 24 + 2 * 26
        y += 6
        out.append(Piece("button", left + 12, y, 70, 28, "Clear", "clear", role="button"))
        if self._kind in ("date", "week"):
            out.append(Piece("button", left + _WIDE - 82, y, 70, 28, "Today", "today", role="button"))
        elif self._timed:
            out.append(Piece("button", left + _WIDE - 82, y, 70, 28, "OK", "ok", on=True, role="button"))
        return tuple(out)

    def click(self, key: str) -> Change:
        """Choose a day, month, hour or minute, or press a button."""
        match key.partition(":"):
            case ("day", _, text):
                self._day = date.fromisoformat(text)
                return self._picked()
            case ("month", _, number):
                self._day = self._month = self._month.replace(month=int(number))
                return self._picked()
            case ("hour", _, number):
                self._hour = int(number)
            case ("minute", _, number):
                self._minute = int(number)
            case ("turn", _, number):
                self._turn(int(number))
            case ("clear", _, _):
                return Change("", close=True)
            case ("today", _, _):
                self._day = self._today
                return self._picked()
            case ("ok", _, _):
                return Change(self._value(), close=True)
        return Change()

    def press(self, keys: tuple[str, ...]) -> Change | None:
        """Arrows and Page Up or Down move, Enter chooses, Escape closes."""
        match keys:
            case ("Escape",):
                return Change(close=True)
            case ("Enter",) | (" ",):
                return Change(self._value(), close=True)
            case ("ArrowUp" | "ArrowDown" as key,) if self._kind == "time":
                self._hour = (self._hour + (1 if key == "ArrowUp" else -1)) % 24
            case ("ArrowLeft" | "ArrowRight" as key,) if self._kind == "time":
                self._minute = (self._minute + (1 if key == "ArrowRight" else -1)) % 60
            case ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" as key,) if self._kind == "month":
                self._turn({"ArrowLeft": -1, "ArrowRight": 1, "ArrowUp": -3, "ArrowDown": 3}[key])
                self._day = self._month
            case ("ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" as key,):
                self._day = _moved(self._day, _MOVES[key])
                self._month = self._day.replace(day=1)
            case ("PageUp" | "PageDown" as key,):
                self._turn((-1 if key == "PageUp" else 1) * (12 if self._kind == "month" else 1))
                last = calendar.monthrange(self._month.year, self._month.month)[1]
                self._day = self._month.replace(day=min(self._day.day, last))
            case _:
                return None
        self._chosen = True
        return Change()

    def type(self, text: str) -> Change | None:
        """Text goes to the field and not to the calendar; a newline alone chooses."""
        return self.press(("Enter",)) if text == "\n" else None

    def scroll(self, rows: int) -> None:
        """Turn to another month."""
        self._turn(1 if rows > 0 else -1)

    @property
    def _timed(self) -> bool:
        return self._kind in ("time", "datetime-local")

    def _picked(self) -> Change:
        self._chosen = True
        self._month = self._day.replace(day=1)
        return Change() if self._timed else Change(self._value(), close=True)

    def _value(self) -> str:
        return self._written(self._day, f"{self._hour:02}:{self._minute:02}")

    def _written(self, day: date, clock: str) -> str:
        match self._kind:
            case "date":
                return day.isoformat()
            case "datetime-local":
                return f"{day.isoformat()}T{clock}"
            case "month":
                return day.isoformat()[:7]
            case "week":
                year, week, _ = day.isocalendar()
                return f"{year:04}-W{week:02}"
            case "time":
                return clock

    def _allowed(self, day: date) -> bool:
        low = self._written(day, "23:59")
        high = self._written(day, "00:00")
        return (not self._low or low >= self._low) and (not self._high or high <= self._high)

    def _turn(self, months: int) -> None:
        total = min(max(self._month.year * 12 + self._month.month - 1 + months, 12), 9999 * 12 + 11)
        self._month = date(total // 12, total % 12 + 1, 1)

    def _head(self, left: int, y: int, text: str, steps: tuple[tuple[str, int], ...]) -> list[Piece]:
        out = [Piece("title", left + 14, y, 120, 28, text)]
        x = left + _WIDE - 12 - 32 * len(steps)
        for name, by in steps:
            out.append(Piece("button", x, y, 28, 28, name, f"turn:{by}", role="button"))
            x += 32
        return out

    def _days(self, left: int, y: int) -> list[Piece]:
        text = f"{calendar.month_abbr[self._month.month]} {self._month.year}"
        out = self._head(left, y, text, (("«", -12), ("<", -1), (">", 1), ("»", 12)))
        y += 34
        for at, name in enumerate(("Su", "Mo", "Tu", "We", "Th", "Fr", "Sa")):
            out.append(Piece("label", left + 18 + at * _CELL, y, _CELL, _TALL, name, off=True))
        start = _moved(self._month, -((self._month.weekday() + 1) % 7))
        week = self._day.isocalendar()[:2]
        for at in range(42):
            day = _moved(start, at)
            if at % 7 == 0:
                y += _TALL
            same = day.isocalendar()[:2] == week if self._kind == "week" else day == self._day
            out.append(
                Piece(
                    "button",
                    left + 12 + at % 7 * _CELL,
                    y,
                    _CELL,
                    _TALL,
                    str(day.day),
                    f"day:{day.isoformat()}" if self._allowed(day) else "",
                    on=same and self._chosen,
                    off=day.month != self._month.month or not self._allowed(day),
                    role="gridcell",
                )
            )
        return out

    def _months(self, left: int, y: int) -> list[Piece]:
        out = self._head(left, y, str(self._month.year), (("<", -12), (">", 12)))
        for at, name in enumerate(_MONTHS):
            day = self._month.replace(month=at + 1)
            same = (day.year, day.month) == (self._day.year, self._day.month)
            x, row = left + 12 + at % 3 * 84, y + 34 + at // 3 * 32
            key = f"month:{at + 1}" if self._allowed(day) else ""
            on, off = same and self._chosen, not self._allowed(day)
            out.append(Piece("button", x, row, 84, 32, name, key, on, off, "gridcell"))
        return out

    def _clock(self, left: int, y: int) -> list[Piece]:
        out = [Piece("title", left + 14, y, 200, 24, f"Hour  ({self._hour:02}:{self._minute:02})")]
        for hour in range(24):
            x, row = left + 12 + hour % 8 * 31, y + 24 + hour // 8 * 26
            out.append(
                Piece(
                    "button",
                    x,
                    row,
                    31,
                    26,
                    f"{hour:02}",
                    f"hour:{hour}",
                    hour == self._hour,
                    role="gridcell",
                )
            )
        y += 24 + 3 * 26
        out.append(Piece("title", left + 14, y, 200, 24, "Minute"))
        for at in range(12):
            minute, x, row = at * 5, left + 12 + at % 6 * 42, y + 24 + at // 6 * 26
            on, key = minute == self._minute, f"minute:{minute}"
            out.append(Piece("button", x, row, 42, 26, f"{minute:02}", key, on, role="gridcell"))
        return out


def _moved(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))


def _day_of(kind: Kind, value: str) -> date | None:
    try:
        match kind:
            case "date" | "datetime-local":
                return date.fromisoformat(value[:10])
            case "month":
                return date.fromisoformat(f"{value[:7]}-01")
            case "week":
                return date.fromisocalendar(int(value[:4]), int(value[6:8]), 1) + timedelta(days=3)
            case "time":
                return None
    except ValueError:
        return None
