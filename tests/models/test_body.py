"""Whatever comes, it is a JSON value that a trace can hold, or a named trouble."""

import pytest
from harness.models.body import DEEPEST, checked, parsed
from harness.models.dialect import Trouble
from harness.models.faults import LONGEST_BODY


def test_json_is_read_as_it_is() -> None:
    assert parsed('{"a": [1, 2.5, "ü", null, true]}'.encode()) == {"a": [1, 2.5, "ü", None, True]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b'{"a": ',
        b'{"a": NaN}',
        b"[1e999]",
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b"9" * 5000,
    ],
)
def test_what_is_no_usable_json_is_malformed_and_asked_again(body: bytes) -> None:
    with pytest.raises(Trouble) as caught:
        parsed(body)
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("malformed", True, False)


def test_what_is_too_long_is_not_asked_again() -> None:
    with pytest.raises(Trouble) as caught:
        parsed(b'"' + b"x" * LONGEST_BODY + b'"')
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("too_large", False, False)


def test_a_value_as_deep_as_may_be_passes() -> None:
    value: object = 1
    for _ in range(DEEPEST - 1):
        value = [value]
    assert checked(value) == value  # type: ignore[arg-type]
