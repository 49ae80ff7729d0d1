import asyncio
from datetime import UTC, datetime

import pytest
from harness.action import AskUser, Click
from harness.checkpoint import Checkpoint
from harness.clearance import (
    Act,
    Approval,
    Approver,
    Cleared,
    Effect,
    Outcome,
    Question,
    Refusal,
    Request,
    Target,
    redeem,
)
from harness.gateway.base import Exchange
from harness.limits import Budget
from harness.task import Limits
from harness.testing import FakeClock, FixedJudge, MemoryRecorder, RecordingApprover

ACT = Act(action=Click(x=1, y=2))
GET = Request(id="r1", method="GET", url="https://shop.test/")


def make(
    judge: FixedJudge, approver: Approver | None = None, limits: Limits | None = None
) -> tuple[Checkpoint, MemoryRecorder]:
    memory = MemoryRecorder()
    checkpoint = Checkpoint(
        judge,
        approver or RecordingApprover(),
        memory,
        Budget(limits or Limits(), FakeClock()),
        goal="a goal",
        timeout=5,
        otherwise="deny",
        clock=FakeClock(),
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        ids=lambda: "q1",
    )
    checkpoint.begin()
    return checkpoint, memory


async def test_allow_clears_and_is_recorded() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    passed = await checkpoint.decide(ACT)
    assert isinstance(passed, Cleared)
    assert redeem(passed) == ACT
    assert memory.kinds == ["judged"]
    assert checkpoint.verdicts == {"allow": 1}


async def test_deny_is_a_refusal_with_the_rule_and_stop_ends_the_run() -> None:
    checkpoint, _ = make(FixedJudge("deny"))
    assert await checkpoint.decide(ACT) == Refusal(rule="the rule", reason="because")
    assert checkpoint.stopped is None
    checkpoint, _ = make(FixedJudge("stop"))
    refusal = await checkpoint.decide(ACT)
    assert checkpoint.stopped == refusal == Refusal(rule="the rule", reason="because", stop=True)


async def test_ask_and_approve_clears_with_question_and_answer_on_record() -> None:
    approver = RecordingApprover(lambda question: question.approve(by="ada"))
    checkpoint, memory = make(FixedJudge("ask"), approver)
    passed = await checkpoint.decide(ACT)
    assert isinstance(passed, Cleared)
    assert passed.approval is not None
    assert passed.approval.by == "ada"
    assert memory.kinds == ["judged", "approval_asked", "approval_given"]
    assert approver.questions[0].effect == ACT


@pytest.mark.parametrize("decision", ["deny", "stop"])
async def test_a_person_who_says_no_is_heard(decision: str) -> None:
    answer = Approval.model_validate({"decision": decision, "by": "ada", "note": "not that one"})
    checkpoint, _ = make(FixedJudge("ask"), RecordingApprover(answer))
    refusal = await checkpoint.decide(ACT)
    assert isinstance(refusal, Refusal)
    assert "ada did not approve it: not that one" in refusal.reason
    assert refusal.stop == (decision == "stop") == (checkpoint.stopped is not None)


async def test_an_edit_is_judged_again_with_its_target_resolved() -> None:
    better = Act(action=Click(x=50, y=60))
    resolved = better.model_copy(update={"target": Target(role="button")})

    def outcome(effect: Effect) -> Outcome:
        return "allow" if isinstance(effect, Act) and effect.target is not None else "ask"

    async def reground(effect: Effect) -> Effect:
        assert effect == better
        return resolved

    edit = Approval(decision="edit", by="ada", effect=better)
    checkpoint, _ = make(FixedJudge(outcome), RecordingApprover(edit))
    passed = await checkpoint.decide(ACT, reground)
    assert isinstance(passed, Cleared)
    assert redeem(passed) == resolved


async def test_an_edit_into_something_refused_is_refused() -> None:
    bad = Act(action=Click(x=9, y=9))
    checkpoint, _ = make(
        FixedJudge(lambda effect: "deny" if effect == bad else "ask"),
        RecordingApprover(Approval(decision="edit", by="ada", effect=bad)),
    )
    assert isinstance(await checkpoint.decide(ACT), Refusal)


async def test_endless_edits_and_edits_of_requests_are_refused() -> None:
    endless = RecordingApprover(Approval(decision="edit", by="ada", effect=ACT))
    checkpoint, _ = make(FixedJudge("ask"), endless)
    assert isinstance(await checkpoint.decide(ACT), Refusal)
    assert len(endless.questions) == 3
    other = GET.model_copy(update={"url": "https://evil.test/"})
    checkpoint, _ = make(
        FixedJudge("ask"), RecordingApprover(Approval(decision="edit", by="ada", effect=other))
    )
    assert isinstance(await checkpoint.decide(GET), Refusal)


