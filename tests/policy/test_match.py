"""Literals, globs and regular expressions, alone and by the thousand."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

import pytest
import re2
from harness.policy.match import (
    LONGEST_PATTERN,
    Comparison,
    NumberIndex,
    RuleFailedError,
    Style,
    TextIndex,
    chord_name,
    engine_options,
    fold,
    read_pattern,
)
from hypothesis import given
from hypothesis import strategies as st


def matches(pattern: str, text: str, style: Style = "exact") -> bool:
    return TextIndex([(1, read_pattern(pattern, style))]).matching(text, 1) == 1


MATCHES: list[tuple[Style, str, str, bool]] = [
    # literals are whole and keep their case
    ("exact", "button", "button", True),
    ("exact", "button", "Button", False),
    ("exact", "button", "button ", False),
    ("exact", "but", "button", False),
    ("exact", "a.b", "axb", False),
    ("upper", "post", "POST", True),
    ("lower", "Shop.test", "shop.test", True),
    # globs are whole too
    ("exact", "image/*", "image/png", True),
    ("exact", "image/*", "an image/png", False),
    ("exact", "?at", "cat", True),
    ("exact", "?at", "at", False),
    ("exact", "*", "", True),
    ("exact", "a*b", "a\nb", True),
    ("exact", "a.*", "ab", False),
    ("exact", "[ab]*", "a", False),
    # regular expressions are searched for
    ("exact", "re:pay|buy", "we buy it", True),
    ("exact", "re:^buy$", "we buy it", False),
    ("exact", "re:(?i)PAY", "pay", True),
    ("page", r"re:(?i)\b(pay|order)\b", "Pay now", True),
    ("page", r"re:(?i)\b(pay|order)\b", "Payment", False),
    # page text is folded on both sides
    ("page", "Pay  now", "Pay now", True),
    ("page", "Ｐａｙ now", "Pay now", True),
    ("page", "Pay *", "Pay now", True),
    # URL globs keep to the host in the host
    ("url", "https://shop.test/orders*", "https://shop.test/orders/1?a=b", True),
    ("url", "https://shop.test/orders", "https://shop.test/orders", True),
    ("url", "https://shop.test", "https://shop.test/", True),
    ("url", "HTTPS://SHOP.TEST/a b", "https://shop.test/a%20b", True),
    ("url", "https://shop.test/orders", "https://shop.test/orders/1", False),
    ("url", "https://*.shop.test/*", "https://a.shop.test/x", True),
    ("url", "https://*.shop.test/*", "https://evil.test/.shop.test/", False),
    ("url", "https://*.shop.test/*", "https://evil.test?.shop.test/", False),
    ("url", "https://shop.test*", "https://shop.test/x", True),
    ("url", "https://shop.test*", "https://evil.test/?https://shop.test", False),
    ("url", "https://*/orders", "https://a.test/b/orders", False),
    ("url", "*://shop.test/*", "wss://shop.test/live", True),
    ("url", "*/orders*", "https://shop.test/orders", True),
    ("url", "mailto:*", "mailto:a@b.test", True),
    # chords have one spelling
    ("chord", "ctrl+L", "Control+l", True),
    ("chord", "shift+ctrl+i", "Control+Shift+i", True),
    ("chord", "return", "Enter", True),
    ("chord", "Space", "Space", True),
    ("chord", "*+Enter", "Control+Enter", True),
    ("chord", "Enter", "Control+Enter", False),
]


@pytest.mark.parametrize(("style", "pattern", "text", "expected"), MATCHES)
def test_one_pattern(style: Style, pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text, style) is expected


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("Pay\u200b now", "Pay now"),
        ("P\u00ada\u2060y\u00a0now", "Pay now"),
        ("  Pay \n\t now ", "Pay now"),
        ("Ｐａｙ", "Pay"),
        ("\u202eyaP", "yaP"),
        ("P\ufe0fay", "Pay"),
        ("Pa\u034fy", "Pay"),
        ("Pay\u3164", "Pay"),
        ("Pay\u2800now", "Pay now"),
        ("Pay\x00\x07", "Pay"),
        ("Pay\U000e0041", "Pay"),
        ("e\u0301", "é"),
        ("ﬁnd", "find"),
        ("", ""),
    ],
)
def test_page_text_is_read_as_a_person_sees_it(written: str, seen: str) -> None:
    assert fold(written) == seen


@pytest.mark.parametrize("text", ["Pay now", "é", "ﬁnd\u200b", "\u1160a", "a\u0345\u200b\u0301"])
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("pattern", "style", "says"),
    [
        ("", "exact", "empty pattern"),
        ("re:", "exact", "needs a regular expression"),
        ("re:(", "exact", "not a regular expression"),
        ("re:[z-a]", "exact", "not a regular expression"),
        (r"re:(a)\1", "exact", "no back-references"),
        ("re:(?=a)", "exact", "no look-around"),
        ("re:((a{900}){900}){900}", "exact", "not a regular expression"),
        ("re:" + "a" * LONGEST_PATTERN, "exact", "at most 2,000"),
        ("/orders*", "url", "begins with a scheme"),
        ("shop.test/orders", "url", "begins with a scheme"),
        ("ctrl+entr", "chord", "did you mean 'Enter'"),
    ],
)
def test_an_impossible_pattern_is_refused(pattern: str, style: Style, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_pattern(pattern, style)


def test_a_pattern_that_would_blow_up_elsewhere_takes_linear_time() -> None:
    assert not matches(r"re:^(a+)+$", "a" * 50_000 + "!")
    assert matches(r"re:(x+x+)+y", "x" * 50_000 + "y")


def test_many_patterns_at_once_say_what_each_says_alone() -> None:
    patterns = [rf"re:(?i)\bword{number}\b" for number in range(40)] + ["word7 *", "word7 and word9", "*9"]
    conditions = [(1 << place, read_pattern(one, "page")) for place, one in enumerate(patterns)]
    every = (1 << len(patterns)) - 1
    index = TextIndex(conditions)
    for text in ("word7 and word9", "WORD3", "nothing", "word39 word9", ""):
        alone = sum(bit for bit, one in conditions if TextIndex([(bit, one)]).matching(text, bit))
        assert index.matching(text, every) & every == alone


def test_only_the_rules_still_alive_are_tried() -> None:
    index = TextIndex([(1 << place, read_pattern(f"re:{place}", "exact")) for place in range(20)])
    assert index.matching("3 4", 1 << 3) & (1 << 3)
    assert not index.matching("5", 1 << 3) & (1 << 3)


class _Silent:
    """A set of patterns that ran out of memory, as RE2 reports it: no match at all."""

    def Match(self, _: str) -> list[int]:  # noqa: N802 - RE2's name
        return []


def test_a_set_that_runs_out_of_memory_is_not_taken_for_no_match() -> None:
    index = TextIndex([(1 << place, read_pattern(f"re:{place}", "exact")) for place in range(20)])
    index.together = _Silent()
    assert index.matching("11", (1 << 20) - 1) == (1 << 1) | (1 << 11)


class _Broken:
    def search(self, _: str) -> None:
        raise MemoryError("no room")


def test_a_pattern_that_cannot_be_tried_names_its_rule() -> None:
    index = TextIndex([(4, read_pattern("re:a", "exact"))])
    index.regexes = [(4, _Broken())]
    with pytest.raises(RuleFailedError, match="no room") as failed:
        index.matching("a", 4)
    assert failed.value.bit == 4


def test_a_lone_surrogate_is_a_failure_and_not_a_miss() -> None:
    index = TextIndex([(1, read_pattern("re:a", "exact"))])
    with pytest.raises(RuleFailedError):
        index.matching("a\ud800", 1)


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("Control", "l"), "Control+l"),
        (("l", "Control"), "Control+l"),
        (("Shift", "Control", "I"), "Control+Shift+i"),
        ((" ",), "Space"),
        (("Enter",), "Enter"),
        (("Control", "+"), "Control++"),
    ],
)
def test_chords_have_one_name(keys: tuple[str, ...], name: str) -> None:
    assert chord_name(keys) == name


@pytest.mark.parametrize(
    ("sign", "value", "holds"),
    [
        *((">", 6, True), (">", 5, False), (">=", 5, True), (">=", 4, False), ("<", 4, True)),
        *(("<", 5, False), ("<=", 5, True), ("<=", 6, False), ("=", 5, True), ("=", 6, False)),
    ],
)
def test_comparisons(sign: str, value: int, holds: bool) -> None:
    assert Comparison(sign, 5).holds(value) is holds


def test_regular_expressions_have_room_and_say_nothing_on_standard_error() -> None:
    options = engine_options()
    assert options.max_mem >= 64 << 20
    assert options.log_errors is False
    assert re2.compile("a", options).search("a")


def test_numbers_are_indexed_like_texts() -> None:
    index = NumberIndex(
        [(1, Comparison(">", 5)), (2, Comparison("<", 5)), (2, Comparison(">", 9)), (4, Comparison("=", 7))]
    )
    assert index.conditioned == 7
    assert index.matching(7, 7) == 1 | 4
    assert index.matching(10, 7) == 1 | 2
    assert index.matching(10, 2) == 2


@given(
    pairs=st.lists(st.tuples(st.sampled_from(["<", "<=", "=", ">=", ">"]), st.integers(0, 9)), max_size=12),
    numbers=st.lists(st.integers(-1, 10), min_size=1, max_size=8),
    alive=st.integers(0, 4095),
)
def test_conditions_on_a_number_are_what_each_says_alone(
    pairs: list[tuple[str, int]], numbers: list[int], alive: int
) -> None:
    index = NumberIndex([(1 << place, Comparison(*pair)) for place, pair in enumerate(pairs)])
    for number in numbers:
        alone = sum(1 << place for place, pair in enumerate(pairs) if Comparison(*pair).holds(number))
        assert index.matching(number, alive) == alone & alive
