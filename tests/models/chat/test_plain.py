"""Answers that are one JSON object."""

import json
from typing import Any

import pytest
from harness.action import Answer, Click, Wait
from harness.models.chat.options import Form
from harness.models.chat.plain import JsonDialect
from harness.models.dialect import Brief, Frame, Heard, Outcome, Picture, Seen, Turn
from harness.models.scaling import Space
from harness.task import OutputSpec
from harness.testing import blank
from vendors.chat import completion, message, tool_call

SPACE = Space("pixels", 40, 30, 40, 30)
FRAME = Frame(SPACE, (0, 0))
BRIEF = Brief(goal="Buy", outputs={"order_id": OutputSpec(), "names": OutputSpec(type="array")})


def dialect(form: Form = "schema") -> JsonDialect:
    return JsonDialect("m", BRIEF, {"max_tokens": 9}, form=form, provider="chat")


def read(content: str | dict[str, Any] | None, **said: Any) -> Heard:
    text = json.dumps(content) if isinstance(content, dict) else content
    return dialect().read(completion(message(text, **said)), FRAME)


def faults(heard: Heard) -> list[str]:
    return [one.fault for one in heard.incidents]


@pytest.mark.parametrize(
    ("form", "kind"), [("schema", "json_schema"), ("object", "json_object"), ("text", None)]
)
def test_what_holds_the_model_to_json_is_as_chosen(form: Form, kind: str | None) -> None:
    turn = Turn(Seen(step=1, text="Step 1.", picture=None))
    body: Any = dialect(form).request([turn], [])
    assert body.get("response_format", {}).get("type") == kind
    assert ('{"kind": "click"' in body["messages"][0]["content"]) is (form != "schema")
    assert "tools" not in body


def test_thought_and_actions_are_read_and_null_is_nothing() -> None:
    click = {"kind": "click", "x": 1, "y": 2, "button": None, "count": 2, "modifiers": None}
    heard = read({"thought": "I click.", "actions": [click, {"kind": "wait", "seconds": None}]})
    assert heard.actions == (Click(x=1, y=2, count=2), Wait())
    assert heard.thought == "I click."
    assert [one.name for one in heard.calls] == ["click", "wait"]


def test_data_of_a_strict_answer_are_values_again() -> None:
    data = {"order_id": "[7]", "names": '["Ada", "Bob"]'}
    heard = read({"thought": "", "actions": [{"kind": "answer", "text": "ok", "data": data}]})
    assert heard.actions == (Answer(text="ok", data={"order_id": "[7]", "names": ["Ada", "Bob"]}),)
    none = {"order_id": None, "names": "not json"}
    heard = read({"thought": "", "actions": [{"kind": "answer", "text": "ok", "data": none}]})
    assert heard.actions == (Answer(text="ok", data={"names": "not json"}),)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("I would click the button.", "malformed"),
        ('{"actions": []} {"actions": []}', "malformed"),
        ('{"thought": "no actions"}', "bad_arguments"),
        ('{"actions": {"kind": "wait"}}', "bad_arguments"),
        ('{"actions": ["wait"]}', "bad_arguments"),
        ('{"actions": [{"kind": "fly"}]}', "bad_arguments"),
        ('{"actions": [{"kind": "click", "x": 400, "y": 1}]}', "outside_image"),
    ],
)
def test_what_cannot_be_used_is_told_to_the_model(content: str, fault: str) -> None:
    heard = read(content)
    assert (heard.actions, faults(heard)) == ((), [fault])
    assert heard.calls[-1].problem


def test_what_was_cut_off_or_refused_or_called_is_not_executed() -> None:
    good = '{"thought": "", "actions": [{"kind": "wait"}]}'
    assert faults(read(good, finish="length")) == ["truncated"]
    assert faults(read(None, refusal="No.")) == ["refused"]
    assert faults(read(good, calls=[tool_call("a", "wait", "{}")])) == ["unknown_tool"]
    assert faults(read(None)) == ["empty"]
    assert read(good, finish="length").actions == ()


def test_the_next_question_says_what_became_of_the_answer() -> None:
    heard = read({"thought": "", "actions": [{"kind": "wait"}]})
    picture = Picture(blank(40, 30).png, (40, 30), SPACE)
    told = Outcome(heard.calls[0], ok=False, text="refused by the rule 'r': no")
    turns = [
        Turn(Seen(step=1, text="Step 1.", picture=None), heard),
        Turn(Seen(step=2, text="Step 2.", picture=picture, outcomes=(told,))),
    ]
    body: Any = dialect().request(turns, [])
    assert [one["role"] for one in body["messages"]] == ["system", "user", "assistant", "user"]
    assert json.loads(body["messages"][2]["content"])["actions"] == [{"kind": "wait"}]
    assert "1. wait: refused by the rule 'r': no\nStep 2." in body["messages"][3]["content"][0]["text"]
