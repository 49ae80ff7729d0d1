import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.action import Click, Press
from harness.clearance import Act, Approval, Request, Target, Usage, Verdict, digest
from harness.screen import Tab
from harness.trace.compact import Memory, plain
from harness.trace.events import (
    SCHEMA,
    ApprovalGiven,
    Judged,
    ModelReplied,
    Observed,
    Requested,
    Responded,
    RunStarted,
)
from harness.trace.redact import Redactor
from pydantic import BaseModel, JsonValue

POLICY = "ab" * 32


def start() -> RunStarted:
    return RunStarted(
        run_id="r",
        task={},
        policy={},
        policy_sha256=POLICY,
        model="m",
        approver="a",
        sandbox=None,
        versions={},
    )


def told(*events: BaseModel) -> list[dict[str, JsonValue]]:
    """Shrink events one after another, and check that each grows back."""
    writer, reader, found = Memory(), Memory(), []
    for seq, event in enumerate(events):
        fields = plain(event)
        short = writer.shrink(fields)
        assert reader.grow(json.loads(json.dumps(short))) == fields
        writer.learn(seq, fields)
        reader.learn(seq, fields)
        found.append(short)
    return found


def test_defaults_are_left_out_but_kind_and_schema_stay() -> None:
    assert plain(ModelReplied(step=1, usage=Usage(), thought="")) == {"kind": "model_replied", "step": 1}
    assert plain(start())["schema"] == SCHEMA
    assert plain(Click(x=1, y=2, count=2)) == {"kind": "click", "x": 1, "y": 2, "count": 2}


def test_moments_are_written_in_words() -> None:
    approval = Approval(decision="approve", by="ada", at=datetime(2026, 1, 2, tzinfo=UTC))
    fields = plain(ApprovalGiven(step=1, question="q", approval=approval, seconds=1))
    assert fields["approval"] == {"decision": "approve", "by": "ada", "at": "2026-01-02T00:00:00+00:00"}


def test_words_of_the_format_are_never_taken_for_a_secret() -> None:
    act = Judged(
        step=1,
        effect=Act(action=Press(keys=("Enter",)), target=Target(name="Enter allow")),
        verdict=Verdict(outcome="allow", rule="r", reason="", policy="p", effect="e"),
    )
    fields = plain(act, Redactor({"a": "Enter", "b": "allow", "c": "action", "d": "judged", "e": "press"}))
    assert Judged.model_validate(fields).effect == Act(
        action=Press(keys=("Enter",)), target=Target(name="[secret:a] [secret:b]")
    )
    assert fields["verdict"] == {"outcome": "allow", "rule": "r", "reason": "", "policy": "p", "effect": "e"}


def test_a_verdict_leaves_out_the_run_policy_and_its_own_effect() -> None:
    act = Act(action=Click(x=1, y=2))
    good = Verdict(outcome="allow", rule="r", reason="w", policy=POLICY, effect=digest(act))
    odd = good.model_copy(update={"policy": "other", "effect": "other"})
    _, first, second = told(
        start(), Judged(step=1, effect=act, verdict=good), Judged(step=1, effect=act, verdict=odd)
    )
    assert first["verdict"] == {"outcome": "allow", "rule": "r", "reason": "w"}
    assert second["verdict"] == plain(odd)


def test_a_header_is_written_once() -> None:
    def asked(*headers: tuple[str, str]) -> Requested:
        request = Request(id="1", method="GET", url="u", headers=headers)
        verdict = Verdict(outcome="allow", rule="r", reason="w", policy=POLICY, effect=digest(request))
        return Requested(step=1, request=request, verdict=verdict)

    first, second, third = told(
        asked(("a", "1"), ("a", "1"), ("b", "2")),
        asked(("b", "2"), ("c", "3")),
        asked(("c", "3"), ("a", "1")),
    )
    requests = [one["request"] for one in (first, second, third)]
    headers = [one["headers"] for one in requests if isinstance(one, dict)]
    assert headers == [[["a", "1"], ["a", "1"], ["b", "2"]], [1, ["c", "3"]], [2, 0]]


def test_a_tab_and_a_target_leave_out_what_the_screen_says() -> None:
    tabs = (
        Tab(id=1, url="u", title="t", active=True),
        Tab(id=2, url="u", title="t"),
        Tab(id=3, url="u", active=True),
    )
    seen = Observed(step=1, screenshot="0" * 64, size=(1, 1), url="u", title="t", tabs=tabs)
    target = Target(name="n", text="n", url="u")
    bare = Target(name="n")
    acts = [
        Judged(
            step=1,
            effect=Act(action=Click(x=1, y=1), target=one),
            verdict=Verdict(outcome="allow", rule="r", reason="w", policy="p", effect="e"),
        )
        for one in (target, bare)
    ]
    look, first, second = told(seen, *acts)
    assert look["tabs"] == [
        {"id": 1, "active": True},
        {"id": 2, "url": "u", "title": "t"},
        {"id": 3, "title": "", "active": True},
    ]
    assert first["effect"] == {"kind": "action", "action": plain(Click(x=1, y=1)), "target": {"name": "n"}}
    assert second["effect"] == {
        "kind": "action",
        "action": plain(Click(x=1, y=1)),
        "target": {"name": "n", "url": "", "text": ""},
    }


