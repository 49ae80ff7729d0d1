import json

import pytest
from harness.models.anthropic.body import DEEPEST, parsed
from harness.models.dialect import Trouble
from harness.models.faults import LONGEST_BODY


def test_sound_json_comes_back_as_it_was() -> None:
    assert parsed(b'{"a": [1, 2.5, null, true, "\\u00e9"]}') == {"a": [1, 2.5, None, True, "é"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": ',
        b'{"a": NaN}',
        b"[1e999]",
        b'"\\ud800"',
        b"\xff\xfe",
        b"1" * 5000,
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"[" * 100_000,
    ],
    ids=range(10),
)
def test_what_a_trace_cannot_hold_is_malformed_and_asked_again(body: bytes) -> None:
    with pytest.raises(Trouble) as caught:
        parsed(body)
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("malformed", True, False)


def test_ten_megabytes_are_too_many() -> None:
    with pytest.raises(Trouble) as caught:
        parsed(json.dumps("x" * LONGEST_BODY).encode())
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("too_large", False, False)
