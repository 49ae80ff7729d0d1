"""`harness trace ls|show|verify|report`."""

import argparse
import json
from pathlib import Path

from harness.errors import InputError
from harness.trace.reader import Trace, list_traces
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.trace.verify import verify


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: there is no such trace; 'harness trace ls' lists them")
    return path


def ls(options: argparse.Namespace) -> int:
    """List the runs in a folder."""
    found = list_traces(_existing(options.folder))
    if options.json:
        print(json.dumps([one._asdict() for one in found], indent=2, default=str))
        return 0
    for one in found:
        print(
            f"{one.run_id:<48} {one.outcome:<12} {one.task:<24} {one.model:<10} "
            f"{one.sandbox:<11} {one.steps:>4} steps {one.seconds:>8.1f} s"
        )
    if not found:
        print(f"no traces in {options.folder}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print a run as text."""
    trace = Trace.open(_existing(options.trace))
    for line in lines(trace):
        print(line)
    return 0


def verify_trace(options: argparse.Namespace) -> int:
    """Check a trace's chain and blobs."""
    found = verify(_existing(options.trace))
    if options.json:
        print(json.dumps(found._asdict(), indent=2))
        return 0 if found.ok else 5
    if found.ok:
        end = "complete" if found.complete else "unfinished: the run was cut off"
        print(f"{options.trace}: {found.lines} lines verify, {end}; head {found.head}")
        if found.recovered:
            print(f"  {found.recovered}")
        return 0
    print(f"{options.trace}: does not verify")
    for problem in found.problems:
        print(f"  {problem}")
    return 5


def report(options: argparse.Namespace) -> int:
    """Write the report of a run."""
    trace = Trace.open(_existing(options.trace))
    folder = options.trace if options.trace.is_dir() else options.trace.parent
    out = options.out or folder / "report.html"
    write_report(trace, out)
    print(json.dumps({"report": str(out)}) if options.json else out)
    return 0
