"""Dates of recorded answers, moved up to now."""

from datetime import timedelta

from harness.gateway.upstreams.shifted import shifted

DAY = timedelta(days=1)


def test_dates_and_cookies_grow_old_as_they_did() -> None:
    headers = (
        ("date", "Sat, 21 Nov 2026 10:00:00 GMT"),
        ("expires", "Sat, 21 Nov 2026 11:00:00 GMT"),
        ("last-modified", "Sat, 21 Nov 2026 09:00:00 GMT"),
        ("set-cookie", "sid=[redacted-3-characters]; Expires=Sat, 21-Nov-2026 11:00:00 GMT; Path=/"),
    )
    assert dict(shifted(headers, DAY)) == {
        "date": "Sun, 22 Nov 2026 10:00:00 GMT",
        "expires": "Sun, 22 Nov 2026 11:00:00 GMT",
        "last-modified": "Sat, 21 Nov 2026 09:00:00 GMT",
        "set-cookie": "sid=[redacted-3-characters]; Expires=Sun, 22 Nov 2026 11:00:00 GMT; Path=/",
    }


def test_what_is_no_date_stays() -> None:
    headers = (
        ("expires", "0"),
        ("expires", "-1"),
        ("date", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("set-cookie", "a=b; Expires=never; Secure"),
    )
    assert tuple(shifted(headers, DAY)) == headers


def test_nothing_moves_by_nothing() -> None:
    headers = (("date", "Sat, 21 Nov 2026 10:00:00 +0100"),)
    assert tuple(shifted(headers, timedelta(0))) == headers
