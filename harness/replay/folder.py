"""Judges a folder of traces again."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import TraceError
from harness.policy.schema import Policy
from harness.replay.effects import Effects
from harness.replay.moments import Recording, recording
from harness.replay.rejudge import Rejudge, Rejudged
from harness.trace.lines import FILE

_DEEPEST = 1000


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
    return FolderJudge(policy).judge(paths)


class FolderJudge:
    """Judges runs again under one policy, the later ones with what it has learnt from the first.

    Args:
        policy: the new one.
    """

    def __init__(self, policy: Policy) -> None:
        self._rejudge = Rejudge(policy)
        self._effects = Effects()

    def empty(self) -> Rejudged:
        """Give what is said of no run."""
        return self._rejudge.empty()

    def judge(self, paths: Iterable[Path]) -> tuple[Rejudged, tuple[str, ...]]:
        """Do what the function `judge` does."""
        found, problems = self.empty(), []
        with _uncollected():
            for path in paths:
                try:
                    run = recording(path, self._effects)
                    found.add(self._rejudge.run(run, before(run)))
                except TraceError as error:
                    problems.append(str(error))
        return found, tuple(problems)


def before(run: Recording) -> tuple[Recording, ...]:
    """Give the runs that a run goes on with, oldest first, as far as they lie in the same folder."""
    found: list[Recording] = []
    folder, name = run.folder.parent, run.resumed
    while name is not None and len(found) < _DEEPEST and Path(name).name == name:
        try:
            run = recording(folder / name)
        except TraceError:
            break
        if run.run_id != name:
            break
        found.insert(0, run)
        name = run.resumed
    return tuple(found)


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
