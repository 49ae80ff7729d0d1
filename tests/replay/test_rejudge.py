"""Judging again says what a run under the new policy would have said, and never guesses."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.action import Click, Goto, Type
from harness.clearance import Act, Effect, FileOffer, Plan, Request, SafetySignal, Target, Verdict, digest
from harness.policy import Policy
from harness.replay.folder import traces_in
from harness.replay.moments import recording
from harness.replay.rejudge import UNTOLD, Rejudge, Rejudged, rejudge
from harness.testing import RecordingApprover
from harness.trace.events import Acted, Requested
from tests.replay.conftest import Played, policy

Play = Callable[..., Played]
ROOT = Path(__file__).resolve().parents[2]
PAY = Act(action=Click(x=1, y=2), target=Target(role="button", name="Pay now"))
LOOK = Act(action=Click(x=9, y=9), target=Target(role="link", name="Terms"))
ASK_PAY = {
    "name": "pay",
    "on": "action",
    "when": {"target": {"name": "Pay now"}},
    "verdict": "ask",
    "why": "It spends.",
}
approve = RecordingApprover(lambda question: question.approve(by="ada"))


def post(number: int, body: str = "", url: str = "https://shop.test/orders") -> Request:
    data = body.encode()
    return Request(
        id=str(number),
        method="POST",
        url=url,
        body_sha256=hashlib.sha256(data).hexdigest(),
        body_size=len(data),
        body_text=body,
    )


def put(run: Played, request: Request, data: bytes | None) -> None:
    """Write a request as the recorder of bodies does."""
    body = run.writer.blob(data) if data is not None else None
    verdict = Verdict(outcome="allow", rule="default", reason="r", policy="ab" * 32, effect=digest(request))
    run.writer.write(Requested(step=1, request=request, verdict=verdict, body=body))


def said(found: Rejudged) -> list[tuple[str, str, str]]:
    return [(one.then, one.now, one.rule) for one in found.differences]


async def test_the_same_policy_says_the_same_whatever_it_remembers(play: Play) -> None:
    under = policy(
        ASK_PAY,
        {"name": "third", "on": "request", "when": {"method": "POST", "count": "> 2"}, "verdict": "stop"},
        {"name": "after paying", "on": "action", "when": {"after": "pay", "kind": "type"}, "verdict": "deny"},
        {
            "name": "not here",
            "on": "action",
            "when": {"seen": {"url": "https://b.test/*"}},
            "verdict": "deny",
        },
        {"name": "once", "on": "download", "when": {"once": True}, "verdict": "allow"},
        {"name": "files", "on": "download", "when": {}, "verdict": "deny"},
        {"name": "words", "on": "request", "when": {"body": "re:evil"}, "verdict": "deny"},
        {"name": "tab 1", "on": "action", "when": {"tab": 1, "kind": "goto"}, "verdict": "deny"},
    )
    run = play(under, approve)
    file = FileOffer(name="a.pdf", url="https://shop.test/a.pdf")
    typing = Act(action=Type(text="hi"), target=Target(role="textbox"))
    goto = Act(action=Goto(url="https://shop.test/"))
    await run.do(goto, typing, PAY, typing, file, file)
    run.look("https://b.test/x")
    await run.do(LOOK, goto, PAY, Plan(text="p"), SafetySignal(provider="a", code="b"))
    run.look("https://a.test/x")
    await run.do(LOOK, *(post(n) for n in range(5)))
    found = rejudge([recording(run.finish())], under)
    assert found.differences == []
    assert found.effects == sum(found.table.values()) == 15
    assert {then for then, _ in found.table} == {"allow", "ask", "deny", "stop"}


@pytest.mark.parametrize("name", ["shopping", "permissive", "research", "read-only", "locked-down"])
async def test_every_ready_made_policy_repeats_its_own_verdicts(play: Play, name: str) -> None:
    under = Policy.load(ROOT / "policies" / f"{name}.yaml")
    run = play(under, approve)
    run.look("https://shop.test/")
    effects: list[Effect] = [PAY, LOOK, post(1), post(2, url="https://evil.test/"), PAY]
    effects += [Request(id="9", method="GET", url="https://shop.test/", resource="document")]
    await run.do(*effects)
    assert rejudge([recording(run.finish())], under).differences == []


async def test_what_happened_and_would_be_refused_asked_or_stopped_is_listed_with_line_and_rule(
    play: Play,
) -> None:
    run = play(policy())
    await run.do(PAY, LOOK, post(1, url="https://evil.test/take"))
    found = rejudge(
        [recording(run.finish())], policy(ASK_PAY, domains={"navigate": ["shop.test"]}, name="new")
    )
    assert said(found) == [("allow", "ask", "pay"), ("allow", "deny", "domains.load")]
    first, second = found.differences
    assert (first.seq, first.step, first.reason, first.then_rule) == (1, 0, "It spends.", "default")
    assert first.words == "click 'Pay now' (button) at 1, 2"
    assert (first.prevented, first.newly_asked, first.in_vain) == (True, True, False)
    assert second.words == "POST https://evil.test/take"
    assert second.prevented
    assert not second.newly_asked
    assert found.table == {("allow", "ask"): 1, ("allow", "deny"): 1, ("allow", "allow"): 1}


async def test_questions_asked_in_vain_and_refusals_that_would_be_opened_are_told_apart(play: Play) -> None:
    answers = RecordingApprover(
        lambda question: question.approve(by="ada"), lambda question: question.deny(by="bob")
    )
    run = play(policy(ASK_PAY), answers)
    await run.do(PAY, PAY)
    found = rejudge([recording(run.finish())], policy())
    first, second = found.differences
    assert (first.in_vain, first.opened, first.happened, first.answer) == (
        True,
        False,
        True,
        "approve by ada",
    )
    assert (second.in_vain, second.opened, second.happened, second.answer) == (
        False,
        True,
        False,
        "deny by bob",
    )


async def test_counts_follow_what_was_let_through_and_not_what_was_refused(play: Play) -> None:
    old = policy({"name": "no b", "on": "request", "when": {"url": "https://b.test/*"}, "verdict": "deny"})
    run = play(old)
    await run.do(post(1), post(2, url="https://b.test/"), post(3), post(4))
    third = {"name": "third", "on": "request", "when": {"method": "POST", "count": "> 2"}, "verdict": "stop"}
    found = rejudge([recording(run.finish())], policy(third))
    assert said(found) == [("deny", "allow", "default"), ("allow", "stop", "third")]


async def test_an_approval_that_came_too_late_counts_as_refused(play: Play) -> None:
    once = {"name": "once", "on": "action", "when": {"count": "> 1"}, "verdict": "deny"}
    run = play(policy(ASK_PAY, once), None)

    class Slow:
        async def decide(self, question: object) -> object:
            await run.checkpoint.decide(LOOK)
            return question.approve(by="ada")  # type: ignore[attr-defined]

    run.checkpoint._approver = Slow()  # type: ignore[assignment]
    await run.do(PAY)
    found = rejudge([recording(run.finish())], policy())
    assert [(one.then, one.now, one.happened) for one in found.differences] == [
        ("ask", "allow", False),
        ("deny", "allow", False),
    ]


async def test_an_action_whose_target_had_changed_did_not_happen(play: Play) -> None:
    run = play(policy())
    await run.do(PAY)
    run.writer.write(Acted(step=0, index=0, action=PAY.action, status="refused", rule="stale", message="m"))
    found = rejudge([recording(run.finish())], policy(ASK_PAY))
    assert [one.happened for one in found.differences] == [False]
    assert not found.differences[0].prevented


BODY_RULE = {"name": "evil words", "on": "request", "when": {"body": "re:evil"}, "verdict": "deny"}


def test_a_body_that_was_recorded_is_read_and_one_that_was_not_is_never_guessed(play: Play) -> None:
    run = play(policy())
    put(run, post(1, "an evil word"), b"an evil word")
    put(run, post(2, "a good word"), b"a good word")
    put(run, post(3, "an evil word"), None)
    put(run, post(4, ""), None)
    put(run, post(5, "the secret is evil"), b"the secret is [secret:shop]")
    found = rejudge([recording(run.finish())], policy(BODY_RULE))
    assert [(one.seq, one.now) for one in found.differences] == [(1, "deny"), (3, UNTOLD), (5, UNTOLD)]
    assert found.table["allow", "allow"] == 2


def test_a_body_too_long_for_rules_to_read_is_as_unknown_as_it_was_in_the_run(play: Play) -> None:
    run = play(policy())
    put(run, post(1, "x" * 70_000), None)
    found = rejudge([recording(run.finish())], policy(BODY_RULE))
    assert said(found) == [("allow", "deny", "evil words")]


def test_what_is_refused_whatever_the_body_says_can_be_told(play: Play) -> None:
    run = play(policy())
    put(run, post(1, "hello", url="https://evil.test/"), None)
    new = policy(BODY_RULE, domains={"navigate": ["shop.test"]})
    assert said(rejudge([recording(run.finish())], new)) == [("allow", "deny", "domains.load")]


def test_a_blob_that_was_changed_is_as_if_it_was_not_there(play: Play) -> None:
    run = play(policy())
    put(run, post(1, "good"), b"good")
    folder = run.finish()
    blob = next(one for one in (folder / "blobs").rglob("*") if one.is_file())
    blob.write_bytes(b"evil")
    assert [one.now for one in rejudge([recording(folder)], policy(BODY_RULE)).differences] == [UNTOLD]


async def test_what_could_not_be_told_stays_in_doubt_for_rules_that_count_it(play: Play) -> None:
    run = play(policy())
    put(run, post(1, "hidden"), None)
    await run.do(PAY)
    noted = {"name": "evil words", "on": "request", "when": {"body": "re:evil"}, "verdict": "note"}
    later = {"name": "later", "on": "action", "when": {"after": "evil words"}, "verdict": "deny"}
    found = rejudge([recording(run.finish())], policy(noted, later))
    assert [(one.seq, one.now, one.rule) for one in found.differences] == [(2, UNTOLD, "later")]


SEEN = {"name": "warned", "on": "action", "when": {"seen": {"text": "*Careful*"}}, "verdict": "deny"}


@pytest.mark.parametrize(
    ("text", "tell", "now"),
    [
        ("Careful!", True, ["deny"]),
        ("Fine", True, []),
        ("Careful!", False, [UNTOLD]),
        ("Fine", False, [UNTOLD]),
    ],
)
async def test_rules_on_the_screens_text_need_it_in_the_trace(
    play: Play, text: str, tell: bool, now: list[str]
) -> None:
    run = play(policy())
    run.look("https://shop.test/", text=text, tell=tell)
    await run.do(LOOK)
    assert [one.now for one in rejudge([recording(run.finish())], policy(SEEN)).differences] == now


async def test_a_header_with_a_credential_cannot_be_told_and_its_absence_can(play: Play) -> None:
    run = play(policy())
    await run.do(
        Request(id="1", method="GET", url="https://shop.test/", headers=(("cookie", "a=b"),)),
        Request(id="2", method="GET", url="https://shop.test/"),
    )
    rule = {"name": "admin", "on": "request", "when": {"header": {"Cookie": "admin=*"}}, "verdict": "deny"}
    found = rejudge([recording(run.finish())], policy(rule))
    assert [(one.seq, one.now) for one in found.differences] == [(1, UNTOLD)]


async def test_one_judge_for_many_runs_remembers_nothing_of_the_run_before(play: Play) -> None:
    second = {"name": "second", "on": "request", "when": {"count": "> 1"}, "verdict": "stop"}
    folders = []
    for _ in range(3):
        run = play(policy())
        await run.do(post(1))
        folders.append(run.finish())
    judge = Rejudge(policy(second))
    assert [judge.run(recording(folder)).differences for folder in folders] == [[], [], []]


EXAMPLES = traces_in(ROOT / "traces" / "examples")


@pytest.mark.parametrize("folder", EXAMPLES, ids=[folder.name for folder in EXAMPLES])
def test_recorded_examples_are_judged_by_their_own_policies_as_they_were(folder: Path) -> None:
    example = recording(folder)
    found = rejudge([example], Policy.model_validate(example.policy))
    assert found.differences == []
    assert found.effects > 20
