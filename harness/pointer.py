"""The pointer's door: one action is grounded, judged, grounded again, performed and recorded.

ground ──▶ judge ──allow──────────────────▶ act: hit-tested again just before the button goes down
             └──ask──▶ person ──▶ ground ──▶ act
                                    └─ target, page or origin changed ──▶ refused as stale
"""

from collections.abc import Callable
from typing import Final

from harness.action import Action, AskUser
from harness.checkpoint import Checkpoint
from harness.clearance import Act, Cleared, Effect, Refusal
from harness.errors import BusyError
from harness.journal import Journal
from harness.limits import Budget
from harness.sandbox.base import Sandbox
from harness.screen import ActionResult

TRIES: Final = 3
"""How often an action that the policy allows by itself is judged anew because its target has just changed."""
_CHANGED: Final = "the page changed while a person was deciding; look again"


class Pointer:
    """Takes actions one at a time."""

    def __init__(
        self,
        sandbox: Sandbox,
        checkpoint: Checkpoint,
        journal: Journal,
        budget: Budget,
        clock: Callable[[], float],
    ) -> None:
        self._sandbox = sandbox
        self._checkpoint = checkpoint
        self._journal = journal
        self._budget = budget
        self._clock = clock

    async def perform(self, action: Action, index: int) -> ActionResult:
        """Do one action of an answer, if policy and people let it.

        Args:
            action: what to do.
            index: its place in the answer, from 0.

        Raises:
            HarnessError: if the sandbox or the trace fails.
        """
        await self._checkpoint.idle()
        self._budget.act()
        if isinstance(action, AskUser):
            return await self._person(action, index)
        tries = 1
        while True:
            started = self._clock()
            place = await self._sandbox.place()
            try:
                passed = await self._checkpoint.decide(await self._ground(action), self._reground)
                if isinstance(passed, Cleared) and passed.approval is not None:
                    tries, passed = TRIES, await self._still_there(passed, place)
            except BusyError as error:
                result = ActionResult(action=action, status="failed", message=str(error))
                return self._journal.acted(index, result, self._clock() - started)
            if isinstance(passed, Refusal):
                return self._journal.refused(index, action, passed)
            assert isinstance(passed.effect, Act)  # noqa: S101 - `decide` clears what it was given
            self._journal.acting(index, passed.effect, passed)
            cleared, outcome = passed.effect, await self._sandbox.act(passed)
            if outcome.stale:
                refused = self._journal.refused(
                    index, cleared.action, Refusal(rule="stale", reason=outcome.message)
                )
                if tries >= TRIES:
                    return refused
                tries += 1
                continue
            result = ActionResult(
                action=cleared.action,
                status="done" if outcome.ok else "failed",
                message=outcome.message,
                image=outcome.image,
            )
            return self._journal.acted(index, result, self._clock() - started)

    async def _ground(self, action: Action) -> Act:
        return Act(action=action, target=await self._sandbox.ground(action))

    async def _reground(self, effect: Effect) -> Effect:
        return await self._ground(effect.action) if isinstance(effect, Act) else effect

    async def _still_there(self, cleared: Cleared, place: str) -> Cleared | Refusal:
        then = cleared.effect
        if isinstance(then, Act) and await self._sandbox.place() == place:
            now = await self._ground(then.action)
            marks = [act.target.fingerprint if act.target else None for act in (now, then)]
            if marks[0] == marks[1]:
                return cleared
        return Refusal(rule="stale", reason=_CHANGED)

    async def _person(self, action: AskUser, index: int) -> ActionResult:
        approval = await self._checkpoint.question(action)
        if approval.decision != "approve":
            return self._journal.refused(
                index, action, Refusal(rule="ask_user", reason=approval.note or "nobody answered")
            )
        result = ActionResult(
            action=action, status="done", message=approval.note or "the person gave no answer"
        )
        return self._journal.acted(index, result)
