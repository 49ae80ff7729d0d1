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
