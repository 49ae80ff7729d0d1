"""A run as a whole, with parts that fail in every way that parts can fail."""

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Never, cast

import pytest
from harness.clearance import Reply
from harness.cli.compose import Run
from harness.errors import ModelError, SandboxError, TaskError, TraceError
from harness.policy.schema import Policy
from harness.result import Result
from harness.screen import Observation, Screen
from harness.task import Task
from harness.testing import FakeSandbox, ScriptedModel
from harness.trace.events import Event
from harness.trace.verify import verify

TASK = Task(name="t", goal="g", start="https://a.test/")
POLICY = Policy.model_validate(
    {"name": "p", "domains": {"navigate": ["a.test"]}, "default": {"action": "allow", "request": "allow"}}
)


def ready(tmp_path: Path, **changes: object) -> Run:
    parts: dict[str, object] = {
        "model": ScriptedModel([]),
        "policy": POLICY,
        "sandbox": FakeSandbox(),
        "approver": "deny",
        "traces": tmp_path / "traces",
    }
    task = changes.pop("task", TASK)
    assert isinstance(task, Task)
    build: Callable[..., Run] = Run
    return build(task, **(parts | changes))


def events(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in (Path(result.trace) / "events.jsonl").read_text().splitlines()]


def assert_told(result: Result, outcome: str, words: str) -> None:
    """The result, the trace and the report agree on how it ended."""
    assert (result.outcome, result.exit_code) == (outcome, {"error": 4, "done": 0}[outcome])
    assert words in result.reason
    found = verify(Path(result.trace))
    assert found.ok
    assert found.complete
    last = events(result)[-1]
    assert (last["outcome"], last.get("reason", "")) == (outcome, result.reason)
    assert (Path(result.trace) / "report.html").is_file()


