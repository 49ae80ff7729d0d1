"""What a head says about who asks and for what."""

import pytest
from harness.clearance import Resource
from harness.gateway.head import answer_headers, build, forwardable, get
from harness.gateway.url import parse

URL = parse("https://shop.test/")


@pytest.mark.parametrize(
    ("headers", "resource"),
    [
        ([(b"Sec-Fetch-Dest", b"document")], "document"),
        ([(b"Sec-Fetch-Dest", b"iframe")], "frame"),
        ([(b"Sec-Fetch-Dest", b"object")], "frame"),
        ([(b"Sec-Fetch-Dest", b"script")], "script"),
        ([(b"Sec-Fetch-Dest", b"style")], "style"),
        ([(b"Sec-Fetch-Dest", b"image")], "image"),
        ([(b"Sec-Fetch-Dest", b"font")], "font"),
        ([(b"Sec-Fetch-Dest", b"video")], "media"),
        ([(b"Sec-Fetch-Dest", b"empty")], "fetch"),
        ([(b"Sec-Fetch-Dest", b"serviceworker")], "worker"),
        ([(b"Sec-Fetch-Dest", b"manifest")], "other"),
        ([(b"Sec-Fetch-Dest", b"made up")], "other"),
        ([(b"Upgrade-Insecure-Requests", b"1"), (b"Accept", b"text/html,*/*")], "document"),
        ([(b"Accept", b"text/html")], "other"),
        ([], "other"),
    ],
)
def test_what_asks(headers: list[tuple[bytes, bytes]], resource: Resource) -> None:
    assert build("r", b"GET", URL, headers).resource == resource


@pytest.mark.parametrize(
    ("headers", "initiator"),
    [
        ([(b"origin", b"https://a.test")], "https://a.test"),
        ([(b"origin", b"null"), (b"referer", b"https://a.test/x")], "null"),
        ([(b"referer", b"https://a.test:8443/path?q")], "https://a.test:8443"),
        ([(b"referer", b"nonsense")], None),
        ([], None),
    ],
)
def test_for_whom(headers: list[tuple[bytes, bytes]], initiator: str | None) -> None:
    assert build("r", b"GET", URL, headers).initiator == initiator


def test_methods_are_upper_case() -> None:
    assert build("r", b"patch", URL, []).method == "PATCH"
    assert build("r", b"m-SEARCH", URL, []).method == "M-SEARCH"


def test_headers_of_one_connection_stay_there() -> None:
    headers = [
        (b"Connection", b"Keep-Alive, X-Own"),
        (b"X-Own", b"1"),
        (b"Host", b"shop.test"),
        (b"Content-Length", b"5"),
        (b"TE", b"trailers"),
        (b"X-Kept", b"2"),
    ]
    assert forwardable(headers) == ((b"x-kept", b"2"),)
    assert answer_headers(tuple(headers), 200) == ((b"content-length", b"5"), (b"x-kept", b"2"))
    assert answer_headers(tuple(headers), 204) == ((b"x-kept", b"2"),)


def test_the_harness_asks_for_itself() -> None:
    request = get("check-1", "https://SHOP.test/state")
    assert (request.method, request.url, request.body_size) == ("GET", "https://shop.test/state", 0)
    assert request.body_sha256 is not None
