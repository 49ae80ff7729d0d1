"""A session for code without asyncio is the same session."""

from pathlib import Path

import pytest
from harness.action import Click, Type
from harness.errors import HarnessError, SandboxError
from harness.integrations.blocking import BlockingSession
from harness.integrations.session import SessionOverError
from harness.screen import Screen
from harness.testing import FakeSandbox
from tests.integrations.guests import ended, opened


def test_calls_wait_and_the_block_ends_the_run(tmp_path: Path) -> None:
    sandbox = FakeSandbox()
    with BlockingSession(lambda: opened(tmp_path, sandbox)) as session:
        assert session.latest.step == 1
        seen = session.do(Click(x=1, y=1), Type(text="x"), thought="because")
        assert [one.status for one in seen.results] == ["done", "refused"]
        assert session.look().observation.step == 3
        assert session.finish("done so").reason == "done so"
        with pytest.raises(SessionOverError, match="done so"):
            session.look()
    ended(session.result, "done")
    assert sandbox.closed
    with pytest.raises(SessionOverError, match="not open"):
        session.look()


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyboardInterrupt()])
def test_what_the_caller_raises_comes_through_and_nothing_is_left(
    tmp_path: Path, error: BaseException
) -> None:
    sandbox = FakeSandbox()
    session = BlockingSession(lambda: opened(tmp_path, sandbox))
    with pytest.raises(type(error)), session:
        raise error
    ended(session.result, "failed" if isinstance(error, Exception) else "interrupted")
    assert sandbox.closed


def test_what_cannot_be_opened_says_so(tmp_path: Path) -> None:
    class Shut(FakeSandbox):
        async def observe(self) -> Screen:
            raise SandboxError("no screen")

    session = BlockingSession(lambda: opened(tmp_path, Shut()))
    with pytest.raises(HarnessError, match="no screen"), session:
        raise AssertionError("the body must not run")
    ended(session.result, "error", "no screen")


def test_giving_up_is_a_call_too(tmp_path: Path) -> None:
    with BlockingSession(lambda: opened(tmp_path)) as session:
        session.give_up("too hard")
    ended(session.result, "failed", "too hard")
