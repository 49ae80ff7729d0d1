"""A run with bodies, a WebSocket, a console and a dialog, written by the real writer."""

import gzip
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from harness.action import Click, Goto, Type
from harness.clearance import Box, Request, Resource, Target, Usage
from harness.trace.events import (
    AskedModel,
    Checked,
    Console,
    Dialogued,
    Messaged,
    ModelReplied,
    Requested,
    Responded,
    RunFinished,
)
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from tests.trace.conftest import Story, picture

SITE = "https://shop.test/"
PAGE = b"<!doctype html><title>Shop</title><link rel=stylesheet href=/s.css><h1>Hello there</h1>\
<script>fetch('/buy', {method: 'POST', body: 'sku=MUG&n=1', headers: {'content-type': \
'application/x-www-form-urlencoded'}}).then(r => r.json()).then(r => document.title = r.said)</script>"
STYLE = b"h1 { color: rgb(1, 2, 3) }"
DOT = bytes(range(256))
BUTTON = Target(
    role="button",
    name="Buy",
    tag="button",
    url=SITE,
    frame_origin="https://shop.test",
    box=Box(x=1, y=2, width=30, height=40),
)


class Rich(Story):
    """Writes requests with bodies, too."""

    def fetched(
        self,
        step: int,
        url: str,
        body: bytes,
        kind: str,
        *,
        coding: str = "",
        sent: bytes = b"",
        status: int = 200,
        resource: Resource = "document",
        location: str = "",
    ) -> Request:
        self.requests += 1
        raw = gzip.compress(body, mtime=0) if coding == "gzip" else body
        request = Request(
            id=f"r{self.requests}",
            method="POST" if sent else "GET",
            url=url,
            headers=(
                ("accept", "*/*"),
                *((("content-type", "application/x-www-form-urlencoded"),) if sent else ()),
            ),
            body_sha256=hashlib.sha256(sent).hexdigest(),
            body_size=len(sent),
            resource=resource,
        )
        headers = [("content-type", kind), *([("content-encoding", coding)] if coding else [])]
        headers += [("location", location)] if location else []
        self.write(
            Requested(
                step=step,
                request=request,
                verdict=self.verdict(request),
                body=self.writer.blob(sent) if sent else None,
            ),
            Responded(
                step=step,
                request=request.id,
                status=status,
                sent=len(sent),
                received=len(raw),
                seconds=0.02,
                headers=tuple(headers),
                body=self.writer.blob(raw),
                sha256=hashlib.sha256(raw).hexdigest(),
            ),
        )
        return request

    def socket(self, step: int) -> None:
        request = Request(id="ws", method="GET", url="wss://shop.test/live", resource="websocket")
        self.write(
            Requested(step=step, request=request, verdict=self.verdict(request)),
            Messaged(
                step=step, request="ws", direction="out", size=2, blob=self.writer.blob(b"hi"), sha256=None
            ),
            Messaged(
                step=step, request="ws", direction="in", text=False, size=2, blob=self.writer.blob(b"\0\xff")
            ),
            Messaged(step=step, request="ws", direction="out", size=9, refused="limits: too long"),
            Responded(step=step, request="ws", status=101, messages=(1, 1), seconds=0.5),
        )

    def replied(self, step: int, *actions: Click | Type | Goto) -> None:
        self.write(
            ModelReplied(
                step=step,
                thought="It says Buy.",
                actions=actions,
                usage=Usage(input_tokens=100, output_tokens=7, cost_usd=0.01),
                raw=self.writer.blob(b'{"made": "up"}'),
                seconds=0.3,
            )
        )

    def rich(self) -> None:
        self.start()
        self.fetched(0, SITE + "old", b"", "text/html", status=302, location="/")
        self.fetched(0, SITE, PAGE, "text/html", coding="gzip")
        self.fetched(0, SITE + "s.css", STYLE, "text/css", resource="style")
        self.fetched(0, SITE + "dot.bin", DOT, "application/octet-stream", resource="fetch")
        self.request(1, "GET", "https://tracker.test/pixel", "deny")
        self.look(1, picture("white"), title="Shop", url=SITE)
        self.write(AskedModel(step=1, request=self.writer.blob(b'{"model": "m-1"}')))
        self.replied(1, Click(x=16, y=22))
        self.act(1, Click(x=16, y=22), BUTTON, outcome="ask")
        self.fetched(
            1, SITE + "buy", b'{"said": "Bought"}', "application/json", sent=b"sku=MUG&n=1", resource="fetch"
        )
        self.socket(1)
        self.write(
            Console(step=1, level="error", text="It <b>broke</b>", url=SITE + "a.js", line=3),
            Console(step=1, level="uncaught", text="TypeError: no"),
            Dialogued(step=1, type="confirm", message="Sure?", accepted=True),
        )
        self.look(2, picture("red"), title="Bought", url=SITE)
        self.replied(2, Type(text="{{secret:shop_password}}"), Goto(url="https://evil.test/"))
        self.act(2, Type(text="{{secret:shop_password}}"), BUTTON)
        self.act(2, Goto(url="https://evil.test/"), outcome="deny", index=1)
        self.look(3, picture("blue"), title="Bought", url=SITE)
        self.write(Checked(check="the screen shows Bought", passed=True, detail="it does"))
        self.write(
            RunFinished(
                outcome="done",
                exit_code=0,
                steps=3,
                usage=Usage(input_tokens=200, output_tokens=14, cost_usd=0.02),
                verdicts={"allow": 8, "ask": 1, "deny": 2},
                seconds=1.5,
                head=self.writer.head,
            )
        )
        self.writer.close()


@pytest.fixture
def trace(story: Story, folder: Path) -> Trace:
    """The run with bodies."""
    Rich(story.writer).rich()
    return Trace.open(folder)


@pytest.fixture
def plain(tmp_path: Path, now: Callable[[], datetime]) -> Trace:
    """The run without bodies."""
    folder = tmp_path / "traces" / "plain"
    Story(TraceWriter.create(folder, now=now)).whole()
    return Trace.open(folder)
