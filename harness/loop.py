"""The flow itself: observe → reply → ground → judge → ask → act → record, until an ending.

Nothing here knows a concrete model, sandbox or policy; `harness.cli.compose` puts them together.
"""

import asyncio
from collections.abc import Callable

from pydantic import ValidationError

from harness.action import Action, Answer, GiveUp, Goto, Type
from harness.checkpoint import Checkpoint
from harness.clearance import Effect, Refusal, Reply, SafetySignal
from harness.errors import ActionError, HarnessError, ModelError
from harness.journal import Journal
from harness.limits import Budget
from harness.models.base import Foresighted, Model, Telling
from harness.pointer import Pointer
from harness.result import Ending
from harness.sandbox.base import Sandbox
from harness.screen import ActionResult, Observation, Screen
from harness.task import Task

PATIENCE = 3
"""Answers in a row without a usable action before the model is given up."""
LOOKS = 3
"""How often a page is looked at that goes on while it is looked at."""


class Loop:
    """One run of one task, over parts that are already open."""

    def __init__(
        self,
        task: Task,
        *,
        model: Model,
        sandbox: Sandbox,
        checkpoint: Checkpoint,
        journal: Journal,
        budget: Budget,
        clock: Callable[[], float],
        notes: tuple[str, ...] = (),
    ) -> None:
        """Take the parts; with `notes` for the first question, the page to begin at is open already."""
        self._task = task
        self._model = model
        self._sandbox = sandbox
        self._checkpoint = checkpoint
        self._journal = journal
        self._budget = budget
        self._clock = clock
        self._pointer = Pointer(sandbox, checkpoint, journal, budget, clock)
        self._results: tuple[ActionResult, ...] = ()
        self._passed: tuple[str, ...] = ()
        self._notes = list(notes)
        self._place = ""
        if isinstance(model, Telling):
            model.tell(journal.asked)

    async def run(self) -> Ending:
        """Go on until the model answers or gives up, a boundary stops the run, or something fails.

        Raises:
            HarnessError: if the sandbox, the model or the trace fails.
        """
        if not self._notes and (ending := await self._start()):
            return ending
        idle = 0
        while True:
            if ending := self._over("steps", "seconds", "tokens", "cost", "upload", "download"):
                return ending
            observation = await self._observe()
            if ending := self._foreseen(observation):
                return ending
            reply = await self._ask(observation)
            if not await self._warned(reply) and (ending := await self._actions(reply)):
                return ending
            idle = 0 if reply.actions else idle + 1
            if idle == PATIENCE:
                raise ModelError(
                    f"{PATIENCE} answers in a row had no usable action; the last: {reply.thought!r}"
                )

    async def _start(self) -> Ending | None:
        start = await self._pointer.perform(Goto(url=self._task.start), 0)
        if start.status == "refused":
            return Ending(outcome="stopped", reason=f"the start page was refused: {start.message}")
        if start.status == "failed":
            self._notes.append(f"the start page did not load: {start.message}")
        return None

    def _over(self, *limits: str) -> Ending | None:
        if self._checkpoint.stopped is not None:
            return Ending(outcome="stopped", reason=self._checkpoint.stopped.reason)
        reached = self._budget.reached(*limits)
        return Ending(outcome="stopped", reason=reached) if reached else None

    def _foreseen(self, observation: Observation) -> Ending | None:
        if not isinstance(self._model, Foresighted):
            return None
        reached = self._budget.would_pass(self._model.expected(observation))
        return Ending(outcome="stopped", reason=reached) if reached else None

    async def _observe(self) -> Observation:
        await self._checkpoint.idle()
        self._budget.steps += 1
        self._checkpoint.step = self._journal.step = self._budget.steps
        screen = await self._look()
        while await self._checkpoint.idle():  # what waited for a person may have changed the screen
            screen = await self._look()
        self._checkpoint.screen, notes, self._notes = screen, (*screen.notes, *self._notes), []
        self._journal.observed(screen, notes)
        seen = {name: screen.__dict__[name] for name in type(screen).model_fields} | {"notes": notes}
        results, self._results = self._results, ()
        passed, self._passed = self._passed, ()
        return Observation(
            **seen, goal=self._task.goal, step=self._budget.steps, results=results, acknowledged=passed
        )

    async def _look(self) -> Screen:
        for _ in range(LOOKS):
            self._place = await self._sandbox.place()
            screen = await self._sandbox.observe()
            if await self._sandbox.place() == self._place:
                break
        return screen

    async def _ask(self, observation: Observation) -> Reply:
        if not isinstance(self._model, Telling):
            self._journal.asked()
        started = self._clock()
        try:
            async with asyncio.timeout(self._budget.left):
                reply = Reply.model_validate(await self._model.reply(observation))
        except TimeoutError:
            reply = Reply(thought="(no answer within the run's time)")
        except (ActionError, ValidationError) as error:
            problem = str(error).replace("\n", " ")
            self._notes.append(f"your last answer could not be used: {problem}")
            reply = Reply(thought=f"(not usable: {problem})")
        except HarnessError:
            raise
        except Exception as error:
            raise ModelError(f"the model failed: {type(error).__name__}: {error}") from error
        self._budget.spend(reply.usage)
        self._checkpoint.thought = reply.thought
        self._journal.replied(reply, self._clock() - started)
        if reply.failure:
            raise ModelError(reply.failure)
        return reply

    async def _warned(self, reply: Reply) -> bool:
        effects: tuple[Effect, ...] = (*reply.signals, *((reply.plan,) if reply.plan else ()))
        for effect in effects:
            passed = await self._checkpoint.decide(effect)
            if isinstance(passed, Refusal):
                self._results = tuple(
                    self._journal.refused(index, action, passed) for index, action in enumerate(reply.actions)
                )
                return True
            if isinstance(effect, SafetySignal) and effect.id is not None:
                self._passed += (effect.id,)
        return False

    async def _actions(self, reply: Reply) -> Ending | None:
        broken = ""
        for index, action in enumerate(reply.actions):
            if index and not broken and await self._sandbox.place() != self._place:
                broken = "not executed: the page changed since you saw it; look at it first"
            if broken:
                self._results += (self._journal.skipped(index, action, broken),)
                continue
            if ending := self._over("actions_per_minute", "seconds") or self._ended(action):
                return ending
            result = await self._pointer.perform(action, index)
            self._results += (result,)
            if ending := self._over("seconds"):
                return ending
            if result.status != "done":
                broken = f"not executed: an action before it in this answer was {result.status}"
        return None

    def _ended(self, action: Action) -> Ending | None:
        longest = self._budget.limits.text
        match action:
            case Answer(text=text, data=data):
                return Ending(outcome="done", answer=text, outputs=dict(data))
            case GiveUp(reason=reason):
                why = reason or "the model gave up without a reason"
                return Ending(outcome="stopped" if self._checkpoint.blocked else "failed", reason=why)
            case Type(text=text) if longest is not None and len(text) > longest:
                return Ending(outcome="stopped", reason=f"limit reached: text ({longest} characters)")
            case _:
                return None
