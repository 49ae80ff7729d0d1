"""Fara's vocabulary."""

from collections.abc import Mapping
from typing import Any

import pytest
from harness.action import (
    Action,
    Answer,
    AskUser,
    Back,
    Click,
    GiveUp,
    Goto,
    Press,
    Reload,
    Scroll,
    Type,
)
from harness.models.chat.fara import FaraVersion, FaraVocabulary
from harness.models.dialect import Frame, Unusable
from harness.models.scaling import Space

FRAME = Frame(Space("pixels", 40, 30, 40, 30), (7, 8))
SEARCH = "https://search.test/?q="


def read(given: Mapping[str, Any], version: FaraVersion = "7b", search: str = SEARCH) -> Any:
    return FaraVocabulary(version, search).read(given, FRAME, "why")


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        ({"action": "visit_url", "url": "shop.test/a"}, [Goto(url="https://shop.test/a")]),
        ({"action": "visit_url", "url": "localhost:8000/a"}, [Goto(url="https://localhost:8000/a")]),
        ({"action": "visit_url", "url": "http://shop.test/"}, [Goto(url="http://shop.test/")]),
        ({"action": "visit_url", "url": "about:blank"}, [Goto(url="about:blank")]),
        ({"action": "web_search", "query": "blue mug & co"}, [Goto(url=f"{SEARCH}blue+mug+%26+co")]),
        ({"action": "history_back"}, [Back()]),
        ({"action": "refresh"}, [Reload()]),
        ({"action": "scroll", "pixels": 100}, [Scroll(x=7, y=8, dy=-100)]),
        ({"action": "type", "text": "Ada"}, [Type(text="Ada")]),
        ({"action": "type", "text": "Ada", "press_enter": True}, [Type(text="Ada"), Press(keys=("Enter",))]),
        ({"action": "type", "text": "Ada\n", "press_enter": True}, [Type(text="Ada\n")]),
        ({"action": "type", "text": "Ada", "press_enter": "yes"}, [Type(text="Ada")]),
        (
            {
                "action": "type",
                "text": "Ada",
                "coordinate": [1, 2],
                "delete_existing_text": True,
                "press_enter": True,
            },
            [
                Click(x=1, y=2),
                Press(keys=("Control", "a")),
                Press(keys=("Backspace",)),
                Type(text="Ada"),
                Press(keys=("Enter",)),
            ],
        ),
        (
            {"action": "terminate", "status": "success", "answer": '{"id": 7}'},
            [Answer(text='{"id": 7}', data={"id": 7})],
        ),
        ({"action": "terminate", "status": "success"}, [Answer(text="why")]),
        ({"action": "terminate", "status": "failure", "answer": "x"}, [GiveUp(reason="why")]),
    ],
)
def test_every_action_of_fara_7b_is_read(given: Mapping[str, Any], actions: list[Action]) -> None:
    assert read(given) == actions


@pytest.mark.parametrize(
    ("given", "actions"),
    [
        ({"action": "double_click", "coordinate": [1, 2]}, [Click(x=1, y=2, count=2)]),
        ({"action": "ask_user_question", "question": "Which?"}, [AskUser(question="Which?")]),
        ({"action": "terminate", "answer": "All done"}, [Answer(text="All done")]),
    ],
)
def test_what_fara_next_has_besides_is_read(given: Mapping[str, Any], actions: list[Action]) -> None:
    assert read(given, "1.5") == actions


def test_a_fact_stays_in_the_conversation_and_does_nothing() -> None:
    assert (
        read({"action": "pause_and_memorize_fact", "fact": "The mug is blue."})
        == "kept in mind: The mug is blue."
    )


@pytest.mark.parametrize("version", ["7b", "1.5"])
@pytest.mark.parametrize("action", ["run_command", "read_page_answer_question"])
def test_what_fara_may_not_do_is_refused_by_name(version: FaraVersion, action: str) -> None:
    with pytest.raises(Unusable, match=f"{action} is refused") as caught:
        read({"action": action, "command": "id", "question": "?"}, version)
    assert caught.value.fault == "unknown_action"


def test_without_a_search_page_searching_is_not_offered_and_refused_by_name() -> None:
    with pytest.raises(Unusable, match="web_search is refused"):
        read({"action": "web_search", "query": "x"}, search="")
    assert "web_search" not in str(FaraVocabulary("7b", "").tool(1, 1))
    assert "web_search" in str(FaraVocabulary("7b", SEARCH).tool(1, 1))


@pytest.mark.parametrize(
    "given",
    [
        {"action": "visit_url", "url": "two words"},
        {"action": "visit_url", "url": 7},
        {"action": "type"},
        {"action": "terminate"},
        {"action": "ask_user_question", "question": None},
    ],
)
def test_what_cannot_be_used_is_named(given: Mapping[str, Any]) -> None:
    with pytest.raises(Unusable):
        read(given, "1.5")