async def test_a_judge_that_raises_refuses() -> None:
    def broken(effect: Effect) -> Outcome:
        raise RuntimeError(f"cannot judge {effect.kind}")

    checkpoint, memory = make(FixedJudge(broken))
    refusal = await checkpoint.decide(ACT)
    assert isinstance(refusal, Refusal)
    assert "cannot judge action" in refusal.reason
    assert memory.kinds == ["judged"]


async def test_requests_are_recorded_before_they_leave_and_counted() -> None:
    checkpoint, memory = make(FixedJudge("allow"), limits=Limits(requests=1))
    assert checkpoint.preview(GET) is None
    assert isinstance(await checkpoint.admit(GET), Cleared)
    checkpoint.finished(Exchange(id="r1", status=200, received=12))
    assert memory.kinds == ["requested", "responded"]
    refusal = await checkpoint.admit(GET)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "limit reached: requests (1)"
    assert checkpoint.stopped == refusal
    assert await checkpoint.admit(GET) == refusal


async def test_a_request_that_was_refused_did_not_leave_and_is_not_counted() -> None:
    checkpoint, _ = make(FixedJudge("deny"), limits=Limits(requests=1))
    for _ in range(3):
        refusal = await checkpoint.admit(GET)
        assert isinstance(refusal, Refusal)
        assert not refusal.stop


async def test_preview_only_ever_refuses() -> None:
    checkpoint, memory = make(FixedJudge("deny"))
    assert isinstance(checkpoint.preview(GET), Refusal)
    assert memory.kinds == ["requested"]
    checkpoint, memory = make(FixedJudge("ask"))
    assert checkpoint.preview(GET) is None
    assert memory.events == []


async def test_idle_waits_while_a_person_is_asked() -> None:
    answered = asyncio.Event()

    class Slow:
        async def decide(self, question: Question) -> Approval:
            await answered.wait()
            return question.deny(by="ada")

    checkpoint, _ = make(FixedJudge("ask"), Slow())
    deciding = asyncio.ensure_future(checkpoint.decide(ACT))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    idle = asyncio.ensure_future(checkpoint.idle())
    await asyncio.sleep(0)
    assert not idle.done()
    answered.set()
    assert isinstance(await deciding, Refusal)
    await idle


async def test_the_models_question_goes_to_a_person_whatever_the_policy() -> None:
    approver = RecordingApprover(lambda question: question.approve(by="ada", note="the blue one"))
    checkpoint, _ = make(FixedJudge("deny"), approver)
    approval = await checkpoint.question(AskUser(question="which one?"))
    assert approval.note == "the blue one"
    assert "which one?" in approver.questions[0].verdict.reason


async def test_the_last_page_that_did_not_come_is_remembered_with_why() -> None:
    checkpoint, _ = make(FixedJudge("allow"))
    page = GET.model_copy(update={"resource": "document"})
    await checkpoint.admit(page)
    checkpoint.finished(Exchange(id="r1", status=502, error="the app raised ValueError"))
    assert "https://shop.test/" in checkpoint.trouble
    assert "the app raised ValueError" in checkpoint.trouble
    picture = GET.model_copy(update={"id": "r2", "resource": "image"})
    await checkpoint.admit(picture)
    checkpoint.finished(Exchange(id="r2", status=200))
    assert checkpoint.trouble
    await checkpoint.admit(page.model_copy(update={"id": "r3"}))
    checkpoint.finished(Exchange(id="r3", status=200))
    assert checkpoint.trouble == ""


async def test_questions_that_overlap_do_not_add_up_to_more_time_than_passed() -> None:
    clock, together = FakeClock(), asyncio.Event()

    class Slow:
        async def decide(self, question: Question) -> Approval:
            await together.wait()
            return question.deny(by="ada")

    budget = Budget(Limits(seconds=30), clock)
    checkpoint = Checkpoint(
        FixedJudge("ask"),
        Slow(),
        MemoryRecorder(),
        budget,
        goal="g",
        timeout=60,
        otherwise="deny",
        clock=clock,
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        ids=lambda: "q",
    )
    checkpoint.begin()
    asked = [asyncio.ensure_future(checkpoint.admit(GET)) for _ in range(5)]
    while checkpoint._asking < 5:  # noqa: ASYNC110 - it has no event of its own
        await asyncio.sleep(0)
    clock.advance(10)
    together.set()
    await asyncio.gather(*asked)
    assert budget.waited == 10
