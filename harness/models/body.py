"""Reads the body of an answer, whatever it is: what comes out of here can be kept in a trace."""

import json
import math
from typing import Final, Never

from pydantic import JsonValue

from harness.models.dialect import Trouble
from harness.models.faults import LONGEST_BODY

DEEPEST: Final = 100
"""Levels of an answer that are read."""


def parsed(body: bytes) -> JsonValue:
    """Parse the body of an answer.

    Raises:
        Trouble: if it is longer than `LONGEST_BODY`, no JSON, or holds what no trace can.
    """
    if len(body) > LONGEST_BODY:
        raise Trouble("too_large", f"the answer is longer than {LONGEST_BODY} bytes", ends=False)
    try:
        found: JsonValue = json.loads(body, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        said = str(error)[:200] or type(error).__name__
        raise Trouble("malformed", f"the answer is not JSON: {said}", again=True, ends=False) from error
    return checked(found)


def clean(value: JsonValue) -> str:
    """Give text that can be written as UTF-8; nothing for what is no text."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def checked(value: JsonValue) -> JsonValue:
    """Give a JSON value back if it is no deeper than `DEEPEST` and all its text can be written.

    Raises:
        Trouble: if not.
    """
    level, deep = [value], 0
    while level:
        deep += 1
        if deep > DEEPEST:
            raise Trouble("malformed", f"the answer is deeper than {DEEPEST} levels", again=True, ends=False)
        level = [inner for one in level for inner in _inside(one)]
    return value


def _inside(value: JsonValue) -> list[JsonValue]:
    match value:
        case dict():
            for name in value:
                _writable(name)
            return list(value.values())
        case list():
            return value
        case str():
            _writable(value)
            return []
        case float() if not math.isfinite(value):
            # `1e999` is JSON and no number that JSON can write again.
            raise Trouble("malformed", f"{value} is no JSON number", again=True, ends=False)
        case _:
            return []


def _writable(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # Half of a surrogate pair is JSON, but no UTF-8: it could be neither recorded nor sent again.
            raise Trouble(
                "malformed", "the answer holds text that is no Unicode", again=True, ends=False
            ) from error


def _constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")
