"""`harness trace ls|show|verify|report`."""

import argparse
from pathlib import Path

from harness.cli.signals import unwind
from harness.cli.streams import show as print_line
from harness.cli.streams import show_json
from harness.errors import InputError, TraceError
from harness.trace.reader import Trace, list_traces
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.trace.verify import verify
from harness.words import visible


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder")
    return path


def ls(options: argparse.Namespace) -> int:
    """List the runs in a folder."""
    if not options.folder.is_dir():
        what = "is a file" if options.folder.exists() else "there is no such folder"
        raise InputError(f"{options.folder}: {what}; name a folder of traces, which 'harness run' makes")
    found = list_traces(options.folder)
    if options.json:
        show_json([one._asdict() for one in found])
        return 0
    for one in found:
        told = visible(one.problem or (f"goes on with {one.resumed}" if one.resumed else ""), 200)
        print_line(
            f"{visible(one.run_id):<48} {one.outcome:<12} {visible(one.task):<24} {visible(one.model):<10} "
            f"{visible(one.sandbox):<11} {one.steps:>4} steps {one.seconds:>8.1f} s {told}".rstrip()
        )
    if not found:
        print_line(f"no traces in {options.folder}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a run as text, or its events as JSON."""
    trace = Trace.open(_existing(options.trace))
    if options.json:
        show_json(
            [{"seq": one.seq, "time": one.time, **one.event.model_dump(mode="json")} for one in trace.events]
        )
        return 0
    for line in lines(trace):
        print_line(line)
    return 0


def verify_trace(options: argparse.Namespace) -> int:
    """Check a trace's chain and blobs."""
    found = verify(_existing(options.trace))
    if options.json:
        show_json(found._asdict())
        return 0 if found.ok else 5
    if found.ok:
        end = "complete" if found.complete else "unfinished: the run was cut off"
        print_line(f"{options.trace}: {found.lines} lines verify, {end}; head {found.head}")
    else:
        print_line(f"{options.trace}: does not verify")
    for problem in found.problems:
        print_line(f"  {visible(problem, 400)}")
    if found.recovered:
        print_line(f"  {found.recovered}")
    return 0 if found.ok else 5


def report(options: argparse.Namespace) -> int:
    """Write the report of a run."""
    trace = Trace.open(_existing(options.trace))
    folder = options.trace if options.trace.is_dir() else options.trace.parent
    out = options.out or folder / "report.html"
    with options.interrupts.told(unwind):
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
