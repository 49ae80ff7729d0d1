"""Conditions on the run so far: what counts, what does not, and what doubt does."""

from typing import Any

import pytest
from harness.action import AskUser, Click, Goto, SwitchTab, Type
from harness.clearance import Act, FileOffer, Plan, Request, Sight, Target
from harness.policy.engine import Engine
from harness.policy.schema import Policy
from pydantic import ValidationError

PAY = Act(action=Click(x=1, y=1), target=Target(role="button", name="Pay"))
OTHER = Act(action=Click(x=1, y=1), target=Target(role="button", name="Help"))
UNKNOWN = Act(action=Click(x=1, y=1))
ASKED = Act(action=AskUser(question="May I?"))


def engine(*rules: dict[str, Any], **fields: Any) -> Engine:
    given = [{"name": f"rule {place}", "on": "action"} | rule for place, rule in enumerate(rules)]
    whole = {
        "name": "x",
        "domains": {"navigate": ["shop.test"]},
        "default": {"action": "allow", "request": "allow"},
        "rules": given,
    }
    return Engine(Policy.model_validate(whole | fields))


def pay(verdict: str, **when: Any) -> dict[str, Any]:
    return {"when": {"target": {"name": "Pay"}, **when}, "verdict": verdict}


def said(judge: Engine, *effects: Any) -> list[str]:
    """What is said to each effect, where all that is not refused is cleared."""
    outcomes: list[str] = []
    for effect in effects:
        outcome = judge.judge(effect).outcome
        outcomes.append(outcome)
        if outcome in ("allow", "ask"):
            judge.happened(effect)
    return outcomes


def test_a_budget_is_a_count() -> None:
    judge = engine(pay("deny", count="> 2"))
    assert said(judge, PAY, OTHER, PAY, PAY, OTHER) == ["allow", "allow", "allow", "deny", "allow"]


def test_what_was_only_asked_about_does_not_count() -> None:
    judge = engine(pay("deny", count="> 1"))
    for _ in range(5):
        assert judge.judge(PAY).outcome == "allow"
    judge.happened(PAY)
    assert judge.judge(PAY).outcome == "deny"


def test_once_asks_until_a_person_has_said_yes() -> None:
    judge = engine(pay("ask", once=True))
    assert [judge.judge(PAY).outcome for _ in range(3)] == ["ask"] * 3
    judge.happened(PAY)
    assert judge.judge(PAY).outcome == "allow"


def test_allowed_once_and_then_the_default() -> None:
    judge = engine(pay("allow", once=True), default={"action": "deny"})
    assert said(judge, PAY, PAY, OTHER) == ["allow", "deny", "deny"]


def test_before_and_after_another_rule() -> None:
    judge = engine(
        {"name": "asked", "when": {"kind": "ask_user"}, "verdict": "note"},
        pay("deny", before="asked"),
        {"when": {"kind": "type"}, "verdict": "deny"} | {"when": {"kind": "type", "after": ["asked"]}},
    )
    text = Act(action=Type(text="x"), target=Target())
    assert said(judge, PAY, text, ASKED, PAY, text) == ["deny", "allow", "allow", "allow", "deny"]


def test_before_several_lasts_until_all_have_happened_and_after_several_until_one_has() -> None:
    notes = [{"name": name, "when": {"text": name}, "verdict": "note", "on": "plan"} for name in ("a", "b")]
    judge = engine(*notes, pay("deny", before=["a", "b"]), {"when": {"after": ["a", "b"]}, "verdict": "ask"})
    assert judge.judge(PAY).rule == "rule 2"
    assert judge.judge(OTHER).outcome == "allow"
    judge.happened(Plan(text="b"))
    assert (judge.judge(PAY).rule, judge.judge(OTHER).outcome) == ("rule 2", "ask")
    judge.happened(Plan(text="a"))
    assert judge.judge(PAY).rule == "rule 3"


def test_a_sequence_is_a_chain_of_notes() -> None:
    judge = engine(
        {"name": "first", "when": {"text": "1"}, "verdict": "note", "on": "plan"},
        {"name": "second", "when": {"text": "2", "after": "first"}, "verdict": "note", "on": "plan"},
        pay("deny", before="second"),
    )
    assert said(judge, Plan(text="2"), PAY) == ["allow", "deny"]
    assert said(judge, Plan(text="1"), PAY, Plan(text="2"), PAY) == ["allow", "deny", "allow", "allow"]


def test_a_note_says_nothing() -> None:
    judge = engine({"when": {}, "verdict": "note"}, pay("ask", after="rule 0"), default={"action": "deny"})
    assert judge.judge(OTHER).rule == "default"


def test_doubt_never_grants() -> None:
    # Whether the unknown target was a Pay button cannot be told.
    judge = engine(pay("note"), {"when": {"kind": "type", "after": "rule 0"}, "verdict": "deny"})
    judge.happened(UNKNOWN)
    text = Act(action=Type(text="x"), target=Target())
    assert judge.judge(text).outcome == "deny"
    judge = engine(pay("note"), {"when": {"kind": "type", "before": "rule 0"}, "verdict": "deny"})
    judge.happened(UNKNOWN)
    assert judge.judge(text).outcome == "deny"
    for when in ({"after": "rule 0"}, {"before": "rule 0"}):
        judge = engine(
            pay("note"), {"when": {"kind": "type"} | when, "verdict": "allow"}, default={"action": "deny"}
        )
        judge.happened(UNKNOWN)
        assert judge.judge(text).outcome == "deny"
    judge = engine(pay("deny", count="> 1"))
    judge.happened(UNKNOWN)
    assert judge.judge(PAY).outcome == "deny"
    judge = engine(pay("ask", once=True))
    judge.happened(UNKNOWN)
    assert judge.judge(PAY).outcome == "ask"


