"""Which run went on with which: a run that died, and those that took it up."""

from pathlib import Path

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.lines import FILE, lines, parse


def resumers(folder: Path, run_id: str) -> tuple[Path, ...]:
    """Give the folders, next to a run's own, of the runs that went on with it or were to; oldest name first.

    Only first lines are read. What cannot be read is no run that went on.

    Args:
        folder: the run's.
        run_id: names it.
    """
    own = folder.resolve()
    found = (one for one in own.parent.iterdir() if one.name != own.name and _resumed(one / FILE) == run_id)
    return tuple(sorted(found))


def _resumed(file: Path) -> JsonValue:
    try:
        first = next(lines(file), None)
        fields = parse(first.raw) if first is not None and first.whole else {}
    except (TraceError, ValueError):
        return None
    resumed = fields.get("resumed")
    return resumed.get("run_id") if isinstance(resumed, dict) else None
