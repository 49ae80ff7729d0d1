"""From what HTTP says to what a run is told: which troubles pass by themselves, and for how long to wait."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from harness.clearance import Fault
from harness.models.dialect import Trouble

LONGEST_BODY: Final = 4_000_000
"""Bytes of an answer that are read: nobody means more."""
_PASSING: Final = frozenset({408, 409, 425, 429})
_FILTERED: Final = frozenset({"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"})


def of_status(
    status: int, message: str, headers: Mapping[str, str], *, now: Callable[[], datetime], code: str = ""
) -> Trouble:
    """Say what a status of 400 or more means.

    Args:
        status: the HTTP status.
        message: the vendor's words.
        headers: of the answer, names in lower case.
        now: gives the time, for a date in `retry-after`.
        code: the vendor's own name for it, where there is one.
    """
    said = f"HTTP {status}{f' ({code})' if code else ''}: {message}"
    if code in _FILTERED:
        return Trouble("content_filter", said, ends=False)
    fault: Fault
    match status:
        case 401 | 403:
            fault = "unauthorized"
        case 408:
            fault = "timeout"
        case 413:
            fault = "too_large"
        case 429:
            fault = "rate_limited"
        case _ if status >= 500:
            fault = "server_error"
        case _:
            fault = "rejected"
    again = status in _PASSING or status >= 500
    if headers.get("x-should-retry") in ("true", "false"):
        again = headers["x-should-retry"] == "true"
    return Trouble(fault, said, again=again, after=retry_after(headers, now))


def retry_after(headers: Mapping[str, str], now: Callable[[], datetime]) -> float | None:
    """Give the seconds that a vendor wants to be left alone for; nothing if it does not say."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            return float(text) / unit
    text = headers.get("retry-after", "")
    if not text:
        return None
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (ValueError, TypeError):
        return None
