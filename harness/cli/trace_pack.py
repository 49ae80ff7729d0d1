"""`harness trace pack|unpack`: a trace as one file."""

import argparse
from pathlib import Path
from typing import Any

from harness.cli.streams import show, show_json
from harness.errors import InputError
from harness.trace.pack import SUFFIX, pack, unpack
from harness.words import visible


def add(traces: Any) -> None:
    """Declare what can be typed."""
    what = "write a trace as one zip file, which verify, show and report open as it is"
    sub = traces.add_parser("pack", help=what, description=what)
    sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder")
    sub.add_argument("--out", type=Path, metavar="FILE", help="the zip file (default: TRACE.zip)")
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=make)
    what = "write the files of a pack into a folder again"
    sub = traces.add_parser("unpack", help=what, description=what)
    sub.add_argument("file", type=Path, metavar="FILE", help="the zip file")
    sub.add_argument(
        "--out",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where the run's folder goes (default: here)",
    )
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=unmake)


def make(options: argparse.Namespace) -> int:
    """Write a trace as one file."""
    if not options.trace.exists():
        raise InputError(
            f"{options.trace}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
        )
    folder = options.trace if options.trace.is_dir() else options.trace.parent
    out = options.out or folder.with_name(f"{folder.resolve().name}{SUFFIX}")
    left = pack(options.trace, out)
    if options.json:
        show_json({"pack": str(out), "left_out": list(left)})
        return 0
    show(f"{out}: {out.stat().st_size:,} bytes")
    for name in left:
        show(f"  left out, as it is no part of a trace: {visible(name, 300)}")
    return 0


def unmake(options: argparse.Namespace) -> int:
    """Write the files of a pack."""
    if not options.file.is_file():
        raise InputError(f"{options.file}: there is no such file; 'harness trace pack TRACE' makes one")
    folder = unpack(options.file, options.out)
    if options.json:
        show_json({"trace": str(folder)})
    else:
        show(str(folder))
    return 0
