"""What Azure's filters say, wherever they say it."""

from typing import Any

import pytest
from harness.models.azure_filters import filtered, why_refused
from pydantic import JsonValue

SAFE: JsonValue = {"filtered": False, "severity": "safe"}
HATE: JsonValue = {"hate": {"filtered": True, "severity": "high"}, "sexual": SAFE}
ATTACK: JsonValue = {
    "indirect_attack": {"detected": True, "filtered": False},
    "jailbreak": {"detected": False},
}


@pytest.mark.parametrize(
    ("found", "where"),
    [
        (
            {"content_filters": [{"blocked": True, "source_type": "prompt", "content_filter_results": HATE}]},
            "prompt",
        ),
        ({"content_filters": [{"source_type": "completion", "content_filter_results": HATE}]}, "answer"),
        ({"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": HATE}]}, "prompt"),
        ({"choices": [{"index": 0, "content_filter_results": HATE}]}, "answer"),
        ({"choices": [{"index": 0, "content_filter_result": HATE}]}, "answer"),
        ({"content_filter_results": HATE}, "answer"),
        ({"code": "content_filter", "innererror": {"content_filter_result": HATE}}, "prompt"),
    ],
)
def test_what_was_held_back_is_named_with_its_severity_and_its_place(found: JsonValue, where: str) -> None:
    read = filtered(found)
    assert read.said == "hate (high)"
    assert [one.message for one in read.taken] == [
        f"the content filter held back a part of the {where}: hate (high)"
    ]
    assert (read.unrun, read.shields) == ((), ())


def test_what_was_blocked_without_a_category_is_said_too() -> None:
    assert filtered({"content_filters": [{"blocked": True}]}).said == "blocked, without a category"


def test_what_was_only_looked_at_is_not_held_back() -> None:
    found = filtered({"content_filters": [{"blocked": False, "content_filter_results": ATTACK}]})
    assert (found.said, found.taken) == ("", ())


def test_a_blocklist_of_ones_own_holds_back_in_each_of_its_forms() -> None:
    one: JsonValue = {"custom_blocklists": {"filtered": True, "details": [{"filtered": True, "id": "mine"}]}}
    more: JsonValue = {"custom_blocklists": [{"filtered": False, "id": "a"}, {"filtered": True, "id": "b"}]}
    for found in (one, more):
        assert filtered({"content_filter_results": found}).said == "custom_blocklists"


def test_a_filter_that_did_not_run_is_said() -> None:
    failed: JsonValue = {"error": {"code": "content_filter_error", "message": "x"}}
    (found,) = filtered({"prompt_filter_results": [{"content_filter_results": failed}]}).unrun
    assert found.message == "the content filter did not run on the prompt: content_filter_error"


def test_what_a_prompt_shield_saw_is_a_signal_once_even_if_nothing_was_held_back() -> None:
    for name in ("content_filters", "prompt_filter_results", "choices"):
        both: JsonValue = [{"content_filter_results": ATTACK}, {"content_filter_results": ATTACK}]
        (found,) = filtered({name: both}).signals("azure")
        assert (found.provider, found.code, found.id) == ("azure", "indirect_attack", None)
        assert "instructions in what the model was shown" in found.message


def test_an_attack_that_was_held_back_is_a_signal_and_is_named() -> None:
    found = filtered({"content_filter_results": {"jailbreak": {"filtered": True}}})
    assert (found.said, found.shields) == ("jailbreak", ("jailbreak",))
    both: JsonValue = {"jailbreak": {"detected": True, "filtered": True}}
    assert filtered({"content_filter_results": both}).said == "jailbreak (detected)"


@pytest.mark.parametrize("name", ["content_filter_result", "content_filter_results"])
def test_a_prompt_that_a_shield_refused_says_that_it_was_the_shield(name: str) -> None:
    results: JsonValue = {"jailbreak": {"filtered": True, "detected": True}, "hate": SAFE}
    assert why_refused({"innererror": {name: results}}) == (
        "jailbreak (detected); refused by Azure's prompt shield: "
        "an attempt to override the rules of the model"
    )
    assert why_refused({"innererror": {name: HATE}}) == "hate (high)"


@pytest.mark.parametrize(
    "odd",
    [
        *(None, 1, "x", [], {}, {"choices": 3}, {"prompt_filter_results": [1, None, {}]}),
        *({"content_filters": {}}, {"content_filters": [1]}, {"innererror": []}, HATE),
    ],
)
def test_what_says_nothing_says_nothing(odd: Any) -> None:
    found = filtered(odd)
    assert (found.held, found.taken, found.unrun, found.shields) == ((), (), (), ())
    assert why_refused(odd) == ""
