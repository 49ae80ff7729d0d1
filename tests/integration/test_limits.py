"""Each limit ends a whole run with exit code 3 and its name, whether the policy or the task sets it."""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from harness.action import Type, Wait
from harness.clearance import Cleared, Reply, Usage
from harness.cli.compose import Run
from harness.policy.schema import Policy
from harness.sandbox.base import ActOutcome
from harness.screen import Observation
from harness.task import Task
from harness.testing import FakeClock, FakeSandbox
from harness.trace.events import Messaged
from harness.trace.reader import Trace
from harness.trace.verify import verify
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage

PAGE = b"x" * 5_000


class Surfer(FakeSandbox):
    """A sandbox without a browser, that sends a real request through the real gateway for every action."""

    def __init__(self, body: bytes = b"") -> None:
        super().__init__()
        self.answers: list[bytes] = []
        self.body = body
        self.socket = Path()

    async def open(self, socket: Path, spki: str) -> None:
        self.socket = socket
        await super().open(socket, spki)

    async def act(self, cleared: Cleared) -> ActOutcome:
        outcome = await super().act(cleared)
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        head = f"{'POST' if self.body else 'GET'} http://a.test/page.txt HTTP/1.1\r\nhost: a.test\r\n"
        head += f"connection: close\r\ncontent-length: {len(self.body)}\r\n\r\n"
        writer.write(head.encode() + self.body)
        async with asyncio.timeout(10):
            self.answers.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        return outcome


class Endless:
    """A model that goes on for ever, at a price, while time passes."""

    def __init__(self, clock: FakeClock, seconds: float = 0.1) -> None:
        self.asked = 0
        self._clock = clock
        self._seconds = seconds

    async def reply(self, observation: Observation) -> Reply:
        self.asked = observation.step
        self._clock.advance(self._seconds)
        usage = Usage(input_tokens=90, output_tokens=10, cost_usd=0.25)
        text = Type(text="x" * observation.step)
        return Reply(actions=(Wait(seconds=0), text), usage=usage)


CASES: dict[str, Any] = {
    "steps": 3,
    "seconds": 1,
    "actions_per_minute": 5,
    "text": 4,
    "requests": 6,
    "upload": 2_500,
    "download": "20kB",
    "tokens": 450,
    "cost": "1.20 USD",
}


def policy(**limits: Any) -> Policy:
    return Policy.model_validate(
        {
            "name": "p",
            "domains": {"navigate": ["http://a.test"]},
            "default": {"action": "allow", "request": "allow"},
            "limits": limits,
        }
    )


@pytest.mark.parametrize("whose", ["policy", "task"])
@pytest.mark.parametrize("name", CASES)
async def test_a_limit_ends_the_run_with_exit_code_3_and_its_name(
    tmp_path: Path, name: str, whose: str
) -> None:
    limits = {name: CASES[name]}
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "page.txt").write_bytes(PAGE)
    task = Task.model_validate(
        {
            "name": "t",
            "goal": "g",
            "start": "http://a.test/page.txt",
            "hosts": {"a.test": f"dir:{folder}"},
            "limits": limits if whose == "task" else {},
        }
    )
    clock = FakeClock()
    model = Endless(clock)
    sandbox = Surfer(body=b"y" * 500 if name == "upload" else b"")
    build: Callable[..., Run] = Run
    result = await build(
        task,
        model=model,
        policy=policy(**(limits if whose == "policy" else {})),
        sandbox=sandbox,
        approver="deny",
        traces=tmp_path / "traces",
        clock=clock,
    ).go()
    assert (result.outcome, result.exit_code) == ("stopped", 3), result.reason
    assert f"limit reached: {name} (" in result.reason
    assert 1 <= model.asked <= 12
    if name in ("requests", "upload", "download"):
        assert b"403" in sandbox.answers[-1].split(b"\r\n")[0] or name == "download"
    else:
        assert all(b" 200 " in one.split(b"\r\n")[0] for one in sandbox.answers)


class Talker(FakeSandbox):
    """A sandbox without a browser, that says as much as it is let to over one real WebSocket."""

    def __init__(self) -> None:
        super().__init__()
        self.socket = Path()

    async def open(self, socket: Path, spki: str) -> None:
        self.socket = socket
        await super().open(socket, spki)

    async def act(self, cleared: Cleared) -> ActOutcome:
        outcome = await super().act(cleared)
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        ws = WSConnection(ConnectionType.CLIENT)
        writer.write(b"CONNECT a.test:80 HTTP/1.1\r\nhost: a.test:80\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ws.send(Request(host="a.test", target="/talk")))
        async with asyncio.timeout(10):
            while data := await reader.read(65_536):
                ws.receive_data(data)
                for _ in ws.events():
                    writer.write(ws.send(TextMessage(data="x" * 100)))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return outcome


class Echo:
    """An app that says back, twice as long, what it hears."""

    def __init__(self) -> None:
        self.heard = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            raise NotImplementedError
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.heard += 1
            await send({"type": "websocket.send", "text": message["text"] * 2})


@pytest.mark.parametrize(
    ("name", "limit", "heard"),
    [("messages", 5, 3), ("message", 150, 1), ("upload", 450, 4), ("download", 450, 3)],
)
async def test_each_limit_on_websocket_messages_ends_the_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, limit: int, heard: int
) -> None:
    module, echo = ModuleType("talking_site"), Echo()
    vars(module)["app"] = echo
    monkeypatch.setitem(sys.modules, "talking_site", module)
    task = Task(name="t", goal="g", start="http://a.test/", hosts={"a.test": "talking_site:app"})
    clock = FakeClock()
    model = Endless(clock)
    run = Run(
        task,
        model=model,
        policy=policy(**{name: limit}),
        sandbox=Talker(),
        approver="deny",
        traces=tmp_path,
        clock=clock,
    )
    result = await run.go()
    assert (result.outcome, result.exit_code) == ("stopped", 3), result.reason
    assert f"limit reached: {name} ({limit})" in result.reason
    assert (echo.heard, model.asked) == (heard, 0)
    assert verify(Path(result.trace)).ok
    events = [one.event for one in Trace.open(Path(result.trace)).events]
    messages = [event for event in events if isinstance(event, Messaged)]
    assert [one.refused is None for one in messages] == [True] * (len(messages) - 1) + [False]
    sent = next(one for one in messages if one.blob)
    assert Trace.open(Path(result.trace)).blobs.get(sent.blob or "") == b"x" * 100
