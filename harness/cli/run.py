"""`harness run TASK`."""

import argparse
import asyncio
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.names import task_file
from harness.cli.progress import progress, summary
from harness.cli.signals import Interrupts
from harness.cli.streams import say, show, show_json
from harness.errors import InputError, TraceError
from harness.result import Result
from harness.task import Task

if TYPE_CHECKING:
    from harness.cli.compose import Run

_PATIENCE = 20.0
"""Seconds after which an interrupt that was not heeded is given again."""


def run(options: argparse.Namespace) -> int:
    """Do a task, with progress on standard error and the summary or JSON on standard output."""
    from harness.cli.compose import Run  # noqa: PLC0415 - the browser is loaded only when used

    file = task_file(options.task)
    task = with_inputs(Task.load(file), options.input)
    # At the end, so that nothing here can take the place of what is installed.
    sys.path += [str(folder) for folder in dict.fromkeys((Path.cwd(), file.resolve().parent))]
    one = Run(
        task,
        model=options.model,
        policy=options.policy,
        sandbox=options.sandbox,
        approver=options.approve,
        traces=options.traces,
        watch=progress(),
    )
    try:
        result = asyncio.run(_go(one, options.interrupts))
    except TraceError as error:
        say(f"harness: {error}")
        return 4
    if options.json:
        show_json(result.model_dump(mode="json"))
    else:
        show(summary(result))
    return result.exit_code


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


async def _go(one: "Run", interrupts: Interrupts) -> Result:
    loop = asyncio.get_running_loop()
    going = asyncio.ensure_future(one.go())

    asked: list[float] = []

    def end() -> None:
        # Cleaning up is bounded; to cut it off would leave a browser behind.
        if one.ending or (asked and loop.time() - asked[-1] < _PATIENCE):
            say("harness: the run is ending already; a moment, please")
        else:
            say("harness: interrupted; ending the run and its browser …")
            asked.append(loop.time())
            going.cancel()

    def told() -> None:
        loop.call_soon_threadsafe(end)

    with interrupts.told(told):
        try:
            return await going
        except asyncio.CancelledError:
            if one.result is None:
                raise KeyboardInterrupt from None
            return one.result
