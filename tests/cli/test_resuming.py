"""Going on with a run, from command and Python: what is taken over, what is asked, what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness.action import Answer, AskUser, Click, GiveUp
from harness.clearance import Act, Approval, Question, Reply
from harness.cli.compose import Run
from harness.cli.progress import progress
from harness.cli.resuming import resume, taken_up
from harness.errors import InputError, ModelError, TraceError
from harness.policy.schema import Policy
from harness.replay.past import Past
from harness.replay.state import State
from harness.screen import Observation
from harness.task import Task
from harness.testing import FakeSandbox, RecordingApprover, ScriptedModel
from harness.trace.held import Claim, held
from harness.trace.reader import Trace
from harness.trace.verify import verify
from pydantic import JsonValue
from tests.cli.commands import Command, Place
from tests.replay.dead import Dead

TASK = Task.model_validate({"name": "t", "goal": "g", "start": "https://a.test/", "limits": {"steps": 8}})
POLICY = {
    "name": "p",
    "domains": {"navigate": ["a.test"]},
    "default": {"action": "allow", "request": "allow"},
}
PRESS = Click(x=5, y=6)
TWICE = {
    "name": "twice",
    "on": "action",
    "when": {"kind": ["click"], "count": "> 2"},
    "verdict": "deny",
    "why": "x",
}


class Failing:
    """A model that clicks, and cannot be asked any more after so many answers."""

    def __init__(self, answers: int) -> None:
        self.left = answers

    async def reply(self, observation: Observation) -> Reply:
        """Click, or fail."""
        del observation
        if not self.left:
            raise ModelError("no model")
        self.left -= 1
        return Reply(actions=(PRESS,))


class Script(ScriptedModel):
    """A model that follows a script."""

    recalled: JsonValue = None

    def recall(self, place: JsonValue) -> None:
        """Take up a place."""
        self.recalled = place


async def failed(tmp_path: Path, clicks: int = 2, **policy: Any) -> Path:
    """Let a run fail on its model's account, and give its trace."""
    run = Run(
        TASK,
        model=Failing(clicks),
        policy=Policy.model_validate(POLICY | policy),
        sandbox=FakeSandbox(),
        approver="deny",
        traces=tmp_path,
    )
    result = await run.go()
    assert result.outcome == "error"
    return run.folder


def saying(*notes: str) -> RecordingApprover:
    def answer(note: str) -> Any:
        return lambda question: question.approve("ann", note=note)

    return RecordingApprover(*map(answer, notes))


async def test_the_run_goes_on_in_a_trace_of_its_own_that_names_the_old_one(tmp_path: Path) -> None:
    old = await failed(tmp_path)
    sandbox, model = FakeSandbox(), ScriptedModel([PRESS, Answer(text="done")])
    result = await resume(old, model=model, sandbox=sandbox, approver="deny")
    assert (result.outcome, result.steps) == ("done", 5)
    new = Trace.open(Path(result.trace))
    assert new.folder.parent == old.parent
    assert verify(new.folder).ok
    assert new.header.resumed is not None
    assert (new.header.resumed.run_id, new.header.resumed.steps) == (old.name, 3)
    assert new.header.resumed.head == verify(old).head
    seen = model.seen[0]
    assert (seen.step, seen.goal) == (4, "g")
    assert "You go on with a run that died after step 3" in seen.notes[0]
    assert "step 1: click at 5, 6 (done); step 2: click at 5, 6 (done)" in seen.notes[1]
    assert [action.kind for action in sandbox.acted] == ["goto", "click"]
    assert not held(old)


async def test_limits_hold_over_the_whole(tmp_path: Path) -> None:
    old = await failed(tmp_path, 7)
    model = ScriptedModel([PRESS])
    result = await resume(old, model=model, sandbox=FakeSandbox(), approver="deny")
    assert (result.outcome, result.reason) == ("stopped", "limit reached: steps (8)")
    assert model.seen == []


async def test_what_was_done_before_counts_against_and_never_in_favour(tmp_path: Path) -> None:
    model = ScriptedModel([PRESS])
    old = await failed(tmp_path, 2, rules=[TWICE])
    result = await resume(old, model=model, sandbox=FakeSandbox(), approver="deny")
    statuses = [one.status for seen in model.seen for one in seen.results]
    assert (result.outcome, statuses) == ("done", ["refused"])


