from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from harness.action import Action, Answer, AskUser, Click, GiveUp, Goto, Type, Wait, parse_action
from harness.checkpoint import Checkpoint
from harness.clearance import (
    Act,
    Approval,
    Approver,
    Effect,
    Incident,
    Outcome,
    Question,
    Reply,
    SafetySignal,
    Target,
    Usage,
)
from harness.errors import ModelError
from harness.journal import Journal
from harness.limits import Budget
from harness.loop import LOOKS, Loop
from harness.models.base import Model
from harness.result import Ending
from harness.screen import Observation, Screen
from harness.task import Limits, Task
from harness.testing import (
    FakeClock,
    FakeSandbox,
    FixedJudge,
    MemoryRecorder,
    RecordingApprover,
    ScriptedModel,
)
from harness.trace.events import AskedModel, Event, ModelReplied, Observed
from pydantic import JsonValue

TASK = Task(name="t", goal="a goal", start="https://shop.test/")
CLICK = Click(x=1, y=2)


class Rig:
    """A loop over fakes, and what came of it."""

    def __init__(
        self,
        model: Model,
        outcome: Callable[[Effect], Outcome] = lambda effect: "allow",
        *,
        approver: Approver | None = None,
        limits: Limits | None = None,
        sandbox: FakeSandbox | None = None,
        memory: MemoryRecorder | None = None,
    ) -> None:
        self.memory = memory or MemoryRecorder()
        self.sandbox = sandbox or FakeSandbox(Target(role="button", name="Pay", fingerprint="1"))
        clock = FakeClock()
        budget = Budget(limits or Limits(steps=20), clock)
        checkpoint = Checkpoint(
            FixedJudge(outcome),
            approver or RecordingApprover(),
            self.memory,
            budget,
            goal="g",
            timeout=1,
            otherwise="deny",
            clock=clock,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            ids=lambda: "q",
        )
        self.loop = Loop(
            TASK,
            model=model,
            sandbox=self.sandbox,
            checkpoint=checkpoint,
            journal=Journal(self.memory),
            budget=budget,
            clock=clock,
        )

    async def run(self) -> Ending:
        return await self.loop.run()


def denies(kind: str) -> Callable[[Effect], Outcome]:
    return lambda effect: "deny" if isinstance(effect, Act) and effect.action.kind == kind else "allow"


async def test_a_run_goes_from_the_start_page_to_the_answer() -> None:
    model = ScriptedModel([CLICK, Answer(text="bought", data={"id": 1})])
    rig = Rig(model)
    assert await rig.run() == Ending(outcome="done", answer="bought", outputs={"id": 1})
    assert rig.sandbox.acted == [Goto(url="https://shop.test/"), CLICK]
    assert model.seen[0].goal == "a goal"
    assert [result.status for result in model.seen[1].results] == ["done"]


async def test_the_intent_is_recorded_before_and_the_result_after() -> None:
    rig = Rig(ScriptedModel([CLICK]))
    await rig.run()
    first = rig.memory.kinds.index("observed")
    assert rig.memory.kinds[first : first + 7] == [
        "observed",
        "asked_model",
        "model_replied",
        "judged",
        "acting",
        "acted",
        "observed",
    ]


async def test_a_refusal_goes_back_to_the_model_and_the_run_goes_on() -> None:
    model = ScriptedModel([CLICK, Wait(seconds=0), Answer(text="without it")])
    rig = Rig(model, denies("click"))
    assert (await rig.run()).outcome == "done"
    assert CLICK not in rig.sandbox.acted
    (result,) = model.seen[1].results
    assert (result.status, result.rule, result.message) == ("refused", "the rule", "because")


async def test_the_rest_of_a_batch_is_not_executed_after_a_refusal() -> None:
    batch = Reply(actions=(Wait(seconds=0), CLICK, Type(text="x"), Answer(text="sneaked in")))
    model = ScriptedModel([batch, Answer(text="end")])
    rig = Rig(model, denies("click"))
    assert (await rig.run()).answer == "end"
    statuses = [result.status for result in model.seen[1].results]
    assert statuses == ["done", "refused", "not_executed", "not_executed"]
    assert Type(text="x") not in rig.sandbox.acted


