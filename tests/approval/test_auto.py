from harness.action import AskUser, Click
from harness.approval.auto import AutoApprover, DenyApprover
from harness.clearance import Act, Effect, Question, Verdict, digest


def question(effect: Effect) -> Question:
    verdict = Verdict(outcome="ask", rule="r", reason="because", policy="0" * 64, effect=digest(effect))
    return Question(id="q", effect=effect, verdict=verdict, goal="g", step=1, seconds=1)


async def test_deny_says_no_and_why() -> None:
    approval = await DenyApprover().decide(question(Act(action=Click(x=1, y=1))))
    assert (approval.decision, approval.by) == ("deny", "deny")
    assert approval.note


async def test_auto_says_yes_to_exactly_this() -> None:
    effect = Act(action=Click(x=1, y=1))
    approval = await AutoApprover().decide(question(effect))
    assert (approval.decision, approval.by, approval.shown) == ("approve", "auto", digest(effect))


async def test_auto_tells_a_model_that_asks_that_nobody_is_here() -> None:
    approval = await AutoApprover().decide(question(Act(action=AskUser(question="Which one?"))))
    assert (approval.decision, "Nobody is here" in approval.note) == ("approve", True)
