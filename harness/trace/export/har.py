"""HAR 1.2: every request of a run, refused ones too, for browsers' network panels and HTTP tools.

Pages are top-level documents. What the format has no word for stands in each entry's `_harness`: the step,
the verdict, its rule and reason, the people who were asked. WebSocket messages are Chrome's
`_webSocketMessages`.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

from pydantic import JsonValue

from harness._version import __version__
from harness.trace.blobs import BlobStore
from harness.trace.events import Messaged
from harness.trace.export.base import dump, iso, millis, seconds, whole
from harness.trace.export.bodies import codings, decoded, spoken
from harness.trace.reader import Trace
from harness.trace.timeline import Asking, Exchange, Step, timeline

Json = dict[str, JsonValue]
_KINDS = {"frame": "document", "style": "stylesheet", "worker": "script"}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def export(trace: Trace, out: Path) -> None:
    """Write a run's requests as one HAR file.

    Raises:
        TraceError: if a blob is damaged, or the file cannot be written.
    """
    with whole(out) as path:
        path.write_text(dump({"log": log(trace)}), encoding="utf-8")


def log(trace: Trace) -> Json:
    """Give the HAR's `log`."""
    steps = timeline(trace).steps
    pages = _Pages(steps)
    entries: list[JsonValue] = []
    for exchange in sorted((one for step in steps for one in step.exchanges), key=lambda one: one.time):
        found = entry(exchange, trace.blobs)
        page = pages.of(exchange)
        entries.append({"pageref": page, **found} if page else found)
    versions = trace.header.versions
    return {
        "version": "1.2",
        "creator": {"name": "harness", "version": versions.get("harness", __version__)},
        "browser": {"name": "Chromium", "version": versions.get("browser", "unknown")},
        "pages": [*pages.found],
        "entries": entries,
        "comment": f"run {trace.header.run_id}; {trace.recovered or 'complete as far as it went'}",
    }


def entry(exchange: Exchange, blobs: BlobStore) -> Json:
    """Give one request and what became of it, as a HAR entry without its page."""
    request, response = exchange.request, exchange.response
    headers = dict(request.headers)
    took = round(response.seconds * 1000, 3) if response else 0.0
    ended = exchange.ended or max((one.ended for one in exchange.askings if one.ended), default=None)
    whole_time = max(took, millis(ended, exchange.time) if ended else 0.0)
    asked: Json = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(request.headers),
        "queryString": _pairs(parse_qsl(urlsplit(request.url).query, keep_blank_values=True)),
        "headersSize": -1,
        "bodySize": request.body_size,
    }
    if exchange.body is not None:
        asked["postData"] = _posted(exchange.body, headers.get("content-type", ""), blobs)
    elif request.body_size:
        asked["comment"] = f"its body of {request.body_size} bytes was not kept"
    found: Json = {
        "startedDateTime": iso(exchange.time),
        "time": whole_time,
        "request": asked,
        "response": _response(exchange, blobs),
        "cache": {},
        "timings": {"blocked": round(whole_time - took, 3), "send": 0, "wait": took, "receive": 0},
        "_resourceType": _KINDS.get(request.resource, request.resource),
        "_harness": _told(exchange),
    }
    if exchange.refused:
        found["comment"] = f"refused by {exchange.verdict.rule}: {exchange.verdict.reason}"
    if request.resource == "websocket":
        found["_webSocketMessages"] = [_message(time, one, blobs) for time, one in exchange.frames]
    return found


def _told(exchange: Exchange) -> Json:
    request, verdict, response = exchange.request, exchange.verdict, exchange.response
    told: Json = {
        "step": exchange.step,
        "request": request.id,
        "resource": request.resource,
        "verdict": verdict.outcome,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "policy": verdict.policy,
        "refused": exchange.refused,
    }
    told |= {"initiator": request.initiator} if request.initiator else {}
    told |= {"leaks": list(request.leaks)} if request.leaks else {}
    told |= {"requestSha256": request.body_sha256} if request.body_sha256 and request.body_size else {}
    told |= {"responseSha256": response.sha256} if response and response.sha256 else {}
    told |= {"error": response.error} if response and response.error else {}
    told |= {"cut": exchange.cut} if exchange.cut else {}
    told |= {"asked": [_asking(one) for one in exchange.askings]} if exchange.askings else {}
    return told


