"""`harness replay TRACE`: see a run, do it again, ask another model."""

import argparse
import asyncio
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clearance import Box
from harness.cli.progress import progress, summary
from harness.cli.run import Ending
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, PolicyError, TraceError
from harness.trace.reader import Trace
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.words import visible

if TYPE_CHECKING:
    from harness.replay.recording import Recording
    from harness.replay.verdict import Replayed
    from harness.trace.events import Event


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    what = "see a recorded run, do it again, or ask another model"
    parser = commands.add_parser("replay", help=what, description=what)
    parser.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder")
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument(
        "--live",
        action="store_true",
        help="do it again against the live site or world; exit code 5 if it goes another way",
    )
    modes.add_argument(
        "--hermetic",
        action="store_true",
        help="do it again from the recording alone, nothing leaves; exit code 5 if a picture is another one",
    )
    parser.add_argument("--model", metavar="NAME", help="ask this model about what was seen; nothing acts")
    parser.add_argument("--policy", help="with --live: a policy file or name, instead of the recorded one")
    parser.add_argument(
        "--sandbox", default="auto", choices=["auto", "docker", "bubblewrap", "process"], help="with --live"
    )
    parser.add_argument(
        "--approve", default="terminal", metavar="terminal|deny|auto", help="with --live: who says yes"
    )
    parser.add_argument("--traces", default="traces", type=Path, metavar="DIR", help="where a new trace goes")
    parser.add_argument(
        "--mask", action="append", default=[], metavar="X,Y,W,H", help="a part of the screen not to compare"
    )
    parser.add_argument(
        "--mask-text",
        action="append",
        default=[],
        metavar="REGEX",
        help="lines of text on the screen not to compare, such as '[0-9]+:[0-9]+'",
    )
    parser.add_argument("--strict", action="store_true", help="stop at the first picture that differs")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do what was asked for, and give the exit code."""
    if not options.trace.exists():
        raise InputError(
            f"{options.trace}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
        )
    if options.live:
        return live(options)
    if options.hermetic:
        from harness.cli.replay_hermetic import hermetic  # noqa: PLC0415 - the browser is loaded only when used

        return hermetic(options)
    return see(options)


def see(options: argparse.Namespace) -> int:
    """Print a run as text, write its report, and say where that is."""
    trace = Trace.open(options.trace)
    out = trace.folder / "report.html"
    try:
        write_report(trace, out)
    except OSError as error:
        raise TraceError(f"{out}: the report cannot be written: {error.strerror or error}") from error
    if options.json:
        show_json({"run_id": trace.header.run_id, "trace": str(trace.folder), "report": str(out)})
        return 0
    for line in lines(trace):
        show(line)
    show(f"report: {out.absolute().as_uri()}")
    return 0


def live(options: argparse.Namespace) -> int:
    """Do a run again against the live site or world."""
    from harness.cli.compose import Run  # noqa: PLC0415 - the browser is loaded only when used
    from harness.models.local.ocr import Reader  # noqa: PLC0415
    from harness.replay.live import conclude  # noqa: PLC0415
    from harness.replay.player import Player  # noqa: PLC0415
    from harness.replay.recording import Recording  # noqa: PLC0415

    masks, hidden = [_box(text) for text in options.mask], [_pattern(text) for text in options.mask_text]
    recording = Recording.of(Trace.open(options.trace))
    if options.policy is None:
        _held(recording)
    sys.path += [str(Path.cwd())]
    player = Player(recording, reader=Reader(), masks=masks, hidden=hidden, strict=options.strict)
    tell = progress()

    def watch(event: "Event") -> None:
        player.heard(event)
        tell(event)

    one = Run(
        recording.task,
        model=player,
        policy=options.policy or recording.policy,
        sandbox=options.sandbox,
        approver=options.approve,
        traces=options.traces,
        watch=watch,
        named=f"replay:{recording.run_id}",
    )
    end = Ending(one)
    with options.interrupts.told(end.signalled):
        result = asyncio.run(end.run())
        found = conclude(recording, player, result)
    if options.json:
        show_json(found.model_dump(mode="json"))
    else:
        for line in table(found):
            show(line)
        show(summary(result))
    if result.outcome in ("error", "interrupted"):
        say(f"harness: {visible(result.reason, 600)}")
        return result.exit_code
    return found.exit_code


def table(found: "Replayed") -> list[str]:
    """What a replay came to, step by step."""
    out = [f"replay of {found.of}: {found.verdict}", ""]
    out.append(f"{'step':>4}  {'picture':<18} {'found by':<18} {'moved':>12}  action")
    for step in found.steps:
        picture = ""
        if step.picture is not None:
            share = "" if step.picture.how == "hash" else f" {step.picture.share:.2%}"
            picture = f"{step.picture.verdict}{share}"
        for index, did in enumerate(step.did or (None,)):
            how = moved = words = ""
            if did is not None:
                how = did.found or ""
                moved = f"{did.moved[0]:+d}, {did.moved[1]:+d}" if did.moved != (0, 0) else ""
                words = did.action if did.status == "done" else f"{did.action}: {did.status}"
            number = str(step.recorded) if index == 0 else ""
            shown = picture if index == 0 else ""
            out.append(f"{number:>4}  {shown:<18} {how:<18} {moved:>12}  {visible(words, 120)}".rstrip())
    if found.divergence is not None:
        parted = found.divergence
        first = "parted" if found.verdict == "diverged" else "first picture that differs"
        out += ["", f"{first}: step {parted.recorded}: {parted.category}: {visible(parted.detail, 600)}"]
        if parted.picture:
            out.append(f"  picture: {parted.picture}")
    return [*out, ""]


def _held(recording: "Recording") -> None:
    """Say which secrets the recording typed that are not there now."""
    missing = [
        f"{name} (set {secret.source.removeprefix('env:')})"
        for name, secret in recording.policy.secrets.items()
        if not os.environ.get(secret.source.removeprefix("env:"))
    ]
    unknown = [name for name in recording.secrets if name not in recording.policy.secrets]
    if missing or unknown:
        said = ", ".join((*missing, *(f"{name} (no policy names it)" for name in unknown)))
        raise PolicyError(f"the recording needs secrets that are not there: {said}")


def _box(text: str) -> Box:
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--mask {text!r}: write four numbers, X,Y,WIDTH,HEIGHT") from None
    if min(width, height) <= 0:
        raise InputError(f"--mask {text!r}: width and height must be more than 0")
    return Box(x=x, y=y, width=width, height=height)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InputError(f"--mask-text {text!r}: is not a regular expression: {error}") from error
