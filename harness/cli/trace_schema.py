"""`harness trace schema`."""

import argparse
from typing import Any

from harness.cli.streams import show_json
from harness.trace.schema import line_schema


def add(traces: Any) -> None:
    """Declare the command."""
    said = "print the JSON Schema of a line of a trace"
    sub = traces.add_parser("schema", help=said, description=said)
    sub.add_argument("--json", action="store_true", help="the same: it is JSON either way")
    sub.set_defaults(run=schema)


def schema(options: argparse.Namespace) -> int:
    """Print the schema that this harness writes by."""
    del options
    show_json(line_schema())
    return 0
