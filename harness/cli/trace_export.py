"""`harness trace export TRACE --format F`."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.cli import trace_redact
from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import HarnessError, InputError, TraceError
from harness.trace.export.base import pipe
from harness.trace.lines import FILE
from harness.trace.reader import Trace, list_traces
from harness.words import visible


@dataclass(frozen=True)
class _Format:
    suffix: str
    what: str
    several: bool = False
    """Whether many runs go into one."""
    folder: bool = False
    """Whether it is a folder and not a file."""
    options: tuple[str, ...] = ()
    """Options that only some formats have."""


FORMATS: dict[str, _Format] = {
    "har": _Format(".har", "every request, refused ones too; opens in browsers' network panels"),
    "playwright": _Format(".trace.zip", "actions, screenshots, network; opens in playwright show-trace"),
    "inspect": _Format(".eval", "a sample a run, with scores; opens in inspect view", several=True),
    "otel": _Format(
        ".otlp.json",
        "spans of OpenTelemetry, to a file or --endpoint; opens in Jaeger, Grafana and the like",
        options=("endpoint", "content"),
    ),
    "parquet": _Format(
        ".parquet",
        "a table, a row an action; opens in pandas and DuckDB",
        several=True,
        options=("pictures",),
    ),
    "finetune": _Format(
        "-finetune",
        "a folder of examples, screenshot to action, as OpenAI fine-tunes on and as plain JSON",
        several=True,
        folder=True,
        options=("failed",),
    ),
    "trace": _Format("-redacted", "a folder, the run's trace again, with --redact only", folder=True),
    "gif": _Format(".gif", "a film that repeats; opens anywhere", options=("speed",)),
    "mp4": _Format(".mp4", "a film; opens in browsers and players", options=("speed",)),
}
"""What can be exported to, in the order of the help."""


def add(traces: "argparse._SubParsersAction[Any]") -> None:
    """Declare the command under `harness trace`."""
    listed = "\n".join(f"  {name:<11} {one.what}" for name, one in FORMATS.items())
    sub = traces.add_parser(
        "export",
        help="write a run in the format of another tool",
        description=f"Write a run in the format of another tool.\n\nformats:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.add_argument(
        "trace", type=Path, metavar="TRACE", help="a trace's folder; for some formats, a folder of traces"
    )
    sub.add_argument(
        "--format", choices=list(FORMATS), help="one of the formats above (with --redact alone: trace)"
    )
    sub.add_argument(
        "--out", metavar="PATH", help="the file; - for standard output (default: RUN.SUFFIX in this folder)"
    )
    sub.add_argument("--endpoint", metavar="URL", help="otel: the collector to send to, instead of a file")
    sub.add_argument(
        "--content", action="store_true", help="otel: what was said and seen too, not only that it was"
    )
    sub.add_argument("--pictures", action="store_true", help="parquet: the screenshots too, as PNG")
    sub.add_argument("--failed", action="store_true", help="finetune: of runs that did not pass, too")
    sub.add_argument("--speed", type=_speed, metavar="X", help="gif, mp4: so many times as fast (default: 1)")
    sub.add_argument(
        "--redact",
        action="store_true",
        help="mask keys, cards, addresses and the like first, as trace redact does",
    )
    trace_redact.options(sub)
    sub.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    sub.set_defaults(run=run)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.01 <= speed <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.01 to 1000")
    return speed


def run(options: argparse.Namespace) -> int:
    """Export, and say where it is."""
    if options.format is None:
        if not options.redact:
            raise InputError(f"name a --format: {', '.join(FORMATS)}")
        options.format = "trace"
    chosen = FORMATS[options.format]
    _fitting(options, chosen)
    traces = _open(options.trace, options.format, chosen)
    with options.interrupts.told(unwind), ExitStack() as stack:
        if options.redact and options.format != "trace":
            scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="harness-redacted-"))
            traces = trace_redact.copies(traces, Path(scratch), options)
        if options.out == "-":
            _stream(options, traces)
            return 0
        # The folder's name, and not the run's: what a trace says of itself is no path.
        place = options.trace if len(traces) > 1 else traces[0].folder
        out = Path(options.out or f"{place.resolve().name}{chosen.suffix}")
        facts = export(traces, out, options)
    facts = {"format": options.format, "traces": len(traces), "out": str(out), **facts}
    if options.json:
        show_json(facts)
    else:
        show(str(facts["out"]))
    return 0


def export(
    traces: Sequence[Trace],
    out: Path,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Write runs in a format; tell what is in it.

    Raises:
        InputError: if a package is missing, or there is nothing to write.
        TraceError: if a trace is damaged, or the file cannot be written.
    """
    match options.format:
        case "parquet" | "finetune" | "inspect":
            return _together(traces, out, options)
        case "otel":
            return _spans(traces[0], out, options)
        case _:
            return _alone(traces[0], out, options)


