"""`harness replay TRACE --policy NEW`: what another policy says of recorded runs."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from harness.cli.names import load_policy
from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, TraceError
from harness.policy.schema import Policy
from harness.replay.folder import judge, traces_in
from harness.replay.processes import judge_together
from harness.replay.rejudge import Rejudged
from harness.replay.rejudge_words import as_json, lines
from harness.trace.lines import events_file
from harness.words import visible

_LARGE = 16_000_000
"""Bytes of events from which on starting another process saves time."""
_MOST_JOBS = 8


def add(parser: argparse.ArgumentParser) -> None:
    """Declare what judging again takes beside traces and policy."""
    parser.add_argument(
        "--expect",
        choices=["same"],
        help="with --policy alone: exit code 5 if the new policy says something else of any effect, or that "
        "cannot be told",
    )


def run(options: argparse.Namespace) -> int:
    """Judge again. Exit code 5 for a trace that cannot be read, or with `--expect same` for a difference."""
    policy = load_policy(options.policy)
    for path in options.trace:
        if not path.exists():
            raise InputError(
                f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
            )
    paths = [one for path in options.trace for one in traces_in(path)]
    with options.interrupts.told(unwind):
        found, problems = judged(paths, policy)
    if options.json:
        show_json({**as_json(found), "problems": list(problems)})
    else:
        for line in lines(found):
            show(line)
    for problem in problems:
        say(f"harness: {visible(problem, 500)}")
    if problems:
        return TraceError.exit_code
    return TraceError.exit_code if options.expect and found.differences else 0


def judged(paths: Sequence[Path], policy: Policy) -> tuple[Rejudged, tuple[str, ...]]:
    """Judge runs again, many of them in several processes; give also why others could not be read."""
    jobs = min(os.cpu_count() or 1, _MOST_JOBS)
    if jobs == 1 or len(paths) == 1 or not _large(paths):
        return judge(paths, policy)
    return judge_together(paths, policy, jobs)


def _large(paths: Sequence[Path]) -> bool:
    total = 0
    for path in paths:
        try:
            total += events_file(path).stat().st_size
        except (OSError, TraceError):
            continue
        if total > _LARGE:
            return True
    return False
