"""What a request asks for besides."""

import pytest
from harness.models.catalogue import ModelFacts
from harness.models.chat.options import ChatOptions, fields, reasons


@pytest.mark.parametrize("name", ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.4", "gpt-6.1-sol"])
def test_reasoning_models_are_known_by_name(name: str) -> None:
    assert reasons(name)


@pytest.mark.parametrize(
    "name", ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4-turbo", "gpt-5-chat-latest", "olmo", "o"]
)
def test_others_are_not(name: str) -> None:
    assert not reasons(name)


def test_a_reasoning_model_gets_no_temperature() -> None:
    chat = ChatOptions(temperature=0.2, effort="high")
    assert fields(chat, ModelFacts(name="o3"), 9, own=False) == {
        "max_completion_tokens": 9,
        "reasoning_effort": "high",
    }
    assert fields(chat, ModelFacts(name="x", thinks=True), 9, own=False).get("temperature") is None
    assert fields(ChatOptions(temperature=0.2), ModelFacts(name="o3"), 9, own=True) == {
        "max_tokens": 9,
        "temperature": 0.2,
    }


def test_what_a_person_chose_wins() -> None:
    chat = ChatOptions(limit="max_tokens", temperature=1.0, reasoning=False, parallel=False)
    assert fields(chat, ModelFacts(name="o3"), 9, own=False) == {
        "max_tokens": 9,
        "temperature": 1.0,
        "parallel_tool_calls": False,
    }
    assert "parallel_tool_calls" not in fields(
        ChatOptions(form="schema", parallel=True), ModelFacts(name="gpt-4o"), 9, own=False
    )
