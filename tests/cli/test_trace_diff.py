"""`harness trace diff|bisect`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness.action import Click
from harness.trace.writer import TraceWriter
from PIL import Image
from tests.cli.commands import Command, Place
from tests.trace.conftest import Story, picture


@pytest.fixture
def traces(place: Place) -> Path:
    for name, colours in (("good", ("white", "blue")), ("bad", ("white", "red"))):
        writer = TraceWriter.create(place.folder / name, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        story = Story(writer)
        story.start()
        for number, colour in enumerate(colours, 1):
            story.look(number, picture(colour), url=f"https://shop.test/{colour}")
            story.act(number, Click(x=number, y=1))
        story.finish()
    return place.folder


@pytest.mark.usefixtures("traces")
def test_differences_are_told_and_drawn(command: Command, traces: Path) -> None:
    told = command("trace", "diff", "good", "bad", "--out", "first.png")
    assert told.code == 0
    assert "first difference: step 2: address" in told.out
    with Image.open(traces / "first.png") as sheet:
        assert sheet.size == (3 * 320 + 24, 200)
    found = json.loads(command("trace", "diff", "good", "bad", "--json").out)
    assert found["same"] is False
    assert command("trace", "diff", "good", "bad", "--expect", "same").code == 5
    assert command("trace", "diff", "good", "good", "--expect", "same").code == 0


@pytest.mark.usefixtures("traces")
def test_the_step_that_went_wrong_is_found_both_ways_and_drawn(command: Command, traces: Path) -> None:
    told = command("trace", "bisect", "bad", "--good", "good", "--out", "turn.png")
    assert told.code == 0
    assert "still well   step 1" in told.out
    assert "went wrong   step 2" in told.out
    assert (traces / "turn.png").exists()
    found = json.loads(command("trace", "bisect", "bad", "--check", "url:*/white", "--json").out)
    assert (found["last"]["step"], found["first"]["step"]) == (1, 2)


@pytest.mark.usefixtures("traces")
def test_what_cannot_be_done_is_one_line(command: Command) -> None:
    for arguments in (
        ("diff", "good", "nowhere"),
        ("diff", "good", "good", "--out", "x.png"),
        ("bisect", "good"),
        ("bisect", "good", "--check", "Thank you"),
        ("bisect", "good", "--good", "good", "--out", "x.png"),
    ):
        told = command("trace", *arguments)
        assert told.code == 2, arguments
        assert told.out == ""
        assert told.err.count("\n") == 1
