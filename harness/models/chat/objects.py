"""Finds the one JSON object in a text. Nothing is evaluated, and no text is read twice."""

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from harness.models.dialect import Unusable
from harness.models.functions import arguments


def one(text: str) -> Mapping[str, JsonValue]:
    """Give the only JSON object of a text, whatever stands around it.

    Raises:
        Unusable: if there is none, or more than one, or it is too deep to be meant.
    """
    found = [part for part in regions(text) if _loads(part)]
    if len(found) != 1:
        raise Unusable("malformed", f"the answer must hold one JSON object; it holds {len(found) or 'none'}")
    return arguments(found[0])


def regions(text: str) -> Iterator[str]:
    """Give each outermost `{…}` of a text, in one pass; quotes inside of one hide braces."""
    depth = start = 0
    quoted = escaped = False
    for place, letter in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == "\\", letter != '"'
        elif letter == '"':
            quoted = depth > 0
        elif letter == "{":
            start = start if depth else place
            depth += 1
        elif letter == "}" and depth:
            depth -= 1
            if not depth:
                yield text[start : place + 1]


def _loads(text: str) -> bool:
    try:
        json.loads(text)
    except RecursionError:
        return True
    except ValueError:
        return False
    return True
