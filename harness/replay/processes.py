"""Judges many traces again in several processes, each of which remembers what it has learnt of the policy."""

import signal
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final, NamedTuple

from harness.policy.schema import Policy
from harness.replay.folder import FolderJudge
from harness.replay.rejudge import Rejudged

_PARTS: Final = 32
"""Parts for each process, so that none waits long for another."""
_AHEAD: Final = 2
"""Parts that another process is given, so that it never waits for this one."""

Judged = tuple[Rejudged, tuple[str, ...]]


class _Part(NamedTuple):
    start: int
    stop: int


class _Helper(NamedTuple):
    process: SpawnProcess
    connection: Connection
    asked: deque[_Part]
    """What it has not answered yet, in order."""


def judge_together(paths: Sequence[Path], policy: Policy, jobs: int) -> Judged:
    """Judge runs again under another policy, in this process and in others.

    Args:
        paths: the runs.
        policy: the new policy.
        jobs: how many processes there are with this one.

    Returns:
        What was found, in the order of the runs, and why other runs could not be read.
    """
    size = max(1, len(paths) // (jobs * _PARTS))
    left = deque(_Part(start, min(start + size, len(paths))) for start in range(0, len(paths), size))
    done: dict[_Part, Judged] = {}
    mine = FolderJudge(policy)
    with _helpers(jobs - 1, paths, policy) as helpers:
        while left or any(one.asked for one in helpers.values()):
            # The others take half a second to start, in which this one is not idle.
            for connection in wait(list(helpers), 0 if left else None):
                if isinstance(connection, Connection):
                    _take(connection, helpers, left, done)
            if left:
                part = left.pop()
                done[part] = mine.judge(paths[part.start : part.stop])
    found, problems = mine.empty(), list[str]()
    for part in sorted(done):
        some, wrong = done[part]
        found.add(some)
        problems += wrong
    return found, tuple(problems)


def _take(
    connection: Connection, helpers: dict[Connection, _Helper], left: deque[_Part], done: dict[_Part, Judged]
) -> None:
    """Take what a process answers, and give it more to do; what one leaves undone is done by others."""
    helper = helpers[connection]
    try:
        answer: Judged | None = connection.recv()
        if answer is not None:
            done[helper.asked.popleft()] = answer
        while left and len(helper.asked) < _AHEAD:
            helper.asked.append(left.popleft())
            connection.send(helper.asked[-1])
    except (EOFError, OSError):
        left.extendleft(reversed(helper.asked))
        del helpers[connection]


def _serve(connection: Connection, paths: Sequence[Path], policy: Policy) -> None:
    mine = FolderJudge(policy)
    connection.send(None)
    # It ends with the one that asks.
    with suppress(EOFError, OSError):
        while True:
            start, stop = connection.recv()
            connection.send(mine.judge(paths[start:stop]))


@contextmanager
def _helpers(count: int, paths: Sequence[Path], policy: Policy) -> Iterator[dict[Connection, _Helper]]:
    # A fresh interpreter: one that was forked would share this one's pipes and signal handlers.
    context = get_context("spawn")
    started: list[_Helper] = []
    # Ctrl-C goes to the whole group: this process hears it, and ends the others.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        try:
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=_serve, args=(theirs, paths, policy), daemon=True)
                process.start()
                theirs.close()
                started.append(_Helper(process, ours, deque()))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield {one.connection: one for one in started}
    finally:
        for one in started:
            one.process.kill()
            one.process.join()
            one.connection.close()
