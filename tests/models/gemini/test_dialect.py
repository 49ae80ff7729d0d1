"""Requests and answers, written by hand as the SDK's types have them."""

import copy
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from google.genai import types
from harness.action import Action, Click, GiveUp, Press, Type, Wait
from harness.clearance import SafetySignal
from harness.models.body import checked
from harness.models.dialect import Brief, Frame, Heard, JsonObject, Outcome, Picture, Seen, Trouble, Turn
from harness.models.gemini.dialect import GeminiDialect
from harness.models.scaling import Space
from harness.testing import blank
from pydantic import JsonValue
from vendors.gemini import answered, called

SPACE = Space("thousandths", 1000, 1000, 1280, 720)
FRAME = Frame(SPACE, (0, 0))
PICTURE = Picture(blank(4, 3).png, (4, 3), SPACE)
DIALECT = GeminiDialect(Brief("Buy a mug."))
ASKS: JsonObject = {"decision": "require_confirmation", "explanation": "It buys."}


def faults(heard: Heard) -> list[str]:
    return [one.fault for one in heard.incidents]


def test_the_request_is_what_the_sdks_types_take() -> None:
    request = DIALECT.request([Turn(Seen(1, "Step 1.", PICTURE))], ())
    config = types.GenerateContentConfig.model_validate_json(json.dumps(request["config"]))
    assert isinstance(config.tools, list)
    computer, own = config.tools
    assert isinstance(computer, types.Tool)
    assert isinstance(own, types.Tool)
    assert computer.computer_use == types.ComputerUse(
        environment=types.Environment.ENVIRONMENT_BROWSER,
        excluded_predefined_functions=["key_down", "key_up"],
        enable_prompt_injection_detection=True,
        disabled_safety_policies=[],
    )
    names = [one.name for one in own.function_declarations or ()]
    assert names == [
        *("reload", "new_tab", "switch_tab", "close_tab", "upload", "ask_user", "answer", "give_up")
    ]
    assert config.max_output_tokens == 4096
    assert config.thinking_config == types.ThinkingConfig(include_thoughts=True)
    assert "The goal:\nBuy a mug." in str(config.system_instruction)
    assert DIALECT.overhead == json.dumps(request["config"], ensure_ascii=False)


def test_what_is_not_wanted_is_not_offered_and_not_done() -> None:
    dialect = GeminiDialect(Brief("Look."), functions="legacy", excluded=("drag_and_drop",))
    config = json.dumps(dialect.request([Turn(Seen(1, "", PICTURE))], ())["config"])
    assert '"excludedPredefinedFunctions": ["search", "drag_and_drop"]' in config
    args: JsonObject = {"x": 1, "y": 1, "destination_x": 2, "destination_y": 2}
    heard = dialect.read(answered({"name": "drag_and_drop", "args": args}), FRAME)
    assert (heard.actions, faults(heard)) == ((), ["unknown_tool"])


def test_calls_of_both_kinds_are_read_in_order() -> None:
    heard = DIALECT.read(
        answered(
            called("click", x=500, y=500),
            called("type", text="hi", press_enter=True),
            called("give_up", reason="tired"),
            words="So be it.",
        ),
        FRAME,
    )
    assert heard.actions == (
        Click(x=640, y=360),
        Type(text="hi"),
        Press(keys=("Enter",)),
        GiveUp(reason="tired"),
    )
    assert [(one.name, one.first, one.count) for one in heard.calls] == [
        ("click", 0, 1),
        ("type", 1, 2),
        ("give_up", 3, 1),
    ]
    assert heard.thought == "So be it."
    assert heard.id == "resp-1"
    assert (heard.usage.input_tokens, heard.usage.output_tokens) == (1000, 25)
    assert faults(heard) == []


def test_the_answer_is_kept_word_for_word_for_the_next_request() -> None:
    answer = answered(called("click", x=1, y=1), called("click", x=2, y=2), words="I click.")
    heard = DIALECT.read(answer, FRAME)
    assert [heard.items] == [tuple(one["content"] for one in _candidates(answer))]


def _candidates(answer: JsonObject) -> list[JsonObject]:
    found = answer["candidates"]
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, dict)]


def test_a_summary_of_thoughts_is_no_answer_but_a_reason_for_a_call() -> None:
    assert DIALECT.read(answered(), FRAME).thought == ""
    assert faults(DIALECT.read(answered(), FRAME)) == ["empty"]
    assert DIALECT.read(answered(called("go_back")), FRAME).thought == "I look at it."