async def test_giving_up_after_a_refusal_is_a_boundary_and_otherwise_a_failure() -> None:
    assert (await Rig(ScriptedModel([GiveUp(reason="lost")])).run()).outcome == "failed"
    rig = Rig(ScriptedModel([CLICK, Wait(seconds=0), GiveUp(reason="lost")]), denies("click"))
    assert await rig.run() == Ending(outcome="stopped", reason="lost")


async def test_a_target_that_changed_while_a_person_decided_is_stale() -> None:
    marks = iter(["start", "1", "2", "3", "3"])
    sandbox = FakeSandbox(lambda action: Target(role="button", fingerprint=next(marks)))
    approver = RecordingApprover(lambda question: question.approve(by="ada"))
    model = ScriptedModel([CLICK, CLICK])
    rig = Rig(
        model,
        lambda effect: "ask" if isinstance(effect, Act) and effect.action == CLICK else "allow",
        approver=approver,
        sandbox=sandbox,
    )
    await rig.run()
    assert model.seen[1].results[0].rule == "stale"
    assert model.seen[2].results[0].status == "done"
    assert sandbox.acted.count(CLICK) == 1


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(steps=3), "steps"),
        (Limits(actions_per_minute=2, steps=50), "actions_per_minute"),
        (Limits(text=3, steps=50), "text"),
    ],
)
async def test_a_limit_ends_the_run_with_its_name(limits: Limits, name: str) -> None:
    rig = Rig(
        ScriptedModel([Type(text="ab"), Type(text="abc"), Type(text="abcd"), *[CLICK] * 9]), limits=limits
    )
    ending = await rig.run()
    assert ending.outcome == "stopped"
    assert f"limit reached: {name}" in ending.reason


async def test_a_safety_signal_is_judged_before_anything_is_done() -> None:
    signal = SafetySignal(provider="acme", code="malicious_instructions", message="careful")
    model = ScriptedModel([Reply(actions=(CLICK,), signals=(signal,)), Answer(text="end")])
    rig = Rig(model, lambda effect: "deny" if effect.kind == "signal" else "allow")
    await rig.run()
    assert CLICK not in rig.sandbox.acted
    assert model.seen[1].results[0].status == "refused"


class Foreseeing(ScriptedModel):
    """Says beforehand that each question costs ten cents and a thousand tokens."""

    def expected(self, observation: Observation) -> Usage:
        del observation
        return Usage(input_tokens=1000, cost_usd=0.1)


@pytest.mark.parametrize(("limits", "name"), [(Limits(tokens=2500), "tokens"), (Limits(cost=0.25), "cost")])
async def test_a_limit_stops_the_run_before_the_question_that_would_pass_it(
    limits: Limits, name: str
) -> None:
    used = Usage(input_tokens=1000, cost_usd=0.1)
    model = Foreseeing([Reply(actions=(CLICK,), usage=used)] * 9)
    rig = Rig(model, limits=limits)
    ending = await rig.run()
    assert (ending.outcome, len(model.seen)) == ("stopped", 2)
    assert ending.reason.startswith(f"limit reached: {name}")
    assert rig.memory.kinds.count("asked_model") == 2


async def test_only_signals_that_were_let_pass_are_handed_back() -> None:
    signals = tuple(SafetySignal(provider="p", code=code, id=code) for code in ("a", "b"))
    model = ScriptedModel([Reply(actions=(CLICK,), signals=signals), CLICK, Answer()])
    await Rig(model).run()
    assert [one.acknowledged for one in model.seen] == [(), ("a", "b"), ()]
    refusing = ScriptedModel([Reply(actions=(CLICK,), signals=signals), Answer()])
    bad = Rig(refusing, lambda one: "deny" if isinstance(one, SafetySignal) and one.id == "b" else "allow")
    await bad.run()
    assert refusing.seen[1].acknowledged == ("a",)
    assert refusing.seen[1].results[0].status == "refused"


