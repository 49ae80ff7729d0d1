"""A Playwright trace: `playwright show-trace FILE.zip` shows actions, screenshots, network and console.

The zip holds `trace.trace` and `trace.network`, JSON lines of the trace viewer's format, and the pictures and
bodies in folders beside them. Each action shows the screen before it and the next one after it. A snapshot is
a page of one picture: the harness records pixels and no DOM.
"""

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from harness.clearance import Act, Box
from harness.trace.events import Console, Dialogued, Observed
from harness.trace.export.base import dump, millis, seconds, whole
from harness.trace.export.har import entry
from harness.trace.reader import Trace, member
from harness.trace.timeline import Deed, Exchange, Step, timeline
from harness.words import describe, points, visible

VERSION = 10
"""Of the viewer's format, which Playwright 1.65 writes; older viewers refuse it, newer ones read it."""
Json = dict[str, JsonValue]
_PAGE, _FRAME = "page@1", "frame@1"
_LEVELS = {"warning": "warning", "error": "error", "debug": "debug", "info": "info"}
_SUFFIXES = {"text/html": "html", "text/css": "css", "application/json": "json", "image/png": "png"}


def export(trace: Trace, out: Path) -> None:
    """Write a run as a trace of Playwright.

    Raises:
        TraceError: if a blob is damaged, or the file cannot be written.
    """
    with whole(out) as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        _Writer(trace, archive).write()


class _Shown(NamedTuple):
    observed: Observed
    time: float