def test_words_alone_are_words() -> None:
    heard = DIALECT.read(answered(words="Your order is 17."), FRAME)
    assert (heard.thought, heard.calls, faults(heard)) == ("Your order is 17.", (), [])


def test_a_safety_decision_is_a_signal_of_its_own_and_no_argument() -> None:
    heard = DIALECT.read(
        answered(
            called("click", x=1, y=1), called("click", x=2, y=2, safety_decision=ASKS), called("reload")
        ),
        FRAME,
    )
    assert heard.signals == (
        SafetySignal(provider="gemini", code="require_confirmation", message="It buys.", id="resp-1/1"),
    )
    assert len(heard.actions) == 3


def test_a_safety_decision_on_one_of_our_own_functions_is_a_signal_as_well() -> None:
    heard = DIALECT.read(answered(called("new_tab", url="https://a.test/", safety_decision=ASKS)), FRAME)
    assert (len(heard.signals), len(heard.actions)) == (1, 1)


def test_what_the_vendor_blocked_is_not_done_and_nobody_is_asked() -> None:
    decision: JsonObject = {"decision": "blocked", "explanation": "Never."}
    heard = DIALECT.read(
        answered(called("click", x=1, y=1, safety_decision=decision), called("reload")), FRAME
    )
    assert (heard.actions, heard.signals, faults(heard)) == ((), (), ["content_filter"])
    assert "Never." in heard.calls[0].problem
    assert heard.calls[1].problem.startswith("not executed")


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (called("click_at", x=1, y=1), "unknown_tool"),
        (called("goto", url="https://a.test/"), "unknown_tool"),
        (called("key_down", key="a"), "unknown_action"),
        (called("click", x=5000, y=1), "outside_image"),
        (called("wait", seconds=1e4), "bad_arguments"),
        (called("switch_tab", tab="two"), "bad_arguments"),
        (called("press_key", key="nosuchkey"), "bad_arguments"),
        (called("answer", text="a", more=1), "bad_arguments"),
    ],
)
def test_a_call_that_cannot_be_used_is_named_and_nothing_after_it_done(call: JsonObject, fault: str) -> None:
    heard = DIALECT.read(answered(called("go_back"), call, called("go_forward")), FRAME)
    assert len(heard.actions) == 1
    assert faults(heard) == [fault]
    assert [bool(one.problem) for one in heard.calls] == [False, True, True]


@pytest.mark.parametrize(
    ("finish", "fault", "kept"), [("MAX_TOKENS", "truncated", 1), ("SAFETY", "content_filter", 0)]
)
def test_of_an_answer_that_did_not_come_to_its_end_nothing_is_done(
    finish: str, fault: str, kept: int
) -> None:
    heard = DIALECT.read(answered(called("go_back"), finish=finish), FRAME)
    assert (heard.actions, faults(heard), len(heard.items)) == ((), [fault], kept)
    assert finish in heard.calls[0].problem
    assert heard.usage.input_tokens == 1000


def test_an_answer_that_was_withheld_whole_is_told_of() -> None:
    answer: JsonObject = {"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]}
    heard = DIALECT.read(answer, FRAME)
    assert faults(heard) == ["content_filter"]
    assert "PROHIBITED_CONTENT" in heard.calls[0].problem


def test_a_blocked_request_is_an_incident_with_what_it_used() -> None:
    answer: JsonObject = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
    }
    heard = DIALECT.read(answer, FRAME)
    assert (faults(heard), heard.usage.input_tokens) == (["content_filter"], 7)
    assert "SAFETY" in heard.incidents[0].message


@pytest.mark.parametrize("answer", [{}, {"candidates": []}, {"candidates": None}, {"candidates": "a"}])
def test_an_answer_without_a_candidate_is_empty(answer: JsonObject) -> None:
    assert faults(DIALECT.read(answer, FRAME)) == ["empty"]


@pytest.mark.parametrize("answer", [None, [], "a", 5])
def test_what_is_no_object_is_asked_for_again(answer: JsonValue) -> None:
    with pytest.raises(Trouble) as raised:
        DIALECT.read(answer, FRAME)
    assert (raised.value.fault, raised.value.again, raised.value.ends) == ("malformed", True, False)


