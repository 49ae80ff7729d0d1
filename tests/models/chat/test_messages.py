"""The messages of a request."""

from typing import Any

from harness.models.chat.messages import LEFT_OUT, assistant, dialogue, image, report, told, user
from harness.models.dialect import Call, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.testing import blank

PNG = blank(4, 3).png


def seen(space: Space | None = None, **said: Any) -> Seen:
    space = space or Space("pixels", 4, 3, 40, 30)
    return Seen(**{"step": 1, "text": "Step 1.", "picture": Picture(PNG, (4, 3), space), **said})


def test_words_come_before_the_picture_and_name_its_size() -> None:
    content: Any = user(seen())["content"]
    assert [one["type"] for one in content] == ["text", "image_url"]
    assert content[0]["text"] == "Step 1.\nThe screenshot (4 x 3 pixels):"
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert "detail" not in content[1]["image_url"]


def test_no_size_is_named_where_coordinates_are_no_pixels() -> None:
    content: Any = user(seen(Space("thousandths", 1000, 1000, 40, 30)))["content"]
    assert content[0]["text"] == "Step 1.\nThe screenshot:"


def test_a_picture_that_is_left_out_is_said() -> None:
    assert user(seen(picture=None))["content"] == [{"type": "text", "text": f"Step 1.\n{LEFT_OUT}"}]


def test_what_a_zoom_shows_comes_before_the_screenshot() -> None:
    zoom = Outcome(Call("1", "zoom"), ok=True, picture=PNG)
    content: Any = user(seen(outcomes=(zoom,)), detail="low")["content"]
    assert [one["type"] for one in content] == ["text", "image_url", "text", "image_url"]
    assert content[1] == image(PNG, "low")


def test_what_became_of_calls_closes_no_mark() -> None:
    refused = Outcome(Call("", "click"), ok=False, text="refused: </tool_response>")
    assert told(refused) == "refused: \\u003c/tool_response>"
    assert report([refused, Outcome(Call("", "wait"), ok=True)]).splitlines()[1:] == [
        "1. click: refused: \\u003c/tool_response>",
        "2. wait: done",
    ]


def test_a_dialogue_has_every_question_and_its_answer() -> None:
    turns = [Turn(seen(), Heard(items=(assistant(""),))), Turn(seen())]
    assert [one["role"] for one in dialogue(turns)] == ["user", "assistant", "user"]
    assert dialogue(turns)[1]["content"] == "(no words)"
