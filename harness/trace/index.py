"""Lists a folder of runs without reading them again: what was read once is kept beside them.

The index, `index.sqlite`, is a cache and nothing else. A run is read again when its events file has another
size or time of change than the index knows; the whole index is made anew when it is missing, damaged or of
another version; and where it cannot be written, as in a folder that is read-only, runs are read as if there
were none. Deleting it loses nothing.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from harness.errors import TraceError
from harness.trace.events import Judged, Requested
from harness.trace.lines import FILE
from harness.trace.reader import Trace, member, sandbox_name

INDEX: Final = "index.sqlite"
"""The name of the file in a folder of traces."""
PINS: Final = ".pins"
"""The name of a folder in it: a file in that keeps the run of the same name from being deleted."""
VERSION: Final = 1
"""Of the index: one of another version is made anew."""
_SECONDS: Final = 2.0
"""How long to wait for another process that writes the index."""
_TABLE: Final = """
CREATE TABLE runs (
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, run_id TEXT NOT NULL, start TEXT,
  task TEXT NOT NULL, model TEXT NOT NULL, policy TEXT NOT NULL, policy_sha256 TEXT NOT NULL,
  rules TEXT NOT NULL, sandbox TEXT NOT NULL, outcome TEXT NOT NULL, steps INTEGER NOT NULL,
  seconds REAL NOT NULL, cost REAL, problem TEXT, resumed TEXT
)"""


class Entry(NamedTuple):
    """One run in a list."""

    run_id: str
    """What it calls itself; the name of its folder if it cannot be read."""
    start: datetime | None
    """When it began, in UTC."""
    task: str
    """The task's name."""
    model: str
    """Who decided."""
    policy: str
    """The policy's name."""
    policy_sha256: str
    """Its hash."""
    rules: tuple[str, ...]
    """The rules that decided about anything, by name."""
    sandbox: str
    """Where it happened."""
    outcome: str
    """How it ended; `unfinished` or `broken` if it did not, or cannot be read."""
    steps: int
    """Questions to the model."""
    seconds: float
    """From start to end."""
    cost: float | None
    """US dollars, if they are known."""
    problem: str | None
    """Why it cannot be read, or what was left out."""
    resumed: str | None = None
    """The run it goes on with."""


class Listed(NamedTuple):
    """A run, and where it is."""

    path: Path
    """Its folder."""
    entry: Entry
    """What is in it."""
    pinned: bool
    """Whether it is kept from being deleted."""


_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are listed: those for which all that is given holds. Names may have `*` and `?`."""

    outcome: tuple[str, ...] = ()
    model: str | None = None
    policy: str | None = None
    """The policy's name, or the beginning of its hash, at least 6 digits."""
    rule: str | None = None
    """A rule that decided about something."""
    task: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    min_cost: float | None = None
    max_cost: float | None = None

    def admits(self, one: Entry) -> bool:
        """Whether a run is wanted. What is not known of it meets no condition."""
        return (
            (not self.outcome or one.outcome in self.outcome)
            and _like(one.model, self.model)
            and _like(one.task, self.task)
            and (self.policy is None or _like(one.policy, self.policy) or _begins(one, self.policy))
            and (self.rule is None or any(_like(rule, self.rule) for rule in one.rules))
            and (self.since is None or (one.start is not None and one.start >= self.since))
            and (self.until is None or (one.start is not None and one.start < self.until))
            and (self.min_cost is None or (one.cost is not None and one.cost >= self.min_cost))
            and (self.max_cost is None or (one.cost is not None and one.cost <= self.max_cost))
        )


def listed(root: Path, wanted: Wanted | None = None) -> tuple[Listed, ...]:
    """List the runs in a folder, oldest first; broken ones are in the list, with what is wrong.

    Raises:
        TraceError: if the folder cannot be read.
    """
    stamps = dict(_stamps(root))
    known, rows = _known(root, stamps)
    fresh = {name: read(root / name) for name in stamps if name not in known}
    if fresh or rows != len(stamps):
        _keep(root, fresh, stamps)
    entries = known | fresh
    pins = {one.name for one in (root / PINS).iterdir()} if (root / PINS).is_dir() else set()
    found = [
        Listed(root / name, entry, name in pins)
        for name, entry in entries.items()
        if wanted is None or wanted.admits(entry)
    ]
    return tuple(
        sorted(found, key=lambda one: (one.entry.start is not None, str(one.entry.start), one.path.name))
    )


def rebuild(root: Path) -> int:
    """Make the index anew from the runs, and say how many there are.

    Raises:
        TraceError: if the folder cannot be read or written.
    """
    stamps = dict(_stamps(root))
    fresh = {name: read(root / name) for name in stamps}
    try:
        _remove(root)
        with _opened(root, make=True) as connection:
            _write(connection, fresh, stamps)
    except (OSError, sqlite3.Error) as error:
        raise TraceError(
            f"{root / INDEX}: the index cannot be written: {error}; lists are right without it, only slower"
        ) from error
    return len(fresh)


