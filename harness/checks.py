"""Whether a task was done: its outputs and its checks, looked at once after the last step."""

import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import JsonValue
from rapidfuzz import fuzz

from harness.errors import TaskError
from harness.result import CheckResult
from harness.screen import Screen, Screenshot
from harness.task import Check, OutputSpec, StateCheck, Task, TextCheck, UrlCheck

State = Callable[[str, str], Awaitable[JsonValue]]
"""Gives an application's state: `(host, path) -> JSON`."""


class SeenLine(Protocol):
    """A line of text on the screen."""

    @property
    def text(self) -> str:
        """What it says."""
        ...


class TextReader(Protocol):
    """Whatever reads text from a picture."""

    def read(self, screenshot: Screenshot) -> Sequence[SeenLine]:
        """Give the lines, in reading order."""
        ...


def validate_checks(task: Task) -> None:
    """Find what can be found wrong with a task's checks before anything starts.

    Raises:
        TaskError: naming the check and what to write instead.
    """
    for check in task.checks:
        if isinstance(check, StateCheck):
            if check.state.host not in task.hosts:
                raise TaskError(f"checks: {check.state.host!r} is not one of the task's hosts")
            try:
                jmespath.compile(check.state.where)
            except JMESPathError as error:
                problem = str(error).splitlines()[0]
                raise TaskError(
                    f"checks: {check.state.where!r} is not a JMESPath expression: {problem}"
                ) from error
    for name, spec in task.outputs.items():
        try:
            re.compile(spec.pattern or "")
        except re.error as error:
            raise TaskError(
                f"outputs.{name}.pattern: {spec.pattern!r} is not a regular expression: {error}"
            ) from error


def read_outputs(task: Task, outputs: dict[str, JsonValue]) -> tuple[dict[str, JsonValue], list[CheckResult]]:
    """Give the outputs in their declared types, and whether each is what the task asks for."""
    values = dict(outputs)
    results: list[CheckResult] = []
    for name, spec in task.outputs.items():
        if name not in values:
            if spec.required:
                results.append(
                    CheckResult(check=f"output {name}", passed=False, detail="the model did not give it")
                )
            continue
        values[name] = value = _typed(values[name], spec)
        problem = _problem(value, spec)
        shown = json.dumps(value, ensure_ascii=False)
        detail = problem or (shown if len(shown) <= 200 else shown[:200] + "…")
        results.append(CheckResult(check=f"output {name}", passed=not problem, detail=detail))
    return values, results


async def run_checks(task: Task, screen: Screen, reader: TextReader, state: State) -> list[CheckResult]:
    """Look at every check of a task once, on the last screen and in the applications' own state."""
    return [await _check(check, task, screen, reader, state) for check in task.checks]


async def _check(check: Check, task: Task, screen: Screen, reader: TextReader, state: State) -> CheckResult:
    match check:
        case UrlCheck(url=pattern):
            passed = fnmatchcase(screen.url, pattern.replace("[", "[[]"))
            return CheckResult(check=f"url {pattern}", passed=passed, detail=screen.url)
        case TextCheck(text=text):
            lines = [line.text for line in reader.read(screen.screenshot)]
            found = shows(lines, text)
            detail = (
                f"read as {found!r}" if found else f"not among the {len(lines)} lines read on the last screen"
            )
            return CheckResult(check=f"text {text!r}", passed=found is not None, detail=detail)
        case StateCheck(state=query):
            name = f"state of {query.host}: {query.where}"
            try:
                answer = await state(query.host, query.path)
            except (OSError, ValueError) as error:
                return CheckResult(check=name, passed=False, detail=f"{query.path} cannot be read: {error}")
            known = answer | {"inputs": task.inputs} if isinstance(answer, dict) else answer
            value = jmespath.search(query.where, known)
            return CheckResult(check=name, passed=value is True, detail=f"it is {json.dumps(value)[:200]}")


def shows(lines: Sequence[str], text: str) -> str | None:
    """Give the line in which OCR read a text, tolerating its usual slips; or nothing."""
    wanted = _plain(text)
    for line in (*lines, " ".join(lines)):
        if wanted in _plain(line):
            return line if len(line) < 200 else text
    digits = re.findall(r"[0-9]+", wanted)
    for line in lines:
        read = _plain(line)
        # A wrong digit is another number, never a slip of the reader.
        same_numbers = all(number in re.findall(r"[0-9]+", read) for number in digits)
        long_enough = len(wanted) >= 6 and len(read) >= len(wanted) - 1
        if long_enough and same_numbers and fuzz.partial_ratio(wanted, read) >= 90:
            return line
    return None


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold()


def _typed(value: JsonValue, spec: OutputSpec) -> JsonValue:
    if not isinstance(value, str):
        return str(value) if spec.type == "string" and isinstance(value, int | float) else value
    text = value.strip()
    match spec.type:
        case "integer" if re.fullmatch(r"[+-]?[0-9]+", text):
            return int(text)
        case "number" if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
            return float(text)
        case "boolean" if text.lower() in ("true", "yes", "false", "no"):
            return text.lower() in ("true", "yes")
        case _:
            return value


_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _problem(value: JsonValue, spec: OutputSpec) -> str:
    if not isinstance(value, _JSON_TYPES[spec.type]) or (isinstance(value, bool) and spec.type != "boolean"):
        return f"it should be a {spec.type}, not {json.dumps(value)[:80]}"
    if spec.pattern is not None and isinstance(value, str) and re.search(spec.pattern, value) is None:
        return f"{value[:80]!r} does not match {spec.pattern!r}"
    return ""
