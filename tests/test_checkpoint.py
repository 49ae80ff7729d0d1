import asyncio
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from harness.action import AskUser, Click
from harness.checkpoint import KEPT, THROWN, WORDS, Checkpoint
from harness.clearance import (
    LONGEST_BODY,
    Act,
    Approval,
    Approver,
    Cleared,
    Effect,
    FileOffer,
    Judge,
    Outcome,
    Question,
    Refusal,
    Request,
    Target,
    Verdict,
    redeem,
)
from harness.gateway.base import Exchange, SocketMessage
from harness.gateway.body import Copy, Spool
from harness.limits import Budget
from harness.policy import Engine, Policy
from harness.sandbox.base import ConsoleLine, DialogAnswer
from harness.screen import Screen, Tab
from harness.task import Limits
from harness.testing import FakeClock, FixedJudge, MemoryRecorder, RecordingApprover, blank
from harness.trace.events import (
    ApprovalGiven,
    Console,
    Dialogued,
    Event,
    Messaged,
    Noted,
    Requested,
    Responded,
)

ACT = Act(action=Click(x=1, y=2))
GET = Request(id="r1", method="GET", url="https://shop.test/")


def make(
    judge: Judge, approver: Approver | None = None, limits: Limits | None = None
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


def test_bytes_of_answers_are_counted_as_they_pass_and_their_limit_ends_the_run() -> None:
    checkpoint, _ = make(FixedJudge("allow"), limits=Limits(download=10))
    assert checkpoint.arrived(6) is None
    assert checkpoint.arrived(4) is None
    assert checkpoint.stopped is None
    refusal = checkpoint.arrived(1)
    assert refusal is not None
    assert (refusal.rule, refusal.reason) == ("limits", "limit reached: download (10)")
    assert checkpoint.stopped == refusal


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


def witness(*rules: Mapping[str, object]) -> Engine:
    made = [{"name": f"rule {place}", "on": "action", "when": {}, **rule} for place, rule in enumerate(rules)]
    return Engine(
        Policy.model_validate(
            {
                "name": "p",
                "domains": {"navigate": ["shop.test"]},
                "default": {"action": "allow", "request": "allow"},
                "rules": made,
            }
        )
    )


async def test_only_what_was_cleared_is_remembered() -> None:
    answers = iter(["deny", "approve"])
    approver = RecordingApprover(
        lambda question: question.approve(by="ada") if next(answers) == "approve" else question.deny(by="ada")
    )
    checkpoint, _ = make(witness({"verdict": "ask", "when": {"once": True}}), approver)
    assert isinstance(await checkpoint.decide(ACT), Refusal)
    assert isinstance(await checkpoint.decide(ACT), Cleared)
    passed = await checkpoint.decide(ACT)
    assert isinstance(passed, Cleared)
    assert (passed.approval, len(approver.questions)) == (None, 2)


async def test_what_a_person_takes_long_to_approve_is_judged_again() -> None:
    waiting = asyncio.Event()

    class Slow:
        async def decide(self, question: Question) -> Approval:
            await waiting.wait()
            return question.approve(by="ada")

    judge = witness({"verdict": "ask"}, {"verdict": "deny", "when": {"count": "> 1"}})
    checkpoint, memory = make(judge, Slow())
    both = asyncio.gather(checkpoint.decide(ACT), checkpoint.decide(ACT))
    await asyncio.sleep(0)
    waiting.set()
    passed = await both
    assert sorted(type(one).__name__ for one in passed) == ["Cleared", "Refusal"]
    assert memory.kinds[-1] == "judged"


async def test_an_answer_to_the_models_question_counts_and_silence_does_not() -> None:
    rules: tuple[Mapping[str, object], ...] = (
        {"name": "asked", "verdict": "note", "when": {"kind": "ask_user"}},
        {"verdict": "deny", "when": {"kind": "click", "before": "asked"}},
    )
    for decision, allowed in (("approve", True), ("deny", False)):
        approver = RecordingApprover(Approval.model_validate({"decision": decision, "by": "ada"}))
        checkpoint, _ = make(witness(*rules), approver)
        await checkpoint.question(AskUser(question="May I?"))
        assert isinstance(await checkpoint.decide(ACT), Cleared) is allowed


async def test_rules_on_the_screen_see_what_was_last_observed() -> None:
    checkpoint, _ = make(witness({"verdict": "deny", "when": {"seen": {"url": "https://shop.test/admin"}}}))
    assert isinstance(await checkpoint.decide(ACT), Cleared)
    tab = Tab(id=1, url="https://shop.test/admin", active=True)
    checkpoint.screen = Screen(screenshot=blank(), url=tab.url, tabs=(tab,))
    assert isinstance(await checkpoint.decide(ACT), Refusal)
    checkpoint.screen = Screen(screenshot=blank(), url="https://shop.test/", tabs=(tab,))
    assert isinstance(await checkpoint.decide(ACT), Cleared)


async def test_a_head_is_not_refused_for_what_its_body_may_still_say() -> None:
    rule = {"on": "request", "verdict": "deny", "when": {"method": "POST", "body": "*_method=DELETE*"}}
    checkpoint, _ = make(witness(rule))
    post = Request(id="r", method="POST", url="https://shop.test/a", body_size=17)
    assert checkpoint.preview(post) is None
    assert isinstance(await checkpoint.admit(post), Refusal)
    said = post.model_copy(update={"body_text": "_method=DELETE&a=1"})
    assert isinstance(await checkpoint.admit(said), Refusal)
    said = post.model_copy(update={"body_text": "a=1", "body_size": 3})
    assert isinstance(await checkpoint.admit(said), Cleared)


async def test_a_witness_that_raises_refuses() -> None:
    class Broken(Engine):
        def happened(self, effect: Effect) -> None:
            raise MemoryError(f"no room for {effect.kind}")

        def foresee(self, request: Request) -> Verdict | None:
            raise MemoryError(f"no room for {request.kind}")

    checkpoint, _ = make(Broken(witness().policy))
    passed = await checkpoint.decide(ACT)
    assert isinstance(passed, Refusal)
    assert passed.rule == "judge failed"
    assert isinstance(checkpoint.preview(GET), Refusal)


async def test_a_file_is_kept_only_if_it_is_cleared() -> None:
    checkpoint, memory = make(witness({"on": "download", "verdict": "deny", "when": {"name": "*.exe"}}))
    kept = await checkpoint.keep(FileOffer(name="a.pdf", url="https://shop.test/a"))
    assert isinstance(kept, Cleared)
    refused = await checkpoint.keep(FileOffer(name="a.exe", url="https://shop.test/a"))
    assert isinstance(refused, Refusal)
    assert memory.kinds == ["judged", "judged"]


async def test_the_limit_on_uploads_counts_what_is_on_its_way() -> None:
    checkpoint, _ = make(FixedJudge("allow"), limits=Limits(upload=100))
    post = Request(id="r", method="POST", url="https://shop.test/a", body_size=60)
    assert isinstance(await checkpoint.admit(post), Cleared)
    refused = await checkpoint.admit(post)
    assert (
        refused
        == checkpoint.stopped
        == Refusal(rule="limits", reason="limit reached: upload (100)", stop=True)
    )


def test_socket_messages_are_recorded_with_what_they_say() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    assert checkpoint.message(SocketMessage("r1", out=True, size=3, data="hé")) is None
    assert checkpoint.message(SocketMessage("r1", out=False, size=70_000, data=bytes(70_000))) is None
    first, second = memory.events
    assert isinstance(first, Messaged)
    assert isinstance(second, Messaged)
    assert (first.direction, first.text, first.size) == ("out", True, 3)
    assert memory.blobs[first.blob or ""] == "hé".encode()
    assert first.sha256 == first.blob
    assert (second.direction, second.text, second.blob) == ("in", False, None)
    assert second.sha256 == hashlib.sha256(bytes(70_000)).hexdigest()


def test_a_trace_keeps_so_many_messages_and_then_their_digests_alone() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    for number in range(KEPT // LONGEST_BODY + 1):
        assert (
            checkpoint.message(
                SocketMessage("r1", out=True, size=LONGEST_BODY, data=number.to_bytes(LONGEST_BODY))
            )
            is None
        )
    found = [one for one in memory.events if isinstance(one, Messaged)]
    assert all(one.blob for one in found[:-1])
    assert found[-1].blob is None
    assert found[-1].sha256


def test_a_message_that_passes_a_limit_ends_the_run_and_so_does_one_after_the_end() -> None:
    checkpoint, memory = make(FixedJudge("allow"), limits=Limits(messages=1))
    assert checkpoint.message(SocketMessage("r1", out=True, size=1, data="a")) is None
    refusal = checkpoint.message(SocketMessage("r1", out=False, size=1, data="b"))
    assert refusal is not None
    assert refusal == checkpoint.stopped
    assert refusal.stop
    assert "limit reached: messages (1)" in refusal.reason
    assert checkpoint.message(SocketMessage("r2", out=True, size=1, data="c")) == refusal
    refused = [one.refused for one in memory.events if isinstance(one, Messaged)]
    assert refused[0] is None
    assert all("limit reached: messages" in str(one) for one in refused[1:])


def test_the_secret_of_a_message_is_not_bound_by_its_digest() -> None:
    class Hiding(MemoryRecorder):
        def blob(self, data: bytes) -> str:
            return super().blob(data.replace(b"1234", b"[secret:pin]"))

    memory = Hiding()
    checkpoint = Checkpoint(
        FixedJudge("allow"),
        RecordingApprover(),
        memory,
        Budget(Limits(), FakeClock()),
        goal="g",
        timeout=5,
        otherwise="deny",
        clock=FakeClock(),
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
        ids=lambda: "q",
    )
    checkpoint.message(SocketMessage("r1", out=True, size=4, data="1234"))
    (event,) = memory.events
    assert isinstance(event, Messaged)
    assert event.sha256 is None
    assert memory.blobs[event.blob or ""] == b"[secret:pin]"


@pytest.mark.parametrize("effect", [GET, ACT])
async def test_a_question_whose_page_goes_away_is_withdrawn_and_on_record(effect: Effect) -> None:
    shown, gone = asyncio.Event(), asyncio.Event()

    class Thinking:
        async def decide(self, question: Question) -> Approval:
            shown.set()
            try:
                await asyncio.Event().wait()
            finally:
                gone.set()
            raise AssertionError(question.id)

    checkpoint, memory = make(FixedJudge("ask"), Thinking(), limits=Limits(requests=1))
    asking = checkpoint.admit(effect) if isinstance(effect, Request) else checkpoint.decide(effect)
    task = asyncio.ensure_future(asking)
    await shown.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone.is_set()
    assert memory.kinds[1:] == ["approval_asked", "approval_given"]
    given = memory.events[-1]
    assert isinstance(given, ApprovalGiven)
    assert (given.approval.decision, given.approval.by) == ("deny", "withdrawn")
    assert "went away" in given.approval.note
    assert await checkpoint.idle() is False
    # What was dropped counts for nothing: the one request that may leave still may.
    other, _ = make(FixedJudge("allow"), limits=Limits(requests=1))
    checkpoint._judge = other._judge
    assert isinstance(await checkpoint.admit(GET), Cleared)


def test_what_was_no_request_is_noted_so_many_times() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    for number in range(THROWN + 5):
        checkpoint.noticed(f"refused: {number}; rule: malformed")
    found = [one.text for one in memory.events if isinstance(one, Noted)]
    assert len(found) == THROWN
    assert found[0] == "gateway: refused: 0; rule: malformed"
    assert found[-1].endswith("is not noted")


def test_what_the_browser_stopped_is_recorded_with_the_rule_that_would_have() -> None:
    checkpoint, memory = make(FixedJudge("deny"))
    checkpoint.begin()
    assert checkpoint.preview(GET) == Refusal(rule="the rule", reason="because")
    (event,) = memory.events
    assert isinstance(event, Requested)
    assert (event.request, event.verdict.rule) == (GET, "the rule")
    assert checkpoint.verdicts == {"deny": 1}
    checkpoint, memory = make(FixedJudge("allow"))
    assert checkpoint.preview(GET) is None
    assert memory.events == []


async def test_bodies_are_on_record_the_requests_before_it_leaves() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    sent = b"a=1"
    with Spool() as body:
        body.write(sent)
        request = GET.model_copy(
            update={"method": "POST", "body_size": body.size, "body_sha256": body.sha256}
        )
        assert isinstance(await checkpoint.admit(request, body), Cleared)
    (asked,) = memory.events
    assert isinstance(asked, Requested)
    assert asked.body == request.body_sha256
    assert memory.blobs[str(asked.body)] == sent
    came = Copy()
    came.write(b"thanks")
    checkpoint.finished(Exchange(id="r1", status=200, received=6, headers=(("etag", "1"),), body=came))
    came.close()
    answered = memory.events[-1]
    assert isinstance(answered, Responded)
    assert answered.headers == (("etag", "1"),)
    assert answered.body == answered.sha256 == hashlib.sha256(b"thanks").hexdigest()


async def test_the_body_of_a_refused_request_is_on_record_too() -> None:
    checkpoint, memory = make(FixedJudge("deny"))
    with Spool() as body:
        body.write(b"a=1")
        assert isinstance(await checkpoint.admit(GET, body), Refusal)
    (asked,) = memory.events
    assert isinstance(asked, Requested)
    assert memory.blobs[str(asked.body)] == b"a=1"


def test_what_pages_say_is_on_record_up_to_a_bound() -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    checkpoint.step = 3
    line = ConsoleLine(level="error", text="oh", url="https://shop.test/a.js", line=7)
    assert checkpoint.told(line)
    assert checkpoint.told(DialogAnswer(type="prompt", message="How many?", accepted=True, answer="7"))
    assert memory.events == [
        Console(step=3, level="error", text="oh", url="https://shop.test/a.js", line=7),
        Dialogued(step=3, type="prompt", message="How many?", accepted=True, answer="7"),
    ]
    assert [checkpoint.told(line) for _ in range(WORDS - 2)] == [True] * (WORDS - 3) + [False]
    assert memory.kinds.count("noted") == 1
    assert memory.kinds[-1] == "noted"


@pytest.mark.parametrize(
    ("method", "synced"), [("GET", False), ("HEAD", False), ("POST", True), ("PURGE", True)]
)
async def test_what_may_change_something_outside_is_on_the_medium_before_it_leaves(
    method: str,
    synced: bool,
) -> None:
    checkpoint, memory = make(FixedJudge("allow"))
    kept = memory.write
    told: list[tuple[str, bool]] = []

    def write(event: Event, *, sync: bool = False) -> None:
        told.append((event.kind, sync))
        kept(event)

    memory.write = write  # type: ignore[method-assign]
    assert isinstance(await checkpoint.admit(GET.model_copy(update={"method": method})), Cleared)
    assert told == [("requested", synced)]
