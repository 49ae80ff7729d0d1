"""The harness: a sandbox in which people let computer-use agents act, and know that nothing got out.

    Task ─▶ ┌──────────────────────────── loop ────────────────────────────┐ ─▶ Result
            │  observe ─▶ Model.reply ─▶ ground ─▶ judge ─▶ ask ─▶ act      │
            │     ▲                                  │        │       │      │
            │     │           Policy ────────────────┘        │       ▼      │
            │  Sandbox ◀── Approver ──────────────────────────┘    Cleared   │
            │     │                                                          │
            │  Gateway ── judge ─▶ ask ─▶ Cleared ─▶ Upstream                │
            └───────────────── every event ─▶ Trace ────────────────────────┘

Who may import whom, held by import-linter:

    cli → integrations → checks, testing → loop → checkpoint
        → {models, policy, approval, sandbox, gateway, trace, worlds}
        → clearance → {task, screen} → action → {keys, yamlfile} → errors
"""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from harness._version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from harness.action import Action, parse_action
    from harness.clearance import (
        Act,
        Approval,
        Approver,
        Cleared,
        Effect,
        FileOffer,
        Judge,
        Plan,
        Question,
        Refusal,
        Reply,
        Request,
        SafetySignal,
        Sight,
        Target,
        Usage,
        Verdict,
        Witness,
        clear,
    )
    from harness.cli.pooled import Pool
    from harness.errors import (
        ActionError,
        BusyError,
        HarnessError,
        InputError,
        ModelError,
        NotClearedError,
        PolicyError,
        SandboxError,
        TaskError,
        TraceError,
    )
    from harness.integrations.session import Seen, Session, SessionOverError
    from harness.models.base import Model
    from harness.policy.schema import Policy
    from harness.result import CheckResult, Result
    from harness.sandbox.base import Sandbox
    from harness.screen import ActionResult, Observation, Screen, Screenshot, Tab
    from harness.task import Limits, Task
    from harness.trace.reader import Trace

__all__ = [
    "Act",
    "Action",
    "ActionError",
    "ActionResult",
    "Approval",
    "Approver",
    "BusyError",
    "CheckResult",
    "Cleared",
    "Effect",
    "FileOffer",
    "HarnessError",
    "InputError",
    "Judge",
    "Limits",
    "Model",
    "ModelError",
    "NotClearedError",
    "Observation",
    "Plan",
    "Policy",
    "PolicyError",
    "Pool",
    "Question",
    "Refusal",
    "Reply",
    "Request",
    "Result",
    "SafetySignal",
    "Sandbox",
    "SandboxError",
    "Screen",
    "Screenshot",
    "Seen",
    "Session",
    "SessionOverError",
    "Sight",
    "Tab",
    "Target",
    "Task",
    "TaskError",
    "Trace",
    "TraceError",
    "Usage",
    "Verdict",
    "Witness",
    "__version__",
    "clear",
    "parse_action",
    "resume",
    "run",
    "session",
]


_HOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "harness.action": ("Action", "parse_action"),
    "harness.clearance": (
        "Act",
        "Approval",
        "Approver",
        "Cleared",
        "Effect",
        "FileOffer",
        "Judge",
        "Plan",
        "Question",
        "Refusal",
        "Reply",
        "Request",
        "SafetySignal",
        "Sight",
        "Target",
        "Usage",
        "Verdict",
        "Witness",
        "clear",
    ),
    "harness.cli.pooled": ("Pool",),
    "harness.errors": (
        "ActionError",
        "BusyError",
        "HarnessError",
        "InputError",
        "ModelError",
        "NotClearedError",
        "PolicyError",
        "SandboxError",
        "TaskError",
        "TraceError",
    ),
    "harness.integrations.session": ("Seen", "Session", "SessionOverError"),
    "harness.models.base": ("Model",),
    "harness.policy.schema": ("Policy",),
    "harness.result": ("CheckResult", "Result"),
    "harness.sandbox.base": ("Sandbox",),
    "harness.screen": ("ActionResult", "Observation", "Screen", "Screenshot", "Tab"),
    "harness.task": ("Limits", "Task"),
    "harness.trace.reader": ("Trace",),
}


