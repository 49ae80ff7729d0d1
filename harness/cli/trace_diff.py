"""`harness trace diff|bisect`: what differs between two runs, and where a run went wrong."""

import argparse
from pathlib import Path
from typing import Any

from harness.cli.streams import show, show_json
from harness.errors import InputError, TraceError
from harness.models.local.ocr import Reader
from harness.replay.bisect import Turn, against, by_check, read_check
from harness.replay.bisect import as_json as turn_json
from harness.replay.bisect import lines as turn_lines
from harness.trace import diff as differ
from harness.trace.pictures import beside
from harness.trace.reader import Trace


def add(traces: "argparse._SubParsersAction[Any]") -> None:
    """Declare the commands."""
    what = "say what differs between two runs: the first difference, and all of them"
    sub = traces.add_parser("diff", help=what, description=what)
    sub.add_argument("one", type=Path, metavar="A", help="a trace's folder")
    sub.add_argument("other", type=Path, metavar="B", help="another's")
    sub.add_argument(
        "--expect", choices=["same"], help="same: exit code 5 if anything but time and cost differs"
    )
    _common(sub, "a PNG of the first two pictures that differ, side by side, and of what differs")
    sub.set_defaults(run=diff)
    what = "find the step at which a run went wrong, by a good run or by a check"
    sub = traces.add_parser("bisect", help=what, description=what)
    sub.add_argument("trace", type=Path, metavar="TRACE", help="the folder of the run that went wrong")
    by = sub.add_mutually_exclusive_group(required=True)
    by.add_argument("--good", type=Path, metavar="OTHER", help="a run of the same task that went well")
    by.add_argument("--check", metavar="CHECK", help="what should hold: url:PATTERN or text:WORDS")
    sub.add_argument(
        "--every", action="store_true", help="read every picture instead of halving, for a check on text"
    )
    _common(sub, "a PNG of the last picture that was well and the first that was not, side by side")
    sub.set_defaults(run=bisect)


def diff(options: argparse.Namespace) -> int:
    """Compare two runs. Exit code 5 with `--expect same` if they differ."""
    one, other = _open(options.one), _open(options.other)
    found = differ.diff(one, other)
    if options.out is not None:
        screens = found.first_screens
        if screens is None or screens.screens is None:
            raise InputError(f"{options.out}: no two pictures differ, so there is nothing to draw")
        _draw(options.out, (one, screens.screens[0]), (other, screens.screens[1]))
    if options.json:
        show_json(differ.as_json(found))
    else:
        for line in differ.lines(found):
            show(line)
    return TraceError.exit_code if options.expect and found.differences else 0


def bisect(options: argparse.Namespace) -> int:
    """Find where a run went wrong."""
    trace = _open(options.trace)
    good = _open(options.good) if options.good is not None else None
    if good is not None:
        turn = against(trace, good)
    else:
        turn = by_check(trace, read_check(options.check), Reader(), every=options.every)
    if options.out is not None:
        _draw_turn(options.out, turn, trace, good)
    if options.json:
        show_json(turn_json(turn))
    else:
        for line in turn_lines(turn):
            show(line)
    return 0


def _common(parser: argparse.ArgumentParser, picture: str) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help=picture)
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def _open(path: Path) -> Trace:
    if not path.exists():
        raise InputError(f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder")
    return Trace.open(path)


def _draw_turn(out: Path, turn: Turn, trace: Trace, good: Trace | None) -> None:
    first, before = turn.first, turn.last
    if good is not None and turn.good is not None and turn.good.screenshot:
        left: tuple[Trace, str | None] = good, turn.good.screenshot
    else:
        left = trace, before.screenshot if before else None
    if first is None or first.screenshot is None or left[1] is None:
        raise InputError(f"{out}: there are no two pictures to draw")
    _draw(out, (left[0], left[1]), (trace, first.screenshot))


def _draw(out: Path, one: tuple[Trace, str], other: tuple[Trace, str]) -> None:
    drawn = beside(one[0].blobs.get(one[1]), other[0].blobs.get(other[1]))
    try:
        out.write_bytes(drawn)
    except OSError as error:
        why = error.strerror or error
        raise TraceError(
            f"{out}: the picture cannot be written: {why}; name another file with --out"
        ) from error
