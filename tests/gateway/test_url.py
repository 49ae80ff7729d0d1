"""Addresses are read as Chromium reads them, or refused."""

import pytest
from harness.gateway import url
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("https://shop.test", "https://shop.test/"),
        ("HTTPS://SHOP.TEST:443/A?b=c", "https://shop.test/A?b=c"),
        ("http://shop.test:80/x/../y/%2e%2e/z", "http://shop.test/z"),
        ("https://shop.test//evil.test/", "https://shop.test//evil.test/"),
        ("https://shop.test:8443/?", "https://shop.test:8443/?"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("https://evil%2etest/", "https://evil.test/"),
        ("wss://shop.test/socket?a=b", "wss://shop.test/socket?a=b"),
    ],
)
def test_an_address_has_one_spelling(text: str, href: str) -> None:
    address = url.parse(text)
    assert address.href == href
    assert url.parse(address.href) == address


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("https://a:b@shop.test/", "credentials"),
        ("https://shop.test@evil.test/", "credentials"),
        ("https://shop.test/#x", "fragment"),
        ("https://shop.test./", "host"),
        ("https://shop_1.test/", "host"),
        ("https://shop.test%00.evil.test/", "parsed"),
        ("https://[shop.test]/", "parsed"),
        ("http://[fe80::1%25eth0]/", "parsed"),
        ("https://shop.test:65536/", "parsed"),
        ("https://shop.test:80:80/", "parsed"),
        ("ftp://shop.test/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("gopher://shop.test/", "scheme"),
        ("https://shop.te st/", "characters"),
        ("https://shöp.test/", "characters"),
        ("https://evil.te\tst/", "characters"),
        ("/relative", "parsed"),
        ("", "characters"),
        (f"https://{'a' * 64}.test/", "host"),
        (f"https://{'.'.join(['a' * 60] * 5)}/", "host"),
    ],
)
def test_what_a_browser_does_not_send_is_refused(text: str, why: str) -> None:
    with pytest.raises(url.UrlError, match=why):
        url.parse(text)


def test_connect_takes_a_host_and_port_in_canonical_spelling() -> None:
    assert url.authority("Shop.test:443") == ("shop.test", 443)
    assert url.authority("[::1]:8443") == ("[::1]", 8443)
    assert url.authority("127.0.0.1:443") == ("127.0.0.1", 443)


@pytest.mark.parametrize(
    "text",
    [
        "shop.test",
        "shop.test:",
        "shop.test:0",
        "shop.test:65536",
        "shop.test:80:80",
        "[shop.test]:443",
        "shop.test.:443",
        "evil.test\x00.shop.test:443",
        "2130706433:443",
        "0x7f.1:443",
        "127.1:443",
        "[0:0::1]:443",
        "a@shop.test:443",
        "shop.test/:443",
        "https://shop.test:443",
        "evil%2etest:443",
        "-:443",
    ],
)
def test_connect_refuses_every_other_spelling(text: str) -> None:
    with pytest.raises(url.UrlError):
        url.authority(text)


def test_host_headers_name_the_address_or_do_not() -> None:
    address = url.parse("https://shop.test/")
    assert address.says("shop.test")
    assert address.says("SHOP.test:443")
    assert not address.says("shop.test:80")
    assert not address.says("evil.test")
    assert not url.parse("https://shop.test:8443/").says("shop.test")


def test_origins() -> None:
    assert url.origin("https://shop.test/path?q") == "https://shop.test"
    assert url.origin("null") == "null"
    assert url.origin("nonsense") is None


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_stably_or_refused(text: str) -> None:
    try:
        address = url.parse(text)
    except url.UrlError:
        return
    assert url.parse(address.href) == address


@settings(deadline=None)
@given(st.from_regex(r"https://[a-z0-9.\-_%@:\[\]\\/?]{1,40}", fullmatch=True))
def test_hosts_that_pass_are_plain(text: str) -> None:
    try:
        address = url.parse(text)
    except url.UrlError:
        return
    assert not set(address.host) & set("%@/\\?_ ")
    assert not address.host.endswith(".")
