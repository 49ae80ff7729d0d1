"""Runs that sign and anchor what they leave, however they end."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.cli.compose import Run
from harness.cli.sealing import Seal
from harness.cli.sessions import session
from harness.errors import InputError, SandboxError, TraceError
from harness.result import Result
from harness.testing import FakeSandbox
from harness.trace.anchor import anchored
from harness.trace.signature import look
from harness.trace.signing import keygen, public_key
from harness.trace.verify import verify
from tests.cli.test_compose import POLICY, TASK, Failing, ready


@pytest.fixture
def key(tmp_path: Path) -> Path:
    keygen(tmp_path / "key")
    return tmp_path / "key"


def sealed(result: Result, tmp_path: Path) -> None:
    """Assert that a trace verifies, and that its signature and anchor hold."""
    folder = Path(result.trace)
    found = verify(folder)
    assert (found.ok, found.complete, found.beside) == (True, True, ())
    keys = [public_key(tmp_path / "key.pub")]
    assert look(folder, found.run_id, found.lines, found.head, keys).state == "valid"
    states = [one.state for one in anchored(tmp_path / "heads", folder / "events.jsonl", result.run_id)]
    assert states == ["holds"]


def made(tmp_path: Path, sandbox: FakeSandbox) -> Run:
    return ready(tmp_path, sandbox=sandbox, sign=tmp_path / "key", anchor=tmp_path / "heads")


async def test_a_run_that_is_done_is_signed_and_anchored(tmp_path: Path, key: Path) -> None:
    result = await made(tmp_path, FakeSandbox()).go()
    assert result.outcome == "done"
    sealed(result, tmp_path)
    secret = key.read_text().splitlines()[1]
    for path in Path(result.trace).rglob("*"):
        assert path.is_dir() or secret not in path.read_text(errors="replace")


@pytest.mark.usefixtures("key")
async def test_a_run_that_ends_by_an_error_is_signed_and_anchored(tmp_path: Path) -> None:
    for error in (SandboxError("the browser died"), ValueError("a fault")):
        result = await made(tmp_path, Failing("observe", error)).go()
        assert result.outcome == "error"
        sealed(result, tmp_path)


@pytest.mark.usefixtures("key")
async def test_a_run_that_is_interrupted_is_signed_and_anchored(tmp_path: Path) -> None:
    run = made(tmp_path, Failing("observe", asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        await run.go()
    assert run.result is not None
    sealed(run.result, tmp_path)


@pytest.mark.usefixtures("key")
async def test_a_session_is_signed_and_anchored_when_it_is_over(tmp_path: Path) -> None:
    made = session(
        TASK,
        policy=POLICY,
        sandbox=FakeSandbox(),
        traces=tmp_path / "traces",
        sign=tmp_path / "key",
        anchor=tmp_path / "heads",
    )
    async with made:
        pass
    assert made.result is not None
    sealed(made.result, tmp_path)
    with pytest.raises(InputError, match="the key cannot be read"):
        session(TASK, policy=POLICY, sandbox=FakeSandbox(), sign=tmp_path / "gone")


def test_what_cannot_be_used_is_said_before_anything_is_started(tmp_path: Path, key: Path) -> None:
    (tmp_path / "letter").write_text("Dear Ada")
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "key").symlink_to(key)
    for changes, why in (
        ({"sign": tmp_path / "gone"}, "the key cannot be read"),
        ({"sign": tmp_path / "letter"}, "type chmod 600"),
        ({"anchor": tmp_path / "letter"}, "is no anchor file"),
        ({"anchor": tmp_path / "gone" / "heads"}, "cannot be written"),
        ({"sign": key, "task": TASK.model_copy(update={"uploads": str(tmp_path)})}, "folder of uploads"),
    ):
        with pytest.raises(InputError, match=why):
            ready(tmp_path, **changes)
    assert not (tmp_path / "traces").exists()


async def test_what_cannot_be_signed_at_the_end_is_an_error(tmp_path: Path, key: Path) -> None:
    class Hostile(FakeSandbox):
        async def close(self) -> None:
            await super().close()
            (next((tmp_path / "traces").iterdir()) / "signature.json").touch()

    result = await ready(tmp_path, sandbox=Hostile(), sign=key).go()
    assert (result.outcome, result.exit_code) == ("error", 4)
    assert "signature.json: is there already" in result.reason


def test_nothing_is_said_of_a_trace_without_a_line(tmp_path: Path, key: Path) -> None:
    seal = Seal.of(key, None, shown=None)
    seal.put(tmp_path, "r", 0, "0" * 64, datetime.now(UTC))
    assert not (tmp_path / "signature.json").exists()
    with pytest.raises(TraceError):
        seal.put(tmp_path / "gone", "r", 1, "0" * 64, datetime.now(UTC))
