"""What is sent back of what was said, written by hand as the SDK's types have it."""

import base64
import json
from dataclasses import replace

import pytest
from google.genai import types
from harness.models.dialect import Call, Heard, JsonObject, Outcome, Picture, Seen, Turn
from harness.models.gemini.history import contents
from harness.models.scaling import Space
from harness.testing import blank
from pydantic import JsonValue

PNG = blank(4, 3).png
DATA = base64.b64encode(PNG).decode()
SHOT: JsonObject = {"inlineData": {"mimeType": "image/png", "data": DATA}}
PICTURE = Picture(PNG, (4, 3), Space("thousandths", 1000, 1000, 4, 3))
ASKS: JsonObject = {"decision": "require_confirmation", "explanation": "It buys."}
FIRST = Seen(1, "Step 1.", PICTURE, url="https://shop.test/")


def content(*calls: JsonObject) -> JsonObject:
    return {"role": "model", "parts": [{"functionCall": call} for call in calls]}


def turns(item: JsonObject, seen: Seen) -> list[Turn]:
    return [Turn(FIRST, Heard(items=(item,), id="r1")), Turn(seen)]


def second(*outcomes: Outcome, acknowledged: tuple[str, ...] = (), picture: Picture | None = PICTURE) -> Seen:
    return Seen(2, "Step 2.", picture, outcomes, acknowledged, "https://shop.test/cart")


def done(name: str, text: str = "", call_id: str = "") -> Outcome:
    return Outcome(Call(call_id, name), ok=True, text=text)


def written(found: list[JsonValue]) -> list[JsonValue]:
    for one in found:
        types.Content.model_validate_json(json.dumps(one))
    return found


def test_the_first_question_is_a_text_and_a_picture() -> None:
    assert written(contents([Turn(FIRST)])) == [{"role": "user", "parts": [{"text": "Step 1."}, SHOT]}]


def test_all_calls_are_answered_in_one_message_and_the_newest_picture_is_with_the_last() -> None:
    item = content(
        {"name": "go_back"}, {"name": "click", "args": {"x": 1, "y": 2}, "id": "f1"}, {"name": "answer"}
    )
    no = Outcome(Call("", "answer"), ok=False, text="refused: no")
    seen = second(done("go_back"), done("click", call_id="f1"), no)
    found = written(contents(turns(item, seen)))
    url: JsonObject = {"url": "https://shop.test/cart"}
    assert found[1] is item
    assert found[2] == {
        "role": "user",
        "parts": [
            {"functionResponse": {"name": "go_back", "response": url}},
            {
                "functionResponse": {
                    "name": "click",
                    "id": "f1",
                    "response": {**url, "output": "Step 2."},
                    "parts": [SHOT],
                }
            },
            {"functionResponse": {"name": "answer", "response": {**url, "error": "refused: no"}}},
        ],
    }


def test_beside_answers_of_our_own_functions_the_picture_is_a_part_of_its_own() -> None:
    no = Outcome(Call("", "reload"), ok=False, text="failed: gone")
    found = written(contents(turns(content({"name": "reload"}), second(no))))
    said: JsonObject = {"url": "https://shop.test/cart", "error": "failed: gone", "output": "Step 2."}
    response: JsonObject = {"functionResponse": {"name": "reload", "response": said}}
    assert found[2] == {"role": "user", "parts": [response, SHOT]}


def test_what_came_of_a_call_is_said_and_its_own_picture_shown() -> None:
    outcome = replace(done("click", "It opened a tab."), picture=PNG)
    found = written(contents(turns(content({"name": "click"}), second(outcome))))
    assert found[2] == {
        "role": "user",
        "parts": [
            {
                "functionResponse": {
                    "name": "click",
                    "response": {"url": "https://shop.test/cart", "output": "It opened a tab.\nStep 2."},
                    "parts": [SHOT, SHOT],
                }
            }
        ],
    }


def test_an_old_picture_is_said_to_be_left_out() -> None:
    seen = second(done("click"), picture=None)
    found = str(written(contents(turns(content({"name": "click"}), seen))))
    assert "Step 2.\\n(screenshot left out)" in found
    assert found.count("inlineData") == 1


def test_only_what_a_person_let_pass_is_acknowledged() -> None:
    item = content({"name": "click"}, {"name": "move", "args": {"safety_decision": ASKS}})
    seen = second(done("click"), done("move"), acknowledged=("r1/1",))
    found = written(contents(turns(item, seen)))
    texts = json.dumps(found[2])
    assert texts.count("safety_acknowledgement") == 1
    assert texts.index("safety_acknowledgement") > texts.index('"move"')


@pytest.mark.parametrize("acknowledged", [(), ("r0/0",), ("r1/1",)])
def test_an_answer_that_nobody_confirmed_is_left_out_and_the_model_is_told(
    acknowledged: tuple[str, ...],
) -> None:
    item = content({"name": "click", "args": {"x": 7, "y": 8, "safety_decision": ASKS}})
    outcome = Outcome(Call("", "click"), ok=False, text="refused by the rule 'warnings': not so <b>")
    found = written(contents(turns(item, second(outcome, acknowledged=acknowledged))))
    assert [one["role"] for one in found if isinstance(one, dict)] == ["user", "user"]
    parts = types.Content.model_validate_json(json.dumps(found[1])).parts or []
    assert len(parts) == 2
    told = parts[0].text or ""
    assert '- click {"x": 7, "y": 8}: refused by the rule \'warnings\': not so \\u003cb>' in told
    assert "Step 2." in told
    assert "safety" not in told


def test_what_the_vendor_blocked_is_left_out_even_if_somebody_says_yes() -> None:
    item = content({"name": "click", "args": {"safety_decision": {"decision": "blocked"}}})
    outcome = Outcome(Call("", "click"), ok=False, text="blocked")
    assert len(contents(turns(item, second(outcome, acknowledged=("r1/0",))))) == 2


def test_an_answer_with_a_call_that_cannot_be_answered_is_left_out() -> None:
    found = written(contents(turns(content({"name": "click"}), second())))
    assert found[1] == {"role": "user", "parts": [{"text": "Step 2."}, SHOT]}


def test_words_alone_stay_in_the_history() -> None:
    item: JsonObject = {"role": "model", "parts": [{"text": "Hm."}]}
    found = written(contents(turns(item, second())))
    assert found[1:] == [item, {"role": "user", "parts": [{"text": "Step 2."}, SHOT]}]


def test_an_answer_that_was_withheld_is_told_of() -> None:
    seen = second(Outcome(Call("", "(answer)"), ok=False, text="the answer ended with SAFETY"))
    found = contents([Turn(FIRST, Heard()), Turn(seen)])
    assert "- (answer): the answer ended with SAFETY" in str(found[1])