async def test_a_second_one_is_refused_while_the_first_goes_on_and_after(tmp_path: Path) -> None:
    old = await failed(tmp_path)
    with (
        Claim.take(old),
        pytest.raises(TraceError, match="still goes on, or is being gone on with"),
        taken_up(old, model=ScriptedModel([]), sandbox=FakeSandbox()),
    ):
        pass
    result = await resume(old, model=Failing(1), sandbox=FakeSandbox(), approver="deny")
    assert result.outcome == "error"
    with pytest.raises(InputError, match="went on with it already"):
        await resume(old, model=ScriptedModel([]), sandbox=FakeSandbox(), approver="deny")
    model = ScriptedModel([])
    again = await resume(Path(result.trace), model=model, sandbox=FakeSandbox(), approver="deny")
    assert (again.outcome, model.seen[0].step) == ("done", 6)


def in_doubt(tmp_path: Path) -> Path:
    dead = Dead(tmp_path / "run")
    dead.look(1)
    dead.act(1)
    dead.send(1, "one")
    State(dead.folder).make()
    return dead.die()


async def test_what_is_in_doubt_is_asked_with_both_pictures(tmp_path: Path) -> None:
    old = in_doubt(tmp_path)
    approver, model = saying("well", "happened, go on at https://a.test/orders/7"), Script([])
    sandbox = FakeSandbox()
    result = await resume(old, model=model, sandbox=sandbox, approver=approver)
    assert result.outcome == "done"
    question = approver.questions[0]
    assert isinstance(question.effect, Act)
    assert isinstance(question.effect.action, AskUser)
    assert "POST https://a.test/order (7 bytes), sent 2026-01-02 03:04:" in question.effect.action.question
    assert question.screenshot is not None
    assert question.screenshot.width > 2 * 320
    assert len(approver.questions) == 2
    assert [vars(action).get("url") for action in sandbox.acted] == [
        "https://a.test/",
        "https://a.test/orders/7",
    ]
    assert model.recalled == 11
    assert any("it happened" in note for note in model.seen[0].notes)
    texts = [vars(one.event).get("text") for one in Trace.open(Path(result.trace)).events]
    assert "POST https://a.test/order (7 bytes): happened, says ann" in texts


async def test_what_did_not_happen_is_done_again_by_the_script(tmp_path: Path) -> None:
    model = Script([])
    result = await resume(
        in_doubt(tmp_path), model=model, sandbox=FakeSandbox(), approver=saying("did not happen")
    )
    assert (result.outcome, model.recalled) == ("done", 10)


def stop(question: Question) -> Approval:
    del question
    return Approval(decision="stop", by="ann")


@pytest.mark.parametrize("approver", ["deny", "auto", RecordingApprover(stop)])
async def test_without_an_answer_nothing_is_done_and_the_run_can_still_be_gone_on_with(
    tmp_path: Path, approver: Any
) -> None:
    old, model, sandbox = in_doubt(tmp_path), Script([]), FakeSandbox()
    result = await resume(old, model=model, sandbox=sandbox, approver=approver)
    assert (result.outcome, result.exit_code, model.seen) == ("stopped", 3, [])
    assert "POST https://a.test/order" in result.reason
    assert f"`harness run --resume {old}" in result.reason
    assert [action.kind for action in sandbox.acted] == ["goto"]
    again = await resume(old, model=model, sandbox=FakeSandbox(), approver=saying("no"))
    assert again.outcome == "done"


async def test_a_page_that_the_policy_refuses_now_ends_it_before_the_model_is_asked(tmp_path: Path) -> None:
    policy = Policy.model_validate(POLICY | {"domains": {"navigate": ["b.test"]}})
    dead = Dead(tmp_path / "run", policy=policy)
    dead.look(1)
    with pytest.raises(InputError, match="outside the policy"):
        await resume(dead.die(), model=Script([]), sandbox=FakeSandbox(), approver="deny")