def _together(traces: Sequence[Trace], out: Path, options: argparse.Namespace) -> dict[str, Any]:
    match options.format:
        case "inspect":
            from harness.trace.export import inspect_log  # noqa: PLC0415 - loaded when used

            inspect_log.export(traces, out)
            return {}
        case "parquet":
            from harness.trace.export import parquet  # noqa: PLC0415 - loaded when used

            return {"rows": parquet.export(traces, out, pictures=options.pictures)}
        case _:
            from harness.trace.export import finetune  # noqa: PLC0415 - loaded when used

            return finetune.export(traces, out, failed=options.failed)._asdict()


def _spans(trace: Trace, out: Path, options: argparse.Namespace) -> dict[str, Any]:
    from harness.trace.export import otlp  # noqa: PLC0415 - loaded when used

    if options.endpoint:
        sent = otlp.send(trace, options.endpoint, content=options.content)
        return {"out": otlp.address(options.endpoint), "spans": sent}
    return {"spans": otlp.export(trace, out, content=options.content)}


def _alone(trace: Trace, out: Path, options: argparse.Namespace) -> dict[str, Any]:
    match options.format:
        case "har":
            from harness.trace.export import har  # noqa: PLC0415 - loaded when used

            har.export(trace, out)
            return {}
        case "playwright":
            from harness.trace.export import playwright  # noqa: PLC0415 - loaded when used

            playwright.export(trace, out)
            return {}
        case "trace":
            return {"removed": trace_redact.copy(trace, out, options)}
        case "gif":
            from harness.trace.export import gif  # noqa: PLC0415 - loaded when used

            return {"frames": gif.export(trace, out, speed=options.speed or 1.0)}
        case "mp4":
            from harness.trace.export import mp4  # noqa: PLC0415 - loaded when used

            return {"frames": mp4.export(trace, out, speed=options.speed or 1.0)}
        case other:
            raise InputError(f"--format {other}: there is no such format")


def _fitting(options: argparse.Namespace, chosen: _Format) -> None:
    every = sorted({name for one in FORMATS.values() for name in one.options})
    for name in every:
        if vars(options)[name.replace("-", "_")] and name not in chosen.options:
            having = ", ".join(known for known, one in FORMATS.items() if name in one.options)
            raise InputError(f"--{name}: format {options.format} has no such option; {having} has")
    if not options.redact and (options.pattern or options.screenshots != "read"):
        raise InputError("--pattern and --screenshots: go with --redact")
    if options.format == "trace" and not options.redact:
        raise InputError("--format trace: goes with --redact; as it is, 'harness trace pack' copies a trace")
    if options.endpoint and options.out:
        raise InputError("--endpoint and --out: spans go to one of them; leave out the other")
    if options.out == "-" and (chosen.folder or options.json):
        why = "--json prints there too" if options.json else "it is a folder"
        raise InputError(f"--out -: {options.format} cannot go to standard output: {why}; name a path")


def _open(place: Path, name: str, chosen: _Format) -> list[Trace]:
    if not place.exists():
        raise InputError(
            f"{place}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
        )
    if place.is_file() or (place / FILE).exists():
        return [Trace.open(place)]
    found = list_traces(place)
    if not found:
        raise InputError(f"{place}: holds no trace; name a trace's folder, such as traces/RUN")
    if not chosen.several:
        raise InputError(
            f"{place}: holds {len(found)} traces, and {name} is made of one; such as {found[-1].path}"
        )
    traces = []
    for one in found:
        try:
            traces.append(Trace.open(one.path))
        except TraceError as error:
            say(f"harness: left out: {visible(str(error), 400)}")
    if not traces:
        raise TraceError(f"{place}: none of its {len(found)} traces can be read")
    return traces


def _stream(options: argparse.Namespace, traces: Sequence[Trace]) -> None:
    if os.isatty(sys.stdout.fileno()):
        raise InputError("--out -: standard output is a terminal; send it to a file or a program")
    with tempfile.TemporaryDirectory(prefix="harness-export-") as folder:
        file = Path(folder) / "export"
        export(traces, file, options)
        try:
            sys.stdout.flush()
            pipe(file, sys.stdout.fileno())
        except BrokenPipeError:
            return
        except OSError as error:
            why = error.strerror or error
            raise HarnessError(f"standard output cannot be written: {why}; name a file with --out") from error