def _asking(asking: Asking) -> Json:
    given = asking.given
    if given is None:
        return {"question": asking.asked.question, "decision": None}
    approval = given.approval
    return {
        "question": asking.asked.question,
        "decision": approval.decision,
        "by": approval.by,
        "note": approval.note,
        "seconds": given.seconds,
    }


def _response(exchange: Exchange, blobs: BlobStore) -> Json:
    response = exchange.response
    headers = response.headers if response else ()
    status = response.status or 0 if response else 403 if exchange.refused else 0
    kind = next((value for name, value in headers if name == "content-type"), "")
    where = next((value for name, value in headers if name == "location"), "")
    content: Json = {"size": response.received if response else 0, "mimeType": kind or "x-unknown"}
    if response is not None and response.body is not None:
        content = _content(blobs.get(response.body), headers, kind, response.received)
    found: Json = {
        "status": status,
        "statusText": _phrase(status),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _pairs(headers),
        "content": content,
        "redirectURL": urljoin(exchange.request.url, where) if where and status in _REDIRECTS else "",
        "headersSize": -1,
        "bodySize": response.received if response else 0,
    }
    if response is not None and response.error:
        found["_error"] = found["_failureText"] = response.error
    return found


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _content(raw: bytes, headers: Sequence[tuple[str, str]], kind: str, received: int) -> Json:
    put_on = codings(headers)
    found = decoded(raw, put_on)
    body = raw if found is None else found
    content: Json = {"size": len(body), "mimeType": kind or "x-unknown"}
    if put_on and found is not None:
        content["compression"] = len(body) - received
    if found is None:
        content["comment"] = f"still encoded: {', '.join(put_on)}"
    return {**content, **spoken(body, kind)}


def _posted(digest: str, kind: str, blobs: BlobStore) -> Json:
    found: Json = {"mimeType": kind or "application/octet-stream", **spoken(blobs.get(digest), kind)}
    if kind.lower().startswith("application/x-www-form-urlencoded") and "encoding" not in found:
        found["params"] = _pairs(parse_qsl(str(found["text"]), keep_blank_values=True))
    return found


def _message(time: datetime, one: Messaged, blobs: BlobStore) -> Json:
    data = ""
    if one.blob is not None:
        raw = blobs.get(one.blob)
        data = raw.decode("utf-8", "replace") if one.text else base64.b64encode(raw).decode("ascii")
    found: Json = {
        "type": "send" if one.direction == "out" else "receive",
        "time": seconds(time),
        "opcode": 1 if one.text else 2,
        "data": data,
    }
    return found | ({"_refused": one.refused} if one.refused else {})


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[JsonValue]:
    return [{"name": name, "value": value} for name, value in pairs]


class _Pages:
    """Which page each request belongs to: its referrer, or the newest one."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.found: list[Json] = []
        self._titles = {one.observed.url: one.observed.title for one in steps if one.observed is not None}
        self._urls: dict[str, str] = {}
        self._newest = ""
        self._moving = False

    def of(self, exchange: Exchange) -> str:
        """Give the id of a request's page, which a document begins; empty if there is none yet."""
        request = exchange.request
        if request.resource != "document":
            referrer = dict(request.headers).get("referer", "")
            return self._urls.get(referrer, self._newest)
        if not self._moving:
            self._newest = f"page_{len(self.found) + 1}"
            self.found.append(
                {
                    "startedDateTime": iso(exchange.time),
                    "id": self._newest,
                    "title": self._titles.get(request.url) or request.url,
                    "pageTimings": {"onContentLoad": -1, "onLoad": -1},
                }
            )
        else:
            self.found[-1] = {**self.found[-1], "title": self._titles.get(request.url) or request.url}
        self._urls[request.url] = self._newest
        self._moving = exchange.response is not None and exchange.response.status in _REDIRECTS
        return self._newest
