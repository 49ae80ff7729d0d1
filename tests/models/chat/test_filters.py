"""What Azure's filters say."""

import pytest
from harness.models.chat.filters import annotations, explained
from pydantic import JsonValue

SAFE: JsonValue = {"filtered": False, "severity": "safe"}


def answer(prompt: JsonValue, said: JsonValue) -> JsonValue:
    return {
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": prompt}],
        "choices": [{"content_filter_results": said}],
    }


def test_what_is_safe_is_nothing() -> None:
    found = annotations(
        answer({"hate": SAFE, "jailbreak": {"filtered": False, "detected": False}}, {"hate": SAFE})
    )
    assert (found.incidents, found.signals) == ((), ())


def test_an_attack_is_a_signal_once_even_if_nothing_was_filtered() -> None:
    attack: JsonValue = {"indirect_attack": {"filtered": False, "detected": True}}
    found = annotations(answer(attack, attack))
    assert [(one.provider, one.code) for one in found.signals] == [("azure", "indirect_attack")]
    assert found.incidents == ()


def test_what_was_held_back_is_an_incident_with_its_severity() -> None:
    found = annotations(answer({}, {"violence": {"filtered": True, "severity": "high"}}))
    assert [one.message for one in found.incidents] == [
        "the content filter held back a part of the answer: violence (high)"
    ]


def test_a_filter_that_did_not_run_is_said() -> None:
    found = annotations(answer({"error": {"code": "content_filter_error", "message": "x"}}, {}))
    assert "did not run on the prompt" in found.incidents[0].message


@pytest.mark.parametrize("name", ["content_filter_result", "content_filter_results"])
def test_why_a_prompt_was_refused_is_told(name: str) -> None:
    results: JsonValue = {"jailbreak": {"filtered": True, "detected": True}, "hate": SAFE}
    assert explained({"innererror": {name: results}}) == "jailbreak"


@pytest.mark.parametrize("odd", [None, 1, "x", [], {"choices": 3}, {"prompt_filter_results": [1, None, {}]}])
def test_anything_else_is_nothing(odd: JsonValue) -> None:
    assert annotations(odd).incidents == ()
    assert explained(odd) == ""