async def test_a_run_that_is_done(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    result = await ready(tmp_path, sandbox=sandbox).go()
    assert_told(result, "done", "")
    assert sandbox.closed


class Failing(FakeSandbox):
    """A sandbox that fails somewhere."""

    def __init__(self, where: str, error: BaseException) -> None:
        super().__init__()
        self.where = where
        self.error = error

    def fail(self, where: str) -> None:
        if where == self.where:
            raise self.error

    async def open(self, socket: Path, spki: str) -> None:
        self.fail("open")
        await super().open(socket, spki)

    async def observe(self) -> Screen:
        self.fail("observe")
        return await super().observe()

    async def close(self) -> None:
        await super().close()
        self.fail("close")


@pytest.mark.parametrize("where", ["open", "observe", "close"])
async def test_a_sandbox_that_fails_is_an_error_with_its_reason(tmp_path: Path, where: str) -> None:
    result = await ready(tmp_path, sandbox=Failing(where, SandboxError("the browser died"))).go()
    assert_told(result, "error", "the browser died")
    assert [one["error"] for one in events(result) if one["kind"] == "failed"] == ["SandboxError"]


@pytest.mark.parametrize("where", ["open", "observe", "close"])
async def test_a_fault_of_the_harness_ends_in_order_and_its_place_is_in_the_trace(
    tmp_path: Path, where: str
) -> None:
    result = await ready(tmp_path, sandbox=Failing(where, ZeroDivisionError("by zero"))).go()
    assert_told(result, "error", "the harness itself failed: ZeroDivisionError: by zero; please report it")
    (failed,) = (one for one in events(result) if one["kind"] == "failed")
    assert "self.fail" in str(failed["message"])
    assert "\n" not in result.reason


class Odd:
    """A model that answers with what it is given."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def reply(self, observation: Observation) -> Reply:
        del observation
        if isinstance(self.answer, Exception):
            raise self.answer
        return cast("Reply", self.answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ModelError("no key"), "no key"),
        (KeyError("choices"), "the model failed: KeyError: 'choices'"),
        ("click", "3 answers in a row had no usable action"),
        (None, "3 answers in a row had no usable action"),
        ({"actions": [{"kind": "clik"}]}, "3 answers in a row had no usable action"),
    ],
)
async def test_a_model_that_fails_is_an_error_with_its_reason(
    tmp_path: Path, answer: object, words: str
) -> None:
    assert_told(await ready(tmp_path, model=Odd(answer)).go(), "error", words)


class Unready(ScriptedModel):
    """A model that says beforehand that it cannot be asked."""

    async def ready(self) -> None:
        raise ModelError("azure: unauthorized: no token; sign in (az login)")


async def test_a_model_that_cannot_be_asked_is_found_before_a_sandbox_is_opened(tmp_path: Path) -> None:
    sandbox = Failing("open", AssertionError("it was opened"))
    result = await ready(tmp_path, model=Unready([]), sandbox=sandbox).go()
    assert_told(result, "error", "azure: unauthorized: no token; sign in (az login)")
    assert result.steps == 0


async def test_whoever_watches_cannot_end_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def watch(event: Event) -> None:
        raise BrokenPipeError(event.kind)

    assert_told(await ready(tmp_path, watch=watch).go(), "done", "")
    assert "BrokenPipeError" in capsys.readouterr().out


class Waiting(FakeSandbox):
    """A sandbox that never gives a screen, and takes its time to close."""

    def __init__(self) -> None:
        super().__init__()
        self.looked = asyncio.Event()

    async def observe(self) -> Never:
        self.looked.set()
        while True:
            await asyncio.Event().wait()

    async def close(self) -> None:
        await asyncio.sleep(0)
        await super().close()


async def test_a_run_that_is_cancelled_ends_in_order(tmp_path: Path) -> None:
    sandbox = Waiting()
    one = ready(tmp_path, sandbox=sandbox)
    going = asyncio.ensure_future(one.go())
    await sandbox.looked.wait()
    before = one.ending
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going
    assert (before, one.ending) == (False, True)
    assert one.result is not None
    assert (one.result.outcome, one.result.exit_code) == ("interrupted", 130)
    assert verify(one.folder).complete
    assert sandbox.closed


async def test_a_trace_that_cannot_be_begun_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "traces").touch()
    sandbox = FakeSandbox()
    with pytest.raises(TraceError, match="name a folder that can be written to"):
        await ready(tmp_path, sandbox=sandbox).go()
    assert not sandbox.opened


async def test_a_trace_that_is_replaced_meanwhile_is_an_error(tmp_path: Path) -> None:
    class Replacing(FakeSandbox):
        async def observe(self) -> Screen:
            file = one.folder / "events.jsonl"
            file.rename(one.folder / "away")
            file.touch()
            return await super().observe()

    one = ready(tmp_path, sandbox=Replacing())
    result = await one.go()
    assert (result.outcome, result.exit_code) == ("error", 4)
    assert "the file was replaced by another" in result.reason
    assert verify(one.folder / "away").ok


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (TASK.model_copy(update={"start": "https://b.test/"}), "outside the policy"),
        (TASK.model_copy(update={"uploads": "nowhere"}), "'nowhere' is not a folder"),
        (TASK.model_copy(update={"hosts": {"a.test": "x"}}), "write module:attribute"),
    ],
)
def test_what_a_person_wrote_is_checked_before_anything_starts(
    tmp_path: Path, task: Task, words: str
) -> None:
    with pytest.raises(TaskError, match=words):
        ready(tmp_path, task=task)
    assert not (tmp_path / "traces").exists()


class Clumsy:
    """Asks for what cannot be done, sees what is said about it, and goes on."""

    WISHES = (
        {"kind": "click", "x": 5000, "y": 10},
        {"kind": "click", "x": math.nan, "y": 10},
        {"kind": "move", "x": math.inf, "y": -10},
        {"kind": "drag", "path": [[1, 1], [10, -3]]},
        {"kind": "press", "keys": "ctrl+Foo"},
        {"kind": "type", "text": "x" * 100_001},
        {"kind": "zoom", "region": [0, 0, 9999, 10]},
        {"kind": "switch_tab", "tab": 99},
        {"kind": "wait", "seconds": 1e400},
        {"kind": "flick", "x": 1},
    )

    def __init__(self) -> None:
        self.said: list[str] = []
        # Three answers in a row that cannot be used would end the run.
        turns = [turn for wish in self.WISHES for turn in (wish, {"kind": "wait", "seconds": 0})]
        self._turns = iter([*turns, {"kind": "answer", "text": "done"}])

    async def reply(self, observation: Observation) -> Reply:
        self.said.append(" ".join((*observation.notes, *(one.message for one in observation.results))))
        return cast("Reply", {"actions": [next(self._turns)]})


async def test_what_a_model_cannot_mean_is_told_to_it_and_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><h1>Hello</h1>")
    task = TASK.model_copy(update={"hosts": {"a.test": f"dir:{tmp_path}"}})
    model = Clumsy()
    result = await ready(tmp_path, task=task, model=model, sandbox="bubblewrap").go()
    assert_told(result, "done", "done")
    told = "\n".join(model.said)
    for words in (
        "5000",
        "finite number, not nan",
        "finite number, not inf",
        "-3",
        "Foo",
        "at most 100000 characters",
        "9999",
        "99",
        "flick",
    ):
        assert words in told, told
    statuses = [one["status"] for one in events(result) if one["kind"] == "acted"]
    assert statuses.count("failed") == 4
