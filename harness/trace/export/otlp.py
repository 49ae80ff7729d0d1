"""OTLP: spans as a JSON file, to a collector over HTTP, and live while a run goes on.

A file needs nothing more; a collector needs the extra `otel`. The live export never holds up a run: what a
slow collector does not take is left out and counted, and one that does not answer is said once.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import JsonValue

from harness.errors import HarnessError, InputError
from harness.trace.events import Event, RunStarted
from harness.trace.export.base import dump, missing, whole
from harness.trace.export.otel import Span, Spans, Value, resource, spans
from harness.trace.reader import Trace

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan

PATH = "/v1/traces"
"""Where collectors take spans."""
WAITING = 2048
"""Spans that wait for a slow collector at most."""
BATCH = 256
"""Spans in one request."""
TIMEOUT = 3.0
"""Seconds for one request."""
LAST, SOON = 10.0, 0.5
"""Seconds for what is left at the end of a run, and if the collector has failed."""
_SCOPE = "harness"


def export(trace: Trace, out: Path, *, content: bool = False) -> int:
    """Write a run's spans as OTLP JSON, and give how many.

    Raises:
        TraceError: if the file cannot be written.
    """
    found = list(spans(trace, content=content))
    body: JsonValue = {
        "resourceSpans": [
            {
                "resource": {"attributes": _pairs(resource(trace.header))},
                "scopeSpans": [{"scope": {"name": _SCOPE}, "spans": [_json(one) for one in found]}],
            }
        ]
    }
    with whole(out) as path:
        path.write_text(dump(body), encoding="utf-8")
    return len(found)


def send(trace: Trace, endpoint: str, *, content: bool = False) -> int:
    """Send a run's spans to a collector, and give how many.

    Raises:
        InputError: if the endpoint is no address, or the extra `otel` is not installed.
        HarnessError: if the collector does not take them.
    """
    found = list(spans(trace, content=content))
    sender = _Sender(endpoint, trace.header)
    try:
        for start in range(0, len(found), BATCH):
            if not sender.send(found[start : start + BATCH]):
                raise HarnessError(
                    f"{sender.url}: the collector does not take the spans; is it there, and does it speak "
                    "OTLP over HTTP?"
                )
    finally:
        sender.close()
    return len(found)


def address(endpoint: str) -> str:
    """Give the whole address of a collector, of which the path may be left out.

    Raises:
        InputError: if it is no http address.
    """
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"{endpoint!r}: a collector is named like http://127.0.0.1:4318")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(PATH) else path + PATH).geturl()


class Live:
    """Watches a run and sends its spans from a thread of its own."""

    def __init__(
        self,
        endpoint: str,
        *,
        now: Callable[[], datetime],
        say: Callable[[str], None],
        content: bool = False,
    ) -> None:
        """Get ready.

        Raises:
            InputError: if the endpoint is no address, or the extra `otel` is not installed.
        """
        address(endpoint)
        _exporter(endpoint).shutdown()  # type: ignore[no-untyped-call]
        self._endpoint, self._now, self._say = endpoint, now, say
        self._spans = Spans(content=content)
        self._queue: queue.Queue[Span | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self.lost = 0
        """Spans that the collector did not take in time, or at all."""
        self._said = False

    def __call__(self, event: Event) -> None:
        """Take an event of the run; never waits."""
        if isinstance(event, RunStarted) and self._thread is None:
            sender = _Sender(self._endpoint, event)
            self._thread = threading.Thread(target=self._work, args=(sender,), name="otel", daemon=True)
            self._thread.start()
        for span in self._spans.take(event, self._now()):
            self._put(span)

    def close(self) -> None:
        """Send what is left, for ten seconds at most."""
        for span in self._spans.end(self._now()):
            self._put(span)
        if self._thread is None:
            return
        self._over.set()
        # One that has failed is not waited for.
        self._thread.join(SOON if self._said else LAST)
        self.lost += self._queue.qsize()
        if self.lost and not self._said:
            self._say(f"harness: --otel: {self.lost} spans were left out: the collector is too slow")

    def _put(self, span: Span) -> None:
        try:
            self._queue.put_nowait(span)
        except queue.Full:
            self.lost += 1

    def _work(self, sender: "_Sender") -> None:
        deadline: float | None = None
        try:
            while deadline is None or time.monotonic() < deadline:
                batch = self._batch()
                if self._over.is_set() and deadline is None:
                    deadline = time.monotonic() + (0 if self._said else LAST)
                if not batch and deadline is not None:
                    return
                if batch and not sender.send(batch):
                    self.lost += len(batch)
                    if not self._said:
                        self._said = True
                        self._say(
                            f"harness: --otel: {sender.url} does not take spans; the run goes on without them"
                        )
        finally:
            sender.close()

    def _batch(self) -> list[Span]:
        found: list[Span] = []
        try:
            while len(found) < BATCH:
                span = self._queue.get(timeout=0 if found or self._over.is_set() else 0.2)
                found += [span] if span else []
        except queue.Empty:
            pass
        return found


class _Sender:
    def __init__(self, endpoint: str, run: RunStarted) -> None:
        self.url = address(endpoint)
        self._exporter = _exporter(endpoint)
        self._about = dict(resource(run))

    def send(self, found: Sequence[Span]) -> bool:
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - an extra

        told = [_readable(one, self._about) for one in found]
        return self._exporter.export(told) is SpanExportResult.SUCCESS

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _exporter(endpoint: str) -> "OTLPSpanExporter":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )
    except ImportError as error:
        raise missing("otel", error) from error
    # What it logs of every attempt is said here, once.
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return OTLPSpanExporter(endpoint=address(endpoint), timeout=TIMEOUT)


def _readable(span: Span, about: Mapping[str, Value]) -> "ReadableSpan":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import Event as SpanEvent  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - an extra
    from opentelemetry.trace import (  # noqa: PLC0415 - an extra
        SpanContext,
        SpanKind,
        Status,
        StatusCode,
        TraceFlags,
    )

    def context(name: str) -> SpanContext:
        flags = TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(int(span.trace, 16), int(name, 16), is_remote=False, trace_flags=flags)

    return ReadableSpan(
        name=span.name,
        context=context(span.id),
        parent=context(span.parent) if span.parent else None,
        resource=Resource(about),
        attributes=span.attributes,
        events=[SpanEvent(name, told, when) for name, when, told in span.events],
        kind=SpanKind.CLIENT if span.kind == "client" else SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope(_SCOPE),
    )


def _json(span: Span) -> JsonValue:
    found: dict[str, JsonValue] = {
        "traceId": span.trace,
        "spanId": span.id,
        "name": span.name,
        "kind": 3 if span.kind == "client" else 1,
        "startTimeUnixNano": str(span.start),
        "endTimeUnixNano": str(span.end),
        "attributes": _pairs(span.attributes),
        "events": [
            {"name": name, "timeUnixNano": str(when), "attributes": _pairs(told)}
            for name, when, told in span.events
        ],
        "status": {"code": 2, "message": span.error} if span.error else {},
    }
    return found | ({"parentSpanId": span.parent} if span.parent else {})


def _pairs(told: Mapping[str, Value]) -> list[JsonValue]:
    return [{"key": name, "value": _value(value)} for name, value in told.items()]


def _value(value: Value) -> JsonValue:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case tuple():
            return {"arrayValue": {"values": [{"stringValue": one} for one in value]}}
