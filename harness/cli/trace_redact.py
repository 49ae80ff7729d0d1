"""`harness trace redact`: a copy of a trace that may be shown."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from harness.cli.streams import show, show_json
from harness.errors import InputError
from harness.trace.pack import opened
from harness.trace.patterns import KINDS, Patterns
from harness.trace.reader import Trace
from harness.trace.redact_pictures import Reads
from harness.trace.redacted import redacted
from harness.trace.report import write_report
from harness.words import visible


def add(traces: Any) -> None:
    """Declare what can be typed."""
    what = "make a copy of a trace in which keys, tokens, cards, addresses and numbers are masked"
    sub = traces.add_parser("redact", help=what, description=f"{what}: {', '.join(KINDS)}.")
    sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder, or a pack of it")
    options(sub)
    sub.add_argument("--out", type=Path, metavar="FOLDER", help="the copy's folder (default: TRACE-redacted)")
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=redact)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare how to mask; `export --redact` has the same."""
    parser.add_argument(
        "--pattern",
        action="append",
        default=[],
        metavar="NAME=REGEX",
        help="mask what this RE2 expression finds, too",
    )
    parser.add_argument(
        "--pictures",
        default="read",
        choices=["read", "blank"],
        help="read screenshots and paint over what is found in them (the default), or paint over all of them",
    )


def redact(given: argparse.Namespace) -> int:
    """Make a copy of a trace that may be shown."""
    if not given.trace.exists():
        raise InputError(
            f"{given.trace}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
        )
    with opened(given.trace) as folder:
        trace = Trace.open(folder)
        beside = trace.folder.resolve() if folder == given.trace else given.trace
        out = given.out or beside.with_name(f"{trace.folder.resolve().name}-redacted")
        counts = copy(trace, out, given)
    if given.json:
        show_json({"trace": str(out), "removed": counts})
        return 0
    show(f"{out}: a copy of {given.trace} that verifies; redaction.json says where something was removed")
    for kind, count in counts.items():
        show(f"  {count:>5} {visible(kind)}")
    if not counts:
        show("  nothing was found to remove")
    return 0


def copy(trace: Trace, out: Path, given: argparse.Namespace) -> dict[str, int]:
    """Make the copy and its report, and give how often what was removed.

    Raises:
        InputError: if a pattern cannot be used.
        TraceError: if the copy cannot be made.
    """
    patterns = Patterns(own(given.pattern))
    removals = redacted(trace, out, patterns, reader() if given.pictures == "read" else None)
    write_report(Trace.open(out), out / "report.html")
    counts = Counter[str]()
    for one in removals:
        counts[one.kind] += one.count
    return dict(sorted(counts.items()))


def own(pairs: list[str]) -> dict[str, str]:
    """Give user patterns by name.

    Raises:
        InputError: if one is not written `NAME=REGEX`, or two have one name.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, source = pair.partition("=")
        if not equals or name in found:
            why = "write NAME=REGEX" if not equals else "there is one of this name already"
            raise InputError(f"--pattern {pair[:60]!r}: {why}")
        found[name] = source
    return found


def reader() -> Reads:
    """Give what reads pictures: the local model's reader."""
    from harness.models.local.ocr import Reader  # noqa: PLC0415 - its networks are loaded only when used

    return Reader()
