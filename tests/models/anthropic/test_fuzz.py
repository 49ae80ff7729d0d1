"""Hostile answers of any shape: nothing but `Trouble` comes out, and no action that was not in the answer."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from harness.action import Action
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.tools import Tool
from harness.models.anthropic.vocabulary import LONGEST_WAIT, MEMBERS, WHEEL
from harness.models.dialect import Brief, Frame, Heard, Picture, Seen, Trouble, Turn
from harness.models.functions import EXTRAS, functions
from harness.models.scaling import Space
from harness.testing import blank
from vendors.anthropic import answered, thinking

SPACE = Space("pixels", 400, 300, 400, 300)
POINTER = (123, 45)
PNG = blank(400, 300).png
TOOLS: tuple[Tool, ...] = ("computer_20250124", "computer_20251124", "computer_toolset_20260801")
INPUTS: dict[str, Any] = {
    "coordinate": [10, 20],
    "start_coordinate": [30, 40],
    "region": [1, 2, 30, 40],
    "text": "ctrl+a",
    "scroll_direction": "down",
    "scroll_amount": 3,
    "duration": 2,
    "repeat": 2,
    "url": "https://shop.test/",
    "question": "Which?",
    "data": {"order_id": "7"},
    "files": ["a.pdf"],
    "tab": 2,
}
OURS: dict[Any, Any] = {one["name"]: str(one["parameters"]) for one in functions(EXTRAS)}
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 7, 399, 400, 10**12, -(10**30), 1.5, 1e308, float("nan"), float("inf")),
    *(
        "",
        " ",
        "a",
        "left_click",
        "computer",
        "tool_use",
        "refusal",
        "max_tokens",
        "\ud800",
        "\x00",
        "x" * 5000,
    ),
    *("__import__('os').system('true')", "{{secret:a}}", "ctrl+" * 50, "[1, 2]", "a " * 200),
    *([], {}, [[]], [None], [1, 2], [1, 2, 3, 4], ["1", "2"], {"type": "text"}, {"action": "key"}),
)


def real(rng: random.Random, tool: Tool) -> dict[str, Any]:
    """An answer as the vendor might give it."""
    content: list[Any] = []
    if rng.random() < 0.5:
        content.append(thinking("I think."))
    content.append({"type": "text", "text": "I do."})
    for number in range(rng.randrange(5)):
        name = rng.choice([*MEMBERS, *EXTRAS])
        fields = [key for key in INPUTS if name in MEMBERS or key in OURS[name]]
        given = {key: INPUTS[key] for key in fields if rng.random() < 0.9}
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}
        if name in MEMBERS and tool == TOOLS[2]:
            block["toolset_name"] = "computer"
        elif name in MEMBERS:
            block |= {"name": "computer", "input": {"action": name, **given}}
        content.append(block)
    return answered(content)


def broken(rng: random.Random, value: Any) -> Any:
    """Change something somewhere."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.15:
        if rng.random() < 0.02:
            return nested(rng.choice([30, 150, 3000]))
        return rng.choice(ODD)
    found: Any = copy.copy(value)
    place: Any = rng.choice(list(found)) if isinstance(found, dict) else rng.randrange(len(found))
    match rng.randrange(8):
        case 0:
            del found[place]
        case 1 if isinstance(found, list):
            found.insert(place, found[place])
        case 2 if isinstance(found, dict):
            found[rng.choice(["action", "coordinate", "toolset_name", "x", "stop_reason"])] = rng.choice(ODD)
        case _:
            found[place] = broken(rng, found[place])
    return found


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def leaves(value: Any) -> Iterator[Any]:
    level = [value]
    while level:
        one = level.pop()
        if isinstance(one, dict):
            level += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            level += one
        else:
            yield one


def numbers_and_texts(action: Action) -> Iterator[Any]:
    fields = json.loads(action.model_dump_json(exclude={"kind"}, exclude_defaults=True))
    for name, value in fields.items():
        # A chord is written in canonical names, a button and a count are in the action's name.
        if name not in ("keys", "modifiers", "button", "count"):
            yield from places_in(value) if name == "path" else leaves(value)


def places_in(path: list[dict[str, int]]) -> Iterator[int]:
    for one in path:
        yield from one.values()


def judge(heard: Heard, answer: Any) -> None:
    said = list(leaves(answer))
    numbers = {float(one) for one in said if isinstance(one, int | float) and abs(one) < 1e15}
    known: set[float] = {round(one + step) for one in numbers for step in (0, 1, -1)}
    known |= numbers | {one for one in said if isinstance(one, int)}
    known |= {round(one * WHEEL * side) for one in numbers for side in (1, -1)} | {LONGEST_WAIT, *POINTER}
    texts = "\n".join(one for one in said if isinstance(one, str)).lower()
    for action in heard.actions:
        assert action.kind in EXTRAS or any(name in texts for name in MEMBERS)
        for one in numbers_and_texts(action):
            if isinstance(one, bool) or one is None:
                continue
            if isinstance(one, int | float):
                assert one in known, (action, answer)
            else:
                assert one.lower() in texts, (action, answer)
        for x, y in places(action):
            assert 0 <= x < 400, (action, answer)
            assert 0 <= y < 300, (action, answer)
    assert sum(one.count for one in heard.calls) == len(heard.actions)


def places(action: Any) -> Iterator[tuple[int, int]]:
    match action.model_dump(exclude={"kind"}):
        case {"x": int(x), "y": int(y)}:
            yield x, y
        case {"path": path}:
            yield from ((one["x"], one["y"]) for one in path)
        case {"region": (left, top, right, bottom)}:
            yield from ((left, top), (right - 1, bottom - 1))


def sweep(seed: int, cases: int) -> int:
    """Give how many answers held an action."""
    rng, acted = random.Random(seed), 0  # noqa: S311 - a sweep that can be done again
    for number in range(cases):
        tool = TOOLS[number % 3]
        dialect = AnthropicDialect("m", Brief("Buy."), tool=tool, output_tokens=100)
        answer: Any = real(rng, tool)
        for _ in range(rng.randrange(4)):
            answer = broken(rng, answer)
        try:
            heard = dialect.read(answer, Frame(SPACE, POINTER))
        except Trouble:
            continue
        judge(heard, answer)
        acted += bool(heard.actions)
        seen = Seen(1, "Step 1.", Picture(PNG, (SPACE.width, SPACE.height), SPACE))
        json.dumps(dialect.request([Turn(seen, heard), Turn(seen)], (0, 1)), allow_nan=False).encode()
    return acted


def test_hostile_answers_do_nothing_that_they_do_not_say() -> None:
    assert sweep(1, 600) > 100


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 14))
def test_many_hostile_answers(seed: int) -> None:
    assert sweep(seed, 1_000) > 100
