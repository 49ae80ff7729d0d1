from collections.abc import Callable, Sequence

from harness.action import Action, Click, Wait
from harness.clearance import Usage
from harness.errors import ActionError
from harness.models.dialect import LONGEST_THOUGHT, MOST_ACTIONS, Hearing, Unusable


def giving(*actions: Action) -> Callable[[], Sequence[Action] | str]:
    return lambda: actions


def raising(error: Exception) -> Callable[[], Sequence[Action] | str]:
    def read() -> Sequence[Action] | str:
        raise error

    return read


def test_calls_know_which_actions_are_theirs() -> None:
    hearing = Hearing()
    hearing.call("a", "click", giving(Click(x=1, y=2)))
    hearing.call("b", "cursor_position", lambda: "X=1,Y=2")
    hearing.call("c", "key", giving(Wait(), Wait()))
    heard = hearing.heard("", usage=Usage())
    assert [(one.id, one.first, one.count, one.answer) for one in heard.calls] == [
        ("a", 0, 1, ""),
        ("b", 1, 0, "X=1,Y=2"),
        ("c", 1, 2, ""),
    ]
    assert len(heard.actions) == 3


def test_after_something_unusable_nothing_is_executed() -> None:
    for error, fault in (
        (Unusable("unknown_action", "no"), "unknown_action"),
        (ActionError("x"), "bad_arguments"),
    ):
        hearing = Hearing()
        hearing.call("a", "odd", raising(error))
        hearing.call("b", "click", giving(Click(x=1, y=2)))
        heard = hearing.heard("", usage=Usage())
        assert (heard.actions, [one.fault for one in heard.incidents]) == ((), [fault])
        assert heard.calls[1].problem.startswith("not executed")


def test_more_actions_than_anybody_means_are_not_executed() -> None:
    hearing = Hearing()
    hearing.call("a", "wait", giving(*[Wait()] * MOST_ACTIONS))
    hearing.call("b", "wait", giving(Wait()))
    heard = hearing.heard("", usage=Usage())
    assert (len(heard.actions), heard.incidents[0].fault) == (MOST_ACTIONS, "too_large")


def test_a_long_thought_is_cut_and_silence_is_a_fault() -> None:
    assert len(Hearing().heard("a" * 10**6, usage=Usage()).thought) == LONGEST_THOUGHT
    assert [one.fault for one in Hearing().heard(" ", usage=Usage()).incidents] == ["empty"]
    assert Hearing().heard("done", usage=Usage()).incidents == ()
