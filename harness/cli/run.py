"""`harness run TASK`."""

import argparse
import asyncio
import difflib
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.names import task_file
from harness.cli.progress import progress, summary
from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, TraceError
from harness.result import Result
from harness.task import Task
from harness.trace.events import Event
from harness.words import visible

if TYPE_CHECKING:
    from harness.cli.compose import Kept, Run
    from harness.trace.export.otlp import Live

_PATIENCE = 20.0
"""Seconds after which an interrupt that was not heeded is given again."""


def run(options: argparse.Namespace) -> int:
    """Do a task, or go on with one, with progress on standard error and the end on standard output."""
    with ExitStack() as stack:
        watch: Callable[[Event], None] = progress()
        if options.otel is not None:
            live = _live(options.otel)
            stack.callback(live.close)
            watch = _Both(watch, live)
        one = stack.enter_context(_taken_up(options, watch)) if options.resume else _begun(options, watch)
        return _to_the_end(one, options)


def _begun(options: argparse.Namespace, watch: Callable[[Event], None]) -> "Run":
    from harness.cli.compose import Run  # noqa: PLC0415 - the browser is loaded only when used

    if options.task is None:
        raise InputError("name a TASK, such as shop/buy-a-mug, or a run to go on with: --resume TRACE")
    file = task_file(options.task)
    task = with_inputs(Task.load(file), options.input)
    # At the end, so that nothing here can take the place of what is installed.
    sys.path += [str(folder) for folder in dict.fromkeys((Path.cwd(), file.resolve().parent))]
    return Run(
        task,
        model=options.model or "local",
        policy=options.policy,
        sandbox=options.sandbox,
        approver=options.approve,
        traces=options.traces or "traces",
        watch=watch,
        runtime=options.runtime,
        keep=options.keep,
        catalogue=options.catalogue,
        resumable=options.resumable,
        sign=options.sign,
        anchor=options.anchor,
    )


def _taken_up(options: argparse.Namespace, watch: Callable[[Event], None]) -> AbstractContextManager["Run"]:
    from harness.cli.resuming import taken_up  # noqa: PLC0415 - the browser is loaded only when used

    if options.input:
        raise InputError("--input: a run that goes on has the inputs that it began with; leave it out")
    folders = [Path.cwd()] if options.task is None else [Path.cwd(), task_file(options.task).resolve().parent]
    sys.path += [str(folder) for folder in dict.fromkeys(folders)]
    return taken_up(
        options.resume,
        model=options.model,
        sandbox=options.sandbox,
        approver=options.approve,
        watch=watch,
        runtime=options.runtime,
        keep=options.keep,
        catalogue=options.catalogue,
        resumable=options.resumable,
        task=options.task,
        policy=options.policy,
        traces=options.traces,
        sign=options.sign,
        anchor=options.anchor,
    )


def _to_the_end(one: "Run", options: argparse.Namespace) -> int:
    end = Ending(one)
    with options.interrupts.told(end.signalled):
        try:
            result = asyncio.run(end.run())
        except TraceError as error:
            say(f"harness: {error}")
            return 4
        if result.outcome == "error":
            lines = result.reason.splitlines()[:20]
            say("harness: " + "\n".join(visible(line, 600) for line in lines))
        if options.json:
            show_json(result.model_dump(mode="json"))
        else:
            show(summary(result))
        if one.kept:
            say(kept_lines(one.kept))
    return result.exit_code


class _Both:
    """Tells two watchers."""

    def __init__(self, first: Callable[[Event], None], second: Callable[[Event], None]) -> None:
        self._first, self._second = first, second

    def __call__(self, event: Event) -> None:
        self._first(event)
        self._second(event)


def _live(endpoint: str) -> "Live":
    from harness.trace.export.otlp import Live  # noqa: PLC0415 - loaded when used

    named = endpoint or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not named:
        raise InputError(
            "--otel: name a collector, such as http://127.0.0.1:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT"
        )
    return Live(named, now=lambda: datetime.now(UTC), say=say)


def kept_lines(kept: "Kept") -> str:
    """Say what was left for a look inside, how to look and how to remove it."""
    lines = [f"kept: the run's files in {kept.folder}"]
    if kept.container:
        name = kept.container[:12]
        lines += [
            f"kept: container {name}; `docker exec -it {name} sh` is a shell without any tools, and",
            f"      `ls /proc/$(docker inspect -f '{{{{.State.Pid}}}}' {name})/root` shows its files",
        ]
    return "\n".join((*lines, "      `harness sandbox clean --kept` removes all that was kept"))


def with_inputs(task: Task, pairs: list[str]) -> Task:
    """Give a task with the values of `NAME=VALUE` pairs.

    Raises:
        InputError: naming the pair, and the nearest input that there is.
    """
    inputs = dict(task.inputs)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--input {pair!r}: write NAME=VALUE")
        if name not in inputs:
            near = difflib.get_close_matches(name, inputs, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(inputs) or 'none'}"
            raise InputError(f"--input {pair!r}: task {task.name!r} has no input {name!r}; {hint}")
        inputs[name] = value
    return task.model_copy(update={"inputs": inputs})


class Ending:
    """Runs a run, and ends it in order when a signal comes."""

    def __init__(self, one: "Run") -> None:
        self._one = one
        self._loop: asyncio.AbstractEventLoop | None = None
        self._going: asyncio.Future[Result] | None = None
        self._asked: float | None = None

    def signalled(self) -> None:
        """Ask for the end, from a signal's handler."""
        if self._loop is None:
            unwind()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    async def run(self) -> Result:
        """Run to the end.

        Raises:
            TraceError: if not even a trace can be begun.
        """
        going = self._going = asyncio.ensure_future(self._one.go())
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._lost)
        self._loop = loop
        try:
            return await going
        except asyncio.CancelledError:
            if self._one.result is None:
                raise KeyboardInterrupt from None
            return self._one.result

    def _end(self) -> None:
        assert self._loop is not None and self._going is not None  # noqa: S101, PT018 - `signalled` saw them
        now = self._loop.time()
        # Cleaning up is bounded; to cut it off would leave a browser behind.
        if self._one.ending or (self._asked is not None and now - self._asked < _PATIENCE):
            say("harness: the run is ending already; a moment, please")
            return
        say("harness: interrupted; ending the run and its browser …")
        self._asked = now
        self._going.cancel()

    def _lost(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        # What a killed driver or browser leaves behind in futures is no news at the end.
        if not self._one.ending and self._asked is None:
            say(f"harness: {context.get('exception') or context.get('message')}")
