"""Which run went on with which: a run that died, and those that took it up."""

from pathlib import Path

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.lines import FILE, lines, parse
from harness.trace.reader import Trace


def resumers(folder: Path, run_id: str, *, since: int = 0) -> tuple[Path, ...]:
    """Give the folders, next to a run's own, of the runs that went on with it or were to; by name.

    Only first lines are read. What cannot be read is no run that went on.

    Args:
        folder: the run's.
        run_id: names it.
        since: only those written to at or after this time, in nanoseconds since 1970.

    Raises:
        TraceError: if the folders beside it cannot be listed.
    """
    own = folder.resolve()
    try:
        others = [one for one in own.parent.iterdir() if one.name != own.name]
    except OSError as error:
        raise TraceError(f"{own.parent}: cannot be listed: {error.strerror or error}") from error
    found = (one for one in others if _written(one) >= since and _resumed(one / FILE) == run_id)
    return tuple(sorted(found))


def kin(trace: Trace) -> tuple[str, ...]:
    """Say in sentences which run a trace's own goes on with, and which went on with it or were to."""
    link = trace.header.resumed
    before = () if link is None else (f"It goes on with {link.run_id} after step {link.steps}.",)
    try:
        after = resumers(trace.folder, trace.header.run_id, since=_written(trace.folder))
    except TraceError:
        # Who may not list the folder can still read the trace.
        after = ()
    return (*before, *(f"{one.name} went on with it, or was to." for one in after))


def _written(folder: Path) -> int:
    try:
        return (folder / FILE).stat().st_mtime_ns
    except OSError:
        return -1


def _resumed(file: Path) -> JsonValue:
    try:
        first = next(lines(file), None)
        fields = parse(first.raw) if first is not None and first.whole else {}
    except (TraceError, ValueError):
        return None
    resumed = fields.get("resumed")
    return resumed.get("run_id") if isinstance(resumed, dict) else None
