"""Runs are deleted whole, and never one that is pinned or running."""

import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.errors import InputError, TraceError
from harness.trace.index import listed
from harness.trace.reader import Trace
from harness.trace.retention import (
    TRASH,
    Plan,
    freed,
    look,
    pin,
    pinned,
    plan,
    read_age,
    remove,
    running,
    sweep,
    unpin,
)
from harness.trace.store import drop, share
from harness.trace.verify import verify
from harness.trace.writer import TraceWriter
from tests.trace.conftest import EPOCH, Story, picture

NOW = 1_700_000_000.0
DAY = 86_400


@pytest.fixture
def ids() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"id{next(numbers)}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Runs of 1, 2, 3 and 4 days, with one picture in common and one of their own."""
    folder = tmp_path / "traces"
    for day, name in enumerate("dcba", 1):
        story = Story(TraceWriter.create(folder / name, now=lambda: EPOCH))
        story.start()
        story.look(1, picture("white"))
        story.look(2, picture(("red", "blue", "green", "gray")[day - 1]))
        if name != "c":
            story.finish()
        story.writer.close()
        os.utime(folder / name / "events.jsonl", (NOW - day * DAY, NOW - day * DAY))
    return folder


def made(root: Path, **options: object) -> Plan:
    return plan(root, look(listed(root)), now=NOW, **options)  # type: ignore[arg-type]


def names(choices: object) -> list[tuple[str, str]]:
    return [(one.run.path.name, one.why) for one in choices]  # type: ignore[attr-defined]


def on_disk(folder: Path) -> int:
    found = {}
    for file in folder.rglob("*"):
        status = file.lstat()
        if file.is_file():
            found[status.st_ino] = status.st_size
    return sum(found.values())


def test_old_runs_are_chosen_by_their_last_line_oldest_first(root: Path) -> None:
    chosen = made(root, older_than=2.5 * DAY)
    assert names(chosen.delete) == [("a", "older than 2.5 days"), ("b", "older than 2.5 days")]
    assert chosen.size == on_disk(root) - sum(one.stat().st_size for one in root.glob("index.sqlite*"))
    assert chosen.freed == on_disk(root / "a") + on_disk(root / "b")
    assert made(root).delete == ()


def test_pinned_running_and_failed_runs_are_kept_and_it_is_said(root: Path) -> None:
    pin(root / "a")
    writer = TraceWriter.create(root / "e", now=lambda: EPOCH)
    Story(writer).start()
    os.utime(root / "e" / "events.jsonl", (NOW - 9 * DAY, NOW - 9 * DAY))
    chosen = made(root, older_than=DAY / 2, keep_failed=True)
    assert names(chosen.keep) == [("e", "running"), ("a", "pinned"), ("c", "failed")]
    assert [name for name, _ in names(chosen.delete)] == ["b", "d"]
    writer.close()
    unpin(root / "a")
    assert [name for name, _ in names(made(root, older_than=DAY / 2).delete)] == ["e", "a", "b", "c", "d"]


def test_the_oldest_go_until_the_rest_is_small_enough(root: Path) -> None:
    sizes = {name: on_disk(root / name) for name in "abcd"}
    chosen = made(root, max_size=sizes["c"] + sizes["d"])
    assert [name for name, _ in names(chosen.delete)] == ["a", "b"]
    assert chosen.problem == ""
    pin(root / "b")
    tight = made(root, max_size=sizes["b"] - 1)
    assert [name for name, _ in names(tight.delete)] == ["a", "c", "d"]
    assert "what is kept is too large" in tight.problem


def test_what_runs_share_is_only_freed_with_the_last_of_them(root: Path) -> None:
    share(root, tuple(root / name for name in "abcd"))
    runs = {run.path.name: run for run in look(listed(root))}
    each = {name: freed(root, [run]) for name, run in runs.items()}
    common = len(picture("white"))
    assert each["a"] <= runs["a"].size - common
    before = on_disk(root)
    everything = freed(root, list(runs.values()))
    for name, run in runs.items():
        remove(run.path, lambda name=name: name)  # type: ignore[misc]
    drop(root)
    assert before - on_disk(root) == everything


def test_deleting_one_run_leaves_the_others_whole(root: Path, ids: Callable[[], str]) -> None:
    share(root, tuple(root / name for name in "abcd"))
    remove(root / "a", ids)
    drop(root)
    assert [one.path.name for one in listed(root)] == ["b", "c", "d"]
    assert all(verify(root / name).ok for name in "bcd")
    assert not list(root.glob(f"{TRASH}*"))


def test_neither_a_pinned_nor_a_running_run_is_deleted(root: Path, ids: Callable[[], str]) -> None:
    pin(root / "a")
    with pytest.raises(TraceError, match="is pinned; `harness trace unpin`"):
        remove(root / "a", ids)
    writer = TraceWriter.create(root / "e", now=lambda: EPOCH)
    Story(writer).start()
    assert running(root / "e")
    with pytest.raises(TraceError, match="still goes on"):
        remove(root / "e", ids)
    Trace.open(root / "e")
    writer.close()
    assert not running(root / "e")
    remove(root / "e", ids)
    assert sorted(one.name for one in root.iterdir() if one.name[0] not in "i.") == list("abcd")


def test_a_crash_between_the_two_leaves_nothing_visible_and_is_cleaned_next_time(
    root: Path, ids: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(path: Path) -> None:
        next(one for one in path.rglob("*") if one.is_file()).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", crash)
        with pytest.raises(KeyboardInterrupt):
            remove(root / "a", ids)
    assert [one.path.name for one in listed(root)] == ["b", "c", "d"]
    assert sweep(root) == 1
    assert sweep(root) == 0
    assert not list(root.glob(f"{TRASH}*"))


def test_what_is_no_run_is_not_deleted_or_marked(root: Path, ids: Callable[[], str]) -> None:
    (root / "other").mkdir()
    (root / "link").symlink_to(root / "a")
    for name in ("other", "link", "gone"):
        with pytest.raises(TraceError):
            remove(root / name, ids)
    with pytest.raises(TraceError, match="is no run"):
        pin(root / "other")
    assert verify(root / "a").ok
    pin(root / "a")
    assert pinned(root / "a")
    assert verify(root / "a").ok


@pytest.mark.parametrize(
    ("text", "seconds"), [("30d", 30 * DAY), ("12h", 43_200), ("2w", 14 * DAY), ("90s", 90), ("1.5m", 90)]
)
def test_ages(text: str, seconds: float) -> None:
    assert read_age(text) == seconds


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1y", "1e9d"])
def test_what_is_no_age(text: str) -> None:
    with pytest.raises(InputError, match="write one like 30d"):
        read_age(text)