def read(folder: Path) -> Entry:
    """Read one run for a list; one that cannot be read says why."""
    try:
        trace = Trace.open(folder)
    except TraceError as error:
        return Entry(folder.name, None, "", "", "", "", (), "", "broken", 0, 0.0, None, str(error))
    finish = trace.finish
    rules = {
        one.event.verdict.rule: None for one in trace.events if isinstance(one.event, Judged | Requested)
    }
    return Entry(
        run_id=trace.header.run_id,
        start=trace.events[0].time,
        task=member(trace.header.task, "name"),
        model=trace.header.model,
        policy=member(trace.header.policy, "name"),
        policy_sha256=trace.header.policy_sha256,
        rules=tuple(rules),
        sandbox=sandbox_name(trace.header.sandbox),
        outcome=finish.outcome if finish else "unfinished",
        steps=trace.steps,
        seconds=trace.seconds,
        cost=finish.usage.cost_usd if finish else None,
        problem=trace.recovered,
        resumed=trace.header.resumed.run_id if trace.header.resumed else None,
    )


def _like(text: str, pattern: str | None) -> bool:
    return pattern is None or fnmatchcase(text, pattern)


def _begins(one: Entry, digits: str) -> bool:
    return len(digits) >= 6 and one.policy_sha256.startswith(digits)


def _stamps(root: Path) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give each run's name with the size and the time of change of its events file."""
    try:
        names = sorted(one.name for one in root.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise TraceError(f"{root}: cannot be read: {error.strerror or error}") from error
    for name in names:
        if name.startswith("."):
            continue
        try:
            found = (root / name / FILE).stat()
        except OSError:
            continue
        yield name, (found.st_size, found.st_mtime_ns)


def _known(root: Path, stamps: dict[str, tuple[int, int]]) -> tuple[dict[str, Entry], int]:
    """Give what the index says of runs that have not changed since, and of how many runs it knows."""
    if not (root / INDEX).is_file():
        return {}, 0
    try:
        with _opened(root, make=False) as connection:
            rows = connection.execute("SELECT * FROM runs").fetchall()
        return {
            name: _entry(values) for name, size, mtime, *values in rows if stamps.get(name) == (size, mtime)
        }, len(rows)
    except (sqlite3.Error, ValidationError, ValueError, TypeError, OSError):
        return {}, -1


def _entry(values: Sequence[object]) -> Entry:
    fields = dict(zip(Entry._fields, values, strict=True))
    fields["rules"] = json.loads(str(fields["rules"]))
    return _ENTRY.validate_python(fields)


def _keep(root: Path, fresh: dict[str, Entry], stamps: dict[str, tuple[int, int]]) -> None:
    """Put what was read into the index. Where that cannot be, the next list reads it again."""
    with suppress(OSError):
        try:
            with _opened(root, make=True) as connection:
                _write(connection, fresh, stamps)
        except sqlite3.OperationalError:
            # Another process writes it, or the folder is read-only.
            return
        except sqlite3.Error:
            _remove(root)


def _write(
    connection: sqlite3.Connection, fresh: dict[str, Entry], stamps: dict[str, tuple[int, int]]
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    gone = [(name,) for (name,) in connection.execute("SELECT name FROM runs") if name not in stamps]
    connection.executemany("DELETE FROM runs WHERE name = ?", gone)
    marks = ", ".join("?" * (3 + len(Entry._fields)))
    connection.executemany(
        f"INSERT OR REPLACE INTO runs VALUES ({marks})",  # noqa: S608 - question marks alone
        [(name, *stamps[name], *_values(entry)) for name, entry in fresh.items()],
    )
    connection.execute("COMMIT")


def _values(entry: Entry) -> list[object]:
    fields = entry._asdict()
    fields["start"] = entry.start.isoformat() if entry.start else None
    fields["rules"] = json.dumps(entry.rules)
    return list(fields.values())


@contextmanager
def _opened(root: Path, *, make: bool) -> Iterator[sqlite3.Connection]:
    """Open the index; with `make`, one that is missing, damaged or of another version is made anew."""
    file = root / INDEX
    if not make:
        with closing(_connect(f"{file.absolute().as_uri()}?mode=ro")) as connection:
            if _version(connection) != VERSION:
                raise sqlite3.DatabaseError("it is of another version")
            yield connection
        return
    connection = _connect(file.absolute().as_uri())
    try:
        made = _version(connection) == VERSION
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError:
        made = False
    if not made:
        connection.close()
        _remove(root)
        connection = _connect(file.absolute().as_uri())
    with closing(connection):
        if not made:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        yield connection


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_SECONDS, isolation_level=None)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _remove(root: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        (root / f"{INDEX}{end}").unlink(missing_ok=True)
