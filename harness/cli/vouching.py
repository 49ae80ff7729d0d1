"""Who vouches for a trace that verifies: signatures and anchors, as `harness trace verify` tells them."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.trace.anchor import Anchored, State, anchored
from harness.trace.folder import STAMP
from harness.trace.lines import events_file
from harness.trace.signature import Signed, look
from harness.trace.signing import public_key
from harness.trace.timestamp import certificates, stamped
from harness.trace.verify import Verification


@dataclass(frozen=True)
class Vouched:
    """What signature and anchors say of a trace."""

    signature: Signed
    """Its signature."""
    anchors: tuple[Anchored, ...]
    """What each anchor says."""
    ok: bool
    """Whether nothing speaks against the trace, and what was asked for is there."""

    def words(self) -> Iterator[str]:
        """Say it to people."""
        if self.signature.state != "missing" or not self.ok:
            yield f"signature {self.signature.state}: {self.signature.detail}"
        for one in self.anchors:
            yield f"anchor {one.state}: {one.detail}"

    def json(self) -> dict[str, Any]:
        """Say it to programs."""
        return {"signature": self.signature._asdict(), "anchors": [one._asdict() for one in self.anchors]}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare what can be typed after `harness trace verify`."""
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        type=Path,
        metavar="PUBLIC",
        help="whose signature it must have: a public key, PEM or OpenSSH; of several, one is enough",
    )
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="an anchor file that must know it",
    )
    parser.add_argument(
        "--tsa-ca",
        type=Path,
        metavar="FILE",
        help="certificates, in PEM, that its time stamp must go back to",
    )


def vouched(options: argparse.Namespace, trace: Path, found: Verification) -> Vouched:
    """Look at a trace's signature and anchors.

    Args:
        options: as `add` declares them.
        trace: the trace's folder.
        found: what verifying it came to.

    Raises:
        InputError: if a key or certificate cannot be read.
        TraceError: if an anchor file cannot be read.
    """
    keys = [public_key(path) for path in options.key]
    events = events_file(trace)
    signature = look(events.parent, found.run_id, found.lines, found.head, keys)
    anchors = [one for file in options.anchor for one in anchored(file, events, found.run_id)]
    if options.tsa_ca or (events.parent / STAMP).exists():
        roots = certificates(options.tsa_ca) if options.tsa_ca else []
        try:
            anchors.append(stamped(events, found.run_id, roots))
        except HarnessError as error:
            state: State = "broken" if roots else "unchecked"
            anchors.append(Anchored(state, f"{STAMP} was not looked at: {error}"))
    missing = bool(keys) and signature.state != "valid"
    against = any(one.state not in ("holds", "unchecked") for one in anchors)
    return Vouched(signature, tuple(anchors), not (missing or signature.wrong or against))
