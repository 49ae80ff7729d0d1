import pytest
from harness.checks import read_outputs, run_checks, shows, validate_checks
from harness.errors import TaskError
from harness.result import CheckResult
from harness.screen import Screen, Screenshot
from harness.task import Task
from harness.testing import blank
from pydantic import JsonValue


class Line:
    def __init__(self, text: str) -> None:
        self.text = text


class Reads:
    def __init__(self, *lines: str) -> None:
        self.lines = [Line(line) for line in lines]

    def read(self, screenshot: Screenshot) -> list[Line]:
        assert screenshot.png
        return self.lines


def task(**fields: object) -> Task:
    base: dict[str, object] = {
        "name": "t",
        "goal": "g",
        "start": "https://a.test/",
        "hosts": {"a.test": "m:app"},
        "inputs": {"sku": "MUG"},
    }
    return Task.model_validate(base | fields)


async def state(host: str, path: str) -> JsonValue:
    if path == "/broken":
        raise ValueError("not JSON")
    return {"orders": [{"sku": "MUG"}], "host": host}


SCREEN = Screen(screenshot=blank(), url="https://a.test/orders/7")


async def look(check: object, *lines: str) -> CheckResult:
    (result,) = await run_checks(task(checks=[check]), SCREEN, Reads(*lines), state)
    return result


async def test_url_checks_take_a_star_and_nothing_else() -> None:
    assert (await look({"url": "https://a.test/orders/*"})).passed
    assert not (await look({"url": "https://a.test/order"})).passed
    assert not (await look({"url": "https://a.test/orders/[0-9]"})).passed


async def test_state_checks_must_be_true_and_not_merely_something() -> None:
    assert (await look({"state": {"host": "a.test", "where": "orders[0].sku == 'MUG'"}})).passed
    assert not (await look({"state": {"host": "a.test", "where": "orders[0].sku"}})).passed
    assert (await look({"state": {"host": "a.test", "where": "orders[0].sku == inputs.sku"}})).passed
    assert not (await look({"state": {"host": "a.test", "path": "/broken", "where": "a == b"}})).passed


async def test_text_checks_read_the_screen() -> None:
    assert (await look({"text": "Thank you"}, "Shop", "Thankyou, Ada!")).passed
    assert not (await look({"text": "Thank you"}, "Shop", "No thanks")).passed


@pytest.mark.parametrize(
    ("lines", "text", "found"),
    [
        (["THANK YOU"], "Thank you", True),
        (["Thank", "you for buying"], "Thank you for", True),
        (["Order nunber 7"], "Order number 7", True),
        (["Total $143.00 incl. tax"], "Total $142.00 incl. tax", False),
        (["Order number 17"], "Order number 7", False),
        (["cat"], "car", False),
        ([], "x", False),
    ],
)
def test_ocr_slips_are_forgiven_but_never_a_digit(lines: list[str], text: str, found: bool) -> None:
    assert (shows(lines, text) is not None) == found


@pytest.mark.parametrize(
    ("spec", "value", "passed"),
    [
        ({"type": "string", "pattern": "^[0-9]+$"}, "1001", True),
        ({"type": "string", "pattern": "^[0-9]+$"}, "n/a", False),
        ({"type": "string"}, 7, True),
        ({"type": "integer"}, "42", True),
        ({"type": "integer"}, "4.2", False),
        ({"type": "integer"}, True, False),
        ({"type": "number"}, "4.2", True),
        ({"type": "boolean"}, "yes", True),
        ({"type": "array"}, [{"a": 1}], True),
        ({"type": "array"}, "a, b", False),
        ({"type": "object"}, {"a": 1}, True),
    ],
)
def test_outputs_have_their_declared_type_and_pattern(
    spec: dict[str, object], value: JsonValue, passed: bool
) -> None:
    _, (result,) = read_outputs(task(outputs={"x": spec}), {"x": value})
    assert result.passed == passed, result.detail


def test_a_missing_output_fails_unless_it_is_optional() -> None:
    assert not read_outputs(task(outputs={"x": {}}), {})[1][0].passed
    assert read_outputs(task(outputs={"x": {"required": False}}), {})[1] == []
    assert read_outputs(task(), {"extra": 1})[0] == {"extra": 1}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"checks": [{"state": {"host": "b.test", "where": "a"}}]}, "not one of the task's hosts"),
        ({"checks": [{"state": {"host": "a.test", "where": "a =="}}]}, "JMESPath"),
        ({"outputs": {"x": {"pattern": "("}}}, "regular expression"),
    ],
)
def test_checks_that_cannot_work_are_found_before_the_run(fields: dict[str, object], says: str) -> None:
    with pytest.raises(TaskError, match=says):
        validate_checks(task(**fields))
