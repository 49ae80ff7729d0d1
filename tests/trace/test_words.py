import pytest
from harness.trace.words import count, seconds, size, visible
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("pay\u202e", "pay⟨U+202E⟩"),
        ("a\u200bb\x1b[31m", "a⟨U+200B⟩b⟨U+001B⟩[31m"),
        ("a\u2066\u2028\ufeff\U000e0041", "a⟨U+2066⟩⟨U+2028⟩⟨U+FEFF⟩⟨U+E0041⟩"),
        ("\ud800\u3164", "⟨U+D800⟩⟨U+3164⟩"),
        ("a\nb\tc\r", "a⏎b⇥c⟨U+000D⟩"),
        ("👩‍🔧 ok é 漢", "👩‍🔧 ok é 漢"),
        ("a\u200db", "a⟨U+200D⟩b"),
    ],
)
def test_nothing_invisible_is_left(text: str, seen: str) -> None:
    assert visible(text) == seen


@given(text=st.text())
def test_what_is_visible_stays_so(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert visible(text).isprintable() or "\u200d" in text or any(one.isspace() for one in text)


def test_long_text_is_cut_and_said() -> None:
    assert visible("x" * 3000) == "x" * 2000 + "… and 1,000 more characters"
    assert visible("a\nb", multiline=True) == "a\nb"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 ms"),
        (0.0344, "34 ms"),
        (0.9996, "1.0 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations_are_said(amount: float, words: str) -> None:
    assert seconds(amount) == words


def test_amounts_are_said() -> None:
    assert [size(amount) for amount in (0, 999, 1000, 12_345, 999_999, 4_500_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "12.3 kB",
        "1.0 MB",
        "4.5 MB",
    ]
    assert [count(1, "step"), count(2, "step"), count(1000, "match", "matches")] == [
        "1 step",
        "2 steps",
        "1,000 matches",
    ]
