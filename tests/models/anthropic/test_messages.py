"""What was said so far, as the vendor wants it; the strict server's own rules judge it too."""

import base64
from typing import Any

import pytest
from harness.models.anthropic.messages import LEFT_OUT, NOT_EXECUTED, kept, messages
from harness.models.dialect import Call, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.testing import blank
from vendors.anthropic import conversation

PNG = blank(40, 30).png
SPACE = Space("pixels", 40, 30, 40, 30)
IMAGE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()},
}
A, B, C = Call("a", "left_click", 0, 1), Call("b", "goto", 1, 1), Call("c", "cursor_position", 2, 0)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def use(call: Call, family: str | None = None) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    return block if family is None else {**block, "toolset_name": family}


def seen(step: int, *outcomes: Outcome, picture: bool = True) -> Seen:
    return Seen(
        step, f"Step {step}.", Picture(PNG, (SPACE.width, SPACE.height), SPACE) if picture else None, outcomes
    )


def turns(*outcomes: Outcome, picture: bool = True) -> list[Turn]:
    said = Heard(calls=(A, B), items=(text("hm"), use(A, "computer"), use(B)))
    return [Turn(seen(1, picture=picture), said), Turn(seen(2, *outcomes))]


def written(given: list[Turn], marks: tuple[int, ...] = ()) -> Any:
    found: Any = messages(given, marks)
    conversation(found)
    return found


def test_the_first_question_is_text_and_then_the_picture() -> None:
    assert written([Turn(seen(1))]) == [{"role": "user", "content": [text("Step 1."), IMAGE]}]


def test_each_call_is_answered_once_and_the_screenshot_stands_in_the_last_result() -> None:
    found = written(turns(Outcome(A, ok=True), Outcome(B, ok=True, text="It loads.")))
    assert found[1] == {"role": "assistant", "content": [text("hm"), use(A, "computer"), use(B)]}
    assert found[2]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "toolset_name": "computer",
            "content": [text("Done.")],
        },
        {"type": "tool_result", "tool_use_id": "b", "content": [text("It loads."), text("Step 2."), IMAGE]},
    ]


def test_what_was_refused_is_an_error_of_text_and_the_picture_follows_it() -> None:
    refused = Outcome(A, ok=False, text="refused by the rule 'spending': It spends money.")
    found = written(turns(refused, Outcome(B, ok=False, text="not executed")))
    assert found[2]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "toolset_name": "computer",
            "is_error": True,
            "content": [text("refused by the rule 'spending': It spends money.")],
        },
        {
            "type": "tool_result",
            "tool_use_id": "b",
            "is_error": True,
            "content": [text(NOT_EXECUTED), text("Step 2.")],
        },
        IMAGE,
    ]


def test_what_was_not_executed_begins_with_these_words_and_says_why() -> None:
    why = "not executed: a call before it could not be used"
    found = written(turns(Outcome(A, ok=False, text="bad"), Outcome(B, ok=False, text=why)))
    assert found[2]["content"][1]["content"][0] == text("Not executed: a call before it could not be used")


def test_an_error_without_a_reason_has_words_all_the_same() -> None:
    found = written(turns(Outcome(A, ok=False), Outcome(B, ok=False)))
    assert found[2]["content"][0]["content"] == [text(NOT_EXECUTED)]


def test_a_call_of_which_nothing_is_known_is_answered_too() -> None:
    found = written(turns(Outcome(A, ok=True)))
    assert found[2]["content"][1]["is_error"]


def test_a_question_about_the_screen_after_a_failure_is_not_answered_as_if_all_went_well() -> None:
    said = Heard(calls=(A, C), items=(use(A, "computer"), use(C, "computer")))
    came = (Outcome(A, ok=False, text="failed: no"), Outcome(C, ok=True, text="X=1,Y=2"))
    found = written([Turn(seen(1), said), Turn(seen(2, *came))])
    assert found[2]["content"][1]["content"][0] == text(NOT_EXECUTED)


def test_a_zoom_shows_its_own_picture_before_the_screenshot() -> None:
    own = blank(10, 10).png
    found = written(turns(Outcome(A, ok=True, picture=own), Outcome(B, ok=True)))
    (_, image) = found[2]["content"][0]["content"]
    assert base64.b64decode(image["source"]["data"]) == own


def test_a_picture_that_is_left_out_leaves_words() -> None:
    found = written(turns(Outcome(A, ok=True), Outcome(B, ok=True), picture=False))
    assert found[0]["content"] == [text("Step 1."), text(LEFT_OUT)]


def test_caches_may_end_after_the_last_two_marks_and_change_nothing_else() -> None:
    given = turns(Outcome(A, ok=True), Outcome(B, ok=True))
    found = written(given, (0, 1))
    assert found[0]["content"][-1].pop("cache_control") == {"type": "ephemeral"}
    assert found[2]["content"][-1].pop("cache_control") == {"type": "ephemeral"}
    assert found == written(given)
    three = written([*turns(), Turn(seen(3))], (0, 1, 2))
    assert [str(one).count("cache_control") for one in three] == [0, 0, 1, 1]


def test_an_answer_that_cannot_be_sent_again_is_left_out() -> None:
    found = written([Turn(seen(1), Heard()), Turn(seen(2))])
    assert [one["role"] for one in found] == ["user", "user"]


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ([{"type": "text", "text": " \n"}], []),
        ([{"type": "thinking", "thinking": "x", "signature": ""}, {"type": "text", "text": "a"}], [1]),
        ([{"type": "thinking", "thinking": "x", "signature": "s"}, {"type": "text", "text": "a"}], [0, 1]),
        ([{"type": "redacted_thinking", "data": "x"}, {"type": "tool_use", "id": "a"}], [0, 1]),
        ([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "x", "signature": "s"}], [0]),
        ([{"type": "something_new", "x": {"y": [1]}}], [0]),
    ],
)
def test_blocks_are_kept_word_for_word_but_for_what_the_vendor_refuses(
    content: list[dict[str, Any]], sent: list[int]
) -> None:
    assert kept(content) == tuple(content[place] for place in sent)
