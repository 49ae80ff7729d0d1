"""Puts a run together from names and objects, runs it, and leaves nothing behind."""

import asyncio
import os
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from pydantic import JsonValue, TypeAdapter

from harness.approval.auto import AutoApprover, DenyApprover
from harness.checkpoint import Checkpoint
from harness.checks import read_outputs, run_checks, validate_checks
from harness.clearance import Approver, Refusal, Request, Resource, Sight, Verdict, clear, digest
from harness.cli.names import (
    find_approver,
    find_hosts,
    find_model,
    find_policy,
    find_secrets,
    forgetful,
    guard,
    seed_of,
    task_file,
    versions,
    within,
)
from harness.cli.pooled import Pool
from harness.cli.sealing import Seal
from harness.cli.watched import Watched
from harness.errors import HarnessError, InputError, TaskError, TraceError
from harness.gateway.base import Upstream
from harness.gateway.door import Door
from harness.gateway.fetch import get_json
from harness.gateway.head import get
from harness.gateway.leaks import Guard
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.internet import InternetUpstream
from harness.journal import Journal
from harness.limits import Budget, tightest
from harness.lines import Lines
from harness.loop import Loop
from harness.models.base import Closing, Model, Ready
from harness.models.catalogue import ModelFacts
from harness.models.local.ocr import Reader
from harness.models.vision import VisionModel
from harness.pointer import Pointer
from harness.policy.allowlist import connection_allowlist
from harness.policy.chromium import reach, saves
from harness.policy.engine import Engine
from harness.policy.schema import Policy
from harness.replay.past import Past
from harness.replay.resume import Opening, lost
from harness.replay.state import Remembering, State
from harness.result import EXIT_CODES, CheckResult, Ending, Result
from harness.sandbox.base import Attached, Sandbox, SandboxInfo, SandboxOptions, Sessioned
from harness.sandbox.choose import choose
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.pool import Warm
from harness.sandbox.rundir import RunFolder
from harness.task import Limits, Task
from harness.trace.events import Checked, Event, Failed, RunFinished, RunStarted
from harness.trace.reader import Trace
from harness.trace.report import write_report
from harness.trace.writer import TraceWriter

_log = structlog.get_logger("harness")
_LONGEST = 20_000
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


@dataclass(frozen=True)
class Kept:
    """What `keep` left for a look inside."""

    folder: Path
    """The run's own files."""
    container: str | None
    """The container's id, if there is one."""


def _ignore(event: Event) -> None:
    del event


def utc_now() -> datetime:
    """The time, for traces."""
    return datetime.now(UTC)


def new_id() -> str:
    """A name nobody can guess."""
    return secrets.token_hex(6)


