"""Turns lines back into events, whatever version of the harness wrote them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter, ValidationError

from harness.trace.compact import Fields, Memory
from harness.trace.events import Event
from harness.trace.migrate import Converter, converters

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_AROUND = frozenset({"seq", "time", "prev", "hash"})


class Recorded(NamedTuple):
    """One line of a trace."""

    seq: int
    """Its place, from 0: the order of things, whatever the clock did."""
    time: datetime
    """When it was written, in UTC."""
    event: Event
    """What happened."""
    prev: str
    """Hash of the line before."""
    hash: str
    """Hash of this line."""


class Decoder:
    """Reads the lines of one trace in order."""

    def __init__(self, where: str) -> None:
        """Begin before the first line; `where` names the trace in messages."""
        self._where = where
        self._memory = Memory()
        self._converters: Sequence[Converter] | None = None

    def decode(self, line: Fields, prev: str) -> Recorded:
        """Read the next line, given the hash of the line before.

        Raises:
            TraceError: if the first line is not that of a trace this harness can read.
            ValueError: if the line is not what a line of a trace is.
        """
        fields: Fields = {name: value for name, value in line.items() if name not in _AROUND}
        if self._converters is None:
            self._converters = converters(fields.get("schema"), self._where)
        for convert in self._converters:
            fields = convert(fields)
        try:
            whole = self._memory.grow(fields)
            event = _EVENT.validate_python(whole)
        except ValidationError as error:
            raise ValueError(_explain(error)) from error
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        seq, digest = line.get("seq"), line.get("hash")
        if not isinstance(seq, int) or not isinstance(digest, str):
            raise ValueError("seq or hash is missing or of another type")
        self._memory.learn(seq, whole)
        return Recorded(seq, _moment(line.get("time")), event, prev, digest)


def _moment(value: JsonValue) -> datetime:
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise ValueError(f"time is {str(value)[:40]!r}, not like 2026-01-02T03:04:05.678Z")
    return datetime.fromisoformat(value)


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:200]
    tag = first.get("ctx", {}).get("tag")
    if tag is not None:
        return f"{where or 'no event'}{': nothing' if where else ''} is called {str(tag)[:80]!r}"
    return f"{where + ': ' if where else ''}{first['msg'][:200]}"
