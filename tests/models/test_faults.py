from datetime import UTC, datetime

import pytest
from harness.models.faults import of_status, retry_after


def now() -> datetime:
    return datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "fault", "again"),
    [
        (400, "rejected", False),
        (401, "unauthorized", False),
        (403, "unauthorized", False),
        (404, "rejected", False),
        (408, "timeout", True),
        (409, "rejected", True),
        (413, "too_large", False),
        (429, "rate_limited", True),
        (500, "server_error", True),
        (503, "server_error", True),
        (529, "server_error", True),
    ],
)
def test_what_passes_by_itself_is_asked_again(status: int, fault: str, *, again: bool) -> None:
    trouble = of_status(status, "no", {}, now=now)
    assert (trouble.fault, trouble.again, trouble.ends) == (fault, again, True)
    assert str(trouble) == f"HTTP {status}: no"


def test_a_filter_ends_nothing_and_is_not_asked_again() -> None:
    trouble = of_status(400, "blocked", {}, now=now, code="content_filter")
    assert (trouble.fault, trouble.again, trouble.ends) == ("content_filter", False, False)


def test_a_vendor_that_says_whether_to_come_back_is_believed() -> None:
    assert not of_status(429, "quota", {"x-should-retry": "false"}, now=now).again
    assert of_status(400, "odd", {"x-should-retry": "true"}, now=now).again


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Sat, 21 Nov 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "²"}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now) == seconds
