"""Every action is a tool with a schema that its own examples fit."""

import json
from pathlib import Path

import pytest
from harness.action import KINDS
from harness.integrations.vocabulary import OBSERVE, perform, tools
from tests.integrations.guests import opened


def test_there_is_a_tool_for_every_kind_and_one_to_look() -> None:
    found = {one.name: one for one in tools()}
    assert tuple(found) == (OBSERVE, *KINDS)
    for one in found.values():
        assert (one.schema["type"], one.schema["additionalProperties"]) == ("object", False)
        assert one.description
        assert "kind" not in one.schema["properties"]
        assert "$ref" not in json.dumps(one.schema)
    assert found["click"].schema["required"] == ["x", "y"]
    assert found["click"].schema["properties"]["button"]["enum"][0] == "left"
    assert "Pixels" in found["click"].schema["properties"]["x"]["description"]
    assert found["drag"].schema["properties"]["path"]["items"]["properties"]["x"]["type"] == "integer"
    assert found["zoom"].schema["properties"]["region"]["items"]["type"] == "integer"


async def test_what_a_call_came_to_is_told_in_words_with_a_picture(tmp_path: Path) -> None:
    async with opened(tmp_path) as session:
        told = await perform(session, OBSERVE, {})
        assert (told.text, told.error) == ("screenshot: done\naddress: https://a.test/", False)
        assert told.image == session.latest.screenshot
        told = await perform(session, "type", {"text": "x"})
        assert told.text.startswith("type: refused by 'no typing': No.\naddress: ")
        assert (told.error, told.image is None) == (True, False)
        assert "did you mean 'click'" in (await perform(session, "clik", {})).text
        assert "y: Field required" in (await perform(session, "click", {"x": 1})).text
        assert "click: done" in (await perform(session, "click", {"x": 1, "y": 1, "kind": "goto"})).text
        told = await perform(session, "answer", {"text": "so be it"})
        assert (told.text, told.image, told.error) == ("the run is over: done: so be it", None, False)
        told = await perform(session, OBSERVE, {})
        assert (told.text, told.error) == ("the session is over: done: so be it", True)


@pytest.mark.parametrize("name", ["wait", "give_up"])
async def test_an_ending_that_is_none_of_success_is_an_error(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as session:
        told = await perform(session, name, {"reason": "no"} if name == "give_up" else {})
        assert told.error
        assert "over: " in told.text
