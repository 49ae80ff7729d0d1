"""Calls in Python's syntax, as UI-TARS writes them: parsed by `ast`, constants alone are read."""

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.models.dialect import Unusable

Value = str | int | float | tuple[float, ...]

LONGEST: Final = 50_000
"""Characters of what stands after `Action:`."""
MOST: Final = 20
"""Calls of one answer."""
_ACTION: Final = re.compile(r"^[ \t]*Action[ \t]*[:\uff1a]", re.MULTILINE)
_THOUGHT: Final = re.compile(r"^\s*Thought[ \t]*[:\uff1a][ \t]*")
_NEXT: Final = re.compile(r"^[ \t]*Thought[ \t]*[:\uff1a]", re.MULTILINE)
_CONTENT: Final = re.compile(r"\A(type|finished)\(content=(['\"])(.*)\2\)\Z", re.DOTALL)
_MARKS: Final = re.compile(r"</?(?:point|bbox)>|<\|box_(?:start|end)\|>")
_NUMBER = r"\s*(-?\d{1,7}(?:\.\d{1,6})?)\s*"
_BOX: Final = re.compile(rf"\A\s*[\[(]?{_NUMBER}[\s,]{_NUMBER}(?:[\s,]{_NUMBER}[\s,]{_NUMBER})?[\])]?\s*\Z")


@dataclass(frozen=True, slots=True)
class Written:
    """One call as it was written."""

    name: str
    """What is called."""
    given: Mapping[str, Value]
    """Its arguments by name."""
    problem: Unusable | None
    """Why it cannot be read."""


def written(text: str) -> tuple[str, list[Written]]:
    """Give the thought of an answer and its calls, in order.

    An answer that goes on to imagine the next step and its action is read up to there: what comes later was
    written without having seen the screen.
    """
    before, *after = _ACTION.split(text, maxsplit=2)
    thought = _THOUGHT.sub("", before).strip()
    if not after:
        return thought, []
    calls = _calls(_NEXT.split(after[0], maxsplit=1)[0].strip())
    if len(after) > 1 and calls:
        said = "not executed: it was written before you saw what the first action does"
        calls.append(Written("action", {}, Unusable("malformed", said)))
    return thought, calls


def box(value: Value) -> tuple[float, float]:
    """Give the point that a text or a tuple names; the middle of a box.

    Raises:
        Unusable: if it names none.
    """
    numbers = value if isinstance(value, tuple) else _numbers(value)
    match numbers:
        case (x, y):
            return x, y
        case (left, top, right, bottom):
            return (left + right) / 2, (top + bottom) / 2
        case _:
            raise Unusable("bad_arguments", f"a point is <point>x y</point>, not {str(value)[:80]!r}")


def _numbers(value: str | float) -> tuple[float, ...]:
    # The marks say where a point begins and ends; what is inside of them must be numbers and nothing else.
    found = _BOX.match(_MARKS.sub(" ", value)) if isinstance(value, str) and len(value) <= 200 else None
    return tuple(float(one) for one in found.groups() if one is not None) if found else ()


def _calls(text: str) -> list[Written]:
    if not text:
        return []
    if len(text) > LONGEST:
        return [Written("action", {}, Unusable("too_large", f"an action is {LONGEST} characters at most"))]
    nodes = _parsed(text)
    if nodes is None:
        # Blank lines stand between actions; inside one, a line break belongs to what is typed.
        nodes = []
        for part in re.split(r"\n\s*\n", text)[: MOST + 1]:
            one = _parsed(_escaped(part.strip()))
            if one is None:
                said = f"not a call: {part.strip()[:200]!r}"
                return [*_few(nodes), Written("action", {}, Unusable("malformed", said))]
            nodes += one
    return _few(nodes)


def _few(nodes: list[ast.expr]) -> list[Written]:
    calls = [_call(one) for one in nodes[:MOST]]
    if len(nodes) > MOST:
        calls.append(Written("action", {}, Unusable("too_large", f"more than {MOST} actions in one answer")))
    return calls


def _parsed(text: str) -> list[ast.expr] | None:
    with warnings.catch_warnings():
        # Python warns of odd escapes in what is only read here.
        warnings.simplefilter("ignore")
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return [one.value if isinstance(one, ast.Expr) else ast.Constant(None) for one in body]


def _escaped(text: str) -> str:
    """Models forget to escape quotes and line breaks in what they type."""
    found = _CONTENT.match(text)
    if not found:
        return text.replace("\n", "\\n")
    name, quote, content = found.groups()
    content = re.sub(rf"(?<!\\){quote}", rf"\\{quote}", content).replace("\n", "\\n")
    return f"{name}(content={quote}{content}{quote})"


def _call(node: ast.expr) -> Written:
    match node:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            given = {one.arg: _value(one.value) for one in keywords if one.arg is not None}
            known = {key: value for key, value in given.items() if value is not None}
            if len(known) == len(keywords):
                return Written(name[:80], known, None)
            return Written(
                name[:80], {}, Unusable("bad_arguments", f"{name[:80]} takes texts and numbers by name")
            )
        case _:
            return Written("action", {}, Unusable("malformed", "an action is one call, such as click(...)"))


def _value(node: ast.expr) -> Value | None:
    match node:
        case ast.Constant(value=str() as text):
            return text.encode("utf-8", "replace").decode()
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Tuple(elts=parts) | ast.List(elts=parts) if 2 <= len(parts) <= 4:
            numbers = [one.value for one in parts if isinstance(one, ast.Constant)]
            found = tuple(
                float(one)
                for one in numbers
                if isinstance(one, int | float) and not isinstance(one, bool) and abs(one) < 10**7
            )
            return found if len(found) == len(parts) else None
        case _:
            return None