def test_the_hash_of_an_empty_body_is_not_spelled_out() -> None:
    def asked(body: str | None) -> Requested:
        request = Request(id="1", method="GET", url="u", body_sha256=body)
        verdict = Verdict(outcome="allow", rule="r", reason="w", policy=POLICY, effect=digest(request))
        return Requested(step=1, request=request, verdict=verdict)

    empty, unread, full = told(asked(hashlib.sha256(b"").hexdigest()), asked(None), asked("ab" * 32))
    requests = [one["request"] for one in (empty, unread, full)]
    assert [one.get("body_sha256") for one in requests if isinstance(one, dict)] == [0, None, "ab" * 32]


@pytest.mark.parametrize("number", [-1, 0, 99])
def test_a_number_for_no_header_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="stands in no line before"):
        Memory().grow({"kind": "requested", "request": {"headers": [number]}})


def test_a_line_stays_readable_by_itself(run: Path) -> None:
    kinds = [json.loads(line)["kind"] for line in (run / "events.jsonl").read_text().splitlines()]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert {"observed", "judged", "acting", "acted", "requested", "responded"} <= set(kinds)


def test_a_body_that_rules_read_is_in_no_line() -> None:
    request = Request(id="r", method="POST", url="https://a.test/", body_sha256="ab", body_text="hunter2")
    verdict = Verdict(outcome="allow", rule="a", reason="", policy=POLICY, effect=digest(request))
    (_, line) = told(start(), Requested(step=1, request=request, verdict=verdict))
    assert "hunter2" not in json.dumps(line)
    assert digest(request) == digest(request.model_copy(update={"body_text": None}))


def test_an_answer_keeps_no_credential() -> None:
    answer = Responded(step=1, request="r1", headers=(("set-cookie", "s=secret"), ("server", "x")))
    assert plain(answer)["headers"] == [["set-cookie", "s=[redacted-6-characters]"], ["server", "x"]]


def test_headers_of_answers_are_numbered_by_themselves_but_for_those_that_come_once() -> None:
    request = Request(id="r", method="GET", url="https://a.test/", headers=(("accept", "text/html"),))
    allowed = Verdict(outcome="allow", rule="r", reason="", policy=POLICY, effect=digest(request))
    asked = Requested(step=1, request=request, verdict=allowed)
    kind, date = ("content-type", "text/html"), ("date", "Thu, 01 Jan 2026 00:00:00 GMT")
    answered = Responded(step=1, request="r", headers=(("accept", "text/html"), kind, date, kind))
    _, first, second = told(asked, answered, answered)
    assert first["headers"] == [["accept", "text/html"], list(kind), list(date), list(kind)]
    assert second["headers"] == [0, 1, list(date), 1]


def test_credentials_of_an_answer_are_hidden_by_their_length() -> None:
    secret = Redactor({"card": "4242424242"})
    event = Responded(
        step=1,
        request="r",
        headers=(("set-cookie", "sid=abcdef; Path=/4242424242"), ("x-card", "4242424242")),
    )
    assert plain(event, secret)["headers"] == [
        ["set-cookie", "sid=[redacted-6-characters]; Path=/[secret:card]"],
        ["x-card", "[secret:card]"],
    ]


def test_an_answers_header_that_no_line_said_is_an_error() -> None:
    with pytest.raises(ValueError, match="header 3"):
        Memory().grow({"kind": "responded", "step": 1, "request": "r", "headers": [3]})


def test_a_body_is_named_once_in_a_line() -> None:
    one, other = "1a" * 32, "2b" * 32
    request = Request(id="r", method="POST", url="https://a.test/", body_sha256=one, body_size=3)
    allowed = Verdict(outcome="allow", rule="r", reason="", policy=POLICY, effect=digest(request))
    asked = Requested(step=1, request=request, verdict=allowed, body=one)
    answered = Responded(step=1, request="r", body=one, sha256=one)
    short = told(
        asked,
        asked.model_copy(update={"body": other}),
        asked.model_copy(update={"body": None}),
        answered,
        answered.model_copy(update={"sha256": None}),
        answered.model_copy(update={"body": None}),
    )
    assert [line.get("body") for line in short] == [0, other, None, one, one, None]
    assert [line.get("sha256") for line in short[3:]] == [0, None, one]


def test_an_action_of_the_reply_is_named_by_its_place() -> None:
    first, second = Click(x=1, y=2), Press(keys=("Enter",))

    def judged(act: Act) -> Judged:
        return Judged(
            step=1,
            effect=act,
            verdict=Verdict(outcome="allow", rule="r", reason="", policy=POLICY, effect=digest(act)),
        )

    reply = ModelReplied(step=1, actions=(first, second))
    own = judged(Act(action=Click(x=9, y=9)))
    lines = told(judged(Act(action=first)), reply, judged(Act(action=second)), own, ModelReplied(step=2), own)
    effects = [line["effect"] for line in lines if "effect" in line]
    written = [effect["action"] for effect in effects if isinstance(effect, dict)]
    assert written == [
        {"kind": "click", "x": 1, "y": 2},
        1,
        {"kind": "click", "x": 9, "y": 9},
        {"kind": "click", "x": 9, "y": 9},
    ]


@pytest.mark.parametrize("place", [-1, 0, True])
def test_an_action_that_no_reply_had_is_an_error(place: int) -> None:
    with pytest.raises(ValueError, match="none of the last reply's"):
        Memory().grow({"kind": "judged", "effect": {"kind": "action", "action": place}})
