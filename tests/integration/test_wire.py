"""A payment that nobody approved is held at the wire, whatever a page tries; reading changes nothing."""

import asyncio
import contextlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import harness
import pytest
from harness.action import Action, Answer, Click, Press
from harness.clearance import Approval, Question, Reply
from harness.screen import Observation
from harness.testing import ScriptedModel
from harness.trace.events import Event
from harness.trace.reader import Trace
from harness.trace.verify import verify
from harness.worlds.shop import app as make_shop
from tests.gateway.support import serving
from tests.gateway.test_websocket import real

WAYS: Final = (Path(__file__).parent.parent / "pages/wire/ways.html").read_bytes()
NAMES: Final = tuple(re.findall(r"^  ([a-z]+): way =>", WAYS.decode(), re.MULTILINE))
DEADLINE: Final = 40
HIDDEN: Final = {
    "override": "no hidden methods",
    "hidden": "no hidden method in a form",
    "link": "no hidden method in an address",
}
SWAP: Final = b"""<!doctype html><title>swap</title>
<style>body{margin:0} button,input{position:absolute;left:20px;width:200px;height:40px}</style>
<form method=post action="/pay?way=swapped"><button id=it type=button style="top:20px">Cancel</button>
<input name=amount aria-label=Amount style="top:100px"></form><script>
(async () => {
  await fetch('/asked');
  it.textContent = 'Pay'; it.type = 'submit';
  await new Promise(requestAnimationFrame);
  fetch('/swapped');
})();
</script>"""
POLICY: Final[dict[str, Any]] = {
    "name": "paying",
    "extends": ["base"],
    "domains": {"navigate": ["shop.test"]},
    "default": {"action": "allow", "request": "allow"},
    "rules": [
        {
            "name": "paying is confirmed on the wire",
            "on": "request",
            "when": {"url": ["https://shop.test/pay*", "wss://shop.test/pay*"]},
            "verdict": "ask",
        },
        {
            "name": "no hidden method in a form",
            "on": "request",
            "when": {"body": "re:(^|&)_method="},
            "verdict": "deny",
        },
        {
            "name": "no hidden method in an address",
            "on": "request",
            "when": {"url": "re:[?&]_method="},
            "verdict": "deny",
        },
        {"name": "cancelling", "on": "action", "when": {"target": {"name": "Cancel"}}, "verdict": "ask"},
    ],
    "approval": {"timeout": "30s"},
}


class Site:
    """A page, and everything that reached its host."""

    def __init__(self, page: bytes) -> None:
        self.seen: list[str] = []
        self.messages: list[object] = []
        self.asked = asyncio.Event()
        self.swapped = asyncio.Event()
        self._page = page

    @property
    def paid(self) -> list[str]:
        return [one for one in self.seen if "/pay" in one or "_method" in one or "/cart" in one]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        query = scope["query_string"].decode()
        self.seen.append(f"{scope.get('method', 'SOCKET')} {scope['path']}?{query}")
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                self.messages.append(message)
            return
        await self._answer(scope["path"], query, send)

    async def _answer(self, path: str, query: str, send: Any) -> None:
        if path == "/asked":
            await self.asked.wait()
        if path == "/swapped":
            self.swapped.set()
        status = {"/redirect": 302, "/resend": 307}.get(path, 200)
        headers = [(b"content-type", b"text/html")]
        if status != 200:
            headers.append((b"location", f"/pay?{query}".encode()))
        body = self._page if path == "/" else b"<h1>Nothing here</h1>"
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def worlds() -> Iterator[dict[str, Any]]:
    module = ModuleType("wire_site")
    sys.modules["wire_site"] = module
    yield vars(module)
    del sys.modules["wire_site"]


class Until:
    """A model that waits until the trace holds some words, then says that it is done."""

    def __init__(self, traces: Path, *words: str) -> None:
        self.missing = list(words)
        self._traces = traces

    async def reply(self, _observation: Observation) -> Reply:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                await self._found()
        return Reply(actions=(Answer(text="over"),))

    async def _found(self) -> None:
        while self.missing:
            await asyncio.sleep(0.05)
            (file,) = self._traces.glob("*/events.jsonl")
            text = file.read_text()
            self.missing = [word for word in self.missing if word not in text]


def events(result: harness.Result) -> list[Event]:
    assert verify(Path(result.trace)).ok
    return [one.event for one in Trace.open(Path(result.trace)).events]


def requests(result: harness.Result, word: str) -> list[tuple[str, str]]:
    """Outcome and rule of each request whose address holds a word."""
    return [
        (one.verdict.outcome, one.verdict.rule)
        for one in events(result)
        if one.kind == "requested" and word in one.request.url
    ]


async def run(
    tmp_path: Path, model: Any, approver: Any, policy: dict[str, Any] | str = POLICY, **hosts: str
) -> harness.Result:
    return await harness.run(
        harness.Task(
            name="wire", goal="g", start="https://shop.test/", hosts={"shop.test": "wire_site:shop", **hosts}
        ),
        model=model,
        policy=policy if isinstance(policy, str) else harness.Policy.model_validate(policy),
        sandbox="bubblewrap",
        approver=approver,
        traces=tmp_path,
    )


