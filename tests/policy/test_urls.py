"""One parser for every address."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

import pytest
from harness.policy.urls import LONGEST_URL, parse, paths, refused, spellings


def test_the_parts_of_an_address() -> None:
    address = parse("HTTPS://Shop.TEST:8443/a b/../c?q=1#frag")
    assert address is not None
    assert (address.scheme, address.host, address.port, address.path) == ("https", "shop.test", 8443, "/c")
    assert address.href == "https://shop.test:8443/c?q=1"
    assert address.origin == "https://shop.test:8443"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://shop.test/x", "shop.test"),
        ("wss://shop.test/x", "shop.test"),
        ("http://shop.test/x", "http://shop.test"),
        ("https://shop.test:444/x", "https://shop.test:444"),
        ("https://аllowed.test/", "xn--llowed-2nf.test"),
    ],
)
def test_people_are_shown_ascii(url: str, shown: str) -> None:
    address = parse(url)
    assert address is not None
    assert address.shown == shown


def test_a_long_host_is_shown_shortened() -> None:
    address = parse(f"https://{'a' * 60}.{'b' * 60}.test/")
    assert address is not None
    assert len(address.shown) <= 100


@pytest.mark.parametrize(
    "url", ["", "shop.test", "//shop.test", "https://", "https://a b/", "https://a:99999/"]
)
def test_what_is_no_address(url: str) -> None:
    assert parse(url) is None
    assert "not an absolute URL" in (refused(parse(url)) or "")


def test_a_longer_address_than_browsers_load_is_none() -> None:
    assert parse("https://shop.test/" + "a" * LONGEST_URL) is None
    assert parse("https://shop.test/" + "a" * (LONGEST_URL - 100)) is not None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://a@shop.test/", "user name"),
        ("https://shop.test./", "dot"),
        ("data:,x", "data: addresses are never loaded"),
        ("blob:https://shop.test/1", "blob: addresses"),
        ("x" * 300 + "://shop.test/", "never loaded"),
    ],
)
def test_what_no_policy_can_allow(url: str, says: str) -> None:
    problem = refused(parse(url))
    assert problem is not None
    assert says in problem
    assert len(problem) < 200


def test_an_ordinary_address_has_one_spelling() -> None:
    assert spellings("https://SHOP.test/orders?x=1#y") == ("https://shop.test/orders?x=1",)


def test_a_server_may_read_an_address_in_other_ways() -> None:
    assert "https://shop.test/orders" in spellings("https://shop.test/%6frders")
    assert "https://shop.test/orders" in spellings("https://shop.test//orders")
    assert "https://shop.test/admin" in spellings("https://shop.test/public/..%2fadmin")
    assert "https://shop.test/?_method=DELETE" in spellings("https://shop.test/?_method=%44ELETE")


def test_what_cannot_be_parsed_is_compared_as_it_is() -> None:
    assert spellings("not a url") == ("not a url",)
    assert spellings("mailto:a@b.test") == ("mailto:a@b.test",)


def test_paths_keep_their_trailing_slash() -> None:
    assert paths("/a/b/") == ("/a/b/",)
    assert paths("/a//b/") == ("/a//b/", "/a/b/")
    assert paths("//") == ("//", "/")
