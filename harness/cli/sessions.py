"""Puts a run together whose model is the caller; see `harness.session`."""

from collections.abc import Callable
from pathlib import Path

from harness.clearance import Approver
from harness.cli.compose import Run
from harness.cli.names import task_file
from harness.cli.pooled import Pool
from harness.integrations.session import Session
from harness.policy.schema import Policy
from harness.sandbox.base import Sandbox
from harness.task import Task
from harness.trace.events import Event


def session(
    task: Task | Path | str,
    *,
    policy: Policy | Path | str | None = None,
    sandbox: Sandbox | str = "auto",
    approver: Approver | str = "deny",
    traces: Path | str = "traces",
    pool: Pool | None = None,
    watch: Callable[[Event], None] | None = None,
    sign: Path | str | None = None,
    anchor: Path | str | None = None,
) -> Session:
    """Make a session; see `harness.session`. `watch` is told of every event."""
    found = task_of(task)
    return Session(
        lambda model: Run(
            found,
            model=model,
            policy=policy,
            sandbox=sandbox,
            approver=approver,
            traces=traces,
            pool=pool,
            watch=watch or _ignore,
            sign=sign,
            anchor=anchor,
        )
    )


def _ignore(event: Event) -> None:
    del event


def task_of(task: Task | Path | str) -> Task:
    """Give the task meant: itself, a file, a bundled one, or one that begins at a URL and has no checks.

    Raises:
        TaskError: if there is none.
    """
    if isinstance(task, Task):
        return task
    if isinstance(task, str) and task.startswith(("http://", "https://")):
        return Task(name="session", goal="Whatever the caller does.", start=task)
    return Task.load(task_file(str(task)))
