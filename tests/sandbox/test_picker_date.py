"""Calendars and clocks, without a browser."""

from datetime import date
from typing import Any

import pytest
from harness.clearance import Box
from harness.sandbox.picker_date import DatePicker

TODAY = date(2026, 11, 21)
ANCHOR = Box(x=10, y=10, width=100, height=20)


def picker(kind: Any, value: str, **more: str) -> DatePicker:
    return DatePicker(kind, ANCHOR, value, today=TODAY, **more)


@pytest.mark.parametrize(
    ("kind", "value", "keys", "expected"),
    [
        ("date", "2026-12-31", ["ArrowRight"], "2027-01-01"),
        ("date", "2026-03-31", ["PageUp"], "2026-02-28"),
        ("date", "9999-12-31", ["ArrowRight", "ArrowDown", "PageDown"], "9999-12-31"),
        ("date", "0001-01-01", ["ArrowLeft", "PageUp"], "0001-01-01"),
        ("date", "", [], "2026-11-21"),
        ("month", "2026-12", ["ArrowRight"], "2027-01"),
        ("week", "2026-W53", ["ArrowDown"], "2027-W01"),
        ("time", "23:59", ["ArrowUp", "ArrowRight"], "00:00"),
        ("datetime-local", "2026-03-10T09:05", ["ArrowDown"], "2026-03-17T09:05"),
        ("date", "nonsense", [], "2026-11-21"),
    ],
)
def test_keys_move_and_enter_chooses(kind: Any, value: str, keys: list[str], expected: str) -> None:
    one = picker(kind, value)
    for key in keys:
        one.press((key,))
    change = one.press(("Enter",))
    assert change is not None
    assert (change.value, change.close) == (expected, True)


@pytest.mark.parametrize("kind", ["date", "datetime-local", "month", "week", "time"])
@pytest.mark.parametrize("value", ["", "0001-01-01", "9999-12-31"])
def test_every_month_can_be_laid_out(kind: Any, value: str) -> None:
    one = picker(kind, value)
    for turn in (-12, -1, 1, 12, 12):
        one.click(f"turn:{turn}")
        assert all(piece.x >= 0 and piece.y >= 0 for piece in one.pieces(1280, 720))


def test_limits_hold_for_clicks() -> None:
    keys = {
        piece.key
        for piece in picker("date", "2026-03-10", low="2026-03-05", high="2026-03-20").pieces(1280, 720)
    }
    assert {"day:2026-03-05", "day:2026-03-20"} <= keys
    assert not {"day:2026-03-04", "day:2026-03-21"} & keys
