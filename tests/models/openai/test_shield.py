"""What Azure's filters say, wherever they say it."""

from typing import Any

import pytest
from harness.models.openai.shield import held_back, signals

HATE: Any = {
    "hate": {"filtered": True, "severity": "high"},
    "sexual": {"filtered": False, "severity": "safe"},
}
ATTACK: Any = {"indirect_attack": {"detected": True, "filtered": False}, "jailbreak": {"detected": False}}


@pytest.mark.parametrize(
    "found",
    [
        {"content_filters": [{"blocked": True, "source_type": "prompt", "content_filter_results": HATE}]},
        {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": HATE}]},
        {"content_filter_results": HATE},
        {"code": "content_filter", "innererror": {"content_filter_result": HATE}},
    ],
)
def test_category_and_severity_are_named_in_each_form(found: dict[str, Any]) -> None:
    assert held_back(found) == "hate (high)"


def test_what_was_blocked_without_a_category_is_said_too() -> None:
    assert held_back({"content_filters": [{"blocked": True}]}) == "blocked, without a category"


def test_what_was_only_looked_at_is_not_held_back() -> None:
    assert held_back({"content_filters": [{"blocked": False, "content_filter_results": ATTACK}]}) == ""


def test_a_filtered_attack_is_named() -> None:
    found: Any = {"jailbreak": {"detected": True, "filtered": True}}
    assert held_back({"content_filter_results": found}) == "jailbreak (detected)"


def test_what_a_prompt_shield_saw_is_a_signal_each_once() -> None:
    both: Any = [{"content_filter_results": ATTACK}, {"content_filter_results": ATTACK}]
    (found,) = signals({"content_filters": both}, "azure")
    assert (found.provider, found.code, found.id) == ("azure", "indirect_attack", None)
    assert found.message


@pytest.mark.parametrize(
    "found", [None, [], {"content_filters": {}}, {"content_filters": [1]}, {"innererror": []}, HATE]
)
def test_what_says_nothing_says_nothing(found: Any) -> None:
    assert held_back(found) == ""
    assert signals(found if isinstance(found, dict) else {}, "azure") == ()
