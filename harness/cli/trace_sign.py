"""`harness trace sign|keygen`."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.cli.streams import show, show_json
from harness.errors import InputError, TraceError
from harness.trace.lines import events_file
from harness.trace.signing import PASSPHRASE, Signer, keygen
from harness.trace.statement import Statement
from harness.trace.verify import Verification, verify


def add(traces: Any) -> None:
    """Declare what can be typed."""
    what = "sign a trace that has ended, with an Ed25519 key"
    sub = traces.add_parser("sign", help=what, description=what)
    sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder")
    sub.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help=f"the private key, PEM or OpenSSH; its passphrase, if it has one, is taken from {PASSPHRASE}",
    )
    sub.add_argument(
        "--unfinished", action="store_true", help="sign a trace whose run was cut off, as far as it goes"
    )
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=sign)
    what = "make a pair of Ed25519 keys: FILE for you alone, and FILE.pub for those who check"
    sub = traces.add_parser("keygen", help=what, description=what)
    sub.add_argument("file", type=Path, metavar="FILE", help="where the private key goes")
    sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    sub.set_defaults(run=make_key)


def sound(trace: Path, *, unfinished: bool) -> tuple[Path, Verification]:
    """Give the folder of a trace and what verifying it found; only what verifies is vouched for.

    Raises:
        InputError: if there is no such trace.
        TraceError: if it does not verify, or has no end and need have one.
    """
    if not trace.exists():
        raise InputError(
            f"{trace}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
        )
    folder = events_file(trace).parent
    found = verify(folder)
    if not found.ok:
        raise TraceError(f"{trace}: does not verify, so nothing is said for it: {found.problems[0]}")
    if not found.complete and not unfinished:
        raise TraceError(f"{trace}: has no end yet; if its run was cut off, add --unfinished")
    return folder, found


def sign(options: argparse.Namespace) -> int:
    """Sign a trace."""
    signer = Signer.read(options.key, os.environ)
    folder, found = sound(options.trace, unfinished=options.unfinished)
    signer.sign(folder, Statement.of(found.run_id, found.lines, found.head, datetime.now(UTC)))
    if options.json:
        show_json(
            {"signed": str(options.trace), "key_id": signer.key_id, "lines": found.lines, "head": found.head}
        )
    else:
        show(f"{options.trace}: {found.lines} lines signed by {signer.key_id}; head {found.head}")
    return 0


def make_key(options: argparse.Namespace) -> int:
    """Make a pair of keys."""
    key_id = keygen(options.file)
    if options.json:
        show_json({"private": str(options.file), "public": f"{options.file}.pub", "key_id": key_id})
    else:
        show(f"{options.file} and {options.file}.pub: {key_id}")
    return 0
