"""When everything happened in a recorded run."""

from datetime import timedelta
from pathlib import Path

import pytest
from harness.action import Click, Goto
from harness.errors import TraceError
from harness.replay.course import Course
from harness.trace.events import Acting, Observed
from tests.replay.lines import BEGUN, trace


def test_the_course_goes_on_with_what_is_done_and_never_back(tmp_path: Path) -> None:
    def seen(step: int) -> Observed:
        return Observed(step=step, screenshot="0" * 64, size=(1, 1), url="")

    click = Acting(step=1, index=0, action=Click(x=1, y=1), effect="0")
    start = Acting(step=0, index=0, action=Goto(url="https://a.test/"), effect="0")
    course = Course(trace(tmp_path, start, seen(1), click, seen(2)))
    assert course.elapsed() == 0
    course.acts()
    course.looks(1)
    assert course.elapsed() == 1
    course.aims(1)
    assert course.elapsed() == 2
    course.acts()
    course.looks(2)
    course.looks(1)
    assert (course.elapsed(), course.now()) == (3, BEGUN + timedelta(seconds=4))
    with pytest.raises(TraceError, match="nothing was done"):
        Course(trace(tmp_path, seen(1)))


def test_what_was_tried_twice_is_passed_over(tmp_path: Path) -> None:
    def click(step: int) -> Acting:
        return Acting(step=step, index=0, action=Click(x=1, y=1), effect="0")

    start = Acting(step=0, index=0, action=Goto(url="https://a.test/"), effect="0")
    course = Course(trace(tmp_path, start, click(1), click(1), click(2)))
    course.aims(0)
    course.acts()
    course.aims(1)
    course.acts()
    course.aims(2)
    assert course.elapsed() == 3
