"""Hostile answers: whatever comes, nothing crashes, and nothing is done that the answer does not say."""

import copy
import json
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from harness.action import Action, Answer
from harness.errors import ActionError
from harness.keys import canonical_key
from harness.models.body import checked
from harness.models.context import outcomes
from harness.models.dialect import Brief, Frame, Picture, Seen, Trouble, Turn
from harness.models.functions import EXTRAS
from harness.models.openai.actions import PAUSE
from harness.models.openai.answer import Chained
from harness.models.openai.dialect import ResponsesDialect, ResponsesOptions
from harness.models.scaling import Space
from harness.screen import ActionResult
from vendors.openai import computer, function, message

SPACE = Space("pixels", 1280, 720, 1280, 720)
FRAME = Frame(SPACE, (0, 0))
CHECK = {"id": "cu_sc_1", "code": "malicious_instructions", "message": "Look out."}
ACTIONS: list[dict[str, Any]] = [
    {"type": "click", "x": 101, "y": 202, "button": "left", "keys": ["CTRL"]},
    {"type": "double_click", "x": 303, "y": 404, "keys": None},
    {"type": "drag", "path": [{"x": 11, "y": 22}, {"x": 33, "y": 44}]},
    {"type": "keypress", "keys": ["CTRL", "A"]},
    {"type": "move", "x": 505, "y": 606},
    {"type": "screenshot"},
    {"type": "scroll", "x": 707, "y": 77, "scroll_x": 0, "scroll_y": 300},
    {"type": "type", "text": "Ada Lovelace"},
    {"type": "wait"},
]
IDS: dict[str, Any] = {"id": "item", "call_id": "call", "status": "completed"}
SEEDS: list[dict[str, Any]] = [
    {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "previous_response_id": "resp_0",
        "output": [
            {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "I click."}]},
            computer(*ACTIONS, **IDS, pending_safety_checks=[CHECK]),
        ],
        "usage": {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105},
        "content_filters": [
            {"blocked": False, "content_filter_results": {"jailbreak": {"detected": True, "filtered": False}}}
        ],
    },
    {
        "id": "resp_2",
        "status": "completed",
        "output": [
            message("I look.", phase="commentary"),
            {**function("goto", {"url": "https://shop.test/"}), "call_id": "f1"},
            {**function("answer", {"text": "done", "data": {"order_id": "17"}}), "call_id": "f2"},
            {**computer(ACTIONS[0], one=True), **IDS, "pending_safety_checks": []},
        ],
    },
    {
        "id": "resp_3",
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [],
    },
    {"id": "resp_4", "status": "failed", "error": {"code": "server_error", "message": "oops"}, "output": []},
    {"id": "resp_5", "status": "completed", "output": [message("It is done.", phase="final_answer")]},
]
DEEP: Any = "x"
for _ in range(250):
    DEEP = [DEEP]
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 1e308, 10**30, float("inf"), float("nan"), "", "\ud800", "x" * 5000),
    *("__class__", "__import__('os').system('true')", "click", "computer_call", "function_call", "goto"),
    *([], {}, [[]], [None], {"type": "click"}, {"x": 5}, [1, 2], {"$ref": "#"}, DEEP, [{}] * 200),
    *("1280", "719", -0.0, "٣", "1e3", " 5 ", "completed", "incomplete", "reasoning", "final_answer"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def mutated(seed: Any, chance: random.Random) -> Any:
    value = copy.deepcopy(seed)
    for _ in range(chance.randint(1, 4)):
        path = chance.choice(list(places(value)))
        if not path:
            if chance.random() < 0.02:
                return copy.deepcopy(chance.choice(ODD))
            continue
        home = value
        for name in path[:-1]:
            home = home[name]
        _change(home, path[-1], chance)
    return value


def _change(home: Any, name: Any, chance: random.Random) -> None:
    match chance.randint(0, 4):
        case 0:
            del home[name]
        case 1 if isinstance(home, list):
            home.insert(name, copy.deepcopy(home[name]))
        case 2 if isinstance(home, dict):
            home[f"odd_{chance.randint(0, 9)}"] = home.pop(name)
        case 3 if isinstance(home, list):
            chance.shuffle(home)
        case _:
            home[name] = copy.deepcopy(chance.choice(ODD))


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value
        if isinstance(value, str):
            yield from leaves(parsed(value))


def parsed(text: str) -> Any:
    """What is written in a text as JSON, such as the arguments of a call."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def said(action: Action, answer: Any) -> None:
    """Every number and text of an action is in the answer, and every point on the screen."""
    found = list(leaves(answer))
    texts = [one for one in found if isinstance(one, str)]
    numbers = [float(one) for one in (*found, *filter(_number, texts)) if _number(one)]
    names = {_key(one) for one in texts} | ({"middle"} if "wheel" in texts else set())
    assert action.kind in (*EXTRAS, "click", "move", "drag", "scroll", "type", "press", "wait", "screenshot")
    fields = action.model_dump(mode="json", exclude_defaults=True, exclude={"kind", "count"})
    for point in [fields, *fields.get("path", ())]:
        if "x" in point:
            assert 0 <= point["x"] < 1280
            assert 0 <= point["y"] < 720
    values = [one for name, given in fields.items() if name != "data" for one in _values(given)]
    for one in values:
        if isinstance(one, str):
            lines = one.split("\n")
            assert one in names or all(any(line in text for text in texts) for line in lines), (one, action)
        elif not isinstance(one, bool | None):
            assert one == PAUSE or any(abs(one - given) <= 0.5 for given in numbers), (one, action)
    if isinstance(action, Answer):
        assert all(_inside(data, answer) for data in leaves(action.data)), action


def _values(given: Any) -> Iterator[Any]:
    if isinstance(given, dict | list):
        for one in given.values() if isinstance(given, dict) else given:
            yield from _values(one)
    else:
        yield given


def _inside(value: Any, answer: Any) -> bool:
    return any(value == one or (value is one) for one in leaves(answer))


@cache
def _key(text: str) -> str:
    try:
        return canonical_key(text)
    except ActionError:
        return ""


def _number(given: Any) -> bool:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return False
    try:
        float(given)
    except (ValueError, OverflowError):
        return False
    return True


def attack(number: int, dialect: ResponsesDialect) -> str:
    chance = random.Random(number)  # noqa: S311 - the same cases each time
    answer = mutated(chance.choice(SEEDS), chance)
    try:
        answer = checked(answer)
        heard = dialect.read(answer, FRAME)
    except Trouble as trouble:
        return trouble.fault
    assert isinstance(heard, Chained)
    for action in heard.actions:
        said(action, answer)
    for call in heard.calls:
        assert call.first + call.count <= len(heard.actions)
    results = [ActionResult(action=one, status="refused", message="no") for one in heard.actions]
    picture = Picture(b"png", (1280, 720), SPACE)
    passed = tuple(one.id for one in heard.signals if one.id is not None and chance.random() < 0.5)
    now = Seen(2, "Step 2.", picture, outcomes=outcomes(heard, results), acknowledged=passed)
    request = dialect.request([Turn(Seen(1, "Step 1.", picture), heard), Turn(now)], ())
    json.dumps(request, ensure_ascii=False, allow_nan=True).encode()
    return "read"


def sweep(first: int, count: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for form in (False, True):
        dialect = ResponsesDialect("m", Brief("g"), options=ResponsesOptions(stateful=form))
        for number in range(first, first + count // 2):
            came = attack(number, dialect)
            found[came] = found.get(came, 0) + 1
    return found


def test_hostile_answers_do_nothing_that_they_do_not_say() -> None:
    found = sweep(0, 600)
    assert found["read"] > 300
    assert found["malformed"] > 10


@pytest.mark.long
def test_very_many_hostile_answers_do_nothing_that_they_do_not_say() -> None:
    assert sum(sweep(1_000, 12_000).values()) == 12_000


def test_the_answers_that_are_changed_are_right_before() -> None:
    dialect = ResponsesDialect("m", Brief("g"))
    first = dialect.read(SEEDS[0], FRAME)
    assert [one.kind for one in first.actions] == [
        *("click", "click", "drag", "press", "move", "screenshot", "scroll", "type", "wait")
    ]
    assert [one.kind for one in dialect.read(SEEDS[1], FRAME).actions] == ["goto", "answer", "click"]