async def test_what_could_not_be_asked_is_in_the_trace_and_ends_the_run() -> None:
    busy = Incident(fault="rate_limited", message="slow down")
    rig = Rig(ScriptedModel([Reply(failure="p: rate_limited: slow down", incidents=(busy,))]))
    with pytest.raises(ModelError, match="rate_limited: slow down"):
        await rig.run()
    replied = [one for one in rig.memory.events if isinstance(one, ModelReplied)]
    assert [one.incidents for one in replied] == [(busy,)]


async def test_stop_ends_the_run_at_once() -> None:
    rig = Rig(
        ScriptedModel([Reply(actions=(CLICK, Type(text="x")))]),
        lambda effect: "stop" if isinstance(effect, Act) and effect.action == CLICK else "allow",
    )
    assert (await rig.run()).outcome == "stopped"
    assert Type(text="x") not in rig.sandbox.acted


async def test_a_refused_start_page_ends_the_run() -> None:
    ending = await Rig(ScriptedModel([]), denies("goto")).run()
    assert ending.outcome == "stopped"
    assert "start page" in ending.reason


async def test_an_answer_that_cannot_be_parsed_is_told_to_the_model() -> None:
    class Confused:
        def __init__(self) -> None:
            self.seen: list[Observation] = []

        async def reply(self, observation: Observation) -> Reply:
            self.seen.append(observation)
            if len(self.seen) == 1:
                parse_action({"kind": "clik"})
            return Reply(actions=(Answer(text="ok"),))

    model = Confused()
    assert (await Rig(model).run()).outcome == "done"
    assert "did you mean 'click'" in model.seen[1].notes[0]


async def test_a_model_that_never_acts_or_raises_is_an_error() -> None:
    with pytest.raises(ModelError, match="3 answers in a row"):
        await Rig(ScriptedModel([Reply(thought="hm")] * 9)).run()

    class Broken:
        async def reply(self, observation: Observation) -> Reply:
            raise RuntimeError(f"no step {observation.step}")

    with pytest.raises(ModelError, match="RuntimeError: no step 1"):
        await Rig(Broken()).run()


async def test_the_models_question_is_answered_by_a_person() -> None:
    def answer(question: Question) -> Approval:
        return question.approve(by="ada", note="the blue one")

    ask: list[Action] = [AskUser(question="which?"), Answer(text="end")]
    model = ScriptedModel(ask)
    await Rig(model, approver=RecordingApprover(answer)).run()
    assert model.seen[1].results[0].message == "the blue one"
    model = ScriptedModel(ask)
    await Rig(model).run()
    assert model.seen[1].results[0].status == "refused"


async def test_the_rest_of_a_batch_is_not_executed_after_a_navigation() -> None:
    batch = Reply(actions=(Goto(url="https://shop.test/next"), CLICK, Answer(text="sneaked in")))
    model = ScriptedModel([batch, Answer(text="end")])
    rig = Rig(model)
    assert (await rig.run()).answer == "end"
    results = model.seen[1].results
    assert [result.status for result in results] == ["done", "not_executed", "not_executed"]
    assert "the page changed" in results[1].message
    assert CLICK not in rig.sandbox.acted


async def test_the_rest_of_a_batch_is_for_the_page_that_the_model_saw() -> None:
    class Fleeting(ScriptedModel):
        """Answers while the page goes on by itself."""

        async def reply(self, observation: Observation) -> Reply:
            if observation.step == 1:
                rig.sandbox.url = "https://shop.test/next"
            return await super().reply(observation)

    model = Fleeting([Reply(actions=(Wait(seconds=0), CLICK)), Answer(text="end")])
    rig = Rig(model)
    assert (await rig.run()).answer == "end"
    assert [result.status for result in model.seen[1].results] == ["done", "not_executed"]
    assert CLICK not in rig.sandbox.acted


