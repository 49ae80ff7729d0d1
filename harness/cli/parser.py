"""What can be typed after `harness`."""

import argparse
import difflib
import logging
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import structlog

from harness._version import __version__
from harness.cli import (
    doctor,
    mcp,
    policy,
    replay,
    trace,
    trace_anchor,
    trace_clean,
    trace_diff,
    trace_export,
    trace_list,
    trace_pack,
    trace_redact,
    trace_schema,
    trace_sign,
    vouching,
)
from harness.cli import eval as eval_command
from harness.cli import run as run_command
from harness.cli import sandbox as sandbox_command
from harness.cli.signals import Interrupts
from harness.cli.streams import say
from harness.errors import InputError


def parse(arguments: Sequence[str], interrupts: Interrupts) -> argparse.Namespace:
    """Read what was typed; `options.run(options)` does it and gives the exit code.

    Raises:
        InputError: with one line that says what is wrong with it.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: _Log(),
    )
    options = _parser().parse_args(arguments)
    options.interrupts = interrupts
    return options


class _Log:
    def warning(self, line: str) -> None:
        say(line)

    error = critical = warning


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, and the nearest right word."""

    def __init__(self, **options: Any) -> None:
        """Take options in full only: half a word may be another's beginning tomorrow."""
        super().__init__(**options, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        found = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if found:
            near = difflib.get_close_matches(found[1], re.findall(r"'([^']*)'", found[2]), n=1)
            message += f"; did you mean {near[0]!r}?" if near else ""
        unknown = re.fullmatch(r"unrecognized arguments: (--[\w-]+).*", message)
        if unknown:
            options = [option for action in self._all() for option in action.option_strings]
            # What another command has is no slip of the finger.
            near = [] if unknown[1] in options else difflib.get_close_matches(unknown[1], options, n=1)
            message += f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{message}; type '{self.prog} --help' to see what there is")

    def _all(self) -> list[argparse.Action]:
        own = list(self._actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other way
                for sub in action.choices.values():
                    own += sub._all() if isinstance(sub, _Parser) else []  # noqa: SLF001 - its own class
        return own


def _parser() -> _Parser:
    parser = _Parser(
        prog="harness",
        description="Let computer-use agents act, and know that nothing got out.",
    )
    parser.add_argument("--version", action="version", version=f"harness {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="do a task", description="Do a task in an isolated browser."))
    doctor_parser = commands.add_parser("doctor", help="what this machine has, what is missing, what to type")
    doctor_parser.add_argument(
        "--no-containment",
        dest="containment",
        action="store_false",
        help="do not try ways out of the sandbox, which takes some seconds",
    )
    doctor_parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    doctor_parser.set_defaults(run=doctor.run)
    replay.add(commands)
    _trace(commands.add_parser("trace", help="look at recorded runs"))
    _policy(commands.add_parser("policy", help="look at policies"))
    _eval(commands.add_parser("eval", help="try how good and how safe it is, on this machine"))
    _mcp(
        commands.add_parser(
            "mcp",
            help="the guarded browser as an MCP server",
            description="Serve the guarded browser to an MCP client, over standard input and output.",
        )
    )
    _sandbox(commands.add_parser("sandbox", help="the browser's image, and what runs leave"))
    return parser


def _run(run: argparse.ArgumentParser) -> None:
    run.add_argument(
        "task", nargs="?", metavar="TASK", help="a task file, or the name of a bundled task: shop/buy-a-mug"
    )
    run.add_argument(
        "--resume", type=Path, metavar="TRACE", help="go on with a run that died, given its trace's folder"
    )
    run.add_argument(
        "--resumable",
        action=argparse.BooleanOptionalAction,
        help="keep cookies and what bundled apps hold beside the trace, for --resume (default: if the "
        "harness itself serves all that the run can reach)",
    )
    run.add_argument(
        "--model",
        metavar="NAME",
        help="who decides: local (the default, by OCR), human, openai:MODEL, azure:DEPLOYMENT=MODEL, "
        "anthropic:MODEL, bedrock:MODEL, vertex:MODEL, gemini:MODEL, chat:MODEL@URL, ui-tars:MODEL@URL, "
        "qwen-vl:MODEL@URL, fara:MODEL@URL",
    )
    run.add_argument(
        "--catalogue", type=Path, metavar="FILE", help="prices and facts of models, laid over what is known"
    )
    run.add_argument(
        "--policy", help="a policy file, or the name of a ready-made one (default: the task's own)"
    )
    run.add_argument("--sandbox", default="auto", choices=["auto", "docker", "bubblewrap", "process"])
    run.add_argument(
        "--runtime",
        metavar="NAME",
        help="what runs the container, if not the engine's own choice: runsc, kata",
    )
    run.add_argument(
        "--keep", action="store_true", help="leave the sandbox as it is at the end, for a look inside"
    )
    run.add_argument("--approve", default="terminal", metavar="terminal|deny|auto", help="who says yes")
    run.add_argument("--traces", type=Path, metavar="DIR", help="where the trace goes (default: traces)")
    _seal(run)
    run.add_argument(
        "--input", action="append", default=[], metavar="NAME=VALUE", help="a value for {{NAME}}"
    )
    run.add_argument(
        "--otel",
        nargs="?",
        const="",
        metavar="URL",
        help="send spans to this collector meanwhile, or to the one in OTEL_EXPORTER_OTLP_ENDPOINT",
    )
    run.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    run.set_defaults(run=run_command.run)


def _mcp(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?", metavar="TASK", help="a task file or a bundled task to begin with")
    parser.add_argument("--start", metavar="URL", help="the page to begin at, instead of a task")
    parser.add_argument("--policy", help="a policy file or a ready-made name (default: the task's own)")
    parser.add_argument("--sandbox", default="auto", choices=["auto", "docker", "bubblewrap", "process"])
    parser.add_argument(
        "--approve",
        default="deny",
        metavar="deny|auto",
        help="who says yes (default: deny; standard input is the client's, so no terminal can)",
    )
    parser.add_argument("--traces", default="traces", type=Path, metavar="DIR", help="where the trace goes")
    _seal(parser)
    parser.set_defaults(run=mcp.run)


def _seal(parser: argparse.ArgumentParser) -> None:
    what = "sign the trace at its end with this Ed25519 key; `harness trace keygen` makes one"
    parser.add_argument("--sign", type=Path, metavar="KEY", help=what)
    what = "add the head of the trace at its end to this anchor file"
    parser.add_argument("--anchor", type=Path, metavar="FILE", help=what)


def _trace(parser: argparse.ArgumentParser) -> None:
    traces = parser.add_subparsers(required=True, metavar="COMMAND")
    trace_list.add(traces)
    commands: tuple[tuple[str, Callable[[argparse.Namespace], int], str], ...] = (
        ("show", trace.show, "print a run as text"),
        ("verify", trace.verify_trace, "check that nothing was changed; exit code 5 if something was"),
        ("report", trace.report, "write a run's report again"),
    )
    for name, command, what in commands:
        sub = traces.add_parser(name, help=what, description=what)
        sub.add_argument("trace", type=Path, metavar="TRACE", help="a trace's folder, or a pack of it")
        sub.add_argument("--json", action="store_true", help="print JSON on standard output")
        if name == "report":
            sub.add_argument("--out", type=Path, help="the HTML file (default: report.html in the trace)")
        if name == "verify":
            vouching.add(sub)
        sub.set_defaults(run=command)
    trace_diff.add(traces)
    trace_export.add(traces)
    trace_redact.add(traces)
    trace_pack.add(traces)
    trace_sign.add(traces)
    trace_anchor.add(traces)
    trace_clean.add(traces)
    trace_schema.add(traces)


def _policy(parser: argparse.ArgumentParser) -> None:
    policies = parser.add_subparsers(required=True, metavar="check|chromium|explain|test")
    said = "print Chromium's managed policy for runs under a policy"
    told = policies.add_parser("chromium", help=said, description=said)
    told.add_argument("policy", metavar="POLICY", help="a policy file or a ready-made name")
    told.add_argument("--json", action="store_true", help="the same: it is JSON either way")
    told.set_defaults(run=policy.managed_policy)
    why = policies.add_parser(
        "explain",
        help="say why a policy says what it says of one effect",
        description="Say which rules speak of one effect, and why the outcome is what it is.",
    )
    why.add_argument("policy", metavar="POLICY", help="a policy file or a ready-made name")
    why.add_argument(
        "effect",
        metavar="EFFECT",
        help="a file, - for standard input, or text such as '{request: {method: POST, url: https://shop.test/}}'",
    )
    why.add_argument("--json", action="store_true", help="print JSON on standard output")
    why.set_defaults(run=policy.explain_effect)
    commands: tuple[tuple[str, Callable[[argparse.Namespace], int], str], ...] = (
        ("check", policy.check_policies, "read policies and say what cannot be meant"),
        ("test", policy.test_policies, "run the examples inside policies"),
    )
    for name, command, what in commands:
        sub = policies.add_parser(name, help=what, description=what)
        sub.add_argument("policies", nargs="+", metavar="POLICY", help="policy files or ready-made names")
        sub.add_argument("--json", action="store_true", help="print JSON on standard output")
        sub.set_defaults(run=command)


def _eval(parser: argparse.ArgumentParser) -> None:
    suites = parser.add_subparsers(required=True, metavar="containment")
    what = "try to get out of a sandbox in every way there is; exit code 5 if anything did"
    sub = suites.add_parser("containment", help=what, description=what)
    sub.add_argument("--sandbox", default="auto", choices=["auto", "docker", "bubblewrap", "process"])
    sub.add_argument(
        "--class", dest="kind", action="append", default=[], metavar="CLASS", help="only cases of this class"
    )
    sub.add_argument(
        "--case", action="append", default=[], metavar="ID", help="only cases whose id begins like this"
    )
    sub.add_argument("--quick", action="store_true", help="only the few that take some seconds")
    sub.add_argument(
        "--repeat", type=int, default=1, metavar="N", help="how often each is tried (default: 1)"
    )
    sub.add_argument("--list", action="store_true", help="list the cases and try none")
    sub.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    sub.set_defaults(run=eval_command.containment)


def _sandbox(parser: argparse.ArgumentParser) -> None:
    sandboxes = parser.add_subparsers(required=True, metavar="build|ls|clean")
    commands: tuple[tuple[str, Callable[[argparse.Namespace], int], str], ...] = (
        ("build", sandbox_command.build, "build the image that --sandbox docker runs"),
        ("ls", sandbox_command.ls, "list every sandbox of this machine, with its memory"),
        ("clean", sandbox_command.clean, "remove what dead runs left, and nothing of live ones"),
    )
    for name, command, what in commands:
        sub = sandboxes.add_parser(name, help=what, description=what)
        sub.add_argument("--json", action="store_true", help="print JSON on standard output")
        if name == "build":
            sub.add_argument(
                "--no-cache",
                dest="cache",
                action="store_false",
                help="do every step again, with the packages that Debian has now",
            )
        if name == "clean":
            sub.add_argument("--kept", action="store_true", help="what --keep left too")
        sub.set_defaults(run=command)
