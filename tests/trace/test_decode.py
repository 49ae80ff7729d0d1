import pytest
from harness.errors import TraceError
from harness.trace.decode import Decoder
from harness.trace.events import AskedModel, RunStarted
from harness.trace.lines import START, parse, seal
from pydantic import JsonValue

FIRST: dict[str, JsonValue] = {
    "kind": "run_started",
    "schema": 1,
    "run_id": "r",
    "task": None,
    "policy": None,
    "policy_sha256": "p",
    "model": "m",
    "approver": "a",
    "sandbox": None,
    "versions": {},
}


def line(seq: int, fields: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return parse(seal(seq, "2026-01-02T03:04:05.678Z", fields, START)[0])


def test_lines_become_events_with_their_place() -> None:
    decoder = Decoder("here")
    first = decoder.decode(line(0, FIRST), START)
    assert isinstance(first.event, RunStarted)
    assert (first.seq, first.prev, first.time.isoformat()) == (0, START, "2026-01-02T03:04:05.678000+00:00")
    assert decoder.decode(line(1, {"kind": "asked_model", "step": 3}), first.hash).event == AskedModel(step=3)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": "paid"}, "no event is called 'paid'"),
        ({"kind": "asked_model"}, "asked_model.step: Field required"),
        ({"kind": "asked_model", "step": 1, "colour": 1}, "asked_model.colour: Extra inputs"),
        ({"step": 1}, "Unable to extract tag"),
        (
            {"kind": "judged", "step": 1, "effect": {"kind": "magic"}, "verdict": {}},
            "effect: nothing is called 'magic'",
        ),
        ({"kind": "acting", "step": 1, "index": 0, "of": 0}, "'of' names seq 0"),
    ],
)
def test_what_is_no_event_is_explained(change: dict[str, JsonValue], why: str) -> None:
    decoder = Decoder("here")
    decoder.decode(line(0, FIRST), START)
    with pytest.raises(ValueError, match=why):
        decoder.decode(line(1, change), START)


@pytest.mark.parametrize("time", ["", "2026-01-02", "2026-01-02T03:04:05Z", "2026-13-02T03:04:05.678Z", 5])
def test_a_time_has_one_form(time: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"time is|month must be"):
        Decoder("here").decode(line(0, FIRST) | {"time": time}, START)


@pytest.mark.parametrize("schema", [None, 0, "1", True, 99])
def test_the_first_line_names_a_schema_that_can_be_read(schema: JsonValue) -> None:
    with pytest.raises(TraceError, match="here: "):
        Decoder("here").decode(line(0, FIRST | {"schema": schema}), START)