class _Writer:
    def __init__(self, trace: Trace, archive: zipfile.ZipFile) -> None:
        self._trace, self._archive = trace, archive
        self._zero = trace.events[0].time
        self._steps = timeline(trace).steps
        self._lines: list[tuple[float, Json]] = []
        self._kept: set[str] = set()
        self._drawings: dict[str, int] = {}
        """The number of the first snapshot that shows a picture."""
        self._snapshots = 0
        self._calls = 0

    def write(self) -> None:
        shots = [
            _Shown(step.observed, self._at(step.times["observed"])) for step in self._steps if step.observed
        ]
        events = [self._options(shots)]
        ahead: list[Observed | None] = [None]
        for step in reversed(self._steps):
            ahead.append(step.observed or ahead[-1])
        for step, after in zip(self._steps, ahead[-2::-1], strict=True):
            self._step(step, after)
        self._lines += [(shot.time, self._frame(shot)) for shot in shots]
        events += [self._drawn(line) for _, line in sorted(self._lines, key=lambda one: one[0])]
        self._put("trace.trace", events)
        exchanges = sorted((one for step in self._steps for one in step.exchanges), key=lambda one: one.time)
        self._put("trace.network", [self._resource(one) for one in exchanges])

    def _put(self, name: str, lines: Sequence[Json]) -> None:
        self._archive.writestr(name, "".join(f"{dump(line)}\n" for line in lines))

    def _at(self, time: datetime) -> float:
        return millis(time, self._zero)

    def _options(self, shots: Sequence[_Shown]) -> Json:
        header = self._trace.header
        width, height = shots[0].observed.size if shots else (1280, 720)
        return {
            "version": VERSION,
            "type": "context-options",
            "origin": "library",
            "browserName": "chromium",
            "playwrightVersion": header.versions.get("playwright", ""),
            "title": f"{member(header.task, 'name')} by {header.model}: {header.run_id}",
            "options": {"viewport": {"width": width, "height": height}},
            "platform": "linux",
            "wallTime": round(seconds(self._zero) * 1000),
            "monotonicTime": 0,
            "sdkLanguage": "python",
        }

    def _step(self, step: Step, ahead: Observed | None) -> None:
        asked, replied = step.times.get("asked_model"), step.times.get("model_replied")
        end = self._at(step.time)
        if asked is not None:
            start = self._at(asked)
            end = max(self._at(replied), start) if replied else start
            call = f"step@{step.number}"
            thought = step.reply.thought if step.reply else "no answer"
            said = f"Step {step.number}, the model: {visible(thought, 120) or 'no words'}"
            self._before(call, start, said, {"thought": thought} if thought else {})
            self._snapshot(call, "before", step.observed, start)
            self._after(call, end, {}, error="" if step.reply else "the model did not answer")
            self._snapshot(call, "after", step.observed, end)
        for deed in step.deeds:
            end = self._deed(deed, step, ahead)
        for time, page in step.pages:
            self._page(page, self._at(time))
        for failure in step.failures:
            self._line(end, {"type": "error", "message": f"{failure.error}: {failure.message}", "stack": []})

    def _deed(self, deed: Deed, step: Step, ahead: Observed | None) -> float:
        self._calls += 1
        call = f"action@{self._calls}"
        start = self._at(deed.time or deed.began or deed.ended or step.time)
        end = max(self._at(deed.ended or deed.began or deed.time or step.time), start)
        title = (
            describe(Act(action=deed.action, target=deed.target)) if deed.action is not None else deed.words
        )
        params: Json = (
            {**deed.action.model_dump(mode="json", exclude_defaults=True)} if deed.action is not None else {}
        )
        self._before(call, start, title, params)
        for line in _story(deed):
            self._line(start, {"type": "log", "callId": call, "time": start, "message": line})
        self._snapshot(call, "before", step.observed, start)
        places = points(deed.action) if deed.action is not None else ()
        if places:
            box = deed.target.box if deed.target else None
            point: Json = {"x": places[-1][0], "y": places[-1][1]}
            self._line(start, {"type": "input", "callId": call, "point": point, **_box(box)})
            self._snapshot(call, "action", step.observed, start)
        result = deed.result
        error = result.message or result.status if result and result.status != "done" else ""
        if result is None and deed.refused:
            error = deed.verdicts[-1].reason
        self._after(call, end, {"status": result.status if result else "unknown"}, error=error)
        self._snapshot(call, "after", ahead or step.observed, end)
        return end

    def _line(self, at: float, line: Json) -> None:
        self._lines.append((at, line))

    def _before(self, call: str, at: float, title: str, params: Json) -> None:
        line: Json = {
            "type": "before",
            "callId": call,
            "startTime": at,
            "title": title,
            "class": "Harness",
            "method": "act",
            "params": params,
            "pageId": _PAGE,
        }
        self._line(at, line)

    def _after(self, call: str, at: float, result: Json, *, error: str = "") -> None:
        line: Json = {"type": "after", "callId": call, "endTime": at, "result": result}
        self._line(at, {**line, "error": {"name": "Error", "message": error}} if error else line)

    def _page(self, page: Console | Dialogued, at: float) -> None:
        if isinstance(page, Dialogued):
            answer = f", answered {page.answer!r}" if page.answer is not None else ""
            text = f"{page.type} {page.message!r}: {'accepted' if page.accepted else 'dismissed'}{answer}"
            level, url, row = "info", "", 0
        else:
            text, level, url, row = page.text, _LEVELS.get(page.level, "error"), page.url, page.line or 1
        if isinstance(page, Console) and page.level == "uncaught":
            thrown: Json = {"error": {"name": "", "message": text, "stack": ""}}
            event: Json = {"error": thrown, "pageId": _PAGE}
            self._line(
                at,
                {
                    "type": "event",
                    "time": at,
                    "class": "BrowserContext",
                    "method": "pageError",
                    "params": event,
                    "pageId": _PAGE,
                },
            )
            return
        self._line(
            at,
            {
                "type": "console",
                "messageType": level,
                "text": text,
                "args": [],
                "location": {"url": url, "lineNumber": max(row - 1, 0), "columnNumber": 0},
                "time": at,
                "pageId": _PAGE,
            },
        )

    def _frame(self, shot: _Shown) -> Json:
        width, height = shot.observed.size
        return {
            "type": "screencast-frame",
            "pageId": _PAGE,
            "file": self._picture(shot.observed.screenshot),
            "width": width,
            "height": height,
            "timestamp": shot.time,
            "frameSwapWallTime": seconds(self._zero) * 1000 + shot.time,
        }

    def _picture(self, digest: str) -> str:
        name = f"screencast/{digest}.png"
        if name not in self._kept:
            self._kept.add(name)
            self._archive.writestr(name, self._trace.blobs.get(digest), zipfile.ZIP_STORED)
        return name

    def _snapshot(self, call: str, phase: str, observed: Observed | None, at: float) -> None:
        if observed is None:
            return
        width, height = observed.size
        snapshot: Json = {
            "callId": call,
            "phase": phase,
            "pageId": _PAGE,
            "frameId": _FRAME,
            "frameUrl": observed.url,
            "doctype": "html",
            "html": observed.screenshot,
            "viewport": {"width": width, "height": height},
            "timestamp": at,
            "wallTime": seconds(self._zero) * 1000 + at,
            "collectionTime": 0,
            "resourceOverrides": [],
            "isMainFrame": True,
        }
        self._line(at, {"type": "frame-snapshot", "snapshot": snapshot})

    def _drawn(self, line: Json) -> Json:
        """Put the picture into a snapshot; one that an earlier line holds is pointed to."""
        snapshot = line.get("snapshot")
        if not isinstance(snapshot, dict):
            return line
        digest = str(snapshot["html"])
        known = self._drawings.setdefault(digest, self._snapshots)
        image: JsonValue = [[self._snapshots - known, 0]]
        if known == self._snapshots:
            data = base64.b64encode(self._trace.blobs.get(digest)).decode("ascii")
            style = "display: block; width: 100%"
            image = ["IMG", {"src": f"data:image/png;base64,{data}", "style": style}]
        self._snapshots += 1
        html: JsonValue = ["HTML", {}, ["BODY", {"style": "margin: 0"}, image]]
        return {**line, "snapshot": {**snapshot, "html": html}}

    def _resource(self, exchange: Exchange) -> Json:
        found = entry(exchange, self._trace.blobs)
        response, request = found["response"], found["request"]
        if isinstance(response, dict) and isinstance(response["content"], dict):
            response = {**response, "content": self._attached(response["content"])}
        if isinstance(request, dict) and isinstance(request.get("postData"), dict):
            request = {**request, "postData": self._attached(request["postData"])}
        snapshot: Json = {
            "pageref": _PAGE,
            **found,
            "request": request,
            "response": response,
            "_monotonicTime": self._at(exchange.time),
            "_frameref": _FRAME,
        }
        return {"type": "resource-snapshot", "snapshot": snapshot}

    def _attached(self, content: JsonValue) -> JsonValue:
        if not isinstance(content, dict) or not content.get("text"):
            return content
        text = str(content["text"])
        data = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
        kind = str(content.get("mimeType", "")).partition(";")[0]
        name = f"resources/{hashlib.sha256(data).hexdigest()[:40]}.{_SUFFIXES.get(kind, 'dat')}"
        if name not in self._kept:
            self._kept.add(name)
            self._archive.writestr(name, data)
        left: Json = {key: value for key, value in content.items() if key not in ("text", "encoding")}
        return {**left, "_file": name}


def _box(box: Box | None) -> Json:
    return {"box": {**box.model_dump()}} if box else {}


def _story(deed: Deed) -> Iterator[str]:
    for verdict in deed.verdicts:
        yield f"policy: {verdict.outcome} by {verdict.rule}: {verdict.reason}"
    for asking in deed.askings:
        given = asking.given
        if given is None:
            yield f"asked a person within {asking.asked.seconds:g} s: no answer"
        else:
            note = f": {given.approval.note}" if given.approval.note else ""
            yield f"{given.approval.by}: {given.approval.decision} after {given.seconds:g} s{note}"
    if deed.result is not None:
        rule = f" by {deed.result.rule}" if deed.result.rule else ""
        message = f": {deed.result.message}" if deed.result.message else ""
        yield f"result: {deed.result.status}{rule}{message}"
