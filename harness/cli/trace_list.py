"""`harness trace ls|index`: the runs in a folder."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.cli.compose import utc_now
from harness.cli.streams import show, show_json
from harness.errors import InputError
from harness.trace.index import Listed, Wanted, listed, rebuild
from harness.trace.retention import read_age
from harness.words import visible

_OUTCOMES = ("done", "failed", "stopped", "error", "interrupted", "unfinished", "broken")


def add(traces: "argparse._SubParsersAction[Any]") -> None:
    """Declare the commands."""
    what = "list the runs in a folder"
    ls = traces.add_parser("ls", help=what, description=f"{what}; names may have * and ?")
    ls.add_argument("folder", nargs="?", default="traces", type=Path)
    ls.add_argument(
        "--outcome", action="append", default=[], choices=_OUTCOMES, help="how they ended; may be repeated"
    )
    ls.add_argument("--model", metavar="NAME", help="who decided")
    ls.add_argument("--policy", metavar="NAME", help="the policy's name, or the beginning of its hash")
    ls.add_argument("--rule", metavar="NAME", help="a rule that decided about something")
    ls.add_argument("--task", metavar="NAME", help="the task's name")
    ls.add_argument("--since", metavar="WHEN", help="a day, a moment, or how long ago: 2026-01-31, 7d, 12h")
    ls.add_argument("--until", metavar="WHEN", help="the same; runs that began before it")
    ls.add_argument("--min-cost", type=float, metavar="USD", help="US dollars that the model cost at least")
    ls.add_argument("--max-cost", type=float, metavar="USD", help="and at most")
    ls.add_argument("--json", action="store_true", help="print JSON on standard output")
    ls.set_defaults(run=run)
    what = "say what the index of a folder knows; it is a cache that can be deleted"
    index = traces.add_parser("index", help=what, description=what)
    index.add_argument("folder", nargs="?", default="traces", type=Path)
    index.add_argument("--rebuild", action="store_true", help="make it anew from the runs")
    index.add_argument("--json", action="store_true", help="print JSON on standard output")
    index.set_defaults(run=index_command)


def existing(folder: Path) -> Path:
    """Give a folder of traces that is there.

    Raises:
        InputError: if it is not, or is no folder.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "there is no such folder"
        raise InputError(f"{folder}: {what}; name a folder of traces, which 'harness run' makes")
    return folder


def run(options: argparse.Namespace) -> int:
    """List the runs in a folder that are wanted."""
    wanted = Wanted(
        outcome=tuple(options.outcome),
        model=options.model,
        policy=options.policy,
        rule=options.rule,
        task=options.task,
        since=_moment(options.since),
        until=_moment(options.until),
        min_cost=options.min_cost,
        max_cost=options.max_cost,
    )
    found = listed(existing(options.folder), wanted)
    if options.json:
        show_json([_plain(one) for one in found])
        return 0
    for one in found:
        show(_line(one))
    if not found:
        chosen = " like this" if wanted != Wanted() else ""
        show(f"no traces{chosen} in {options.folder}")
    return 0


def index_command(options: argparse.Namespace) -> int:
    """Bring the index up to date, or make it anew."""
    folder = existing(options.folder)
    count = rebuild(folder) if options.rebuild else len(listed(folder))
    if options.json:
        show_json({"folder": str(folder), "runs": count})
    else:
        show(f"{folder}: {count:,} {'run' if count == 1 else 'runs'} in the index")
    return 0


def _line(one: Listed) -> str:
    entry = one.entry
    goes_on = f"goes on with {entry.resumed}" if entry.resumed else ""
    told = " ".join((*(("pinned",) if one.pinned else ()), visible(entry.problem or goes_on, 200)))
    return (
        f"{visible(one.path.name):<48} {entry.outcome:<12} {visible(entry.task):<24} "
        f"{visible(entry.model):<10} {visible(entry.sandbox):<11} {entry.steps:>4} steps "
        f"{entry.seconds:>8.1f} s {told}".rstrip()
    )


def _plain(one: Listed) -> dict[str, Any]:
    return one.entry._asdict() | {"run_id": one.path.name, "path": one.path, "pinned": one.pinned}


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if re.fullmatch(r"[0-9.]+\s*[smhdw]", text.strip()):
        return utc_now() - timedelta(seconds=read_age(text))
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(
            f"{text!r} is no moment; write a day like 2026-01-31, a moment like 2026-01-31T12:00, or 7d"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
