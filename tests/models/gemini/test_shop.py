"""The shop task, driven to its end by the vendor's SDK over HTTP, in a real sandbox."""

from pathlib import Path

import harness
import pytest
from harness.clearance import Approval, Question
from harness.models.assemble import ModelOptions
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief, JsonObject
from harness.models.gemini.actions import FunctionSet
from harness.models.gemini.build import build
from harness.testing import RecordingApprover
from harness.trace.reader import Trace
from harness.trace.verify import verify
from vendors.brain import TASK, Brain
from vendors.gemini import KEY, Gemini
from vendors.serve import served

ASKS: JsonObject = {"decision": "require_confirmation", "explanation": "This may buy something."}


def brain() -> Brain:
    return Brain(harness.Task.load(TASK).filled())


def yes(question: Question) -> Approval:
    return question.approve(by="ada")


def not_the_warning(question: Question) -> Approval:
    return question.deny(by="ada", note="not so") if question.effect.kind == "signal" else yes(question)


async def shopping(
    server: Gemini, approver: RecordingApprover, traces: Path, functions: FunctionSet
) -> harness.Result:
    task = harness.Task.load(TASK)
    async with served(server) as url:
        model = build(
            "gemini-3.5-flash",
            Brief(task.goal, task.inputs, task.outputs),
            facts=ModelFacts(name="gemini-3.5-flash"),
            environment={"GEMINI_API_KEY": KEY, "GOOGLE_GEMINI_BASE_URL": url},
            options=ModelOptions(),
            functions=functions,
        )
        try:
            return await harness.run(
                task, model=model, sandbox="bubblewrap", policy="shopping", approver=approver, traces=traces
            )
        finally:
            await model.close()


def check(result: harness.Result, server: Gemini) -> None:
    assert server.refused == []
    assert (result.outcome, result.exit_code) == ("done", 0), result.reason
    assert result.outputs["order_id"]
    trace = Path(result.trace)
    assert verify(trace).ok
    assert not [file for file in trace.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]


@pytest.mark.long
async def test_a_warning_that_a_person_lets_pass_is_acknowledged_and_the_task_is_done(tmp_path: Path) -> None:
    server = Gemini(brain(), warn=lambda number: ASKS if number == 2 else None)
    approver = RecordingApprover(yes)
    check(await shopping(server, approver, tmp_path, "current"), server)
    assert approver.questions[0].effect.kind == "signal"
    assert server.acknowledged == 1


@pytest.mark.long
async def test_a_warning_that_a_person_refuses_is_not_acknowledged_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    server = Gemini(brain(), warn=lambda number: ASKS if number == 2 else None)
    result = await shopping(server, RecordingApprover(not_the_warning), tmp_path, "current")
    check(result, server)
    assert server.acknowledged == 0
    events = [one.event for one in Trace.open(Path(result.trace)).events]
    refused = [one for one in events if one.kind == "acted" and one.status == "refused"]
    assert len(refused) == 1
    told = [one for one in server.requests if "not so" in str(one["contents"])]
    assert told


@pytest.mark.long
async def test_the_legacy_functions_do_it_as_well(tmp_path: Path) -> None:
    server = Gemini(brain(), functions="legacy")
    check(await shopping(server, RecordingApprover(yes), tmp_path, "legacy"), server)
