"""Reads the body of an answer as JSON that a trace can hold: finite, shallow, and text all through."""

import json
from typing import Final

from pydantic import JsonValue

from harness.models.dialect import Trouble
from harness.models.faults import LONGEST_BODY

DEEPEST: Final = 100
"""Levels of an answer that are read."""


def parsed(body: bytes) -> JsonValue:
    """Read a body.

    Raises:
        Trouble: if it is too long, or cannot be read.
    """
    if len(body) > LONGEST_BODY:
        raise Trouble("too_large", f"the answer is longer than {LONGEST_BODY} bytes", ends=False)
    try:
        found: JsonValue = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON: {str(error)[:200]}") from error
    return sound(found)


def sound(answer: JsonValue) -> JsonValue:
    """Give an answer back if a trace can hold it.

    Raises:
        Trouble: if it holds what JSON has no words for, half a character, or is too deep to be meant.
    """
    try:
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise _malformed(f"it is not sound JSON: {str(error)[:200]}") from error
    level, deep = [answer], 0
    while level:
        deep += 1
        if deep > DEEPEST:
            raise _malformed(f"it is deeper than {DEEPEST} levels")
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return answer


def _malformed(message: str) -> Trouble:
    return Trouble("malformed", f"the answer cannot be read: {message}", again=True, ends=False)