SEEDS: list[JsonObject] = [
    answered(called("click", x=500, y=20), called("type", text="hello", press_enter=True), words="So."),
    answered(
        called("scroll", x=1, y=2, direction="down", magnitude=300), called("hotkey", keys=["ctrl", "a"])
    ),
    answered(called("drag_and_drop", x=1, y=2, destination_x=3, destination_y=4), called("wait", seconds=2)),
    answered(called("navigate", url="https://shop.test/", safety_decision=ASKS), called("take_screenshot")),
    answered(
        called("answer", text="done", data={"order_id": "17"}), called("new_tab", url="https://a.test/")
    ),
    answered(called("upload", files=["a.txt"]), called("ask_user", question="why?"), finish="MAX_TOKENS"),
    {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "no"}, "usageMetadata": {}},
]
DEEP: JsonValue = []
for _ in range(180):
    DEEP = [DEEP]
ODD: list[JsonValue] = [
    *(None, True, -1, 10**400, 1e308, float("nan"), float("inf"), "", "\ud800", "__class__", "x" * 20_000),
    *("click", "blocked", "STOP", "SAFETY", "AAAA", DEEP),
    [],
    {},
    [[]],
    {"parts": []},
    {"functionCall": {}},
    {"functionCall": {"name": "click", "args": {"x": 1, "y": 1, "safety_decision": {"decision": "\udfff"}}}},
]


def hostile(rng: random.Random) -> JsonObject:
    answer = copy.deepcopy(rng.choice(SEEDS))
    for _ in range(rng.randint(1, 4)):
        places = list(_places(answer))
        if not places:
            break
        box, key = rng.choice(places)
        match rng.randrange(4):
            case 0:
                box[key] = copy.deepcopy(rng.choice(ODD))
            case 1 if isinstance(box, dict):
                del box[key]
            case 2 if isinstance(box, list):
                box.insert(rng.randrange(len(box) + 1), copy.deepcopy(rng.choice(ODD)))
            case _ if isinstance(box, dict):
                name = rng.choice(["name", "args", "id", "text", "thoughtSignature", "\ud800"])
                box[name] = copy.deepcopy(rng.choice(ODD))
            case _:
                other, there = rng.choice(places)
                box[key] = copy.deepcopy(other[there])
    return answer


def _places(value: object) -> Iterator[tuple[Any, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield value, key
        yield from _places(one)


def _texts(value: object) -> Iterator[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        yield from _texts(one)
    if isinstance(value, str):
        yield value


def _written(action: Action) -> list[str]:
    """Give what a person could read in an action: its texts, addresses and names of files."""
    fields = action.model_dump(exclude={"kind", "keys", "button", "modifiers"})
    return [text for text in _texts(json.loads(json.dumps(fields))) if text]


def _points(action: Action) -> list[tuple[int, int]]:
    fields = action.model_dump()
    path = [(one["x"], one["y"]) for one in fields.get("path", ())]
    return path + ([(fields["x"], fields["y"])] if "x" in fields else [])


def _survives(answer: JsonObject) -> int:
    """Read an answer, whatever it is, and write the next request; give how many actions it has."""
    dialect = DIALECT if len(str(answer)) % 2 else GeminiDialect(Brief("Look."), functions="legacy")
    try:
        dialect.read(answer, FRAME)
        found = checked(answer)
        heard = dialect.read(found, FRAME)
    except Trouble:
        return 0
    there = set(_texts(found))
    for action in heard.actions:
        assert set(_written(action)) <= there
        assert all(0 <= x < 1280 and 0 <= y < 720 for x, y in _points(action))
        if isinstance(action, Wait):
            assert math.isfinite(action.seconds)
    outcomes = tuple(Outcome(call, ok=not call.problem, text=call.problem) for call in heard.calls)
    passed = tuple(one.id for one in heard.signals if one.id)
    turns = [
        Turn(Seen(1, "Step 1.", PICTURE), heard),
        Turn(Seen(2, "Step 2.", PICTURE, outcomes, passed, "https://a.test/")),
    ]
    contents = dialect.request(turns, ())["contents"]
    assert isinstance(contents, list)
    for one in contents:
        types.Content.model_validate_json(json.dumps(one, allow_nan=False))
    return len(heard.actions)


@pytest.mark.parametrize("seed", range(4))
def test_hostile_answers_do_nothing_that_is_not_in_them(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - the same answers every time
    assert sum(_survives(hostile(rng)) for _ in range(100)) > 20


@pytest.mark.long
@pytest.mark.timeout(600)
def test_many_hostile_answers_do_nothing_that_is_not_in_them() -> None:
    rng = random.Random(99)  # noqa: S311 - the same answers every time
    assert sum(_survives(hostile(rng)) for _ in range(10_000)) > 2_000
