"""When everything happened in a recorded run."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from harness.action import Action, Click, Goto, Press, Type
from harness.clearance import Act, Cleared, Target, Verdict, clear, digest
from harness.errors import TraceError
from harness.replay.course import Course, OnCourse
from harness.sandbox.base import ActOutcome, SandboxInfo
from harness.sandbox.chrome import blank
from harness.screen import Screen, Screenshot
from harness.trace.events import Acted, Acting, Messaged, Observed, Responded
from tests.replay.lines import BEGUN, request, requested, trace

Status = Literal["done", "refused", "failed"]


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
    course.aims(1, click.action)
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
    course.aims(0, start.action)
    course.acts()
    course.aims(1, click(1).action)
    course.acts()
    course.aims(2, click(2).action)
    assert course.elapsed() == 3


def test_what_went_at_once_then_needs_no_second_look_now(tmp_path: Path) -> None:
    def deed(action: Action, status: Status = "done", index: int = 0) -> tuple[Acting, Acted]:
        said = Acted(step=1, index=index, action=action, status=status)
        return Acting(step=1, index=index, action=action, effect="0"), said

    at_once, twice, failed = Click(x=1, y=1), Click(x=2, y=2), Click(x=3, y=3)
    course = Course(
        trace(
            tmp_path,
            *deed(at_once),
            *deed(twice, "refused", 1),
            *deed(twice, index=1),
            *deed(failed, "failed", 2),
            *deed(at_once, index=3),
            Acting(step=2, index=0, action=at_once, effect="0"),
        )
    )
    sure = []
    for step, action in ((1, at_once), (1, twice), (1, failed), (1, at_once), (2, at_once)):
        course.aims(step, action)
        sure.append(course.sure())
        course.acts()
    assert sure == [True, False, False, True, False]
    assert not course.sure()


def test_the_picture_that_is_to_come_is_known_if_it_was_still(tmp_path: Path) -> None:
    def seen(step: int, *, settled: bool) -> Observed:
        return Observed(step=step, screenshot=f"{step}" * 64, size=(1, 1), url="", settled=settled)

    start = Acting(step=0, index=0, action=Goto(url="https://a.test/"), effect="0")
    course = Course(trace(tmp_path, start, seen(1, settled=True), seen(2, settled=False)))
    assert course.still() is None
    course.looks(1)
    assert course.still() == "1" * 64
    course.looks(2)
    assert course.still() is None


@pytest.mark.parametrize(
    ("action", "again", "picture", "known"),
    [
        (Click(x=1, y=1), Click(x=1, y=1), "1", True),
        (Press(keys=("Enter",)), Press(keys=("Enter",)), "1", True),
        (Type(text="a b"), Type(text="a b"), "1", True),
        (Type(text="a\n"), Type(text="a\n"), "1", False),
        (Click(x=1, y=1, count=2), Click(x=1, y=1, count=2), "1", False),
        (Click(x=1, y=1), Click(x=2, y=1), "1", False),
        (Click(x=1, y=1), Click(x=1, y=1), "2", False),
    ],
)
def test_what_was_touched_is_known_if_the_screen_is_the_same_and_nothing_is_looked_at_meanwhile(
    action: Action, again: Action, picture: str, known: bool, tmp_path: Path
) -> None:
    target = Target(role="button", name="Buy")
    seen = Observed(step=1, screenshot="1" * 64, size=(1, 1), url="", settled=True)
    deed = Acting(step=1, index=0, action=action, target=target, effect="0")
    course = Course(trace(tmp_path, seen, deed, Acted(step=1, index=0, action=action, status="done")))
    course.looks(1)
    course.aims(1, again)
    assert course.touched(again) is None
    course.saw(picture * 64)
    found = course.touched(again)
    assert (found is not None) is known
    assert found is None or found == Act(action=action, target=target)


def test_what_was_not_done_at_once_then_is_looked_for_now(tmp_path: Path) -> None:
    click = Click(x=1, y=1)
    seen = Observed(step=1, screenshot="1" * 64, size=(1, 1), url="", settled=True)
    deed = Acting(step=1, index=0, action=click, effect="0")
    stale = Acted(step=1, index=0, action=click, status="refused", rule="stale")
    course = Course(trace(tmp_path, seen, deed, stale))
    course.looks(1)
    course.saw("1" * 64)
    course.aims(1, click)
    assert course.touched(click) is None


def test_a_time_is_quiet_if_nothing_was_asked_for_and_nothing_came_in_it(tmp_path: Path) -> None:
    start = Acting(step=0, index=0, action=Goto(url="https://a.test/"), effect="0")
    came = Responded(step=0, request="one", status=200)
    said = Messaged(step=0, request="one", direction="in", size=1)
    denied = requested(request("two"), "deny")
    course = Course(trace(tmp_path, start, requested(request("one")), denied, came, said))
    moment = timedelta(seconds=0.4)
    first, second = BEGUN + timedelta(seconds=2), BEGUN + timedelta(seconds=3)
    assert course.quiet(BEGUN, first - moment)
    assert not course.quiet(first - moment, first)
    assert course.quiet(first, second - moment)
    assert not course.quiet(first, second)
    for seconds in (4, 5):
        assert not course.quiet(
            BEGUN + timedelta(seconds=seconds) - moment, BEGUN + timedelta(seconds=seconds)
        )
    assert course.quiet(BEGUN + timedelta(seconds=5), BEGUN + timedelta(hours=1))


def test_what_a_dialog_came_into_is_looked_at_again(tmp_path: Path) -> None:
    click = Click(x=1, y=1)
    deed = Acting(step=1, index=0, action=click, effect="0")
    said = Acted(step=1, index=0, action=click, status="done", message="a dialog opened: Sure?")
    course = Course(trace(tmp_path, deed, said))
    course.aims(1, click)
    assert not course.sure()


class Asked:
    """A place that counts how often its name is asked for."""

    info = SandboxInfo(kind="test", isolated=True, browser="none", layers=())

    def __init__(self) -> None:
        self.times = 0

    async def open(self, socket: Path, spki: str) -> None:
        del socket, spki

    async def observe(self) -> Screen:
        return Screen(screenshot=Screenshot.of(blank(2, 2)), url="")

    async def ground(self, action: Action) -> Target | None:
        return Target(role="button", name=action.kind)

    async def place(self) -> str:
        self.times += 1
        return f"place {self.times}"

    async def act(self, cleared: Cleared) -> ActOutcome:
        del cleared
        return ActOutcome(ok=True)

    async def close(self) -> None:
        pass


async def test_a_place_is_asked_for_anew_only_after_something_was_done_or_looked_at(tmp_path: Path) -> None:
    click = Click(x=1, y=1)
    inner = Asked()
    course = Course(trace(tmp_path, Acting(step=1, index=0, action=click, effect="0")))
    sandbox = OnCourse(inner, course, lambda: 1, lambda _: None)
    names = [await sandbox.place(), await sandbox.place()]
    await sandbox.observe()
    names += [await sandbox.place(), await sandbox.place()]
    await sandbox.ground(click)
    names += [await sandbox.place(), await sandbox.place()]
    act = Act(action=click)
    allowed = Verdict(outcome="allow", rule="r", reason="", policy="0" * 64, effect=digest(act))
    await sandbox.act(clear(act, allowed))
    names += [await sandbox.place(), await sandbox.place()]
    assert names == [f"place {at}" for at in (1, 1, 2, 2, 3, 3, 4, 4)]
