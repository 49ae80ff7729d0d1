"""What a person sees while a run goes on, and at its end."""

from pathlib import Path

import pytest
from harness.action import Click
from harness.clearance import Act, Incident, Outcome, Request, Resource, Usage, Verdict, digest
from harness.cli.progress import progress, summary
from harness.result import CheckResult, Result
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    AskedModel,
    Event,
    ModelReplied,
    Requested,
    Responded,
    RunStarted,
)
from pydantic import JsonValue


def said(*events: Event) -> list[str]:
    lines: list[str] = []
    watch = progress(lines.append)
    for event in events:
        watch(event)
    return lines


def started(sandbox: JsonValue) -> RunStarted:
    return RunStarted(
        run_id="r",
        task={},
        policy={},
        policy_sha256="0" * 64,
        model="local",
        approver="deny",
        sandbox=sandbox,
        versions={},
    )


def verdict(outcome: Outcome, effect: Request | Act) -> Verdict:
    return Verdict(outcome=outcome, rule="r", reason="Because.", policy="0" * 64, effect=digest(effect))


def test_what_an_answer_cost_and_what_went_wrong_is_told() -> None:
    busy = Incident(fault="rate_limited", message="slow down", waited=7.0)
    usage = Usage(input_tokens=2345, output_tokens=12)
    (line,) = said(ModelReplied(step=3, thought="Click it.", usage=usage, incidents=(busy,)))
    assert line.splitlines() == [
        "step  3  Click it.",
        "      ! the model: rate limited: slow down; asked again after 7 s",
        "      2,345 tokens read, 12 written, cost unknown",
    ]
    assert said(ModelReplied(step=3)) == []


def requested(outcome: Outcome, resource: Resource, ident: str = "1") -> Requested:
    request = Request(id=ident, method="GET", url="https://a.test/x", resource=resource)
    return Requested(step=1, request=request, verdict=verdict(outcome, request))


@pytest.mark.parametrize(
    ("sandbox", "loose"),
    [
        ({"kind": "process", "isolated": False, "browser": "Chromium 1"}, True),
        ({"kind": "bubblewrap", "isolated": True, "browser": "Chromium 1"}, False),
        # A browser that never started let nothing out.
        ({"kind": "docker", "isolated": False, "browser": ""}, False),
    ],
)
def test_a_run_says_when_it_is_not_isolated(sandbox: JsonValue, loose: bool) -> None:
    (line,) = said(started(sandbox))
    assert line.startswith("run r: model local, sandbox ")
    assert ("NOT ISOLATED" in line) == loose


def test_an_action_is_told_once_with_what_became_of_it() -> None:
    click = Click(x=3, y=4)
    lines = said(
        AskedModel(step=1),
        ModelReplied(step=1, thought="I click\x1b[2J.", actions=(click,), seconds=0.1, usage=Usage()),
        Acting(step=1, index=0, action=click, target=None, effect="0" * 64),
        Acted(step=1, index=0, action=click, status="failed", message="it is gone"),
    )
    assert lines == ["step  1  I click\\e[2J.", "      ! click at 3, 4: it is gone"]


def test_refused_requests_and_pages_that_did_not_come_are_told() -> None:
    failed = Responded(step=1, request="2", status=502, error="the app raised KeyError: 'x'")
    lines = said(
        requested("deny", "image"),
        requested("allow", "document", "2"),
        failed,
        requested("allow", "image", "3"),
        failed.model_copy(update={"request": "3"}),
    )
    assert lines == [
        "      ✗ GET https://a.test/x: Because.",
        "      ! GET https://a.test/x: the app raised KeyError: 'x'",
    ]


def test_a_question_is_told() -> None:
    act = Act(action=Click(x=1, y=1))
    asked = ApprovalAsked(step=1, question="q", effect=act, verdict=verdict("ask", act), seconds=1)
    assert said(asked) == ["      ? a person is asked: Because."]


def result(**changes: object) -> Result:
    basic = {
        "run_id": "r",
        "trace": "/nowhere/r",
        "outcome": "done",
        "exit_code": 0,
        "steps": 1,
        "seconds": 2,
    }
    return Result.model_validate(basic | changes)


def test_a_summary_shows_checks_outputs_and_only_a_report_that_is_there(tmp_path: Path) -> None:
    checks = (CheckResult(check="url x", passed=False, detail="\x1b[31m"),)
    text = summary(
        result(outcome="failed", reason="one\ntwo", checks=checks, outputs={"a": "b"}, verdicts={"allow": 3})
    )
    assert text.splitlines() == [
        "failed after 1 step, 2.0 s",
        "  one",
        "  two",
        "  ✗ url x: \\e[31m",
        "  a = b",
        "  verdicts: 3 allow",
        "  trace:    /nowhere/r",
    ]
    (tmp_path / "report.html").touch()
    assert summary(result(trace=str(tmp_path))).endswith(f"  report:   {tmp_path}/report.html")


@pytest.mark.parametrize("outcome", ["error", "interrupted"])
def test_what_was_said_on_standard_error_is_not_said_again(outcome: str) -> None:
    assert "the reason" not in summary(result(outcome=outcome, reason="the reason"))
