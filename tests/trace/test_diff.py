"""Two runs are put side by side, and what differs is told."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from harness.action import Click, Goto, Type
from harness.clearance import Target
from harness.trace.diff import align, as_json, diff, lines, place
from harness.trace.reader import Trace
from harness.trace.timeline import timeline
from harness.trace.writer import TraceWriter
from tests.trace.conftest import Story, picture

Tell = Callable[[str], Story]


@pytest.fixture
def tell(tmp_path: Path, now: Callable[[], datetime]) -> Tell:
    return lambda name: Story(TraceWriter.create(tmp_path / name, now=now))


def opened(story: Story) -> Trace:
    return Trace.open(story.writer._file)


def plain(story: Story, *, colours: tuple[str, ...] = ("white", "red", "blue"), skip: int = 0) -> Trace:
    """Three steps: a click, a word, a page; `skip` leaves one out."""
    story.start()
    for step, colour in enumerate(colours, 1):
        if step == skip:
            continue
        story.look(step, picture(colour), url=f"https://shop.test/{step}")
        if step == 1:
            story.act(step, Click(x=5, y=6), Target(role="button", name="Go"))
            story.request(step, "GET", "https://shop.test/a?n=1234567")
        elif step == 2:
            story.act(step, Type(text="Ada"))
        else:
            story.act(step, Goto(url="https://shop.test/end"))
    story.finish()
    return opened(story)


def test_a_run_and_itself_told_twice_do_not_differ(tell: Tell) -> None:
    one, other = plain(tell("a")), plain(tell("b"))
    found = diff(one, other)
    assert found.differences == ()
    assert found.first is None
    assert list(lines(found))[-1] == "no differences but in time"
    whole = as_json(diff(one, one))
    assert whole["same"] is True
    assert whole["steps"] == [[1, 1], [2, 2], [3, 3]]


def test_a_whole_story_does_not_differ_from_itself(tell: Tell) -> None:
    stories = tell("a"), tell("b")
    for story in stories:
        story.whole()
    assert diff(*(opened(story) for story in stories)).differences == ()


def test_pictures_are_compared_and_the_first_that_differ_are_named(tell: Tell) -> None:
    found = diff(plain(tell("a")), plain(tell("b"), colours=("white", "red", "green")))
    (one,) = found.differences
    assert (one.what, one.steps) == ("screen", (3, 3))
    assert one.pixels is not None
    assert one.pixels.box == (0, 0, 320, 200)
    assert found.first_screens == one
    assert "64,000 pixels differ (100.00%)" in "\n".join(lines(found))


def test_a_step_that_only_one_has_does_not_shift_the_others(tell: Tell) -> None:
    found = diff(plain(tell("a")), plain(tell("b"), skip=2))
    assert [(one.what, one.steps) for one in found.differences] == [("step", (2, None))]
    assert "type 'Ada'" in found.differences[0].one
    turned = diff(plain(tell("c"), skip=2), plain(tell("d")))
    assert [(one.what, one.steps) for one in turned.differences] == [("step", (None, 2))]


def test_everything_a_step_may_differ_in_is_told(tell: Tell) -> None:
    stories = tell("a"), tell("b")
    for number, story in enumerate(stories):
        story.start(isolated=True)
        story.look(1, picture("white"), title=f"T{number}", url=f"https://shop.test/{'ab'[number]}")
        story.act(1, Click(x=1, y=1), Target(role="button", name="Pay"))
        story.act(1, Type(text="x"), Target(name=f"n{number}"), index=1, outcome="ask", approve=number == 0)
        story.act(1, Goto(url=f"https://{'ab'[number]}.test/"), index=2)
        story.request(1, "GET" if number else "POST", "https://shop.test/x")
        story.finish()
    found = diff(*(opened(story) for story in stories))
    assert [one.what for one in found.differences] == [
        *("address", "title", "action", "target", "answer", "result", "request")
    ]
    assert found.first is not None
    assert found.first.what == "address"


def test_how_they_began_and_ended_is_told(tell: Tell) -> None:
    one, other = plain(tell("a")), tell("b")
    other.start(goal="Buy two.")
    other.writer.close()
    found = diff(one, opened(other))
    assert [one.what for one in found.differences] == [
        *("task", "step", "step", "step", "outcome", "check", "check", "output")
    ]
    assert json.loads(found.differences[0].other) == {"goal": "Buy two."}
    assert found.differences[4].other == "unfinished"


def test_numbers_that_name_things_are_left_out_of_addresses() -> None:
    assert place("https://a.test/orders/10042/x?page=2") == "https://a.test/orders/…/x?page=2"
    assert place("https://a.test/9b2f7c1e-1111-4222-8333-444455556666") == "https://a.test/…"
    assert place("https://a.test/?t=0123456789abcdef01") == "https://a.test/?t=…"
    assert place("https://a.test/item1234567x") == "https://a.test/item1234567x"


def test_steps_are_aligned_by_what_was_done(tell: Tell) -> None:
    one, other = plain(tell("a")), plain(tell("b"), skip=1)
    pairs = align(timeline(one).steps, timeline(other).steps)
    assert [(a and a.number, b and b.number) for a, b in pairs] == [(1, None), (2, 2), (3, 3)]


def test_what_pages_wrote_cannot_hide_in_what_is_printed(tell: Tell) -> None:
    stories = tell("a"), tell("b")
    for number, story in enumerate(stories):
        story.start()
        story.look(1, picture("white"), title=f"\u202eT{number}\x1b[2J")
        story.finish()
    text = "\n".join(lines(diff(*(opened(story) for story in stories))))
    assert "\u202e" not in text
    assert "\x1b" not in text
