"""Deletes recorded runs by age and size, one at a time and whole, and never one that is pinned or running.

A run that is written holds a lock on its events file, which ends with its process (see `held`); whoever
deletes takes the same lock first. A run is deleted by giving its folder a name that no list shows, and
removing what is in it after that: a crash between the two leaves nothing half visible, and the next cleaning
removes the rest.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from harness.errors import InputError, TraceError
from harness.trace.held import Claim, held
from harness.trace.index import PINS, Listed
from harness.trace.lines import FILE
from harness.trace.store import STORE

TRASH: Final = ".trash-"
"""What the name of a folder begins with that is being removed."""
_AGES: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


class Run(NamedTuple):
    """A run as far as deleting it goes."""

    path: Path
    """Its folder."""
    outcome: str
    """How it ended."""
    changed: float
    """When its last line was written, in seconds since 1970."""
    size: int
    """Bytes of its files."""
    held: str
    """Why it is not deleted: `pinned` or `running`; empty if it may be."""


class Choice(NamedTuple):
    """A run, and why it is deleted or kept."""

    run: Run
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a cleaning would do."""

    delete: tuple[Choice, ...]
    """Oldest first."""
    keep: tuple[Choice, ...]
    """Those that are old or in the way, and are kept all the same, with why."""
    size: int
    """Bytes of all runs, each file counted once however many runs share it."""
    freed: int
    """Bytes that deleting gives back."""
    problem: str
    """Why the runs are still larger than wanted; empty if they are not."""


def read_age(text: str) -> float:
    """Read an age such as `30d` or `12h`, in seconds.

    Raises:
        InputError: saying what to write instead.
    """
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([smhdw])", text.strip())
    if found is None:
        raise InputError(f"{text!r} is no age; write one like 30d, 12h or 2w")
    return float(found[1]) * _AGES[found[2]]


def look(listed: Sequence[Listed]) -> tuple[Run, ...]:
    """Look at runs: how large they are, and whether they may be deleted."""
    found = []
    for one in listed:
        try:
            changed = (one.path / FILE).stat().st_mtime
        except OSError:
            continue
        why = "pinned" if pinned(one.path) else "running" if running(one.path) else ""
        size = sum(status.st_size for status in _files(one.path))
        found.append(Run(one.path, one.entry.outcome, changed, size, why))
    return tuple(sorted(found, key=lambda run: (run.changed, run.path.name)))


def plan(
    root: Path,
    runs: Sequence[Run],
    *,
    now: float,
    older_than: float | None = None,
    max_size: int | None = None,
    keep_failed: bool = False,
) -> Plan:
    """Choose what to delete.

    Args:
        root: the folder of the runs.
        runs: oldest first.
        now: seconds since 1970.
        older_than: seconds; runs whose last line is older are deleted.
        max_size: bytes; the oldest runs are deleted until the rest is no larger.
        keep_failed: whether runs that did not end well are kept.
    """
    chosen: list[Choice] = []
    kept: list[Choice] = []
    sizes = _Sizes(root, runs)
    for run in runs:
        why = ""
        if older_than is not None and now - run.changed > older_than:
            why = f"older than {older_than / 86_400:g} days"
        elif max_size is not None and sizes.left > max_size:
            why = f"the oldest of more than {max_size:,} bytes"
        if not why:
            continue
        spared = run.held or ("failed" if keep_failed and run.outcome != "done" else "")
        if spared:
            kept.append(Choice(run, spared))
        else:
            chosen.append(Choice(run, why))
            sizes.take(run)
    over = max_size is not None and sizes.left > max_size
    problem = (
        f"{sizes.left:,} bytes are left, more than {max_size:,}: what is kept is too large" if over else ""
    )
    return Plan(tuple(chosen), tuple(kept), sizes.all, sizes.all - sizes.left, problem)


def freed(root: Path, runs: Sequence[Run]) -> int:
    """Say how many bytes deleting some runs gives back."""
    sizes = _Sizes(root, runs)
    for run in runs:
        sizes.take(run)
    return sizes.all - sizes.left