async def run(
    task: "Task | Path | str",
    *,
    model: "Model | str" = "local",
    policy: "Policy | Path | str | None" = None,
    sandbox: "Sandbox | str" = "auto",
    approver: "Approver | str" = "terminal",
    traces: "Path | str" = "traces",
    pool: "Pool | None" = None,
    catalogue: "Path | str | None" = None,
    sign: "Path | str | None" = None,
    anchor: "Path | str | None" = None,
    resumable: bool | None = None,
) -> "Result":
    """Do one task in a sandbox and give its result.

    Args:
        task: a `Task`, a task file, or the name of a bundled task such as `shop/buy-a-mug`.
        model: `"local"`, `"human"`, a vendor's such as `"azure:my-deployment"` (see docs/models.md), or any
            object with `async def reply(self, observation: Observation) -> Reply`.
        policy: a `Policy`, a policy file, or a ready-made name; the task's own if not given.
        sandbox: `"auto"`, `"docker"`, `"bubblewrap"`, `"process"`, or any `Sandbox`.
        approver: `"terminal"`, `"deny"`, `"auto"`, or any object with
            `async def decide(self, question: Question) -> Approval`.
        traces: the folder in which the run's trace is made.
        catalogue: a file of facts and prices of models, laid over what is known.
        pool: an open `Pool` to take the sandbox from; one is started as usual if it has none for this run.
        sign: a private Ed25519 key's file; the trace is signed with it at its end, however it ended.
        anchor: an anchor file; the head of the trace is added to it at its end.
        resumable: whether the browser's cookies, and what bundled web apps hold, are kept beside the trace
            while the run lives, so that `resume` finds them. Cookies are credentials: see docs/resume.md. If
            not given, they are if all that the run can reach is served by the harness itself.

    Raises:
        InputError: if something a person wrote cannot be used; nothing was started.
        TraceError: if not even a trace can be begun.
    """
    from harness.cli.compose import run as run_task  # noqa: PLC0415 - the browser is loaded only when used

    return await run_task(
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
    )


async def resume(
    trace: "Path | str",
    *,
    model: "Model | str | None" = None,
    sandbox: "Sandbox | str" = "auto",
    approver: "Approver | str" = "terminal",
    pool: "Pool | None" = None,
    catalogue: "Path | str | None" = None,
    resumable: bool | None = None,
    sign: "Path | str | None" = None,
    anchor: "Path | str | None" = None,
) -> "Result":
    """Go on with a run that died, under its task and policy, and give the result of the whole.

    What was under way is never repeated blindly: where the trace cannot tell whether it happened, the
    approver is asked, by an `ask_user` whose answer is `happened`, `did not happen`, or
    `happened, go on at URL`; without such an answer the run ends as `stopped`. See `harness.replay.resume`.

    Args:
        trace: the folder of its trace; the new one is made beside it.
        model: as in `run`; the old run's if not given.
        sandbox: as in `run`.
        approver: as in `run`; no earlier approval holds.
        catalogue: as in `run`.
        pool: as in `run`.
        resumable: as in `run`; it is anyway if the old run was.
        sign: as in `run`.
        anchor: as in `run`.

    Raises:
        InputError: if it cannot be gone on with: it ended on purpose, still lives, or another did so already.
        TraceError: if its trace does not verify.
    """
    from harness.cli.resuming import resume as go_on  # noqa: PLC0415 - the browser is loaded only when used

    return await go_on(
        trace,
        model=model,
        sandbox=sandbox,
        approver=approver,
        pool=pool,
        catalogue=catalogue,
        resumable=resumable,
        sign=sign,
        anchor=anchor,
    )


def session(
    task: "Task | Path | str",
    *,
    policy: "Policy | Path | str | None" = None,
    sandbox: "Sandbox | str" = "auto",
    approver: "Approver | str" = "deny",
    traces: "Path | str" = "traces",
    pool: "Pool | None" = None,
    sign: "Path | str | None" = None,
    anchor: "Path | str | None" = None,
) -> "Session":
    """Make a guarded browser that the caller drives: `async with harness.session(…) as session:`.

    Args:
        task: a `Task`, a task file, the name of a bundled task, or the URL to start at.
        policy: a `Policy`, a policy file, or a ready-made name; a URL has none of its own.
        sandbox: `"auto"`, `"docker"`, `"bubblewrap"`, `"process"`, or any `Sandbox`.
        approver: `"terminal"`, `"deny"`, `"auto"`, or any object with
            `async def decide(self, question: Question) -> Approval`.
        traces: the folder in which the run's trace is made.
        pool: an open `Pool` to take the sandbox from; one is started as usual if it has none for this run.
        sign: a private Ed25519 key's file; the trace is signed with it at its end, however it ended.
        anchor: an anchor file; the head of the trace is added to it at its end.

    Raises:
        InputError: if something a person wrote cannot be used; nothing was started.
    """
    from harness.cli.sessions import session as make  # noqa: PLC0415 - the browser is loaded only when used

    return make(
        task,
        policy=policy,
        sandbox=sandbox,
        approver=approver,
        traces=traces,
        pool=pool,
        sign=sign,
        anchor=anchor,
    )


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that the command can meet an interrupt from the start."""
    for home, names in _HOMES.items():
        if name in names:
            globals()[name] = found = vars(importlib.import_module(home))[name]
            return found
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
