"""`harness run TASK`."""

import argparse
import asyncio
import signal
import sys

from harness.cli.names import find_task
from harness.cli.progress import progress, say, summary
from harness.errors import InputError, TaskError, TraceError
from harness.result import Result
from harness.task import Task


def run(options: argparse.Namespace) -> int:
    """Do a task, with progress on standard error and the summary or JSON on standard output."""
    task = _with_inputs(find_task(options.task), options.input)
    try:
        result = asyncio.run(_run(task, options))
    except TraceError as error:
        say(f"harness: {error}")
        return 4
    if options.json:
        print(result.model_dump_json(indent=2))
    else:
        print(summary(result))
    return result.exit_code


def _with_inputs(task: Task, pairs: list[str]) -> Task:
    inputs = dict(task.inputs)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--input {pair!r}: write NAME=VALUE")
        if name not in inputs:
            known = ", ".join(inputs) or "none"
            raise TaskError(f"--input {name}: task {task.name!r} has no such input; it has: {known}")
        inputs[name] = value
    return task.model_copy(update={"inputs": inputs})


async def _run(task: Task, options: argparse.Namespace) -> Result:
    from harness.cli.compose import Run  # noqa: PLC0415 - the browser is loaded only when used

    one = Run(
        task,
        model=options.model,
        policy=options.policy,
        sandbox=options.sandbox,
        approver=options.approve,
        traces=options.traces,
        watch=progress(sys.stderr),
    )
    going = asyncio.ensure_future(one.go())
    told: list[int] = []

    def interrupt(number: int) -> None:
        # A second signal must not tear the cleaning up that the first one began.
        if not told:
            say("harness: interrupted; ending the run and its browser …")
            going.cancel()
        told.append(number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt, number)
    try:
        return await going
    except asyncio.CancelledError:
        if one.result is None:
            raise KeyboardInterrupt from None
        return one.result
