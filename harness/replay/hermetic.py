"""A recorded run, done again from its own record: the same pages, answers, times and words, and no way out.

recorded replies ─▶ the loop ─▶ a fresh sandbox, its clock pinned ─▶ gateway ─▶ the recording
                      │                                                           │
                      └─ each screenshot's hash is compared                       └─ misses are listed
"""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from harness.checkpoint import Checkpoint
from harness.clearance import Refusal, Reply, Request, Resource
from harness.errors import HarnessError, ModelError
from harness.gateway.leaks import Guard
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.recording import RecordingUpstream
from harness.journal import Journal
from harness.limits import Budget, tightest
from harness.loop import Loop
from harness.models.replayed import ReplayedModel
from harness.policy.allowlist import connection_allowlist
from harness.policy.chromium import reach, saves
from harness.policy.engine import Engine
from harness.replay.answers import RecordedAnswers
from harness.replay.course import Course, OnCourse
from harness.replay.hermetic_verdict import Again, Ended, Hermetic, conclude
from harness.replay.recording import Recording
from harness.replay.tape import tape
from harness.sandbox.base import Pinned, Sandbox, SandboxOptions
from harness.sandbox.rundir import RunFolder
from harness.secrets import Vault
from harness.trace.events import Acted, Event, ModelReplied, Observed
from harness.trace.reader import Trace

KEPT: Final = 200
"""Pictures that are kept of those that the recording does not have."""


@dataclass
class Witness:
    """A recorder that keeps in memory what a replay saw and did."""

    known: frozenset[str]
    """The pictures of the recording."""
    seen: dict[int, str] = field(default_factory=dict)
    """The picture of each step."""
    done: dict[tuple[int, int], Acted] = field(default_factory=dict)
    """What became of each action."""
    pictures: dict[str, bytes] = field(default_factory=dict)
    """Those that the recording does not have."""
    head: str = ""

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Keep what is compared."""
        del sync
        match event:
            case Observed():
                self.seen.setdefault(event.step, event.screenshot)
            case Acted():
                self.done[event.step, event.index] = event
            case _:
                pass

    def blob(self, data: bytes) -> str:
        """Name bytes; keep a picture that is new."""
        name = hashlib.sha256(data).hexdigest()
        if name not in self.known and data.startswith(b"\x89PNG") and len(self.pictures) < KEPT:
            self.pictures[name] = data
        return name


class HermeticReplay:
    """One replay of one trace, put together but not started.

    Args:
        trace: the recorded run, of whatever outcome.
        place: makes an unopened sandbox of the kind that the run had.
        vault: something in the place of each of a policy's secrets, which no trace holds.
        guard: finds secrets and canaries in requests.
        ids: makes a new id for each request and question.
        now: the time.
        clock: seconds that only go forward.

    Raises:
        TraceError: if nothing can be done again in it, or it has no answers.
        InputError: if no model ever answered in it.
    """

    def __init__(
        self,
        trace: Trace,
        *,
        place: Callable[[SandboxOptions], Sandbox],
        vault: Vault,
        guard: Guard,
        ids: Callable[[], str],
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self.recording = Recording.of(trace)
        self._engine = Engine(self.recording.policy)
        self._place, self._vault, self._guard = place, vault, guard
        self._ids, self._wall, self._clock = ids, now, clock
        self.course = Course(trace)
        self.upstream = RecordingUpstream(tape(trace), now() - self.course.start)
        replies = [one.event for one in trace.events if isinstance(one.event, ModelReplied)]
        self._model = ReplayedModel(
            [_reply(one) for one in replies],
            source=f"the recording {trace.header.run_id}",
            first=replies[0].step if replies else 1,
        )
        self.witness = Witness(frozenset(one.seen.screenshot for one in self.recording.looks if one.seen))
        policy, task = self.recording.policy, self.recording.task
        self._budget = Budget(tightest(task.limits, policy.limits), self.course.elapsed)
        self._checkpoint = Checkpoint(
            self._engine,
            RecordedAnswers(trace),
            self.witness,
            self._budget,
            goal=task.goal,
            timeout=policy.approval.timeout,
            otherwise=policy.approval.otherwise,
            clock=self.course.elapsed,
            now=self.course.now,
            ids=ids,
            redactor=vault.redactor,
        )

    async def go(self) -> Hermetic:
        """Do it again, and say what it came to.

        Raises:
            SandboxError: if the sandbox cannot be made.
        """
        started = self._clock()
        async with AsyncExitStack() as stack:
            ended = await self._go(stack, stack.enter_context(RunFolder.create()).path)
        seconds = self._clock() - started
        again = Again(self.witness.seen, self.witness.done, self.witness.pictures, ended)
        return conclude(self.recording, again, self.upstream, seconds)

    async def _go(self, stack: AsyncExitStack, folder: Path) -> Ended:
        inner = self._place(self._options(folder))
        gateway = ProxyGateway(
            {},
            self.upstream,
            ids=self._ids,
            clock=asyncio.get_running_loop().time,
            guard=self._guard,
            allowlist=connection_allowlist(self.recording.policy),
        )
        stack.push_async_callback(gateway.close)
        stack.push_async_callback(inner.close)
        sandbox = OnCourse(inner, self.course, lambda: self._checkpoint.step, self.upstream.reach)
        socket = folder / "gateway.sock"
        await gateway.open(socket, self._checkpoint)
        await sandbox.open(socket, gateway.spki)
        self._checkpoint.begin()
        loop = Loop(
            self.recording.task,
            model=self._model,
            sandbox=sandbox,
            checkpoint=self._checkpoint,
            journal=Journal(self.witness),
            budget=self._budget,
            clock=self.course.elapsed,
        )
        try:
            ending = await loop.run()
        except ModelError as error:
            return Ended("over" if not self._model.left else "error", str(error), self._model.left)
        except HarnessError as error:
            return Ended("error", str(error), self._model.left)
        return Ended(ending.outcome, ending.reason or ending.answer, self._model.left)

    def _options(self, folder: Path) -> SandboxOptions:
        policy, task = self.recording.policy, self.recording.task
        uploads = Path(task.uploads) if task.uploads else None
        return SandboxOptions(
            viewport=task.viewport,
            downloads=folder / "kept",
            uploads=uploads if uploads and uploads.is_dir() else None,
            runtime=folder,
            keep=self._checkpoint.keep,
            read_text=self._engine.reads_text,
            reach=reach(policy),
            saves=saves(policy),
            allowlist=bool(connection_allowlist(policy)),
            barred=self._barred,
            dialogs=policy.dialogs,
            secrets=self._vault,
            seed=self.recording.trace.header.seed,
            pinned=Pinned(
                start=self.course.start,
                due=self.course.now,
                still=self.course.still,
                sure=self.course.sure,
                touched=self.course.touched,
                quiet=self.course.quiet,
            ),
        )

    def _barred(self, method: str, url: str, resource: Resource) -> Refusal | None:
        untold = Request(id=self._ids(), method=method, url=url[:20_000], resource=resource)
        return self._checkpoint.preview(self._guard.head(untold))


def _reply(event: ModelReplied) -> Reply:
    return Reply(
        thought=event.thought,
        actions=event.actions,
        signals=event.signals,
        usage=event.usage,
        incidents=event.incidents,
    )
