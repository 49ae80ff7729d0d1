"""A folder of runs is listed from an index that can always be made again."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.action import Click
from harness.errors import TraceError
from harness.trace import index
from harness.trace.index import INDEX, PINS, Entry, Wanted, listed, rebuild
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from tests.trace.conftest import EPOCH, Story

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


class Opened:
    """Counts how many runs are read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: list[str] = []
        real = Trace.open

        def counted(path: Path) -> Trace:
            self.names.append(path.name)
            return real(path)

        monkeypatch.setattr(Trace, "open", counted)

    def take(self) -> list[str]:
        found, self.names = self.names, []
        return sorted(found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "traces"
    shutil.copytree(EXAMPLE, folder / "mug")
    for day, name in enumerate(("a", "b", "c")):
        story = Story(TraceWriter.create(folder / name, now=lambda day=day: EPOCH + timedelta(days=day)))  # type: ignore[misc]
        story.start()
        story.act(1, Click(x=1, y=1), outcome="deny" if name == "b" else "allow")
        if name != "c":
            story.finish()
        story.writer.close()
    return folder


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    return Opened(monkeypatch)


def names(root: Path, **wanted: Any) -> list[str]:
    return [one.path.name for one in listed(root, Wanted(**wanted))]


def test_runs_are_read_once_and_then_listed_without_opening_one(root: Path, opened: Opened) -> None:
    first = listed(root)
    assert opened.take() == ["a", "b", "c", "mug"]
    assert listed(root) == first
    assert opened.take() == []
    assert [one.path.name for one in first] == ["a", "b", "c", "mug"]
    entry = first[3].entry
    assert (entry.task, entry.model, entry.outcome, entry.policy) == (
        "buy-a-mug",
        "local",
        "done",
        "shopping",
    )
    assert "spending needs a person" in entry.rules
    assert entry.start == Trace.open(root / "mug").events[0].time


def test_a_run_that_grew_or_was_replaced_is_read_again_and_no_other(root: Path, opened: Opened) -> None:
    listed(root)
    opened.take()
    shutil.rmtree(root / "b")
    shutil.copytree(root / "a", root / "b")
    (root / "b" / "events.jsonl").touch()
    (root / "c" / "events.jsonl").write_bytes((root / "c" / "events.jsonl").read_bytes() + b"torn")
    found = {one.path.name: one.entry for one in listed(root)}
    assert opened.take() == ["b", "c"]
    assert found["c"].problem is not None
    assert "torn off" in found["c"].problem
    listed(root)
    assert opened.take() == []


def test_a_run_that_is_gone_is_gone_from_list_and_index(root: Path) -> None:
    listed(root)
    shutil.rmtree(root / "a")
    assert names(root) == ["b", "c", "mug"]
    with closing(sqlite3.connect(root / INDEX)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"not a database, but long enough to look like one" * 100),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
    ],
    ids=["missing", "empty", "other", "cut"],
)
def test_a_damaged_index_loses_nothing(root: Path, opened: Opened, damage: Callable[[Path], object]) -> None:
    whole = listed(root)
    opened.take()
    damage(root / INDEX)
    assert listed(root) == whole
    assert len(opened.take()) == 4
    assert listed(root) == whole
    assert opened.take() == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET rules = 'no json'",
        "UPDATE runs SET steps = 'many'",
        "UPDATE runs SET start = 'yesterday'",
        "DROP TABLE runs",
        "PRAGMA user_version = 99",
    ],
)
def test_an_index_that_says_nonsense_is_made_anew(root: Path, change: str) -> None:
    whole = listed(root)
    with closing(sqlite3.connect(root / INDEX)) as connection:
        connection.execute(change)
        connection.commit()
    assert listed(root) == whole
    assert listed(root) == whole


def test_without_a_place_to_write_runs_are_read_as_if_there_were_no_index(
    root: Path, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    def refused(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(index, "_connect", refused)
    assert names(root) == ["a", "b", "c", "mug"]
    assert names(root) == ["a", "b", "c", "mug"]
    assert len(opened.take()) == 8
    with pytest.raises(TraceError, match="lists are right without it"):
        rebuild(root)


def test_another_process_that_writes_the_index_stops_no_list(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(root)
    monkeypatch.setattr(index, "_SECONDS", 0.01)
    with closing(sqlite3.connect(root / INDEX, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        shutil.copytree(root / "a", root / "d")
        assert names(root) == ["a", "d", "b", "c", "mug"]
        other.execute("ROLLBACK")


def test_it_can_be_made_anew_and_counts(root: Path, opened: Opened) -> None:
    assert rebuild(root) == 4
    opened.take()
    assert len(listed(root)) == 4
    assert opened.take() == []


def test_filters_are_all_to_hold(root: Path) -> None:
    assert names(root, outcome=("done",)) == ["a", "b", "mug"]
    assert names(root, outcome=("unfinished", "failed")) == ["c"]
    assert names(root, model="lo*", task="buy-a-mug", outcome=("done",)) == ["a", "b", "mug"]
    assert names(root, model="gemini*") == []
    assert names(root, policy="shop*") == ["a", "b", "c", "mug"]
    assert names(root, policy="ababab") == ["a", "b", "c"]
    assert names(root, rule="spending") == ["b"]
    assert names(root, rule="spending*") == ["b", "mug"]
    assert names(root, since=EPOCH + timedelta(days=1)) == ["b", "c", "mug"]
    assert names(root, until=EPOCH + timedelta(days=1)) == ["a"]
    assert names(root, min_cost=0.01) == ["a", "b"]
    assert names(root, max_cost=0.03) == []


def test_what_is_not_known_meets_no_condition() -> None:
    broken = Entry("x", None, "", "", "", "", (), "", "broken", 0, 0.0, None, "why")
    assert Wanted().admits(broken)
    for wanted in (
        Wanted(since=datetime(2000, 1, 1, tzinfo=UTC)),
        Wanted(until=datetime(2100, 1, 1, tzinfo=UTC)),
        Wanted(min_cost=0),
        Wanted(max_cost=1e9),
        Wanted(rule="*"),
    ):
        assert not wanted.admits(broken)


def test_pinned_runs_hidden_folders_and_other_files(root: Path, tmp_path: Path) -> None:
    (root / PINS).mkdir()
    (root / PINS / "a").touch()
    shutil.copytree(root / "a", root / ".trash-1")
    (root / "notes.txt").write_text("x")
    assert [one.pinned for one in listed(root)] == [True, False, False, False]
    assert listed(tmp_path / "gone") == ()


@pytest.mark.long
def test_ten_thousand_runs_are_listed_without_opening_one(tmp_path: Path, opened: Opened) -> None:
    story = Story(TraceWriter.create(tmp_path / "first", now=lambda: EPOCH))
    story.start()
    story.finish()
    line = (tmp_path / "first" / "events.jsonl").read_bytes()
    root = tmp_path / "many"
    for number in range(10_000):
        (root / f"run-{number:05}").mkdir(parents=True)
        (root / f"run-{number:05}" / "events.jsonl").write_bytes(line)
    assert len(listed(root)) == 10_000
    opened.take()
    assert len(listed(root)) == 10_000
    assert opened.take() == []
