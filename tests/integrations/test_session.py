"""A run driven from outside ends in order, whatever the caller does."""

import asyncio
from pathlib import Path
from typing import Any

import anyio
import pytest
from harness import SessionOverError
from harness.action import Answer, Click, Goto, Type, Wait
from harness.clearance import Cleared
from harness.errors import ActionError, SandboxError
from harness.integrations.session import said
from harness.result import Result
from harness.sandbox.base import ActOutcome
from harness.screen import Screen
from harness.testing import FakeClock, FakeSandbox
from harness.trace.reader import Trace
from tests.integrations.guests import ended, opened


def kinds(result: Result) -> list[str]:
    return [one.event.kind for one in Trace.open(Path(result.trace)).events]


async def test_each_action_is_judged_and_its_result_comes_with_a_fresh_look(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    async with opened(tmp_path, sandbox) as session:
        assert session.result is None
        first = session.latest
        assert (first.step, first.url) == (1, "https://a.test/")
        seen = await session.do(Click(x=1, y=2), thought="the button")
        assert ([one.status for one in seen.results], seen.trouble) == (["done"], None)
        seen = await session.do(Type(text="x"), Click(x=3, y=4))
        assert [one.status for one in seen.results] == ["refused", "not_executed"]
        assert seen.trouble is seen.results[0]
        assert said(seen.results[0]) == "type: refused by 'no typing': No."
        assert said(seen.results[1]) == "click: not executed: an action before it in this answer was refused"
        assert (await session.look()).observation.step == 4
    result = ended(session.result, "done")
    assert [one.kind for one in sandbox.acted] == ["goto", "click", "screenshot"]
    assert (sandbox.closed, result.steps, result.verdicts) == (True, 4, {"allow": 3, "deny": 1})
    assert kinds(result).count("model_replied") == 4


async def test_what_would_end_the_run_or_is_nothing_is_said_before_anything_is_done(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        with pytest.raises(ActionError, match="call look"):
            await session.do()
        with pytest.raises(ActionError, match="call finish"):
            await session.do(Click(x=1, y=1), Answer())
    assert ended(session.result, "done").steps == 1


async def test_an_answer_and_giving_up_end_it_with_what_was_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        result = await session.finish("all is well")
        assert (result.outcome, result.reason) == ("done", "all is well")
        assert await session.finish("again") == result
        with pytest.raises(SessionOverError, match="the session is over: done: all is well") as over:
            await session.look()
        assert over.value.result == result
    async with opened(tmp_path) as session:
        await session.give_up("too hard")
    ended(session.result, "failed", "too hard")


@pytest.mark.parametrize(
    ("limits", "words"),
    [({}, "stopped: Off."), ({"steps": 1}, "limit reached: steps")],
)
async def test_a_run_that_ends_by_itself_is_said_at_the_call(
    tmp_path: Path, limits: dict[str, Any], words: str
) -> None:
    async with opened(tmp_path, **limits) as session:
        with pytest.raises(SessionOverError, match=words):
            await session.do(Wait() if not limits else Click(x=1, y=1))
        with pytest.raises(SessionOverError, match=words):
            await session.do(Click(x=1, y=1))
    ended(session.result, "stopped", words.removeprefix("stopped: "))


async def test_time_between_calls_is_the_callers_and_counts(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path, clock=clock, seconds=60) as session:
        await session.do(Click(x=1, y=1))
        clock.advance(61)
        with pytest.raises(SessionOverError, match=r"limit reached: seconds \(60\)"):
            await session.do(Click(x=1, y=1))
    ended(session.result, "stopped", "limit reached: seconds")


async def test_a_session_nobody_calls_ends_at_its_limit(tmp_path: Path) -> None:
    async with opened(tmp_path, seconds=3) as session:
        assert session._going is not None
        await asyncio.wait((session._going,), timeout=20)
        with pytest.raises(SessionOverError, match="limit reached: seconds"):
            await session.look()
    ended(session.result, "stopped", "limit reached: seconds")


class Failing(FakeSandbox):
    """A sandbox whose browser dies when it is clicked, or never comes back."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.acting = asyncio.Event()

    async def act(self, cleared: Cleared) -> ActOutcome:
        outcome = await super().act(cleared)
        if self.acted[-1].kind == "click":
            self.acting.set()
            if self.error is None:
                await asyncio.Event().wait()
            else:
                raise self.error
        return outcome


async def test_a_sandbox_that_dies_is_an_outcome_and_no_hang(tmp_path: Path) -> None:
    async with opened(tmp_path, Failing(SandboxError("the browser died"))) as session:
        with pytest.raises(SessionOverError, match="error: the browser died"):
            await session.do(Click(x=1, y=1))
    ended(session.result, "error", "the browser died")


async def test_a_call_that_never_comes_back_is_cut_off(tmp_path: Path) -> None:
    async with opened(tmp_path, Failing(), longest=0.2) as session:
        with pytest.raises(SessionOverError, match=r"did not come back within 0\.2 s"):
            await session.do(Click(x=1, y=1))
    ended(session.result, "interrupted")


async def test_a_start_that_is_refused_opens_nothing(tmp_path: Path) -> None:
    class Shut(FakeSandbox):
        async def observe(self) -> Screen:
            raise SandboxError("no screen")

    session = opened(tmp_path, Shut())
    with pytest.raises(SessionOverError, match="no screen"):
        async with session:
            raise AssertionError("the body must not run")
    ended(session.result, "error", "no screen")


async def test_an_exception_of_the_caller_gives_the_run_up_and_comes_through(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    session = opened(tmp_path, sandbox)

    async def caller() -> None:
        async with session:
            await session.do(Click(x=1, y=1))
            raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError):
        await caller()
    ended(session.result, "failed", "the caller failed: ZeroDivisionError: by zero")
    assert sandbox.closed


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelling_the_caller_interrupts_the_run_and_leaves_nothing(
    tmp_path: Path, times: int
) -> None:
    sandbox = Failing()
    session = opened(tmp_path, sandbox)

    async def caller() -> None:
        async with session:
            await session.do(Click(x=1, y=1))

    task = asyncio.create_task(caller())
    await sandbox.acting.wait()
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    ended(session.result, "interrupted")
    assert sandbox.closed


async def test_a_scope_that_cancels_again_and_again_leaves_nothing_either(tmp_path: Path) -> None:
    sandbox = Failing()
    session = opened(tmp_path, sandbox)
    with anyio.move_on_after(0.2) as scope:
        async with session:
            await session.do(Click(x=1, y=1))
    assert scope.cancelled_caught
    ended(session.result, "interrupted")
    assert sandbox.closed


async def test_a_call_that_is_given_up_leaves_the_session_usable(tmp_path: Path) -> None:
    class Slow(FakeSandbox):
        gate = asyncio.Event()

        async def act(self, cleared: Cleared) -> ActOutcome:
            outcome = await super().act(cleared)
            if self.acted[-1].kind == "click":
                await self.gate.wait()
            return outcome

    sandbox = Slow()
    async with opened(tmp_path, sandbox) as session:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await session.do(Click(x=1, y=1))
        sandbox.gate.set()
        seen = await session.do(Goto(url="https://a.test/2"))
        assert [one.action.kind for one in seen.results] == ["goto"]
    ended(session.result, "done")
    assert [one.kind for one in sandbox.acted] == ["goto", "click", "goto"]


async def test_calls_at_once_are_taken_one_after_the_other(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    async with opened(tmp_path, sandbox) as session:
        found = await asyncio.gather(*(session.do(Click(x=number, y=1)) for number in range(5)))
        assert [one.results[0].action for one in found] == [Click(x=number, y=1) for number in range(5)]
        assert [one.observation.step for one in found] == [2, 3, 4, 5, 6]
    ended(session.result, "done")


async def test_a_session_that_is_not_open_says_so(tmp_path: Path) -> None:
    session = opened(tmp_path)
    with pytest.raises(SessionOverError, match="async with"):
        await session.look()
    async with session:
        pass
    with pytest.raises(SessionOverError, match="make another"):
        await session.__aenter__()
