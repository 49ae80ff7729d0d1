"""`harness trace show|verify|report`."""

import argparse
from pathlib import Path

from harness.cli.signals import unwind
from harness.cli.streams import show as print_line
from harness.cli.streams import show_json
from harness.cli.vouching import vouched
from harness.errors import InputError, TraceError
from harness.trace.folder import REPORT
from harness.trace.pack import opened
from harness.trace.reader import Trace
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.trace.verify import verify
from harness.words import visible


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder")
    return path


def show(options: argparse.Namespace) -> int:
    """Print a run as text, or its events as JSON."""
    with opened(_existing(options.trace)) as folder:
        trace = Trace.open(folder)
        if options.json:
            show_json(
                [
                    {"seq": one.seq, "time": one.time, **one.event.model_dump(mode="json")}
                    for one in trace.events
                ]
            )
            return 0
        for line in lines(trace):
            print_line(line)
    return 0


def verify_trace(options: argparse.Namespace) -> int:
    """Check a trace's chain and blobs, its signature and what is anchored of it."""
    with opened(_existing(options.trace)) as folder:
        found = verify(folder)
        seen = vouched(options, folder, found)
    ok = found.ok and seen.ok
    if options.json:
        show_json({**found._asdict(), **seen.json(), "ok": ok})
        return 0 if ok else 5
    if found.ok:
        end = "complete" if found.complete else "unfinished: the run was cut off"
        print_line(f"{options.trace}: {found.lines} lines verify, {end}; head {found.head}")
    else:
        print_line(f"{options.trace}: does not verify")
    for problem in found.problems:
        print_line(f"  {visible(problem, 400)}")
    if found.recovered:
        print_line(f"  {found.recovered}")
    if found.redacted:
        print_line(f"  redacted: it was made of a trace with the head {visible(found.redacted)}")
    for other in found.beside:
        print_line(f"  beside the record: {visible(other, 400)}")
    for word in seen.words():
        print_line(f"  {visible(word, 600)}")
    return 0 if ok else 5


def report(options: argparse.Namespace) -> int:
    """Write the report of a run."""
    with opened(_existing(options.trace)) as folder, options.interrupts.told(unwind):
        trace = Trace.open(folder)
        is_pack = folder != options.trace
        place = options.trace.parent if is_pack or not folder.is_dir() else folder
        out = options.out or place / (f"{options.trace.stem}.html" if is_pack else REPORT)
        try:
            write_report(trace, out)
        except OSError as error:
            why = error.strerror or error
            raise TraceError(
                f"{out}: the report cannot be written: {why}; name another file with --out"
            ) from error
    if options.json:
        show_json({"report": str(out)})
    else:
        print_line(str(out))
    return 0
