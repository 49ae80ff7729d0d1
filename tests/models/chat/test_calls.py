"""Calls in Python's syntax are parsed, and nothing of them is run."""

import pytest
from harness.models.chat.calls import LONGEST, MOST, Written, box, written
from harness.models.dialect import Unusable


def only(text: str) -> Written:
    _, calls = written(text)
    assert len(calls) == 1, calls
    return calls[0]


@pytest.mark.parametrize(
    ("text", "name", "given"),
    [
        ("Action: click(point='<point>1 2</point>')", "click", {"point": "<point>1 2</point>"}),
        ("Action: click(start_box='(1,2)')", "click", {"start_box": "(1,2)"}),
        ("Action: click(start_box=[1, 2])", "click", {"start_box": (1.0, 2.0)}),
        ("Action: wait()", "wait", {}),
        ("Action\uff1await()", "wait", {}),
        (r"Action: type(content='a\nb')", "type", {"content": "a\nb"}),
        ("Action: type(content='it's James' square')", "type", {"content": "it's James' square"}),
        ('Action: type(content="say "no" now")', "type", {"content": 'say "no" now'}),
        ("Action: type(content='one\ntwo')", "type", {"content": "one\ntwo"}),
        (r"Action: type(content='C:\dir')", "type", {"content": r"C:\dir"}),
        ("Action: hotkey(key='ctrl c')", "hotkey", {"key": "ctrl c"}),
    ],
)
def test_what_a_call_says_is_read(text: str, name: str, given: dict[str, object]) -> None:
    one = only(text)
    assert (one.problem, one.name, one.given) == (None, name, given)


@pytest.mark.parametrize(
    "text",
    [
        "Action: click(point=__import__('os').system('id'))",
        "Action: (lambda: 1)()",
        "Action: os.system(command='id')",
        "Action: click(*['a'])",
        "Action: click(**{'point': '1 2'})",
        "Action: click('<point>1 2</point>')",
        "Action: click(point=f'{1}')",
        "Action: click(point=None)",
        "Action: click(point=True)",
        "Action: click(point=b'1 2')",
        "Action: import os",
        "Action: x = 1",
        "Action: click(point='1 2'",
        "Action: click(point='1 2') and more",
        "Action: " + "(" * 5000,
        "Action: \0",
        "Action: nothing of the kind",
    ],
)
def test_what_is_no_call_of_constants_is_named_and_not_run(text: str) -> None:
    assert only(text).problem is not None


def test_several_actions_are_read_in_order_up_to_the_first_that_is_none() -> None:
    thought, calls = written("Thought: Two things.\nAction: wait()\n\nhotkey(key='tab')")
    assert thought == "Two things."
    assert [one.name for one in calls] == ["wait", "hotkey"]
    _, calls = written("Action: type(content='don't')\n\nclick(oops\n\nwait()")
    assert [one.problem is None for one in calls] == [True, False]


def test_an_imagined_next_step_is_not_executed() -> None:
    _, calls = written("Thought: a\nAction: wait()\nThought: b\nAction: hotkey(key='enter')")
    assert [(one.name, one.problem is None) for one in calls] == [("wait", True), ("action", False)]


def test_more_than_anybody_means_is_refused() -> None:
    _, calls = written("Action: " + "\n".join(["wait()"] * (MOST + 5)))
    assert [one.problem is None for one in calls] == [True] * MOST + [False]
    assert only("Action: " + "x" * (LONGEST + 1)).problem is not None


def test_words_without_an_action_are_a_thought() -> None:
    assert written("Thought: I look around.") == ("I look around.", [])


@pytest.mark.parametrize(
    ("said", "point"),
    [
        ("<point>12 34</point>", (12, 34)),
        ("(12,34)", (12, 34)),
        ("<|box_start|>(12,34)<|box_end|>", (12, 34)),
        ("[10, 20, 30, 40]", (20, 30)),
        ("12.5 34", (12.5, 34)),
        ((1.0, 2.0), (1, 2)),
    ],
)
def test_a_point_is_read_in_every_form(said: str, point: tuple[float, float]) -> None:
    assert box(said) == point


@pytest.mark.parametrize(
    "said", ["", "12", "1 2 3", "a b", "1e9 2", "12 34; rm", "(1,2) (3,4) (5,6)", 7, "9" * 300]
)
def test_what_is_no_point_is_refused(said: str) -> None:
    with pytest.raises(Unusable, match="a point is"):
        box(said)
