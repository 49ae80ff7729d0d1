"""Puts a run together that goes on with one that died; see `harness.resume` and `harness.replay.resume`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.clearance import Approver
from harness.cli.compose import Run
from harness.cli.names import load_policy, task_file
from harness.cli.pooled import Pool
from harness.errors import InputError
from harness.models.base import Model
from harness.replay.past import Past
from harness.result import Result
from harness.sandbox.base import Sandbox
from harness.task import Task
from harness.trace.events import Event
from harness.trace.held import Claim


def _ignore(event: Event) -> None:
    del event


@contextmanager
def taken_up(
    trace: Path | str,
    *,
    model: Model | str | None = None,
    sandbox: Sandbox | str = "auto",
    approver: Approver | str = "terminal",
    watch: Callable[[Event], None] = _ignore,
    runtime: str | None = None,
    keep: bool = False,
    pool: Pool | None = None,
    catalogue: Path | str | None = None,
    resumable: bool | None = None,
    task: str | None = None,
    policy: str | None = None,
    traces: Path | None = None,
    sign: Path | str | None = None,
    anchor: Path | str | None = None,
) -> Iterator[Run]:
    """Hold the trace of a run that died, and give the run that goes on with it, not started yet.

    `task`, `policy` and `traces` are what somebody named: they must be the old run's. The rest is as `Run`
    takes it; without a model it is the old run's.

    Raises:
        InputError: if it cannot be gone on with, saying why and what to do instead.
        TraceError: if its trace does not verify.
    """
    folder = Path(trace)
    if not folder.exists():
        raise InputError(
            f"{folder}: there is no such trace; `harness trace ls FOLDER` lists those in a folder"
        )
    folder = (folder if folder.is_dir() else folder.parent).resolve()
    with Claim.take(folder):
        past = Past.read(folder)
        _as_meant(past, task, policy, traces)
        yield Run(
            past.task,
            model=past.trace.header.model if model is None else model,
            policy=past.policy,
            sandbox=sandbox,
            approver=approver,
            traces=folder.parent,
            runtime=runtime,
            keep=keep,
            pool=pool,
            catalogue=catalogue,
            resumable=resumable,
            past=past,
            watch=watch,
            sign=sign,
            anchor=anchor,
        )


async def resume(
    trace: Path | str,
    *,
    model: Model | str | None = None,
    sandbox: Sandbox | str = "auto",
    approver: Approver | str = "terminal",
    pool: Pool | None = None,
    catalogue: Path | str | None = None,
    resumable: bool | None = None,
    sign: Path | str | None = None,
    anchor: Path | str | None = None,
) -> Result:
    """Go on with a run that died and give the result; see `harness.resume`."""
    with taken_up(
        trace,
        model=model,
        sandbox=sandbox,
        approver=approver,
        pool=pool,
        catalogue=catalogue,
        resumable=resumable,
        sign=sign,
        anchor=anchor,
    ) as run:
        return await run.go()


def _as_meant(past: Past, task: str | None, policy: str | None, traces: Path | None) -> None:
    folder = past.trace.folder
    begin = "leave it out to go on, or leave out --resume to begin anew"
    if task is not None and Task.load(task_file(task)).name != past.task.name:
        raise InputError(f"{task}: is not the task of {folder.name}, which is {past.task.name!r}; {begin}")
    if policy is not None and load_policy(policy).sha256 != past.policy.sha256:
        raise InputError(
            f"--policy {policy}: is not what {folder.name} was judged by, or has changed since; {begin}"
        )
    if traces is not None and traces.resolve() != folder.parent:
        raise InputError(f"--traces {traces}: a run that goes on stays beside the one before it; {begin}")
