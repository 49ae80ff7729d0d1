"""The one JSON object of a text."""

import pytest
from harness.models.chat.objects import one, regions
from harness.models.dialect import Unusable


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        'Here it is:\n```json\n{"a": 1}\n```\nThat is all.',
        'I click {the button}. {"a": 1}',
        '  {"a": 1}  }',
    ],
)
def test_it_is_found_whatever_stands_around_it(text: str) -> None:
    assert one(text) == {"a": 1}


def test_braces_and_quotes_inside_of_strings_are_letters() -> None:
    assert one(r'{"a": "}{\"}", "b": {"c": "{"}}') == {"a": '}{"}', "b": {"c": "{"}}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no braces",
        '{"a": 1} {"a": 2}',
        '{"a": 1',
        "[1, 2]",
        "{'a': 1}",
        '{"a": __import__("os")}',
        '{"a": NaN}{"b": 1}',
        '{"a":' * 50_000,
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_none_or_several_are_refused(text: str) -> None:
    with pytest.raises(Unusable):
        one(text)


def test_half_a_letter_is_refused() -> None:
    with pytest.raises(Unusable):
        one('{"a": "\\ud800"}')


def test_a_hostile_text_is_read_in_one_pass() -> None:
    assert list(regions("{" * 400_000)) == []
    assert list(regions('{"' * 200_000)) == []
