"""`harness replay TRACE`: see a run, do it again, judge it again, ask another model."""

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clearance import Box
from harness.cli import rejudge
from harness.cli.progress import progress, summary
from harness.cli.run import Ending
from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, PolicyError, TraceError
from harness.trace.lines import FILE
from harness.trace.reader import Trace
from harness.trace.report import write_report
from harness.trace.show import lines
from harness.words import spent, visible

if TYPE_CHECKING:
    from harness.replay.ask import Asked
    from harness.replay.recording import Recording
    from harness.replay.verdict import Replayed
    from harness.task import Task
    from harness.trace.events import Event


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command."""
    what = "see a recorded run, do it again, judge it again, or ask another model"
    parser = commands.add_parser("replay", help=what, description=f"{what[0].upper()}{what[1:]}.")
    parser.add_argument(
        "trace",
        nargs="+",
        type=Path,
        metavar="TRACE",
        help="a trace's folder; with --policy alone also several, and folders of traces",
    )
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
    parser.add_argument("--steps", type=int, metavar="N", help="with --model: ask about the first N steps")
    parser.add_argument(
        "--catalogue", type=Path, metavar="FILE", help="with --model: prices and facts of models"
    )
    parser.add_argument(
        "--policy",
        metavar="NEW",
        help="judge what was recorded by this policy, a file or a ready-made name, without a browser; "
        "with --live: what holds in the new run, instead of the recorded one",
    )
    rejudge.add(parser)
    parser.add_argument(
        "--sandbox",
        default="auto",
        choices=["auto", "docker", "bubblewrap", "process"],
        help="with --live or --hermetic",
    )
    parser.add_argument(
        "--approve", default="terminal", metavar="terminal|deny|auto", help="with --live: who says yes"
    )
    parser.add_argument("--traces", default="traces", type=Path, metavar="DIR", help="where a new trace goes")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME=WHERE",
        help="with --live: serve a host of the recording from elsewhere, as a task's hosts do",
    )
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
    for path in options.trace:
        if not path.exists():
            raise InputError(
                f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
            )
    _meant(options)
    if options.policy is not None and not (options.live or options.model):
        return rejudge.run(options)
    if len(options.trace) > 1:
        raise InputError(f"{options.trace[1]}: one trace at a time, unless they are judged with --policy")
    options.trace = options.trace[0]
    if options.trace.is_dir() and not (options.trace / FILE).exists():
        raise InputError(
            f"{options.trace}: holds no {FILE}, so it is no trace; 'harness trace ls' lists those in a folder"
        )
    if options.live:
        return live(options)
    if options.hermetic:
        from harness.cli.replay_hermetic import hermetic  # noqa: PLC0415 - the browser is loaded only when used

        return hermetic(options)
    return ask_model(options) if options.model else see(options)


def _meant(options: argparse.Namespace) -> None:
    if options.live and options.model:
        raise InputError("--live does again what was recorded, --model asks another model: choose one")
    if options.hermetic and (options.model or options.policy is not None):
        raise InputError("--hermetic does again what was recorded, by the recorded policy: add nothing to it")
    if options.policy is not None and options.model:
        raise InputError("--policy judges what was recorded, --model asks another model: choose one")
    if options.expect and (options.policy is None or options.live):
        raise InputError("--expect says what judging again is to find; add --policy NEW, and no --live")
    for name, given in (
        ("--host", options.host),
        ("--mask", options.mask),
        ("--mask-text", options.mask_text),
        ("--strict", options.strict),
    ):
        if given and not options.live:
            raise InputError(f"{name} says how a run is done again; add --live")
    if options.steps is not None and not options.model:
        raise InputError("--steps says how many steps a model is asked about; add --model NAME")


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
    if recording.trace.header.resumed is not None:
        before = recording.trace.header.resumed.run_id
        raise TraceError(
            f"{options.trace}: this run goes on with run {before}, so it does not begin at the beginning; "
            "ask with --model what was done in it, or do that run again"
        )
    if options.policy is None:
        _held(recording)
    sys.path += [str(Path.cwd())]
    player = Player(recording, reader=Reader(), masks=masks, hidden=hidden, strict=options.strict)
    tell = progress()

    def watch(event: "Event") -> None:
        player.heard(event)
        tell(event)

    one = Run(
        _served(recording.task, options.host),
        model=player,
        policy=options.policy or recording.policy,
        sandbox=options.sandbox,
        approver=options.approve,
        traces=options.traces,
        watch=watch,
        named=f"replay:{recording.run_id}",
        seed=recording.trace.header.seed,
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


def ask_model(options: argparse.Namespace) -> int:
    """Ask another model about what a run saw."""
    from harness.cli.compose import Run  # noqa: PLC0415 - what models need is loaded only when used
    from harness.cli.names import find_model  # noqa: PLC0415
    from harness.limits import Budget, tightest  # noqa: PLC0415
    from harness.models.base import Closing  # noqa: PLC0415
    from harness.models.local.ocr import Reader  # noqa: PLC0415
    from harness.models.vision import VisionModel  # noqa: PLC0415
    from harness.replay.ask import ask  # noqa: PLC0415
    from harness.replay.recording import Recording  # noqa: PLC0415

    if options.steps is not None and options.steps < 1:
        raise InputError(f"--steps {options.steps}: ask about one step at least")
    recording = Recording.of(Trace.open(options.trace))
    limits = tightest(recording.task.limits, recording.policy.limits)
    model = find_model(
        options.model,
        recording.task,
        Reader(),
        secrets=tuple(recording.policy.secrets),
        environment=os.environ,
        catalogue=options.catalogue,
        pictures=options.traces / f"asked-{recording.run_id}",
    )
    if isinstance(model, VisionModel):
        Run.can_be_held(model.facts, limits)

    async def asking() -> "Asked":
        try:
            budget = Budget(limits, time.monotonic)
            return await ask(
                recording,
                model,
                name=options.model,
                budget=budget,
                clock=time.monotonic,
                steps=options.steps,
                tell=lambda one: say(f"step {one.step:>2}  {one.agreement:.0%}"),
            )
        finally:
            if isinstance(model, Closing):
                await model.close()

    with options.interrupts.told(unwind):
        found = asyncio.run(asking())
    if options.json:
        show_json(found.model_dump(mode="json"))
    else:
        for line in asked_table(found):
            show(line)
    if found.ended and (found.limited or found.failed):
        say(f"harness: {visible(found.ended, 600)}")
    return 3 if found.limited else 4 if found.failed else 0


def asked_table(found: "Asked") -> list[str]:
    """What a model would have done, beside what was done."""
    out = [f"{found.model} asked about {found.of}", "", f"{'step':>4}  {'':<2}{'recorded':<80}  answered"]
    for one in found.steps:
        for index in range(max(len(one.recorded), len(one.answered), 1)):
            pair = [said[index] if index < len(said) else "" for said in (one.recorded, one.answered)]
            mark = "✓" if index < len(one.agrees) and one.agrees[index] else "✗"
            number = str(one.step) if index == 0 else ""
            left, right = (visible(text, limit) for text, limit in zip(pair, (78, 100), strict=True))
            out.append(f"{number:>4}  {mark} {left:<80}  {right}".rstrip())
    asked = len(found.steps)
    steps = f"{asked} of {asked + found.left} steps" if found.left else f"{asked} steps"
    out += ["", f"agreement: {found.agreement:.1%}, first actions {found.first:.1%}, over {steps}"]
    if cost := spent(found.usage):
        out.append(f"model:     {cost}")
    return out


def table(found: "Replayed") -> list[str]:
    """What a replay came to, step by step."""
    out = [f"replay of {found.of}: {found.verdict}", ""]
    out.append(f"{'step':>4}  {'picture':<18} {'found by':<18} {'moved':>12}  action")
    for step in found.steps:
        picture = ""
        if step.picture is not None:
            share = f" {step.picture.share:.2%}" if step.picture.share else ""
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


def _served(task: "Task", pairs: list[str]) -> "Task":
    hosts = dict(task.hosts)
    for pair in pairs:
        name, equals, where = pair.partition("=")
        if not equals or not where:
            raise InputError(f"--host {pair!r}: write NAME=WHERE, such as shop.test=http://127.0.0.1:8000")
        hosts[name] = where
    return task.model_copy(update={"hosts": hosts})


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