async def test_a_button_swapped_between_approval_and_dispatch_is_stale(
    worlds: dict[str, Any], tmp_path: Path
) -> None:
    site = worlds["shop"] = Site(SWAP)

    class Slow:
        async def decide(self, question: Question) -> Approval:
            site.asked.set()
            async with asyncio.timeout(30):
                await site.swapped.wait()
            return question.approve(by="ada")

    actions: list[Action] = [Click(x=100, y=40)]
    result = await run(tmp_path, ScriptedModel(actions), Slow())
    assert site.paid == []
    (given,) = [one for one in events(result) if one.kind == "approval_given"]
    assert given.approval.decision == "approve"
    acted = [one for one in events(result) if one.kind == "acted" and one.action.kind == "click"]
    assert [(one.status, one.rule) for one in acted] == [("refused", "stale")]


async def test_enter_in_the_form_is_held_at_the_wire(worlds: dict[str, Any], tmp_path: Path) -> None:
    site = worlds["shop"] = Site(SWAP.replace(b"it.textContent", b"it.hidden").replace(b"type=button", b""))
    actions: list[Action] = [Click(x=100, y=120), Press(keys=("Enter",))]
    policy = {**POLICY, "rules": POLICY["rules"][:3]}
    result = await run(tmp_path, ScriptedModel(actions), "deny", policy)
    assert site.paid == []
    assert requests(result, "way=swapped") == [("ask", "paying is confirmed on the wire")]


async def test_a_payment_in_every_other_way_is_held_at_the_wire_by_a_rule(
    worlds: dict[str, Any], tmp_path: Path
) -> None:
    site = worlds["shop"] = Site(WAYS)
    until = Until(tmp_path, *(f"way={name}" for name in NAMES))
    result = await run(tmp_path, until, "deny")
    assert (result.outcome, until.missing) == ("done", [])
    assert len(NAMES) == 29
    assert (site.paid, site.messages) == ([], [])
    for name in NAMES:
        outcome, rule = "ask", "paying is confirmed on the wire"
        if name in HIDDEN:
            outcome, rule = "deny", HIDDEN[name]
        assert (outcome, rule) in requests(result, f"way={name}"), name


async def test_the_same_ways_do_pay_where_nothing_forbids_it(worlds: dict[str, Any], tmp_path: Path) -> None:
    site = worlds["shop"] = Site(WAYS)
    policy = {"name": "open", "domains": POLICY["domains"], "default": POLICY["default"]}

    until = Until(tmp_path, *(f"way={name}" for name in NAMES))
    await run(tmp_path, until, "deny", policy)
    assert until.missing == []
    assert {name for name in NAMES if any(f"way={name}" in one for one in site.paid)} == set(NAMES)


class Spy:
    """The shop, and everything that reached it."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._shop = make_shop()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            self.seen.add(scope.get("method", "SOCKET"))
        await self._shop(scope, receive, send)


@pytest.mark.parametrize("policy", ["read-only", pytest.param("permissive", marks=pytest.mark.long)])
async def test_read_only_lets_no_change_and_no_websocket_message_reach_the_shop(
    policy: str, worlds: dict[str, Any], tmp_path: Path
) -> None:
    heard: list[str] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append("connection")
        await real(reader, writer)

    spy = worlds["shop"] = Spy()
    to_shop = WAYS.replace(b"location.host;", b"'shop.test';")
    to_live = WAYS.replace(b"location.host;", b"'live.test';")
    worlds["evil"], worlds["worse"] = Site(to_shop), Site(to_live)
    async with serving(listening) as server:
        hosts = {
            "evil.test": "wire_site:evil",
            "worse.test": "wire_site:worse",
            "live.test": f"http://127.0.0.1:{server.port}",
        }
        words = [
            f"{host}.test/pay?way={name}" for host in ("shop", "live") for name in ("websocket", "embed")
        ]
        model = Visiting(Until(tmp_path, *words, "way=workersocket", "way=keepalive", "way=submit"))
        result = await run(tmp_path, model, "auto", policy, **hosts)
    assert (result.outcome, model.until.missing) == ("done", [])
    if policy == "permissive":
        assert "POST" in spy.seen
        assert heard
        return
    assert spy.seen <= {"GET", "HEAD", "OPTIONS"}
    refused = dict(requests(result, "wss://"))
    assert set(refused) == {"deny"}
    sockets = [
        one for one in events(result) if one.kind == "requested" and one.request.url.startswith("wss:")
    ]
    assert {one.verdict.rule for one in sockets} == {"no open channels"}
    assert not [one for one in events(result) if one.kind == "messaged"]


class Visiting:
    """Opens two hostile pages, waits until they have done their worst, and says that it is done."""

    def __init__(self, until: Until) -> None:
        self.until = until
        self._pages = iter(("https://evil.test/", "https://worse.test/"))

    async def reply(self, observation: Observation) -> Reply:
        page = next(self._pages, None)
        if page is not None:
            return Reply(actions=(harness.parse_action({"kind": "new_tab", "url": page}),))
        return await self.until.reply(observation)
