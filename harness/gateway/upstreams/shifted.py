"""Moves the dates of a recorded answer up to now, so that a browser of today takes it as that of then did."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

_DATES = frozenset({"date", "expires"})
_EXPIRES = re.compile(r"(;\s*expires\s*=\s*)([^;]*)", re.IGNORECASE)


def shifted(headers: Iterable[tuple[str, str]], by: timedelta) -> Iterator[tuple[str, str]]:
    """Give headers with every `date` and `expires`, those in cookies too, made later; nonsense stays."""
    for name, value in headers:
        if not by:
            yield name, value
        elif name in _DATES:
            yield name, _later(value, by)
        elif name == "set-cookie":
            yield name, _EXPIRES.sub(lambda found: found[1] + _later(found[2], by), value)
        else:
            yield name, value


def _later(text: str, by: timedelta) -> str:
    try:
        then = parsedate_to_datetime(text)
        aware = then if then.tzinfo else then.replace(tzinfo=UTC)
        moved: datetime = aware.astimezone(UTC) + by
    except (ValueError, OverflowError):
        return text
    return format_datetime(moved, usegmt=True)
