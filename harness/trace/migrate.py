"""Opens the traces of every past version: one converter from each schema to the next."""

from collections.abc import Callable, Sequence

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.events import SCHEMA

Converter = Callable[[dict[str, JsonValue]], dict[str, JsonValue]]
"""Takes the fields of one line, as written under a schema, and gives them as the next would have them."""


def _second(line: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Schema 2 only added members, which may be missing, and kinds of lines."""
    return {**line, "schema": 2} if line.get("kind") == "run_started" else line


CONVERTERS: tuple[Converter, ...] = (_second,)
"""The converter at index n takes lines from schema n + 1 to n + 2."""


def converters(schema: JsonValue, where: str) -> Sequence[Converter]:
    """Give what a line of this schema has to go through, in order.

    Raises:
        TraceError: if the schema is newer than this harness, or no version at all.
    """
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise TraceError(f"{where}: the first line names no schema, so it is not a trace")
    if schema > SCHEMA:
        raise TraceError(
            f"{where}: written by a newer harness (schema {schema}; this one reads up to {SCHEMA}): "
            "update it with `pip install -U computer-use-harness`"
        )
    return CONVERTERS[schema - 1 :]
