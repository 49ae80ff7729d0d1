from collections.abc import Iterator
from datetime import UTC, datetime

from harness.action import Action, Click
from harness.checkpoint import Checkpoint
from harness.clearance import Act, Cleared, Effect, Outcome, Target, redeem
from harness.errors import BusyError
from harness.journal import Journal
from harness.limits import Budget
from harness.pointer import TRIES, Pointer
from harness.sandbox.base import ActOutcome
from harness.task import Limits
from harness.testing import FakeClock, FakeSandbox, FixedJudge, MemoryRecorder, RecordingApprover
from harness.trace.events import Acted, Judged

CLICK = Click(x=1, y=2)


class Shifting(FakeSandbox):
    """Its target has another name at every look, and is stale so many times."""

    def __init__(self, times: int) -> None:
        names: Iterator[int] = iter(range(100))
        super().__init__(lambda action: Target(name=f"name {next(names)}", fingerprint="1"))
        self._times = times

    async def act(self, cleared: Cleared) -> ActOutcome:
        if self._times:
            self._times -= 1
            redeem(cleared)
            return ActOutcome(ok=False, stale=True, message="it moved")
        return await super().act(cleared)


def pointer(sandbox: FakeSandbox, outcome: Outcome = "allow") -> tuple[Pointer, MemoryRecorder]:
    memory, clock = MemoryRecorder(), FakeClock()
    budget = Budget(Limits(), clock)

    def judge(effect: Effect) -> Outcome:
        pay = isinstance(effect, Act) and effect.target is not None and effect.target.name == "name 1"
        return "deny" if outcome == "deny" and pay else "ask" if outcome == "ask" else "allow"

    checkpoint = Checkpoint(
        FixedJudge(judge),
        RecordingApprover(lambda question: question.approve(by="ada")),
        memory,
        budget,
        goal="g",
        timeout=1,
        otherwise="deny",
        clock=clock,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        ids=lambda: "q",
    )
    return Pointer(sandbox, checkpoint, Journal(memory), budget, clock), memory


async def perform(times: int, outcome: Outcome = "allow") -> tuple[str, str | None, list[Action], list[str]]:
    sandbox = Shifting(times)
    door, memory = pointer(sandbox, outcome)
    result = await door.perform(CLICK, 0)
    judged = [event.effect for event in memory.events if isinstance(event, Judged)]
    names = [one.target.name for one in judged if isinstance(one, Act) and one.target is not None]
    return result.status, result.rule, sandbox.acted, names


async def test_what_changed_at_the_last_moment_is_judged_again_as_what_it_is_now() -> None:
    assert await perform(1) == ("done", None, [CLICK], ["name 0", "name 1"])
    assert await perform(1, "deny") == ("refused", "the rule", [], ["name 0", "name 1"])


async def test_what_never_stays_is_refused_as_stale_after_a_few_tries() -> None:
    status, rule, acted, names = await perform(99)
    assert (status, rule, acted) == ("refused", "stale", [])
    assert len(names) == TRIES


async def test_what_a_person_approved_is_not_tried_again_without_them() -> None:
    status, rule, acted, names = await perform(1, "ask")
    assert (status, rule, acted) == ("refused", "stale", [])
    assert len(names) == 1


async def test_what_a_busy_page_does_not_show_is_neither_judged_nor_done_and_the_run_goes_on() -> None:
    def busy(action: Action) -> Target | None:
        raise BusyError(f"{action.kind}: the page did not answer within 2 s")

    sandbox = FakeSandbox(busy)
    door, memory = pointer(sandbox)
    result = await door.perform(CLICK, 3)
    assert (result.status, result.message) == ("failed", "click: the page did not answer within 2 s")
    assert sandbox.acted == []
    (told,) = memory.events
    assert isinstance(told, Acted)
    assert (told.index, told.status) == (3, "failed")
