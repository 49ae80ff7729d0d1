"""The step at which a run went wrong is found, by a good run or by a check."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from harness.action import Click
from harness.errors import InputError
from harness.replay.bisect import against, as_json, by_check, halve, lines, read_check
from harness.screen import Screenshot
from harness.task import StateCheck, TextCheck
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from tests.trace.conftest import EPOCH, Story, picture

Tell = Callable[..., Trace]


class Line:
    def __init__(self, text: str) -> None:
        self.text = text


class Colours:
    """Reads *well* on white pictures, and counts what it read."""

    def __init__(self) -> None:
        self.read_so_far = 0

    def read(self, screenshot: Screenshot) -> Sequence[Line]:
        self.read_so_far += 1
        return [Line("all is well" if screenshot.png == picture("white") else "oh no")]


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    def run(name: str, *steps: tuple[str, str, int]) -> Trace:
        """Tell a run: a page, a colour and where is clicked, for each step."""
        story = Story(TraceWriter.create(tmp_path / name, now=lambda: EPOCH))
        story.start()
        for number, (page, colour, x) in enumerate(steps, 1):
            story.look(number, picture(colour), url=f"https://shop.test/{page}", title=page)
            story.act(number, Click(x=x, y=1))
        story.finish()
        return Trace.open(tmp_path / name)

    return run


GOOD = (("a", "white", 1), ("b", "white", 2), ("c", "white", 3), ("d", "white", 4))


def test_the_last_step_as_in_the_good_run_and_the_first_that_is_not(tell: Tell) -> None:
    bad = tell("bad", *GOOD[:2], ("c", "white", 9), ("x", "red", 9), ("x", "red", 10))
    turn = against(bad, tell("good", *GOOD))
    assert (turn.last and turn.last.step, turn.first and turn.first.step) == (2, 3)
    assert turn.good is not None
    assert turn.good.step == 3
    assert turn.first is not None
    assert turn.first.screenshot == Screenshot.of(picture("white")).sha256
    told = lines(turn)
    assert told[0] == "still well   step 2: click at 2, 1 at https://shop.test/b"
    assert told[1].startswith("went wrong   step 3: click at 9, 1")


def test_a_detour_after_which_they_meet_again_is_not_where_it_went_wrong(tell: Tell) -> None:
    bad = tell("bad", GOOD[0], ("z", "white", 5), *GOOD[1:3], ("e", "red", 6))
    turn = against(bad, tell("good", *GOOD))
    assert (turn.last and turn.last.step, turn.first and turn.first.step) == (4, 5)


def test_the_same_address_with_another_picture_is_another_step(tell: Tell) -> None:
    bad = tell("bad", *GOOD[:2], ("c", "red", 3), ("d", "red", 4))
    turn = against(bad, tell("good", *GOOD))
    assert (turn.last and turn.last.step, turn.first and turn.first.step) == (2, 3)


def test_runs_that_are_the_same_and_runs_that_never_met(tell: Tell) -> None:
    good = tell("good", *GOOD)
    same = against(tell("same", *GOOD), good)
    assert same.first is None
    assert lines(same)[1] == "it was well to the end"
    never = against(tell("never", ("q", "red", 7)), good)
    assert never.last is None
    assert (never.first and never.first.step) == 1
    assert as_json(never)["last"] is None


def test_an_address_is_tried_on_every_look_whatever_it_does(tell: Tell) -> None:
    run = tell(
        "run", ("a", "white", 1), ("b", "white", 1), ("a", "white", 1), ("c", "red", 1), ("d", "red", 1)
    )
    turn = by_check(run, read_check("url:https://shop.test/a"))
    assert (turn.last and turn.last.step, turn.first and turn.first.step) == (3, 4)
    assert turn.how == "tried on every one of 5 looks; it changed 3 times"
    never = by_check(run, read_check("url:https://nowhere.test/*"))
    assert never.last is None


def test_a_text_is_searched_by_halving_and_reads_few_pictures(tell: Tell) -> None:
    run = tell("run", *[("a", "white", 1)] * 20, *[("a", "red", 1)] * 12)
    reader = Colours()
    turn = by_check(run, TextCheck(text="all is well"), reader)
    assert (turn.last and turn.last.step, turn.first and turn.first.step) == (20, 21)
    assert reader.read_so_far <= 6
    assert "by halving, with" in turn.how
    every = Colours()
    again = by_check(run, TextCheck(text="all is well"), every, every=True)
    assert (again.last, again.first) == (turn.last, turn.first)
    assert every.read_so_far == 32


def test_halving_says_when_it_cannot_be_used(tell: Tell) -> None:
    run = tell("run", ("a", "red", 1), ("a", "white", 1))
    with pytest.raises(InputError, match="not on the first picture"):
        by_check(run, TextCheck(text="all is well"), Colours())
    with pytest.raises(InputError, match="nothing here reads it"):
        by_check(run, TextCheck(text="all is well"))
    state = StateCheck.model_validate({"state": {"host": "shop.test", "where": "a"}})
    with pytest.raises(InputError, match="cannot be tried on recorded looks"):
        by_check(run, state)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 100])
def test_halving_finds_every_place(count: int) -> None:
    for last in range(-1, count):
        found, tried = halve(count, lambda place, last=last: place <= last)  # type: ignore[misc]
        assert found == last
        assert tried <= 8


@pytest.mark.parametrize("text", ["", "url:", "text: ", "state:x", "Thank you"])
def test_what_is_no_check_says_what_to_write(text: str) -> None:
    with pytest.raises(InputError, match="write url:PATTERN or text:WORDS"):
        read_check(text)