async def test_a_script_without_its_session_is_not_gone_on_with_once_something_happened(
    tmp_path: Path,
) -> None:
    dead = Dead(tmp_path / "run")
    dead.look(1)
    dead.act(1)
    dead.send(1, "one")
    dead.answer(1, "one", 303)
    old = dead.die()
    with pytest.raises(InputError, match=r"session was not kept, .* begin anew, with --resumable"):
        await resume(old, model=Script([]), sandbox=FakeSandbox(), approver="deny")
    model = ScriptedModel([GiveUp(reason="x")])
    await resume(old, model=model, sandbox=FakeSandbox(), approver="deny")
    assert any("not to be sent again: POST https://a.test/order" in note for note in model.seen[0].notes)
    assert "its session is new" in model.seen[0].notes[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--policy", "permissive"), "is not what run was judged by"),
        (("shop/buy-a-mug",), "is not the task of run, which is 't'"),
        (("--traces", "elsewhere"), "stays beside the one before it"),
        (("--input", "a=b"), "has the inputs that it began with"),
    ],
)
def test_what_is_named_besides_must_be_the_old_run_s(
    command: Command, place: Place, words: tuple[str, ...], told: str
) -> None:
    in_doubt(place.folder)
    found = command("run", "--resume", "run", *words, "--sandbox", "bubblewrap")
    assert (found.code, found.out) == (2, "")
    assert told in found.err
    assert found.err.count("\n") == 1


def test_what_is_no_trace_or_neither_task_nor_trace_is_wrong_usage(command: Command) -> None:
    for words, told in (
        (("--resume", "nowhere"), "nowhere: there is no such trace"),
        ((), "name a TASK, such as shop/buy-a-mug, or a run to go on with: --resume TRACE"),
    ):
        found = command("run", *words)
        assert (found.code, found.out) == (2, "")
        assert told in found.err


def test_a_trace_that_does_not_verify_is_exit_code_5(command: Command, place: Place) -> None:
    file = in_doubt(place.folder) / "events.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"step":1', b'"step":2', 1))
    found = command("run", "--resume", "run", "--json")
    assert (found.code, found.out) == (5, "")
    assert "does not verify, so nobody goes on with it" in found.err


def test_the_old_run_s_model_is_taken_unless_another_is_named(command: Command, place: Place) -> None:
    dead = Dead(place.folder / "run")
    dead.look(1)
    dead.die()
    found = command("run", "--resume", "run", "--approve", "deny", "--json")
    assert (found.code, found.out) == (2, "")
    assert "the local model follows sentences, and the goal of task 't' is not made of them" in found.err
    found = command("run", "--resume", "run", "--approve", "deny", "--model", "nobody")
    assert found.code == 2
    assert "nobody" in found.err


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("moment", ["type 'London'", "a person is asked"])
def test_the_command_killed_by_another_is_gone_on_with(place: Place, moment: str) -> None:
    words = ("--approve", "auto", "--sandbox", "bubblewrap")
    # What the harness itself serves is kept without being asked for.
    one = place.start("run", "shop/buy-a-mug", *words)
    one.wait_for(moment)
    one.process.kill()
    one.close()
    old = place.trace()
    assert verify(old).ok
    cleaned = place.harness("sandbox", "clean")
    assert cleaned.returncode == 0, cleaned.stderr
    assert place.left() == []
    done = place.harness("run", "--resume", str(old), "--json", *words)
    found = json.loads(done.stdout)
    if found["exit_code"] == 3:
        # It was killed while the order was on its way, and nobody is there to say what became of it.
        assert "POST https://shop.test/orders" in found["reason"]
        return
    assert (done.returncode, found["outcome"]) == (0, "done"), (found["reason"], done.stderr)
    assert len(found["checks"]) == 6
    assert not [run for run in (old, Path(found["trace"])) if (run / "state").exists()]
    assert verify(Path(found["trace"])).ok
    shown = place.harness("trace", "show", found["trace"])
    assert f"It goes on with {old.name} after step" in shown.stdout


def test_a_run_that_goes_on_says_so(tmp_path: Path) -> None:
    dead = Dead(tmp_path / "run")
    dead.look(1)
    dead.die()
    told: list[str] = []
    resumed = Past.read(tmp_path / "run").resumed
    started = Trace.open(tmp_path / "run").header.model_copy(update={"resumed": resumed})
    progress(told.append)(started)
    assert told == ["run run: model local, sandbox fake, goes on with run after step 1"]
