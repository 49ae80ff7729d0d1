"""The log goes where people read."""

import pytest
import structlog
from harness.cli.parser import parse
from harness.cli.signals import Interrupts


def test_warnings_are_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        options = parse(["doctor", "--json"], Interrupts())
        structlog.get_logger("test").warning("look here", why="because")
        structlog.get_logger("test").info("nobody asked")
    finally:
        structlog.reset_defaults()
    told = capsys.readouterr()
    assert options.json
    assert told.out == ""
    assert "look here" in told.err
    assert "because" in told.err
    assert "nobody" not in told.err
