"""The `harness` command. Exit codes: 0 done, 1 checks, 2 usage, 3 boundary, 4 failure, 5 trace, 130 interrupted."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import structlog

from harness._version import __version__
from harness.cli import doctor, policy, trace
from harness.cli import run as run_command
from harness.errors import HarnessError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    options = _parser().parse_args(arguments)
    _logs_to_stderr()
    try:
        return int(options.run(options))
    except HarnessError as error:
        print(f"harness: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("harness: interrupted", file=sys.stderr)
        return 130


def _logs_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="harness", description="Let computer-use agents act, and know that nothing got out."
    )
    parser.add_argument("--version", action="version", version=f"harness {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="do a task", description="Do a task in an isolated browser.")
    run.add_argument(
        "task", metavar="TASK", help="a task file, or the name of a bundled task: shop/buy-a-mug"
    )
    run.add_argument(
        "--model", default="local", help="who decides (default: local, which reads the screen by OCR)"
    )
    run.add_argument(
        "--policy", help="a policy file, or the name of a ready-made one (default: the task's own)"
    )
    run.add_argument("--sandbox", default="auto", choices=["auto", "docker", "bubblewrap", "process"])
    run.add_argument("--approve", default="terminal", metavar="terminal|deny|auto", help="who says yes")
    run.add_argument("--traces", default="traces", type=Path, metavar="DIR", help="where the trace goes")
    run.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="a value for {{NAME}}"
    )
    run.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    run.set_defaults(run=run_command.run)

    doctor_parser = commands.add_parser("doctor", help="what this machine has, what is missing, what to type")
    doctor_parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    doctor_parser.set_defaults(run=doctor.run)

    trace_parser = commands.add_parser("trace", help="look at recorded runs")
    traces = trace_parser.add_subparsers(required=True, metavar="ls|show|verify|report")
    ls = traces.add_parser("ls", help="list the runs in a folder")
    ls.add_argument("folder", nargs="?", default="traces", type=Path)
    ls.set_defaults(run=trace.ls)
    for name, command, what in (
        ("show", trace.show, "print a run as text"),
        ("verify", trace.verify_trace, "check that nothing was changed; exit code 5 if something was"),
        ("report", trace.report, "write a run's report again"),
    ):
        sub = traces.add_parser(name, help=what, description=what)
        sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder")
        sub.set_defaults(run=command)
        if name == "report":
            sub.add_argument("--out", type=Path, help="the HTML file (default: report.html in the trace)")
        sub.add_argument("--json", action="store_true", help="print JSON on standard output")
    ls.add_argument("--json", action="store_true", help="print JSON on standard output")

    policy_parser = commands.add_parser("policy", help="look at policies")
    policies = policy_parser.add_subparsers(required=True, metavar="check|test")
    for name, command, what in (
        ("check", policy.check_policies, "read policies and say what cannot be meant"),
        ("test", policy.test_policies, "run the examples inside policies"),
    ):
        sub = policies.add_parser(name, help=what, description=what)
        sub.add_argument("policies", nargs="+", metavar="POLICY", help="policy files or ready-made names")
        sub.add_argument("--json", action="store_true", help="print JSON on standard output")
        sub.set_defaults(run=command)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
