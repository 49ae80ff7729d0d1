"""Schemas that OpenAI takes."""

import json
from typing import Any

import pytest
from harness.action import KINDS
from harness.models.chat.schema import answers, lines, tools
from harness.task import OutputSpec
from vendors.chat import WrongError, _schema


def test_every_action_is_a_function_that_the_strict_server_takes() -> None:
    found: list[Any] = tools()
    assert [one["function"]["name"] for one in found] == list(KINDS)
    for one in found:
        _schema(one["function"]["parameters"], strict=False, where=one["function"]["name"])


def test_the_answer_is_strict_and_knows_the_outputs_of_the_task() -> None:
    schema: Any = answers({"total": OutputSpec(type="number"), "names": OutputSpec(type="array")})
    _schema(schema, strict=True, where="answer")
    kinds = schema["properties"]["actions"]["items"]["anyOf"]
    assert [one["properties"]["kind"]["enum"] for one in kinds] == [[kind] for kind in KINDS]
    data = next(one for one in kinds if one["properties"]["kind"]["enum"] == ["answer"])["properties"]["data"]
    assert data["properties"] == {
        "total": {"type": ["number", "null"]},
        "names": {"type": ["string", "null"]},
    }


def test_the_strict_server_refuses_what_openai_refuses() -> None:
    for schema in ({"type": "array"}, {"type": "integer", "ge": 1}):
        with pytest.raises(WrongError):
            _schema(schema, strict=False, where="x")
    with pytest.raises(WrongError, match="required"):
        _schema(
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
            strict=True,
            where="x",
        )


def test_every_action_in_words_names_its_fields() -> None:
    said = lines()
    assert len(said.splitlines()) == len(KINDS)
    assert '{"kind": "click", "x": integer, "y": integer, "button"?: "left"|"middle"' in said
    assert '"region": [integer, integer, integer, integer]' in said
    assert json.dumps("kind") in said
