"""Judges a folder of traces again."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.errors import TraceError
from harness.policy.schema import Policy
from harness.replay.moments import recording
from harness.replay.rejudge import Rejudge, Rejudged
from harness.trace.lines import FILE


def traces_in(path: Path) -> tuple[Path, ...]:
    """Give the runs in a folder, by name; a trace gives itself.

    Raises:
        TraceError: if there is no trace, or the folder cannot be read.
    """
    if not path.is_dir() or (path / FILE).exists():
        return (path,)
    try:
        found = tuple(sorted(one for one in path.iterdir() if (one / FILE).exists()))
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not found:
        raise TraceError(f"{path}: is no trace and holds none; `harness run` makes them")
    return found


def judge(paths: Iterable[Path], policy: Policy) -> tuple[Rejudged, tuple[str, ...]]:
    """Judge runs again under another policy.

    Returns:
        What was found, and why other runs could not be read.
    """
    judge = Rejudge(policy)
    found, problems = judge.empty(), []
    with _uncollected():
        for path in paths:
            try:
                found.add(judge.run(recording(path)))
            except TraceError as error:
                problems.append(str(error))
    return found, tuple(problems)


def shares(paths: Sequence[Path], count: int) -> tuple[tuple[Path, ...], ...]:
    """Cut a list into so many parts of about the same length, in order."""
    size = -(-len(paths) // max(1, count)) or 1
    return tuple(tuple(paths[place : place + size]) for place in range(0, len(paths), size))


@contextmanager
def _uncollected() -> Iterator[None]:
    # Nothing that is read refers to itself, and looking for what does takes a third of the time.
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
