"""The people of a recorded run, who say again what they said."""

from pathlib import Path

from harness.action import Click
from harness.clearance import Act, Approval, digest
from harness.replay.answers import RecordedAnswers
from harness.trace.events import ApprovalAsked, ApprovalGiven
from tests.replay.lines import question, request, trace, verdict


async def test_a_question_gets_its_recorded_answer_once_and_no_other(tmp_path: Path) -> None:
    then, now = request("one", "https://a.test/pay"), request("another", "https://a.test/pay")
    yes = Approval(decision="approve", by="Ada", shown=digest(then), note="fine", effect=then)
    people = RecordedAnswers(
        trace(
            tmp_path,
            ApprovalAsked(step=1, question="1", effect=then, verdict=verdict(then, "ask"), seconds=9),
            ApprovalGiven(step=1, question="1", approval=yes, seconds=1),
        )
    )
    first = await people.decide(question(now))
    assert (first.decision, first.by, first.note, first.shown, first.effect) == (
        "approve",
        "Ada",
        "fine",
        None,
        None,
    )
    assert (await people.decide(question(now))).decision == "deny"
    other = Act(action=Click(x=1, y=1))
    assert (await people.decide(question(other))).decision == "deny"
