"""Made-up policies, effects and bytes: a few at every test run, many with `scripts/test --full`."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz import targets

NOISE = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=150).map(lambda text: b"\x00" + text.encode("utf-8", "replace")),
    st.lists(
        st.sampled_from(
            (
                *(b"\r\n", b"\r\n\r\n", b"Host: shop.test", b"Host: evil.test", b"GET /pay HTTP/1.1", b": "),
                *(b"Content-Length: 5", b"Transfer-Encoding: chunked", b"0", b"5", b"hello", b" ", b"\x00"),
                *(b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"http://shop.test/pay"),
                *(
                    b"verdict: allow",
                    b"rules:",
                    b"rules: []",
                    b"\n",
                    b"  ",
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b"&a",
                    b"*a",
                ),
                *(
                    b"domains: {navigate: ['*']}",
                    b"<<: ",
                    b"!!python/object",
                    b"extends: [base]",
                    b"'",
                    b"- ",
                ),
                *(b"@evil.test", b"\\", b"//evil.test", b"%2e", b"..", b"#", b"?", b":80", b"\xef\xbc\x8e"),
            )
        ),
        max_size=12,
    ).map(b"".join),
).flatmap(lambda data: st.integers(0, 9).map(lambda stem: bytes([stem]) + data))


@pytest.fixture(scope="module")
def wire() -> Iterator[targets.Wire]:
    with targets.Wire() as found:
        yield found


@settings(max_examples=150, deadline=None)
@given(NOISE)
def test_policy_text_is_refused_in_one_line_or_forbids_what_it_forbids(data: bytes) -> None:
    targets.policy(data)


@settings(max_examples=150, deadline=None)
@given(NOISE)
def test_effects_are_judged_and_none_elsewhere_is_allowed(data: bytes) -> None:
    targets.effect(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=NOISE)
def test_bytes_at_the_gateway_reach_nothing_that_is_not_allowed(data: bytes, wire: targets.Wire) -> None:
    wire.feed(data)


def test_the_targets_would_see_a_way_through(wire: targets.Wire) -> None:
    wire.feed(b"\x00GET http://shop.test/ok?1 HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert wire.reached == ["GET /ok"]
    wire.feed(b"\x00GET http://shop.test/pay HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert wire.reached == []


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this Python"
)
@pytest.mark.parametrize("target", ["policy", "effect", "wire"])
def test_fuzzing_guided_by_coverage_finds_nothing(target: str, tmp_path: Path) -> None:
    limits = (
        "-max_total_time=60",
        "-runs=200000",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-max_len=600",
        "-len_control=0",
    )
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(10):
        (corpus / str(number)).write_bytes(bytes([number]))
    place = f"-artifact_prefix={tmp_path}/"
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", target, *limits, place, str(corpus)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