def remove(folder: Path, ids: Callable[[], str]) -> None:
    """Delete one run whole.

    Args:
        folder: the run's.
        ids: gives names that are not taken.

    Raises:
        TraceError: if it is pinned, running, no run, or cannot be deleted; then it is as it was.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise TraceError(f"{folder}: is not the folder of a run, so it is not deleted")
    if not (folder / FILE).is_file():
        raise TraceError(f"{folder}: holds no run, so it is not deleted")
    with Claim.take(folder):
        if pinned(folder):
            raise TraceError(f"{folder}: is pinned; `harness trace unpin` lets it be deleted")
        trash = folder.with_name(f"{TRASH}{ids()}")
        try:
            folder.rename(trash)
            _sync(folder.parent)
        except OSError as error:
            raise TraceError(f"{folder}: cannot be deleted: {error.strerror or error}") from error
        _empty(trash)


def sweep(root: Path) -> int:
    """Remove what cleanings that were cut off left, and say how many runs that were.

    Raises:
        TraceError: if something cannot be removed.
    """
    count = 0
    try:
        left = [one for one in root.iterdir() if one.name.startswith(TRASH)]
    except OSError as error:
        raise TraceError(f"{root}: cannot be read: {error.strerror or error}") from error
    for one in left:
        if one.is_symlink() or not one.is_dir():
            continue
        _empty(one)
        count += 1
    return count


def pin(folder: Path) -> None:
    """Keep a run from being deleted.

    Raises:
        TraceError: if it is no run, or cannot be written to.
    """
    _mark(folder, keep=True)


def unpin(folder: Path) -> None:
    """Let a run be deleted again.

    Raises:
        TraceError: if it is no run, or cannot be written to.
    """
    _mark(folder, keep=False)


def pinned(folder: Path) -> bool:
    """Whether a run is kept from being deleted."""
    return _pin(folder).exists()


def running(folder: Path) -> bool:
    """Whether a process still writes a run, goes on with it, or deletes it."""
    try:
        return held(folder)
    except TraceError:
        return True


class _Sizes:
    """Counts bytes as the disk does: a file that several runs share is gone when the last of them is."""

    def __init__(self, root: Path, runs: Sequence[Run]) -> None:
        self._held: dict[tuple[int, int], int] = {}
        self._sizes: dict[tuple[int, int], int] = {}
        self._store = {(status.st_dev, status.st_ino) for status in _files(root / STORE)}
        for run in runs:
            for status in _files(run.path):
                key = status.st_dev, status.st_ino
                self._sizes[key] = status.st_size
                # Links from elsewhere than these runs and the store keep a file alive for good.
                self._held.setdefault(key, status.st_nlink - (1 if key in self._store else 0))
        self.all = self.left = sum(self._sizes.values())

    def take(self, run: Run) -> None:
        """Count a run as deleted."""
        for status in _files(run.path):
            key = status.st_dev, status.st_ino
            self._held[key] = self._held.get(key, 1) - 1
            if self._held[key] == 0:
                self.left -= self._sizes.get(key, 0)


def _files(folder: Path) -> Iterator[os.stat_result]:
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(place) / name).lstat()
            except OSError:
                continue


def _pin(folder: Path) -> Path:
    # Not in the run's own folder, where nothing is to change once a run is over.
    return folder.parent / PINS / folder.name


def _mark(folder: Path, *, keep: bool) -> None:
    if not (folder / FILE).is_file():
        raise TraceError(f"{folder}: is no run; `harness trace ls` lists those there are")
    try:
        if keep:
            _pin(folder).parent.mkdir(exist_ok=True)
            _pin(folder).touch()
        else:
            _pin(folder).unlink(missing_ok=True)
    except OSError as error:
        raise TraceError(f"{folder}: cannot be marked: {error.strerror or error}") from error


def _empty(trash: Path) -> None:
    try:
        shutil.rmtree(trash)
    except OSError as error:
        why = error.strerror or error
        raise TraceError(f"{trash}: what is left of a deleted run cannot be removed: {why}") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