class Run:
    """One run, put together but not started: everything a person wrote has been checked.

    Raises:
        InputError: from the constructor, if task, policy, model or approver cannot be used.
    """

    def __init__(
        self,
        task: Task | Path | str,
        *,
        model: Model | str = "local",
        policy: Policy | Path | str | None = None,
        sandbox: Sandbox | str = "auto",
        approver: Approver | str = "terminal",
        traces: Path | str = "traces",
        watch: Callable[[Event], None] = _ignore,
        runtime: str | None = None,
        keep: bool = False,
        pool: Pool | None = None,
        catalogue: Path | str | None = None,
        named: str | None = None,
        sign: Path | str | None = None,
        anchor: Path | str | None = None,
        seed: int | None = None,
        resumable: bool | None = False,
        past: Past | None = None,
        now: Callable[[], datetime] = utc_now,
        ids: Callable[[], str] = new_id,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if runtime is not None and sandbox != "docker":
            raise InputError(f"--runtime {runtime}: only a container has one; add --sandbox docker")
        found = task if isinstance(task, Task) else Task.load(task_file(str(task)))
        self.task = found if past else found.filled()
        self.policy = find_policy(policy, self.task)
        self.vault = find_secrets(self.policy, os.environ)
        self.engine = Engine(self.policy)
        self._allowlist = connection_allowlist(self.policy)
        start = self.engine.may_start(self.task.start)
        if start.outcome in ("deny", "stop"):
            raise TaskError(
                f"task {self.task.name!r}: start {self.task.start!r} is outside the policy: {start.reason}"
            )
        validate_checks(self.task)
        if self.task.uploads is not None and not Path(self.task.uploads).is_dir():
            raise TaskError(f"task {self.task.name!r}: uploads: {self.task.uploads!r} is not a folder")
        uploads = self.task.uploads
        self._seal = Seal.of(sign, anchor, shown=None if uploads is None else Path(uploads))
        self.run_id = f"{now():%Y%m%d-%H%M%S}-{self.task.name}-{ids()[:6]}"
        self.folder = Path(traces).absolute() / self.run_id
        self.reader = Reader()
        lines = Lines(sys.stdin)
        self.model = (
            find_model(
                model,
                self.task,
                self.reader,
                secrets=tuple(self.policy.secrets),
                environment=os.environ,
                catalogue=None if catalogue is None else Path(catalogue),
                pictures=self.folder / "screens",
                lines=lines,
            )
            if isinstance(model, str)
            else model
        )
        # One that was given belongs to whoever made it.
        self._hang_up = self.model if isinstance(model, str) and isinstance(self.model, Closing) else None
        self._past = past
        self._left = State(past.trace.folder) if past else None
        kept = self._left is not None and self._left.there
        unasked = resumable is None and (self._left.brief if self._left and kept else True)
        self._brief = unasked and within(self.task, self.policy)
        self._beside = State(self.folder) if resumable or kept or self._brief else None
        self.hosts = find_hosts(self.task, self._beside.hosts if self._beside else None)
        self.sandbox = _from_pool(sandbox, pool) if pool else sandbox
        self._pool = pool
        pictures = self.folder / "questions"
        self.approver = find_approver(approver, pictures, lines) if isinstance(approver, str) else approver
        self.budget = Budget(tightest(self.task.limits, self.policy.limits), clock)
        if past:
            lost(past, forgetful(self.task), state=kept, model=self.model)
            self._take_up(past)
        if isinstance(self.model, VisionModel):
            self.can_be_held(self.model.facts, self.budget.limits)
        self.result: Result | None = None
        self.ending = False
        """Whether the run is over and only cleaning up is left; then it is not to be cancelled."""
        self.kept: Kept | None = None
        """What was left for a look inside, if that was asked for and there was anything."""
        self._runtime, self._keep, self._seed = runtime, keep, seed
        self._names = (
            named or (model if isinstance(model, str) else type(model).__name__),
            _approver_name(self.approver),
        )
        self._begun = False
        self._info = SandboxInfo(
            kind=sandbox if isinstance(sandbox, str) else sandbox.info.kind, isolated=False
        )
        self._watch, self._now, self._ids, self._clock = watch, now, ids, clock

    def _take_up(self, past: Past) -> None:
        self.budget.carry(past.used)
        for one in past.cleared:
            if isinstance(one, Sight):
                self.engine.saw(one)
            else:
                self.engine.recall(one)
        self.engine.saw(Sight())

    async def go(self) -> Result:
        """Run to the end. Whatever happens, the trace is finished, the report written and the sandbox gone.

        Raises:
            HarnessError: only if not even a trace can be begun.
            CancelledError: after an orderly end with outcome `interrupted`; `result` holds it.
        """
        writer = TraceWriter.create(self.folder, now=self._now, redactor=self.vault.redactor)
        recorder = Watched(writer, self._watch, self.vault)
        cancelled = False
        checks: list[CheckResult] = []
        checkpoint = Checkpoint(
            self.engine,
            self.approver,
            recorder,
            self.budget,
            goal=self.task.goal,
            timeout=self.policy.approval.timeout,
            otherwise=self.policy.approval.otherwise,
            clock=self._clock,
            now=self._now,
            ids=self._ids,
            redactor=self.vault.redactor,
        )
        try:
            ending = await self._run(recorder, checkpoint, checks)
        except asyncio.CancelledError:
            cancelled = True
            ending = Ending(outcome="interrupted", reason="interrupted")
        except HarnessError as error:
            ending = self._failed(recorder, error, str(error), str(error))
        except Exception as error:  # noqa: BLE001 - whatever fails, the trace has an end and a person a message
            what = f"the harness itself failed: {type(error).__name__}: {error}"
            reason = f"{what.splitlines()[0]}; please report it, with the trace"
            lines = traceback.format_exception(error)
            ending = self._failed(recorder, error, reason, "".join((reason, "\n", *lines))[-_LONGEST:])
        self.ending = True
        if checkpoint.trouble and ending.outcome == "failed":
            ending = ending.model_copy(update={"reason": f"{ending.reason}; {checkpoint.trouble}"})
        self.result = self._finish(recorder, checkpoint, ending, checks)
        try:
            writer.close()
            self._seal.put(self.folder, self.run_id, writer.lines, writer.head, self._now())
        except TraceError as error:
            self.result = _unwritten(self.result, error)
        self._forget(self.result)
        self._report()
        if cancelled:
            raise asyncio.CancelledError
        return self.result

    def _forget(self, result: Result) -> None:
        """Delete the cookies that nobody goes on with."""
        if self._beside is None or result.outcome not in ("done", "failed", "stopped"):
            return
        went_on = self._past is not None and self.budget.steps > self._past.used.steps
        for state in (self._beside, *((self._left,) if self._left and went_on else ())):
            try:
                state.forget()
            except OSError as error:
                _log.warning("kept cookies could not be deleted", folder=str(state.folder), why=str(error))

    def _failed(self, recorder: Watched, error: Exception, reason: str, message: str) -> Ending:
        with suppress(TraceError):
            self._begin(recorder, self._info)
            recorder.write(Failed(step=self.budget.steps, error=type(error).__name__, message=message))
        return Ending(outcome="error", reason=reason)

    async def _run(self, recorder: Watched, checkpoint: Checkpoint, checks: list[CheckResult]) -> Ending:
        async with AsyncExitStack() as stack:
            if self._beside:
                self._beside.make(self._left, brief=self._brief)
            if self._hang_up is not None:
                stack.push_async_callback(self._hang_up.close)
            if isinstance(self.model, Ready):
                await self.model.ready()
            # What is kept, and what runs it, is settled when a sandbox is made.
            plain = not (self._keep or self._runtime)
            warm = await self._pool.bound(reach(self.policy)) if self._pool and plain else None
            rundir = stack.enter_context(warm.folder if warm else RunFolder.create())
            if warm:
                stack.callback(warm.door.close)
                stack.push_async_callback(warm.sandbox.close)
            found = guard(self.policy, self.vault)
            sandbox = self._choose(rundir.path, checkpoint, found, warm)
            if self._keep:
                stack.callback(self._leave, rundir, sandbox)
            internet = InternetUpstream(may_dial=lambda ip: self.engine.names_address(str(ip)))
            gateway = ProxyGateway(
                self.hosts,
                internet,
                ids=self._ids,
                clock=self._clock,
                guard=found,
                noticed=checkpoint.noticed,
                allowlist=self._allowlist,
                door=warm.door if warm else None,
            )
            stack.push_async_callback(gateway.close)
            stack.push_async_callback(sandbox.close)
            stack.callback(self._cleaning)
            socket = rundir.path / "gateway.sock"
            await gateway.open(socket, checkpoint)
            try:
                await sandbox.open(socket, gateway.spki)
            finally:
                self._info = sandbox.info
                self._begin(recorder, self._info)
            checkpoint.begin()
            if isinstance(self.model, Attached):
                self.model.attach(sandbox)
            hand = Remembering(sandbox, self._beside) if self._beside else sandbox
            opened = await self._open_again(recorder, checkpoint, hand, sandbox)
            if isinstance(opened, Ending):
                return opened
            loop = Loop(
                self.task,
                model=self.model,
                sandbox=hand,
                checkpoint=checkpoint,
                journal=Journal(recorder),
                budget=self.budget,
                clock=self._clock,
                notes=opened,
            )
            ending = await loop.run()
            if ending.outcome == "done":
                ending = await self._check(ending, sandbox, checks)
        return ending

    async def _open_again(
        self, recorder: Watched, checkpoint: Checkpoint, hand: Sandbox, sandbox: Sandbox
    ) -> Ending | tuple[str, ...]:
        if self._past is None:
            return ()
        cookies = self._left.cookies() if self._left and self._beside else None
        brought = cookies is not None and isinstance(sandbox, Sessioned)
        if cookies is not None and isinstance(sandbox, Sessioned):
            await sandbox.bring(cookies)
        journal = Journal(recorder)
        opening = Opening(
            self._past,
            session=brought,
            model=self.model,
            sandbox=hand,
            pointer=Pointer(hand, checkpoint, journal, self.budget, self._clock),
            checkpoint=checkpoint,
            journal=journal,
            recorder=recorder,
        )
        return await opening.go()

    @staticmethod
    def can_be_held(facts: ModelFacts, limits: Limits) -> None:
        """Say beforehand if a limit on money cannot be held, as nobody knows what the model costs."""
        if limits.cost is None or facts.price is not None:
            return
        what = f"limits.cost ({limits.cost:g} USD) cannot be held: the price of {facts.name!r} is not known"
        how = "name it in a file of your own, with --catalogue FILE"
        if limits.tokens is None:
            raise InputError(f"{what}; {how}, or set limits.tokens")
        _log.warning(what, held="limits.tokens", to_do=how)

    def _leave(self, rundir: RunFolder, sandbox: Sandbox) -> None:
        container = sandbox.container if isinstance(sandbox, HostedSandbox) else None
        self.kept = Kept(rundir.keep(), container)

    def _cleaning(self) -> None:
        self.ending = True

    def _choose(
        self, runtime: Path, checkpoint: Checkpoint, leaks: Guard, warm: Warm[Door] | None
    ) -> Sandbox:
        if not isinstance(self.sandbox, str):
            return self.sandbox
        options = SandboxOptions(
            viewport=self.task.viewport,
            downloads=self.folder / "downloads",
            uploads=Path(self.task.uploads) if self.task.uploads else None,
            runtime=runtime,
            keep=checkpoint.keep,
            told=checkpoint.told,
            seed=seed_of(self.run_id) if self._seed is None else self._seed,
            read_text=self.engine.reads_text,
            reach=reach(self.policy),
            saves=saves(self.policy),
            allowlist=bool(self._allowlist),
            barred=partial(self._barred, checkpoint, leaks),
            dialogs=self.policy.dialogs,
            secrets=self.vault,
            oci_runtime=self._runtime,
            leave=self._keep,
        )
        if warm:
            warm.sandbox.bind(options)
            return warm.sandbox
        return choose(self.sandbox, options)

    def _barred(
        self, checkpoint: Checkpoint, leaks: Guard, method: str, url: str, resource: Resource
    ) -> Refusal | None:
        untold = Request(id=self._ids(), method=method, url=url[:_LONGEST], resource=resource)
        return checkpoint.preview(leaks.head(untold))

    def _begin(self, recorder: Watched, info: SandboxInfo) -> None:
        if self._begun:
            return
        self._begun = True
        recorder.write(
            RunStarted(
                run_id=self.run_id,
                task=self.task.model_dump(mode="json", exclude_defaults=True),
                policy=self.policy.model_dump(mode="json", exclude_defaults=True),
                policy_sha256=self.engine.sha256,
                model=self._names[0],
                approver=self._names[1],
                sandbox=info.model_dump(mode="json", exclude={"seed"}),
                seed=info.seed,
                versions=versions(info.browser),
                resumed=self._past.resumed if self._past else None,
            ),
            sync=True,
        )
        if self._info.browser and not info.isolated:
            _log.warning("this run is not isolated", sandbox=info.kind)

    async def _check(self, ending: Ending, sandbox: Sandbox, checks: list[CheckResult]) -> Ending:
        outputs, results = read_outputs(self.task, ending.outputs)
        checks += results
        checks += await run_checks(self.task, await sandbox.observe(), self.reader, self._state)
        failed = [one for one in checks if not one.passed]
        if not failed:
            return ending.model_copy(update={"outputs": outputs, "reason": ending.answer})
        reason = f"{len(failed)} of {len(checks)} checks failed: {failed[0].check}: {failed[0].detail}"
        return ending.model_copy(update={"outcome": "failed", "outputs": outputs, "reason": reason})

    async def _state(self, host: str, path: str) -> JsonValue:
        upstream: Upstream = self.hosts[host.lower()]
        request = get("check", f"https://{host}{path}", (("host", host),))
        verdict = Verdict(
            outcome="allow",
            rule="check",
            reason="The harness looks at the application's own state.",
            policy=self.engine.sha256,
            effect=digest(request),
        )
        return _JSON.validate_python(await get_json(upstream, clear(request, verdict)))

    def _finish(
        self, recorder: Watched, checkpoint: Checkpoint, ending: Ending, checks: list[CheckResult]
    ) -> Result:
        hide = self.vault.hide
        checks = [
            one.model_copy(update={"check": hide(one.check), "detail": hide(one.detail)}) for one in checks
        ]
        result = Result(
            run_id=self.run_id,
            trace=str(self.folder),
            outcome=ending.outcome,
            exit_code=EXIT_CODES[ending.outcome],
            reason=self.vault.hide(ending.reason),
            steps=self.budget.steps,
            checks=tuple(checks),
            outputs={name: self.vault.redactor.json(value) for name, value in ending.outputs.items()},
            usage=self.budget.usage,
            verdicts=dict(sorted(checkpoint.verdicts.items())),
            seconds=round(self.budget.elapsed, 3),
        )
        try:
            self._begin(recorder, self._info)
            for one in checks:
                recorder.write(Checked(check=one.check, passed=one.passed, detail=one.detail))
            recorder.write(
                RunFinished(
                    outcome=result.outcome,
                    exit_code=result.exit_code,
                    reason=result.reason,
                    steps=result.steps,
                    outputs=result.outputs,
                    usage=result.usage,
                    verdicts=result.verdicts,
                    seconds=result.seconds,
                    head=recorder.head,
                ),
                sync=True,
            )
        except TraceError as error:
            return _unwritten(result, error)
        return result

    def _report(self) -> None:
        try:
            write_report(Trace.open(self.folder), self.folder / "report.html")
        except (HarnessError, OSError) as error:
            _log.warning("no report was written", trace=str(self.folder), why=str(error))


def _unwritten(result: Result, error: TraceError) -> Result:
    known = not result.reason or str(error) in result.reason or result.outcome == "error"
    reason = result.reason or str(error) if known else f"{result.reason}; {error}"
    return result.model_copy(update={"outcome": "error", "exit_code": EXIT_CODES["error"], "reason": reason})


def _from_pool(sandbox: Sandbox | str, pool: Pool) -> str:
    if sandbox not in ("auto", pool.sandbox):
        name = sandbox if isinstance(sandbox, str) else type(sandbox).__name__
        raise InputError(
            f"sandbox {name!r}: the pool's are {pool.sandbox!r}; leave out the sandbox, or the pool"
        )
    return pool.sandbox


def _approver_name(approver: Approver) -> str:
    match approver:
        case AutoApprover():
            return "auto"
        case DenyApprover():
            return "deny"
        case _:
            return type(approver).__name__


async def run(
    task: Task | Path | str,
    *,
    model: Model | str = "local",
    policy: Policy | Path | str | None = None,
    sandbox: Sandbox | str = "auto",
    approver: Approver | str = "terminal",
    traces: Path | str = "traces",
    pool: Pool | None = None,
    catalogue: Path | str | None = None,
    sign: Path | str | None = None,
    anchor: Path | str | None = None,
    resumable: bool | None = None,
) -> Result:
    """Do one task and give its result; see `harness.run`."""
    return await Run(
        task,
        model=model,
        policy=policy,
        sandbox=sandbox,
        approver=approver,
        traces=traces,
        pool=pool,
        catalogue=catalogue,
        sign=sign,
        anchor=anchor,
        resumable=resumable,
    ).go()
