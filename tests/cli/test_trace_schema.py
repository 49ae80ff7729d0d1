import json

from harness.trace.schema import line_schema
from tests.cli.commands import Command


def test_the_schema_is_printed(command: Command) -> None:
    told = command("trace", "schema")
    assert told.code == 0
    assert json.loads(told.out) == line_schema()
    assert command("trace", "schema", "--json").out == told.out
