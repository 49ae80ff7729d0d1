"""What is fuzzed: each target takes any bytes, and raises only if a promise does not hold.

A policy is refused in one line or read, and however its text goes on it never allows what its first rule
forbids. An effect is judged, and none outside the policy's host is allowed. Bytes at the gateway bring
nothing to an upstream but what the policy allows, and are answered or cut off in time.
"""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

import ada_url
from harness.action import parse_action
from harness.approval.auto import DenyApprover
from harness.checkpoint import Checkpoint
from harness.clearance import Act, Effect, Request, Target
from harness.errors import ActionError, PolicyError
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.limits import Budget
from harness.policy import Engine, Policy
from harness.task import Limits
from harness.testing import FakeClock, MemoryRecorder

FORBIDDEN: Final = Request(id="r", method="GET", url="https://shop.test/forbidden", resource="fetch")
_START: Final = b"""version: 1
name: fuzzed
domains: {navigate: [shop.test]}
default: {action: allow, request: allow}
rules:
  - {name: never, on: request, when: {url: 'https://shop.test/forbidden*'}, verdict: deny}
"""
_STEMS: Final = (
    b"",
    b"  - {name: a, on: request, when: {url: '*'}, verdict: allow}\n",
    b"  - {name: a, on: request, when: {",
    b"limits: {",
    b"extends: [",
    b"domains: {load: [",
    b"secrets: {",
    b"examples:\n  - {request: {",
)
_FENCED: Final = Policy.model_validate(
    {
        "name": "fenced",
        "domains": {"navigate": ["shop.test", "http://shop.test"]},
        "default": {"action": "allow", "request": "deny"},
        "rules": [
            {
                "name": "the way in",
                "on": "request",
                "when": {"method": "GET", "url": ["https://shop.test/ok*", "http://shop.test/ok*"]},
                "verdict": "allow",
            },
        ],
    }
)
_HEADS: Final = (
    b"",
    b"GET http://shop.test/ok HTTP/1.1\r\nHost: shop.test\r\n",
    b"POST http://shop.test/ok HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 5\r\n",
    b"POST http://shop.test/pay HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET http://shop.test/",
    b"GET http://",
    b"CONNECT shop.test:80 HTTP/1.1\r\nHost: shop.test:80\r\n\r\n",
    b"CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n\x16\x03\x01",
    b"CONNECT ",
    b"GET http://shop.test/ok HTTP/1.1\r\nHost: shop.test\r\nUpgrade: ",
)
TURNS: Final = 60
"""Turns of the loop in which a request is read, judged and answered by an app that does nothing."""
SECONDS: Final = 10.0
"""What one input may take at the gateway."""


def _pick(data: bytes, stems: tuple[bytes, ...]) -> bytes:
    return stems[data[0] % len(stems)] + data[1:] if data else b""


def policy(data: bytes) -> None:
    """Read a policy whose text goes on with these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "policy.yaml"
        file.write_bytes(_START + _pick(data, _STEMS))
        try:
            found = Policy.load(file)
        except PolicyError as error:
            told = str(error)
            assert str(file) in told, told
            assert "\n" not in told, told
            return
    assert Engine(found).judge(FORBIDDEN).outcome in ("deny", "stop"), data


def effect(data: bytes) -> None:
    """Judge a request, and an action, made of these bytes."""
    text = data.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    engine = Engine(_FENCED)
    parts = (text + "\n\n\n").split("\n")
    for url in (
        parts[0],
        f"https://{parts[0]}",
        f"https://shop.test{parts[0]}",
        f"https://shop.test/{parts[0]}",
    ):
        request = Request(
            id="r", method=parts[1] or "GET", url=url, headers=((parts[2], parts[3]),), body_text=text
        )
        if engine.judge(request).outcome != "deny":
            assert _inside(url), url
            assert parts[1] in ("", "GET"), parts[1]
        engine.foresee(request)
    action = _action(parts)
    if action is not None:
        engine.judge(action)


def _inside(url: str) -> bool:
    found = ada_url.URL(url)
    return found.hostname == "shop.test" and found.protocol in ("https:", "http:") and found.port == ""


def _action(parts: list[str]) -> Effect | None:
    offered: Mapping[str, Any] = {"kind": parts[0], "text": parts[1], "url": parts[2], "keys": parts[3]}
    for names in (("kind", "text"), ("kind", "url"), ("kind", "keys")):
        with contextlib.suppress(ActionError):
            action = parse_action({name: offered[name] for name in names})
            return Act(action=action, target=Target(role=parts[1], name=parts[2], href=parts[3]))
    return None


class Wire:
    """A gateway with a policy, to which one input after the other is sent on connections of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._folder = tempfile.TemporaryDirectory()
        self._socket = Path(self._folder.name) / "gateway.sock"
        self.reached: list[str] = []
        numbers = itertools.count()
        self._gateway = ProxyGateway(
            {"shop.test": AsgiUpstream(self._app)},
            None,
            ids=lambda: f"r{next(numbers)}",
            clock=FakeClock(),
            body_limit=1_000_000,
        )

    def __enter__(self) -> Self:
        self._loop.run_until_complete(self._gateway.open(self._socket, self._checkpoint()))
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._gateway.close())
        self._loop.close()
        self._folder.cleanup()

    def feed(self, data: bytes) -> None:
        """Send these bytes, then hang up; whatever reached the app must have been allowed."""
        self.reached.clear()
        self._loop.run_until_complete(asyncio.wait_for(self._feed(_pick(data, _HEADS)), SECONDS))
        for one in self.reached:
            assert one.startswith("GET /ok"), (one, data)

    async def _feed(self, data: bytes) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        with contextlib.suppress(OSError):
            writer.write(data)
            # Whoever hangs up at once is not served any more: first everything is let happen that will.
            for _ in range(TURNS):
                await asyncio.sleep(0)
            writer.write_eof()
            while await reader.read(65_536):
                pass
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _app(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        self.reached.append(f"{scope.get('method', 'SOCKET')} {scope['raw_path'].decode()}")
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    def _checkpoint(self) -> Checkpoint:
        clock = FakeClock()
        found = Checkpoint(
            Engine(_FENCED),
            DenyApprover(),
            MemoryRecorder(),
            Budget(Limits(), clock),
            goal="g",
            timeout=1,
            otherwise="deny",
            clock=clock,
            now=lambda: datetime(2026, 1, 1, tzinfo=UTC),
            ids=lambda: "q",
        )
        found.begin()
        return found