async def test_a_page_that_goes_on_while_it_is_looked_at_is_looked_at_again() -> None:
    class Turning(FakeSandbox):
        """Goes on to another page while a picture of it is taken, some times."""

        turns = 2
        looks = 0

        async def observe(self) -> Screen:
            self.looks += 1
            screen = await super().observe()
            if self.looks <= self.turns:
                self.url = f"https://shop.test/{self.looks}"
            return screen

    batch = Reply(actions=(Wait(seconds=0), CLICK))
    sandbox = Turning()
    model = ScriptedModel([batch, Answer(text="end")])
    await Rig(model, sandbox=sandbox).run()
    assert model.seen[0].url == "https://shop.test/2"
    assert [result.status for result in model.seen[1].results] == ["done", "done"]

    restless = Turning()
    restless.turns = 1_000
    model = ScriptedModel([batch, Answer(text="end")])
    await Rig(model, sandbox=restless).run()
    assert [result.status for result in model.seen[1].results] == ["done", "not_executed"]
    assert CLICK not in restless.acted
    assert restless.looks == 2 * LOOKS


async def test_an_approval_is_not_for_another_page() -> None:
    model = ScriptedModel([Wait(seconds=0), Answer(text="end")])
    sandbox = FakeSandbox()

    def approve(question: Question) -> Approval:
        sandbox.url = "https://shop.test/elsewhere"
        return question.approve(by="ada")

    rig = Rig(
        model,
        lambda effect: "ask" if isinstance(effect, Act) and effect.action.kind == "wait" else "allow",
        approver=RecordingApprover(approve),
        sandbox=sandbox,
    )
    await rig.run()
    assert model.seen[1].results[0].rule == "stale"
    assert Wait(seconds=0) not in sandbox.acted


async def test_a_model_that_tells_what_it_sends_is_recorded_as_asked_once_a_step() -> None:
    class Vendor(ScriptedModel):
        asking: Callable[[dict[str, JsonValue]], None]

        def tell(self, asking: Callable[[dict[str, JsonValue]], None]) -> None:
            self.asking = asking

        async def reply(self, observation: Observation) -> Reply:
            if observation.step == 1:
                self.asking({"messages": ["first"]})
                assert rig.memory.kinds[-1] == "asked_model"
                self.asking({"messages": ["again"]})
            return await super().reply(observation)

    rig = Rig(Vendor([CLICK, Answer(text="done")]))
    await rig.run()
    asked = [event for event in rig.memory.events if isinstance(event, AskedModel)]
    assert [event.step for event in asked] == [1, 2]
    assert asked[0].request is not None
    assert b'"first"' in rig.memory.blobs[asked[0].request]
    assert asked[1].request is None
    kinds = rig.memory.kinds
    assert kinds.index("asked_model") < kinds.index("model_replied")


async def test_the_text_of_a_screen_is_on_record_where_it_was_read() -> None:
    class Reading(FakeSandbox):
        async def observe(self) -> Screen:
            return (await super().observe()).model_copy(update={"text": "Total: 5 \ud800"})

    for sandbox, text in ((Reading(), b"Total: 5 ?"), (FakeSandbox(), None)):
        rig = Rig(ScriptedModel([]), sandbox=sandbox)
        await rig.run()
        seen = next(event for event in rig.memory.events if isinstance(event, Observed))
        assert (None if seen.text is None else rig.memory.blobs[seen.text]) == text


async def test_intents_results_questions_and_answers_are_on_the_medium() -> None:
    class Synced(MemoryRecorder):
        def write(self, event: Event, *, sync: bool = False) -> None:
            super().write(event, sync=sync)
            synced.setdefault(event.kind, set()).add(sync)

    synced: dict[str, set[bool]] = {}
    approver = RecordingApprover(lambda question: question.approve(by="ada"))
    rig = Rig(
        ScriptedModel([CLICK]),
        lambda effect: "ask" if isinstance(effect, Act) else "allow",
        approver=approver,
        memory=Synced(),
    )
    await rig.run()
    always = {kind for kind, said in synced.items() if said == {True}}
    assert always == {"acting", "acted", "approval_asked", "approval_given"}
