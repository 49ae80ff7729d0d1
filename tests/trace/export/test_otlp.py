import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from collector import Collector
from google.protobuf.json_format import Parse
from harness.errors import HarnessError, InputError
from harness.trace.export import otlp
from harness.trace.export.otel import spans
from harness.trace.reader import Trace
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    yield one
    one.close()


def test_a_file_is_what_the_protocols_own_classes_read(trace: Trace, tmp_path: Path) -> None:
    count = otlp.export(trace, tmp_path / "a.json")
    data = Parse((tmp_path / "a.json").read_text(), TracesData())
    found = data.resource_spans[0].scope_spans[0].spans
    assert len(found) == count
    about = {one.key: one.value.string_value for one in data.resource_spans[0].resource.attributes}
    assert about["service.name"] == "harness"
    assert found[-1].name == "invoke_agent buy-a-mug"
    # JSON of OTLP writes ids in hex, where protobuf's JSON reads base64.
    written = json.loads((tmp_path / "a.json").read_text())["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [one["spanId"] for one in written] == [one.id for one in spans(trace)]


def test_a_collector_gets_every_span(trace: Trace, collector: Collector) -> None:
    assert otlp.send(trace, collector.url) == len(collector.spans)
    assert set(collector.paths) == {"/v1/traces"}
    wanted = {one.id: one for one in spans(trace)}
    for span in collector.spans:
        known = wanted[span.span_id.hex()]
        assert span.trace_id.hex() == known.trace
        assert (span.parent_span_id.hex() or None) == known.parent
        assert span.start_time_unix_nano == known.start
        assert span.status.message == (known.error or "")
        assert {one.key for one in span.attributes} == set(known.attributes)


def test_a_collector_that_says_no_is_told(trace: Trace, collector: Collector) -> None:
    collector.status = 400
    with pytest.raises(HarnessError, match="does not take the spans"):
        otlp.send(trace, collector.url)


def test_an_address_may_leave_out_its_path() -> None:
    assert otlp.address("http://a.test:4318") == "http://a.test:4318/v1/traces"
    assert otlp.address("https://a.test/otlp/v1/traces") == "https://a.test/otlp/v1/traces"
    with pytest.raises(InputError, match="http://127"):
        otlp.address("a.test:4318")


def test_without_the_extra_it_is_said_what_to_install(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(InputError, match=r"computer-use-harness\[otel\]"):
        otlp.send(trace, "http://127.0.0.1:1")


def test_live_spans_are_the_ones_that_the_trace_gives(trace: Trace, collector: Collector) -> None:
    said: list[str] = []
    times = iter([one.time for one in trace.events])
    live = otlp.Live(collector.url, now=lambda: next(times, datetime.now(UTC)), say=said.append)
    for one in trace.events:
        live(one.event)
    live.close()
    assert (said, live.lost) == ([], 0)
    assert sorted(one.span_id.hex() for one in collector.spans) == sorted(one.id for one in spans(trace))
    times_of = {one.id: (one.start, one.end) for one in spans(trace)}
    for span in collector.spans:
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == times_of[span.span_id.hex()]


def test_a_dead_collector_is_said_once_and_holds_nothing_up(trace: Trace, collector: Collector) -> None:
    collector.status = 400
    said: list[str] = []
    live = otlp.Live(collector.url, now=lambda: datetime.now(UTC), say=said.append)
    for _ in range(3):
        for one in trace.events:
            live(one.event)
    live.close()
    assert len(said) == 1
    assert "the run goes on" in said[0]
    assert live.lost > 0


def test_a_collector_that_is_gone_is_said_too(trace: Trace, collector: Collector) -> None:
    collector.close()
    said: list[str] = []
    live = otlp.Live(collector.url, now=lambda: datetime.now(UTC), say=said.append)
    for one in trace.events:
        live(one.event)
    live.close()
    assert len(said) == 1
    assert live.lost > 0


def test_what_a_slow_collector_cannot_take_is_left_out(
    trace: Trace, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "WAITING", 3)
    monkeypatch.setattr(otlp.Live, "_work", lambda self, sender: sender.close())
    said: list[str] = []
    live = otlp.Live(collector.url, now=lambda: datetime.now(UTC), say=said.append)
    for one in trace.events:
        live(one.event)
    live.close()
    assert live.lost == len(list(spans(trace)))
    assert "too slow" in said[0]
