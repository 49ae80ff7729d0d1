from pathlib import Path
from typing import Any

from harness.action import Click, Goto, Type, Wait
from harness.clearance import Act, Approval, Request, digest
from harness.trace.events import Acted, ApprovalAsked, ApprovalGiven, Console, Dialogued, Messaged, Responded
from harness.trace.reader import Trace
from harness.trace.timeline import timeline


def test_a_run_is_put_together_by_step(run: Path) -> None:
    found = timeline(Trace.open(run))
    assert [step.number for step in found.steps] == [1, 2, 3, 4]
    first, second, third, fourth = found.steps
    assert [deed.action.kind for deed in second.deeds if deed.action] == ["scroll", "type", "drag"]
    assert [(one.request.method, one.refused) for one in first.exchanges] == [("POST", False), ("GET", True)]
    assert first.exchanges[0].response == Responded(
        step=1, request="r1", status=200, received=4321, seconds=0.012
    )
    assert [deed.refused for deed in third.deeds] == [False, True, False]
    assert third.deeds[0].askings[0].given is not None
    assert (third.refusals, third.askings, first.refusals) == (1, 1, 1)
    assert third.deeds[2].words == "warning by acme: odd. "
    assert fourth.notes == ["the model says it is done"]
    assert fourth.failures[0].error == "SandboxError"
    assert [check.passed for check in found.checks] == [True, False]


def test_an_edited_action_stays_one_deed_with_both_verdicts(story: Any, folder: Path) -> None:
    story.start()
    act, better = Act(action=Goto(url="https://a.test/")), Act(action=Goto(url="https://b.test/"))
    asked = story.verdict(act, "ask", "who")
    approval = Approval(decision="edit", by="ada", effect=better)
    story.act(1, better.action)
    story.events.clear()
    story.write(
        ApprovalAsked(step=2, question="q", effect=act, verdict=asked, seconds=9),
        ApprovalGiven(step=2, question="q", approval=approval, seconds=1),
    )
    story.act(2, better.action)
    _, step = timeline(Trace.open(folder)).steps
    (deed,) = step.deeds
    assert deed.action == better.action
    assert deed.result is not None
    assert deed.askings[0].given is not None
    assert deed.askings[0].given.approval.decision == "edit"


def test_a_request_that_a_person_refused_is_refused(story: Any, folder: Path) -> None:
    story.start()
    request = Request(id="r9", method="POST", url="https://shop.test/orders")
    verdict = story.verdict(request, "ask", "orders")
    story.write(
        ApprovalAsked(step=1, question="q", effect=request, verdict=verdict, seconds=9),
        ApprovalGiven(step=1, question="q", approval=Approval(decision="deny", by="ada"), seconds=1),
    )
    (step,) = timeline(Trace.open(folder)).steps
    assert step.exchanges[0].refused
    assert step.askings == 1
    assert digest(request) == verdict.effect


def test_an_intent_without_a_result_is_kept(story: Any, folder: Path) -> None:
    story.start()
    story.act(1, Click(x=1, y=1))
    story.act(2, Type(text="a"))
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join(lines[:-1]))
    last = timeline(Trace.open(folder)).steps[-1].deeds[-1]
    assert last.intended
    assert last.result is None
    assert not last.refused


def test_what_was_never_judged_is_a_deed_too(story: Any, folder: Path) -> None:
    story.start()
    story.write(Acted(step=0, index=1, action=Wait(), status="not_executed", message="after a refusal"))
    (step,) = timeline(Trace.open(folder)).steps
    assert step.number == 0
    assert step.deeds[0].result is not None
    assert step.deeds[0].result.message == "after a refusal"


def test_messages_are_counted_with_the_request_that_opened_their_socket(story: Any, folder: Path) -> None:
    story.start()
    socket = story.request(1, "GET", "wss://shop.test/live")
    out = Messaged(step=1, request=socket.id, direction="out", size=3)
    inn = out.model_copy(update={"direction": "in"})
    story.write(out, inn, inn, out.model_copy(update={"refused": "limits: too many"}))
    story.write(out.model_copy(update={"request": "unheard-of"}))
    (exchange,) = timeline(Trace.open(folder)).steps[0].exchanges
    assert exchange.messages == (1, 2)
    assert (exchange.refused, exchange.cut) == (True, "limits: too many")


def test_what_a_page_said_is_a_note_of_its_step(story: Any, folder: Path) -> None:
    story.start()
    story.write(
        Console(step=1, level="info", text="loaded"),
        Console(step=1, level="error", text="no such item"),
        Dialogued(step=2, type="confirm", message="Sure?", accepted=False),
    )
    first, second = timeline(Trace.open(folder)).steps
    assert first.notes == ["console, error: no such item"]
    assert second.notes == ["confirm 'Sure?': dismissed"]
