"""`harness replay TRACE --policy NEW`: what another policy says of recorded runs."""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from harness.cli.names import load_policy
from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, TraceError
from harness.policy.schema import Policy
from harness.replay.folder import judge, shares, traces_in
from harness.replay.rejudge import Rejudged
from harness.replay.rejudge_words import as_json, lines
from harness.trace.lines import events_file
from harness.words import visible

_LARGE = 16_000_000
"""Bytes of events from which on starting another process saves time."""
_MOST_JOBS = 8
_SHARES = 16
"""Parts for each process, so that none waits long for another."""


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
    parts = shares(paths, jobs * _SHARES)
    found, problems = judge((), policy)
    # A fresh interpreter: one that was forked would share this one's pipes and signal handlers.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs - 1, mp_context=context) as pool:
        theirs = [pool.submit(judge, part, policy) for part in parts]
        try:
            # From the end, as long as the others have not begun with it: they take half a second to start.
            ours = [
                judge(part, policy)
                for part, one in zip(reversed(parts), reversed(theirs), strict=True)
                if one.cancel()
            ]
            for some, wrong in (ours.pop() if one.cancelled() else one.result() for one in theirs):
                found.add(some)
                problems += wrong
        finally:
            for one in theirs:
                one.cancel()
    return found, problems


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