def test_a_page_counts_when_its_request_is_cleared() -> None:
    judge = engine({"on": "navigate", "when": {"count": "> 1"}, "verdict": "deny"})
    goto = Act(action=Goto(url="https://shop.test/"))
    document = Request(id="r", method="GET", url="https://shop.test/", resource="document")
    assert said(judge, goto, document) == ["allow", "allow"]
    assert said(judge, goto, document) == ["deny", "deny"]


def test_files_and_requests_count() -> None:
    file = FileOffer(name="a.pdf", url="https://shop.test/a.pdf")
    judge = engine({"on": "download", "when": {"count": "> 1"}, "verdict": "deny"})
    assert said(judge, file, file) == ["allow", "deny"]
    request = Request(id="r", method="GET", url="https://shop.test/x", resource="image")
    judge = engine({"on": "request", "when": {"resource": "image", "count": "> 1"}, "verdict": "stop"})
    assert said(judge, request, request) == ["allow", "stop"]


def test_what_the_screen_shows() -> None:
    judge = engine({"when": {"seen": {"url": "https://shop.test/admin*"}}, "verdict": "deny"})
    assert judge.judge(OTHER).outcome == "allow"
    judge.saw(Sight(url="https://shop.test/admin/users"))
    assert judge.judge(OTHER).outcome == "deny"
    judge.saw(Sight(url="https://shop.test/"))
    assert judge.judge(OTHER).outcome == "allow"
    judge = engine({"when": {"seen": {"tabs": "> 2"}}, "verdict": "deny"})
    assert judge.judge(OTHER).outcome == "allow"
    judge.saw(Sight(tabs=3))
    assert judge.judge(OTHER).outcome == "deny"


def test_text_that_was_not_read_might_say_anything() -> None:
    seen = {"seen": {"text": "*Error*"}}
    judge = engine({"when": seen, "verdict": "deny"})
    assert judge.judge(OTHER).outcome == "allow"
    for text, outcome in ((None, "deny"), ("fine", "allow"), ("An Er\u200bror occurred", "deny")):
        judge.saw(Sight(text=text))
        assert judge.judge(OTHER).outcome == outcome
    judge = engine({"when": seen, "verdict": "allow"}, default={"action": "deny"})
    for text, outcome in ((None, "deny"), ("An Error", "allow"), ("fine", "deny")):
        judge.saw(Sight(text=text))
        assert judge.judge(OTHER).outcome == outcome


def test_what_was_seen_at_the_time_is_remembered() -> None:
    judge = engine(
        {"name": "read", "when": {"kind": "click", "seen": {"title": "Terms"}}, "verdict": "note"},
        pay("deny", before="read"),
    )
    judge.happened(OTHER)
    assert judge.judge(PAY).outcome == "deny"
    judge.saw(Sight(title="Terms"))
    judge.happened(OTHER)
    judge.saw(Sight(title="Checkout"))
    assert judge.judge(PAY).outcome == "allow"


def test_the_tab_that_is_acted_on() -> None:
    judge = engine({"when": {"tab": 2}, "verdict": "deny"})
    assert judge.judge(Act(action=SwitchTab(tab=2))).outcome == "deny"
    assert judge.judge(Act(action=SwitchTab(tab=1))).outcome == "allow"
    assert judge.judge(OTHER).outcome == "deny"
    judge.saw(Sight(tab=1))
    assert judge.judge(OTHER).outcome == "allow"
    judge.saw(Sight(tab=2))
    assert judge.judge(OTHER).outcome == "deny"


def test_a_new_run_knows_nothing_of_the_last() -> None:
    judge = engine(pay("ask", once=True), {"when": {"seen": {"title": "x"}}, "verdict": "deny"})
    judge.happened(PAY)
    judge.saw(Sight(title="x"))
    judge.restart()
    assert judge.judge(PAY).outcome == "ask"


def test_the_same_calls_in_the_same_order_get_the_same_verdicts() -> None:
    rules = (pay("ask", once=True), pay("deny", count="> 2"))
    verdicts = []
    for _ in range(2):
        judge = engine(*rules)
        found = []
        for effect in (PAY, PAY, OTHER, PAY, PAY):
            found.append(judge.judge(effect))
            judge.happened(effect)
        verdicts.append(found)
    assert verdicts[0] == verdicts[1]


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"count": "> x"}, "write a number like"),
        ({"count": "0"}, "that never holds; the first time is number 1"),
        ({"count": "< 1"}, "that never holds"),
        ({"count": True}, "valid string"),
        ({"seen": {}}, "names no condition"),
        ({"seen": {"tabs": "= 0"}}, "the first tab is number 1"),
        ({"once": False}, "write once: true"),
        ({"once": True, "count": 3}, "leave one of the two out"),
    ],
)
def test_what_cannot_be_meant(when: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        engine({"when": when, "verdict": "deny"})


def test_what_a_run_before_this_one_did_counts_against_and_grants_nothing() -> None:
    judge = engine(pay("deny", count="> 1"))
    judge.recall(PAY)
    assert said(judge, PAY) == ["deny"]
    granting = [
        {"name": "help", "when": {"target": {"name": "Help"}}, "verdict": "allow"},
        pay("allow", after="help"),
    ]
    judge = engine(*granting, default={"action": "deny", "request": "allow"})
    judge.recall(OTHER)
    assert judge.judge(PAY).outcome == "deny"
    judge.happened(OTHER)
    assert judge.judge(PAY).outcome == "allow"
