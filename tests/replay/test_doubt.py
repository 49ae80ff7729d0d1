"""Where a rule asks for what is not known, both answers are tried."""

import pytest
from harness.action import Click, Press
from harness.clearance import Act, Request, Target
from harness.policy import Engine
from harness.replay.doubt import Doubt
from tests.replay.conftest import policy

UNREAD = Request(id="1", method="POST", url="https://a.test/x", body_sha256="0" * 64, body_size=9)


def rule(name: str, verdict: str, **when: object) -> dict[str, object]:
    return {"name": name, "on": "request", "when": when, "verdict": verdict}


@pytest.mark.parametrize(
    ("rules", "default", "outcomes"),
    [
        ([], "allow", ("allow", "allow")),
        ([rule("a", "deny", body="re:x")], "allow", ("deny", "allow")),
        ([rule("a", "deny", body="re:x")], "deny", ("deny", "deny")),
        ([rule("a", "ask", body="re:x")], "deny", ("deny", "ask")),
        ([rule("a", "allow", body="re:x")], "deny", ("deny", "allow")),
        ([rule("a", "allow", body="re:x")], "allow", ("allow", "allow")),
        ([rule("a", "deny", body="re:x", url="https://b.test/*")], "allow", ("allow", "allow")),
        ([rule("a", "deny", body="re:x"), rule("b", "deny", method="POST")], "allow", ("deny", "deny")),
        ([rule("a", "deny", body="re:x"), rule("b", "stop", method="POST")], "allow", ("stop", "stop")),
        ([rule("a", "stop", body="re:x"), rule("b", "ask", method="POST")], "allow", ("stop", "ask")),
    ],
)
def test_the_strictest_and_the_mildest_that_may_be_said(
    rules: list[dict[str, object]], default: str, outcomes: tuple[str, str]
) -> None:
    engine = Engine(policy(*rules, default={"action": "allow", "request": default}))
    doubt = Doubt(engine)
    lacking = doubt.lacks(UNREAD, body=True, text=False)
    strict, mild = doubt.range(UNREAD, lacking)
    assert (strict.outcome, mild.outcome) == outcomes


def test_what_is_certain_is_named_and_not_what_may_speak() -> None:
    engine = Engine(policy(rule("maybe", "deny", body="re:x"), rule("surely", "deny", method="POST")))
    doubt = Doubt(engine)
    strict, mild = doubt.range(UNREAD, doubt.lacks(UNREAD, body=True, text=False))
    assert (strict.outcome, mild.outcome, mild.rule) == ("deny", "deny", "surely")


def test_a_policy_that_asks_for_nothing_of_the_kind_is_never_in_doubt() -> None:
    doubt = Doubt(Engine(policy(rule("a", "deny", method="POST"))))
    assert doubt.asks == frozenset()
    assert doubt.lacks(UNREAD, body=True, text=True) == frozenset()


def test_every_thing_that_an_action_comes_to_is_looked_at() -> None:
    seen = {
        "on": "action",
        "when": {"kind": "click", "seen": {"text": "re:x"}},
        "name": "a",
        "verdict": "deny",
    }
    doubt = Doubt(Engine(policy(seen)))
    enter = Act(action=Press(keys=("Enter",)), target=Target(role="button", tag="button", name="Go"))
    strict, mild = doubt.range(enter, frozenset({"seen.text"}))
    assert (strict.outcome, mild.outcome) == ("deny", "allow")
    move = Act(action=Press(keys=("a",)), target=Target(role="textbox", tag="input", editable=True))
    assert {one.outcome for one in doubt.range(move, frozenset({"seen.text"}))} == {"allow"}


def test_counting_in_doubt_ends_with_the_run() -> None:
    click = Act(action=Click(x=1, y=1))
    counted = {**rule("a", "note", body="re:x")}
    after = {"name": "b", "on": "action", "when": {"after": "a"}, "verdict": "deny"}
    doubt = Doubt(Engine(policy(counted, after)))
    doubt.happened(UNREAD, frozenset({"body"}))
    assert [one.outcome for one in doubt.range(click, frozenset())] == ["deny", "allow"]
    doubt.restart()
    assert [one.outcome for one in doubt.range(click, frozenset())] == ["allow", "allow"]
