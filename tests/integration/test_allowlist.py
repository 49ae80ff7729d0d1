"""What the policy does not allow is stopped inside the browser already; what it allows still works."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness
import pytest
from asgi import module
from harness.action import Answer
from harness.clearance import Reply, Request
from harness.screen import Observation
from harness.trace.reader import Trace
from harness.trace.verify import verify

PAGE = """<!doctype html><title>page</title><script>
const get = url => fetch(url).then(answer => answer.status, () => 'stopped');
const socket = url => new Promise(done => {
  const one = new WebSocket(url);
  one.onopen = () => done('open');
  one.onerror = () => done('stopped');
});
const worker = () => new Promise(done => {
  new Worker('/worker.js').onmessage = message => done(message.data);
});
addEventListener('load', async () => {
  if (location.pathname !== '/') return;
  navigator.sendBeacon('https://evil.test/beacon', 'x');
  const found = {
    same: await get('/x'), cdn: await get('https://cdn.test/x'), sub: await get('https://a.wild.test/x'),
    hop: await get('/redirect?https://cdn.test/x'), away: await get('/redirect?https://evil.test/hop'),
    evil: await get('https://evil.test/fetched'), socket: await socket('wss://cdn.test/s'),
    worse: await socket('wss://evil.test/socket'), worker: await worker(),
  };
  for (const src of ['https://evil.test/framed', 'https://cdn.test/frame']) {
    document.body.append(Object.assign(document.createElement('iframe'), {src}));
  }
  await fetch('/said?' + encodeURIComponent(JSON.stringify(found)));
  location = 'https://evil.test/gone';
});
</script><body></body>"""
WORKER = "fetch('https://evil.test/worked').then(() => postMessage('went'), () => postMessage('stopped'))"
POLICY: dict[str, Any] = {
    "name": "fenced",
    "domains": {"navigate": ["shop.test"], "load": ["cdn.test", "*.wild.test"]},
    "default": {"action": "allow", "request": "allow"},
}


class Site:
    def __init__(self) -> None:
        self.said = ""
        self.seen: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        self.seen.append(scope["path"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        query = scope["query_string"]
        if scope["path"] == "/said":
            self.said = query.decode()
        script = scope["path"] == "/worker.js"
        headers = [
            (b"content-type", b"text/javascript" if script else b"text/html"),
            (b"access-control-allow-origin", b"*"),
            (b"connection-allowlist", b'("*://*")'),
        ]
        moved = scope["path"] == "/redirect"
        headers += [(b"location", query)] if moved else []
        await send({"type": "http.response.start", "status": 302 if moved else 200, "headers": headers})
        await send({"type": "http.response.body", "body": (WORKER if script else PAGE).encode()})


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    with module("fenced_site", found):
        yield found


class Until:
    """A model that waits until the trace holds some words, then says that it is done."""

    def __init__(self, traces: Path, *words: str) -> None:
        self.missing = list(words)
        self.notes: list[str] = []
        self._traces = traces

    async def reply(self, observation: Observation) -> Reply:
        self.notes += observation.notes
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(25):
                while self.missing:
                    await asyncio.sleep(0.05)
                    (file,) = self._traces.glob("*/events.jsonl")
                    text = file.read_text()
                    self.missing = [word for word in self.missing if word not in text]
        return Reply(actions=(Answer(text="over"),))


async def test_the_browser_stops_what_lies_outside_and_the_trace_says_so_with_the_rule(
    site: Site, tmp_path: Path
) -> None:
    tried = ("fetched", "socket", "worked", "framed", "beacon", "gone", "hop")
    until = Until(tmp_path, *(f"evil.test/{name}" for name in tried))
    result = await harness.run(
        harness.Task(
            name="fenced",
            goal="g",
            start="https://shop.test/",
            hosts=dict.fromkeys(("shop.test", "cdn.test", "a.wild.test", "evil.test"), "fenced_site:app"),
        ),
        model=until,
        policy=harness.Policy.model_validate(POLICY),
        sandbox="bubblewrap",
        approver="deny",
        traces=tmp_path,
    )
    assert (until.missing, result.outcome) == ([], "done")
    assert verify(Path(result.trace)).ok
    said = site.said.replace("%22", "").replace("%3A", ":").replace("%2C", ",")
    assert "same:200,cdn:200,sub:200,hop:200,away:stopped,evil:stopped" in said
    assert "socket:open,worse:stopped,worker:stopped" in said
    events = [one.event for one in Trace.open(Path(result.trace)).events]
    refused: dict[str, Request] = {}
    for one in events:
        if one.kind == "requested" and "://evil.test" in one.request.url[:20]:
            assert (one.verdict.outcome, one.verdict.rule[:8]) == ("deny", "domains."), one
            refused[one.request.url.rpartition("/")[2]] = one.request
    assert set(refused) >= set(tried)
    # What the gateway heard of has its headers; of the rest it never heard.
    assert {name for name, request in refused.items() if request.headers} == {"hop"}
    assert not {f"/{name}" for name in tried} & set(site.seen)
