"""What Chromium is told of a policy: never narrower than the policy, and nothing it cannot say."""

import re
from typing import Any

import pytest
from harness.policy.chromium import MOST, reach, saves
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.schema import Policy
from harness.policy.urls import parse
from hypothesis import given
from hypothesis import strategies as st


def policy(*navigate: str, load: list[str] | None = None, **said: Any) -> Policy:
    domains = {"navigate": [*navigate], **({"load": load} if load else {})}
    return Policy.model_validate({"name": "p", "domains": domains, **said})


def admits(filters: tuple[str, ...], url: str) -> bool:
    """Read filters as Chromium does: a leading dot is that host alone, a path is a beginning."""
    address = parse(url)
    assert address is not None
    for one in filters:
        found = re.fullmatch(r"(https?)://(\.?)(\[.*\]|[^:/]+):(\d+)(/.*)?", one)
        assert found, one
        scheme, dot, host, port, path = found.groups()
        numeric = bool(re.fullmatch(r"\[.*\]|[0-9.]+", host))
        named = address.host == host or (not dot and not numeric and address.host.endswith(f".{host}"))
        if (
            named
            and (address.scheme, address.port) == (scheme, int(port))
            and address.path.startswith(path or "")
        ):
            return True
    return False


@pytest.mark.parametrize(
    ("pattern", "filters"),
    [
        ("shop.test", ("https://.shop.test:443",)),
        ("https://shop.test", ("https://.shop.test:443",)),
        ("http://shop.test", ("http://.shop.test:80",)),
        ("shop.test:8443", ("https://.shop.test:8443",)),
        ("*.shop.test", ("https://shop.test:443",)),
        ("http://*.shop.test:8080/app/*", ("http://shop.test:8080/app/",)),
        ("shop.test/app*", ("https://.shop.test:443/app",)),
        ("shop.test/a*b", ("https://.shop.test:443/a",)),
        ("shop.test/*", ("https://.shop.test:443",)),
        ("shop.test/caf%C3%A9", ("https://.shop.test:443/caf",)),
        ("shop.test/a//b", ("https://.shop.test:443/a",)),
        ("http://10.0.0.5", ("http://10.0.0.5:80",)),
        ("http://[::1]:8000", ("http://[::1]:8000",)),
        ("http://localhost:8000", ("http://.localhost:8000",)),
        ("wss://shop.test", ()),
        ("ws://shop.test", ()),
    ],
)
def test_a_pattern_becomes_filters(pattern: str, filters: tuple[str, ...]) -> None:
    assert reach(policy(pattern)) == filters


def test_frames_may_be_where_anything_may_come_from() -> None:
    said = reach(policy("shop.test", load=["*.cdn.test", "http://img.test"]))
    assert said == ("http://.img.test:80", "https://.shop.test:443", "https://cdn.test:443")


def test_a_policy_without_domains_reaches_nothing() -> None:
    assert reach(Policy(name="p")) == ()


@pytest.mark.parametrize("outcome", ["ask", "stop"])
def test_pages_outside_are_the_gateways_where_they_are_more_than_refused(outcome: str) -> None:
    assert reach(policy("shop.test", default={"navigate": outcome})) is None


def test_more_hosts_than_chromium_takes_are_the_gateways() -> None:
    assert len(reach(policy(*(f"h{n}.test" for n in range(MOST)))) or ()) == MOST
    assert reach(policy(*(f"h{n}.test" for n in range(MOST + 1)))) is None


_HOSTS = st.sampled_from(
    ["shop.test", "a.shop.test", "b.a.shop.test", "cdn.test", "xshop.test", "10.0.0.5", "[::1]", "localhost"]
)
_PORTS = st.sampled_from(["", ":443", ":80", ":8080"])
_PATHS = st.text(st.sampled_from("/ab.%4Ef~-_*"), max_size=6).map(lambda text: f"/{text}")
_PATTERNS = st.builds(
    lambda scheme, wild, host, port, path: (
        f"{scheme}{wild if host[0].isalpha() and '.' in host else ''}{host}{port}{path}"
    ),
    st.sampled_from(["", "https://", "http://", "wss://", "ws://"]),
    st.sampled_from(["", "*."]),
    _HOSTS,
    _PORTS,
    st.one_of(st.just(""), _PATHS),
)
_URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}{path.replace('*', 'x')}",
    st.sampled_from(["http", "https"]),
    _HOSTS,
    _PORTS,
    _PATHS,
)


@given(st.lists(_PATTERNS, min_size=1, max_size=4), st.lists(_URLS, min_size=1, max_size=10))
def test_what_the_policy_allows_chromium_is_never_told_to_block(patterns: list[str], urls: list[str]) -> None:
    filters = reach(policy(*patterns))
    allowed = Reach(map(read_host_pattern, patterns))
    assert filters is not None
    for url in urls:
        address = parse(url)
        if address is not None and allowed.admits(address):
            assert admits(filters, url), (patterns, filters, url)


@given(st.lists(_PATTERNS, min_size=1, max_size=4), st.lists(_URLS, min_size=1, max_size=10))
def test_what_chromium_may_load_besides_is_an_apex_or_a_path(patterns: list[str], urls: list[str]) -> None:
    filters = reach(policy(*patterns))
    read = [read_host_pattern(one) for one in patterns]
    assert filters is not None
    for url in urls:
        address = parse(url)
        if address is not None and admits(filters, url):
            assert any(
                (address.scheme, address.port) in one.ends
                and (address.host == one.host or (one.wild and address.host.endswith(f".{one.host}")))
                for one in read
            ), (patterns, filters, url)


@pytest.mark.parametrize(
    ("said", "may"),
    [
        ({}, False),
        ({"default": {"request": "allow"}}, True),
        ({"default": {"request": "allow", "download": "deny"}}, False),
        ({"default": {"download": "ask"}}, True),
        ({"default": {"download": "stop"}}, False),
        ({"rules": [{"name": "r", "on": "download", "when": {"name": "*.pdf"}, "verdict": "allow"}]}, True),
        ({"rules": [{"name": "r", "on": "download", "when": {}, "verdict": "deny", "why": "no"}]}, False),
        ({"rules": [{"name": "r", "on": "request", "when": {}, "verdict": "allow"}]}, False),
    ],
)
def test_files_are_taken_only_where_one_may_be_kept(said: dict[str, Any], may: bool) -> None:
    assert saves(policy("shop.test", **said)) is may
