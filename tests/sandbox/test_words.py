"""Page text made fit to show, and file names made fit to keep."""

import pytest
from harness.sandbox.words import clean, file_name
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u202eb", "ab"),
        (" x\ty\n", "x y"),
        ("\x1b[31mred", "[31mred"),
        ("漢字 é", "漢字 é"),
        ("abcdef", "abc…"),
    ],
)
def test_text_is_cleaned(text: str, expected: str) -> None:
    assert clean(text, 4 if text == "abcdef" else 20) == expected


@pytest.mark.parametrize(
    ("suggested", "expected"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("", "download"),
        ("...", "download"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("naïve 漢.txt", "naïve 漢.txt"),
        ("a:b|c?.txt", "a_b_c_.txt"),
        (".bashrc", "bashrc"),
    ],
)
def test_names_are_made_plain(suggested: str, expected: str) -> None:
    assert file_name(suggested, frozenset()) == expected


def test_a_taken_name_is_numbered() -> None:
    assert file_name("A.txt", frozenset({"a.txt", "a (2).txt"})) == "A (3).txt"


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder(suggested: str) -> None:
    name = file_name(suggested, frozenset())
    assert 0 < len(name) <= 110
    assert not name.startswith(".")
    assert not set(name) & set("/\\\0\n\r")
