"""Which hosts a policy lets through, and which patterns it refuses to read."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

import pytest
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.urls import parse, refused


def admits(patterns: list[str], url: str) -> bool:
    address = parse(url)
    if address is None or refused(address):
        return False
    return Reach(map(read_host_pattern, patterns)).admits(address)


INSIDE = [
    ("shop.test", "https://shop.test/"),
    ("shop.test", "https://shop.test:443/a?b#c"),
    ("shop.test", "HTTPS://SHOP.TEST"),
    ("shop.test", "wss://shop.test/live"),
    ("shop.test", "https:shop.test"),
    ("shop.test", "https:\\\\shop.test\\path"),
    ("shop.test", "https://shop。test/"),
    ("shop.test", "https://ｓｈｏｐ.test/"),
    ("shop.test", "https://sho%70.test/"),
    ("shop.test", "https://sh\top.te\nst/"),
    ("shop.test", "\x01 https://shop.test/"),
    ("shop.test", "https://shop.test\\@evil.test/"),
    ("shop.test", "https://shop.test#@evil.test/"),
    ("shop.test", "https://shop.test?@evil.test/"),
    ("*.cdn.test", "https://a.cdn.test/"),
    ("*.cdn.test", "https://a.b.cdn.test/x.js"),
    ("http://shop.test", "http://shop.test/"),
    ("http://shop.test", "ws://shop.test/"),
    ("HTTP://shop.test", "http://shop.test/"),
    ("https://shop.test", "wss://shop.test/"),
    ("wss://shop.test", "wss://shop.test/"),
    ("shop.test:8443", "https://shop.test:8443/"),
    ("http://localhost:8000", "http://localhost:8000/x"),
    ("http://127.0.0.1:8000", "http://127.1:8000/"),
    ("http://127.0.0.1:8000", "http://0x7f000001:8000/"),
    ("http://[::1]:8000", "http://[0:0::1]:8000/"),
    ("xn--bcher-kva.test", "https://bücher.test/"),
    ("shop.test/*", "https://shop.test/x"),
    ("shop.test/public*", "https://shop.test/public/a"),
    ("shop.test/a/*/c", "https://shop.test/a/b/b/c"),
    ("shop.test/a*b*c", "https://shop.test/a-b-c"),
    ("shop.test/exact", "https://shop.test/exact?q=1"),
    ("*.test", "https://shop.test/"),
]

OUTSIDE = [
    # userinfo, prefixes and suffixes
    ("shop.test", "https://shop.test@evil.test/"),
    ("shop.test", "https://shop.test:443@evil.test/"),
    ("shop.test", "https://user@shop.test/"),
    ("shop.test", "https://:pass@shop.test/"),
    ("shop.test", "https://shop.test.evil.test/"),
    ("shop.test", "https://evilshop.test/"),
    ("shop.test", "https://shop.tes/"),
    ("shop.test", "https://sub.shop.test/"),
    ("*.shop.test", "https://shop.test/"),
    ("*.shop.test", "https://evilshop.test/"),
    ("*.shop.test", "https://shop.test.evil.test/"),
    ("*.shop.test", "https://a.shop.test.evil.test/"),
    ("shop.test", "https://evil.test/shop.test"),
    ("shop.test", "https://evil.test?shop.test/"),
    ("shop.test", "https://evil.test#shop.test/"),
    # schemes and ports
    ("shop.test", "http://shop.test/"),
    ("shop.test", "ws://shop.test/"),
    ("http://shop.test", "https://shop.test/"),
    ("wss://shop.test", "https://shop.test/"),
    ("shop.test", "https://shop.test:8443/"),
    ("shop.test", "https://shop.test:80/"),
    ("shop.test:8443", "https://shop.test/"),
    ("shop.test", "https://shop.test:65536/"),
    ("shop.test", "https://shop.test:80:80/"),
    ("shop.test", "https://shop.test:０/"),
    # other names for a name
    ("shop.test", "https://shop.test./"),
    ("shop.test", "https://shop.test.:443/"),
    ("shop.test", "https://ѕhop.test/"),
    ("shop.test", "https://xn--hop-pzd.test/"),
    ("shop.test", "https://shop.test%00.evil.test/"),
    ("shop.test", "https://shop.test%2f.evil.test/"),
    ("shop.test", "https://shop%2etest.evil.test/"),
    ("shop.test", "https://evil%2etest/"),
    ("shop.test", "https://evil。test/"),
    ("shop.test", "https://ｅｖｉｌ.test/"),
    ("shop.test", "https://evil.te\tst/"),
    ("shop.test", "\x01https://evil.test"),
    ("shop.test", "https:\\\\evil.test\\shop.test"),
    ("shop.test", "https://evil.test\\@shop.test/"),
    ("shop.test", "//shop.test/"),
    ("shop.test", "shop.test"),
    ("shop.test", ""),
    ("shop.test", "https://"),
    # addresses
    ("shop.test", "http://2852039166/"),
    ("shop.test", "http://0x0a630042/"),
    ("shop.test", "http://0251.0376.0251.0376/"),
    ("shop.test", "http://127.1/"),
    ("shop.test", "http://[::ffff:169.254.169.254]/"),
    ("shop.test", "http://[64:ff9b::a9fe:a9fe]/"),
    ("shop.test", "http://0.0.0.0/"),
    ("shop.test", "http://[::]/"),
    ("shop.test", "http://[fe80::1%25eth0]/"),
    ("http://127.0.0.1", "http://[::ffff:127.0.0.1]/"),
    ("http://127.0.0.1:8000", "http://127.0.0.1/"),
    ("http://127.0.0.1:8000", "http://127.0.0.2:8000/"),
    ("*.0.0.test", "http://127.0.0.1/"),
    # other schemes
    ("shop.test", "view-source:https://shop.test/"),
    ("shop.test", "data:text/html,shop.test"),
    ("shop.test", "javascript://shop.test/%0aalert(1)"),
    ("shop.test", "blob:https://shop.test/6f4"),
    ("shop.test", "filesystem:https://shop.test/temporary/x"),
    ("shop.test", "file://shop.test/etc/passwd"),
    ("shop.test", "file:///etc/passwd"),
    ("shop.test", "ftp://shop.test/"),
    ("shop.test", "chrome://shop.test/"),
    ("shop.test", "devtools://shop.test/"),
    ("shop.test", "chrome-extension://shop.test/x.html"),
    ("shop.test", "intent://shop.test/#Intent;end"),
    ("shop.test", "about:blank"),
    ("shop.test", "about:srcdoc"),
    ("shop.test", "mailto:a@shop.test"),
    # paths
    ("shop.test/public*", "https://shop.test/private"),
    ("shop.test/public*", "https://shop.test/public/../private"),
    ("shop.test/public*", "https://shop.test/public/%2e%2e/private"),
    ("shop.test/public/*", "https://shop.test/public/..%2fprivate"),
    ("shop.test/public/*", "https://shop.test/public/..%5cprivate"),
    ("shop.test/exact", "https://shop.test/exact/"),
    ("shop.test/a*b*b", "https://shop.test/ab"),
    ("shop.test/a/*/c", "https://shop.test/a/b/d"),
]


@pytest.mark.parametrize(("pattern", "url"), INSIDE)
def test_what_a_pattern_names_is_let_through(pattern: str, url: str) -> None:
    assert admits([pattern], url)


@pytest.mark.parametrize(("pattern", "url"), OUTSIDE)
def test_what_only_looks_like_it_is_not(pattern: str, url: str) -> None:
    assert not admits([pattern], url)


@pytest.mark.parametrize("url", sorted({url for _, url in OUTSIDE}))
def test_nothing_is_let_through_without_patterns(url: str) -> None:
    assert not admits([], url)


REFUSED = [
    ("*", "name the hosts"),
    ("*.*", "name the hosts"),
    ("*.", "name the hosts"),
    ("", "host pattern is a host"),
    (" shop.test", "without blanks"),
    ("shop .test", "without blanks"),
    ("shop\u200b.test", "without blanks"),
    ("*.co.uk", r"anyone can register.*\*\.shop\.co\.uk"),
    ("*.com", "anyone can register"),
    ("*.github.io", "anyone can register"),
    ("*.ck", "anyone can register"),
    ("com", "public suffix and not a host"),
    ("co.uk", "public suffix and not a host"),
    ("https://com/", "public suffix and not a host"),
    ("аllowed.test", "xn--llowed-2nf.test"),
    ("*.bücher.test", "xn--bcher-kva.test"),
    ("SHOP.test", "'shop.test'"),
    ("shop.test:0", "1 to 65535"),
    ("shop.test:65536", "1 to 65535"),
    ("shop.test:http", "1 to 65535"),
    ("shop.test:", "1 to 65535"),
    ("shop.test:80:80", "1 to 65535"),
    ("user@shop.test", "without @"),
    ("https://user:pw@shop.test", "without @"),
    ("shop.test.", "'shop.test'"),
    ("*.shop.test.", "'shop.test'"),
    (".shop.test", r"\*\.shop\.test"),
    ("shop..test", "1 to 63"),
    ("a" * 64 + ".test", "1 to 63"),
    ("2130706433", "'127.0.0.1'"),
    ("0x7f.1", "'127.0.0.1'"),
    ("127.1", "'127.0.0.1'"),
    ("0177.0.0.1", "'127.0.0.1'"),
    ("256.0.0.1", "no browser"),
    ("[::ffff:127.0.0.1]", r"\[::ffff:7f00:1\]"),
    ("[0:0::1]", r"\[::1\]"),
    ("[::1", "no browser"),
    ("*.127.0.0.1", "no subdomains"),
    ("*.[::1]", "no browser"),
    ("shop.*", "only at the front"),
    ("a*.test", "only at the front"),
    ("*shop.test", "only at the front"),
    ("*.*.test", "only at the front"),
    ("*://shop.test", "only at the front"),
    ("ftp://shop.test", "never loaded"),
    ("file:///etc", "never loaded"),
    ("javascript:alert(1)", "1 to 65535"),
    ("https://", "no host"),
    ("shop.test/a?b=c", "without @"),
    ("shop.test/#x", "without @"),
    ("shop.test\\x", "without @"),
    ("shop.test/ü", "percent-encoded"),
    ("sho%70.test", "'shop.test'"),
    ("exa<mple.test", "no browser"),
]


@pytest.mark.parametrize(("pattern", "says"), REFUSED)
def test_what_nobody_can_mean_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_host_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "github.io",
        "*.shop.co.uk",
        "*.test",
        "localhost",
        "*.localhost",
        "sh_op.test",
        "10.0.0.1",
        "[fe80::1]",
    ],
)
def test_what_is_narrow_enough_is_read(pattern: str) -> None:
    assert read_host_pattern(pattern).text == pattern


COVERED = [
    ("shop.test", "shop.test", True),
    ("shop.test", "https://shop.test", True),
    ("https://shop.test", "wss://shop.test", True),
    ("*.shop.test", "a.shop.test", True),
    ("*.shop.test", "*.a.shop.test", True),
    ("*.shop.test", "*.shop.test", True),
    ("shop.test", "shop.test/a", True),
    ("shop.test/a*", "shop.test/ab*", True),
    ("shop.test/a*", "shop.test/a*", True),
    ("*.shop.test", "shop.test", False),
    ("shop.test", "*.shop.test", False),
    ("shop.test", "http://shop.test", False),
    ("wss://shop.test", "shop.test", False),
    ("shop.test", "shop.test:8443", False),
    ("*.shop.test", "*.test", False),
    ("*.shop.test", "evilshop.test", False),
    ("shop.test/a*", "shop.test", False),
    ("shop.test/a*", "shop.test/b", False),
    ("shop.test/a*c", "shop.test/abc", False),
]


@pytest.mark.parametrize(("wide", "narrow", "covers"), COVERED)
def test_covering(wide: str, narrow: str, covers: bool) -> None:
    assert read_host_pattern(wide).covers(read_host_pattern(narrow)) is covers


def test_an_address_is_named_only_if_it_is_written_out() -> None:
    reach = Reach(
        map(read_host_pattern, ["http://10.0.0.1:8000", "http://[::1]:8000", "localhost", "shop.test"])
    )
    assert reach.names("10.0.0.1")
    assert reach.names("::1")
    assert reach.names("[::1]")
    assert reach.names("0:0:0:0:0:0:0:1")
    assert not reach.names("127.0.0.1")
    assert not reach.names("10.0.0.2")
    assert not reach.names("::ffff:10.0.0.1")
    assert not reach.names("localhost")
    assert not reach.names("")


def test_a_sentence_names_three_and_counts_the_rest() -> None:
    def sentence(*patterns: str) -> str:
        return Reach(map(read_host_pattern, patterns)).sentence("visited")

    assert sentence() == "nothing may be visited"
    assert sentence("a.test") == "a.test may be visited"
    assert sentence("a.test", "*.b.test") == "a.test and *.b.test may be visited"
    assert sentence("a.test", "b.test", "c.test", "d.test", "e.test") == (
        "a.test, b.test, c.test and 2 more may be visited"
    )
