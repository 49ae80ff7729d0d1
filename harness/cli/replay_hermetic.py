"""`harness replay TRACE --hermetic`: a run again from its own record, and nothing leaves."""

import argparse
import asyncio
import time
from functools import partial
from pathlib import Path

from harness.cli.compose import new_id, utc_now
from harness.cli.names import find_secrets, guard
from harness.cli.signals import unwind
from harness.cli.streams import show, show_json
from harness.errors import TraceError
from harness.policy.schema import Policy
from harness.replay.hermetic import HermeticReplay
from harness.replay.hermetic_verdict import Hermetic
from harness.replay.recording import Recording
from harness.sandbox.choose import choose
from harness.secrets import Vault
from harness.trace.reader import Trace, sandbox_name
from harness.words import visible

LISTED = 20
"""Requests of a kind that are listed."""


def hermetic(options: argparse.Namespace) -> int:
    """Do a run again from its own record, and give the exit code."""
    replay = prepare(Trace.open(options.trace), options.sandbox)
    with options.interrupts.told(unwind):
        found = asyncio.run(replay.go())
        if found.sheet is not None and found.parted is not None:
            file = options.traces / f"{found.of}-hermetic" / "divergence.png"
            _write(file, found.sheet)
            parted = found.parted.model_copy(update={"picture": str(file)})
            found = found.model_copy(update={"parted": parted})
    if options.json:
        show_json(found.model_dump(mode="json"))
    else:
        for line in table(found):
            show(line)
    return found.exit_code


def prepare(trace: Trace, sandbox: str = "auto") -> HermeticReplay:
    """Put a replay together.

    Args:
        trace: the recorded run.
        sandbox: where; `auto` for the kind that the run had, and behind walls in any case.

    Raises:
        TraceError: if it cannot be done again.
        InputError: if no model ever answered in it.
    """
    recorded = sandbox_name(trace.header.sandbox)
    walled = recorded if recorded in ("docker", "bubblewrap") else "bubblewrap"
    vault = stand_ins(Recording.of(trace).policy)
    return HermeticReplay(
        trace,
        place=partial(choose, walled if sandbox == "auto" else sandbox),
        vault=vault,
        guard=guard(Recording.of(trace).policy, vault),
        ids=new_id,
        now=utc_now,
        clock=time.monotonic,
    )


def stand_ins(policy: Policy) -> Vault:
    """Give something to type in the place of each secret: a trace has none, and a replay needs none."""
    names = {secret.source.removeprefix("env:"): name for name, secret in policy.secrets.items()}
    return find_secrets(policy, {variable: f"stand-in-{name}" for variable, name in names.items()})


def table(found: Hermetic) -> list[str]:
    """What a replay came to, for a person."""
    same = sum(one.same for one in found.shots)
    out = [f"hermetic replay of {found.of}: {found.verdict}"]
    out.append(f"  screenshots: {same} of {len(found.shots)} are the recorded ones, byte for byte")
    out += [
        f"  step {one.step}: differs by {one.shade} of 255 at most, which no eye sees"
        for one in found.shots
        if one.shade is not None
    ]
    out += [
        f"  step {step}: the recorded page was not still, and its picture is another one"
        for step in found.unsettled
    ]
    out.append(
        f"  requests: {found.served} answered from the recording, {len(found.misses)} missing, "
        f"{found.unasked} not asked again, {found.sent_out} sent out"
    )
    for what, listed in (("missing", found.misses), ("not quite as recorded", found.loose)):
        out += [f"    {what}: {one.method} {visible(one.url, 200)}: {one.what}" for one in listed[:LISTED]]
        if len(listed) > LISTED:
            out.append(f"    and {len(listed) - LISTED} more")
    out.append(
        f"  time: {found.seconds:.1f} s for a recording of {found.recorded_seconds:.1f} s "
        f"(model {found.model_seconds:.1f} s, people {found.people_seconds:.1f} s): "
        f"{found.times_faster:.1f} times as fast"
    )
    if found.parted is not None:
        parted = found.parted
        out.append(f"  parted: step {parted.step}: {parted.what}: {visible(parted.detail, 600)}")
        if parted.picture:
            out.append(f"  picture: {parted.picture}")
    return out


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise TraceError(f"{file}: cannot be written: {error.strerror or error}") from error
