"""`harness mcp`: the guarded browser for an MCP client."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

from harness._version import __version__
from harness.cli.names import task_file
from harness.cli.progress import progress, summary
from harness.cli.signals import unwind
from harness.cli.streams import say
from harness.errors import HarnessError, InputError
from harness.words import visible


def run(options: argparse.Namespace) -> int:
    """Serve one session until the client goes away; everything a person may read goes to standard error."""
    _check(options)
    try:
        from harness.integrations.mcp_server import serve  # noqa: PLC0415 - an extra, loaded only when used
    except ModuleNotFoundError as error:
        raise HarnessError(
            f"harness mcp needs the package {error.name!r}: type pip install 'computer-use-harness[mcp]'"
        ) from error
    from harness.cli.sessions import session  # noqa: PLC0415 - the browser is loaded only when used
    from harness.integrations.session import SessionOverError  # noqa: PLC0415 - it comes with the above

    given = options.start or task_file(options.task)
    if isinstance(given, Path):
        sys.path += [str(folder) for folder in dict.fromkeys((Path.cwd(), given.resolve().parent))]
    # A world may print while it is imported; once it serves, the server keeps standard output clean itself.
    with redirect_stdout(sys.stderr):
        one = session(
            given,
            policy=options.policy,
            sandbox=options.sandbox,
            approver=options.approve,
            traces=options.traces,
            watch=progress(),
            sign=options.sign,
            anchor=options.anchor,
        )
    end = _End()
    with options.interrupts.told(end.signalled):
        try:
            asyncio.run(end.guard(partial(serve, one, __version__)))
        except asyncio.CancelledError:
            say("harness: interrupted")
        except SessionOverError as error:
            if error.result is None:
                raise
    if one.result is None:
        return 130
    if one.result.outcome == "error":
        say(f"harness: {visible(one.result.reason, 2000)}")
    say(summary(one.result))
    return one.result.exit_code


def _check(options: argparse.Namespace) -> None:
    if (options.task is None) == (options.start is None):
        raise InputError("name either a task or --start URL: harness mcp shop/find-a-tea")
    if options.start is not None and not options.start.startswith(("http://", "https://")):
        raise InputError(f"--start {options.start!r}: write a whole URL, such as https://shop.test/")
    if options.approve == "terminal":
        raise InputError(
            "--approve terminal: standard input and output belong to the MCP client; "
            "type --approve deny or --approve auto"
        )


class _End:
    """Ends what is served in order, once, when a signal comes."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def signalled(self) -> None:
        """Ask for the end, from a signal's handler."""
        if self._loop is None:
            unwind()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)

    async def guard(self, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        """Serve until the client or a signal ends it."""
        self._task = asyncio.create_task(serve())
        self._loop = asyncio.get_running_loop()
        await self._task

    def _end(self) -> None:
        if self._task is not None and not self._task.cancelling():
            say("harness: interrupted; ending the run and its browser …")
            self._task.cancel()
