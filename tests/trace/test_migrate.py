import pytest
from harness.errors import TraceError
from harness.trace.events import SCHEMA
from harness.trace.migrate import CONVERTERS, converters


def test_there_is_a_converter_from_every_past_schema() -> None:
    assert len(CONVERTERS) == SCHEMA - 1
    assert len(converters(1, "x")) == SCHEMA - 1
    assert converters(SCHEMA, "x") == ()


def test_a_newer_schema_says_to_update() -> None:
    with pytest.raises(TraceError, match=r"runs/7: written by a newer harness .*pip install -U"):
        converters(SCHEMA + 1, "runs/7")


def test_the_first_schema_became_the_second_by_its_number_alone() -> None:
    second = converters(1, "x")[0]
    assert second({"kind": "run_started", "schema": 1, "run_id": "r"}) == {
        "kind": "run_started",
        "schema": 2,
        "run_id": "r",
    }
    assert second({"kind": "noted", "text": "t"}) == {"kind": "noted", "text": "t"}
