"""Hostile answers: nothing but a Trouble, nothing evaluated, nothing done that is not in the answer."""

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness.action import Action, Click, Drag, Move, Press, Scroll, Type, Wait, Zoom
from harness.models.chat.fara import fara_dialect
from harness.models.chat.plain import JsonDialect
from harness.models.chat.qwen import qwen_dialect
from harness.models.chat.tools import ToolDialect
from harness.models.chat.ui_tars import UiTarsDialect
from harness.models.dialect import Brief, Dialect, Frame, Heard, Outcome, Picture, Seen, Trouble, Turn
from harness.models.scaling import Space
from harness.testing import blank
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import JsonValue
from vendors.chat import WrongError, check, completion, message, rules, tool_call

WIDTH, HEIGHT = 1280, 720
FRAME = Frame(Space("pixels", WIDTH, HEIGHT, WIDTH, HEIGHT), (640, 360))
BRIEF = Brief(goal="Buy")
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("click", {"x": 11, "y": 22}),
    ("type", {"text": "Ada Lovelace"}),
    ("scroll", {"x": 5, "y": 6, "dy": 300}),
    ("drag", {"path": [{"x": 1, "y": 2}, {"x": 33, "y": 44}]}),
    ("press", {"keys": ["Control", "a"]}),
    ("answer", {"text": "Done", "data": {"order_id": "7"}}),
]
MARKED: list[dict[str, Any]] = [
    {"action": "left_click", "coordinate": [11, 22]},
    {"action": "type", "text": "Ada Lovelace", "coordinate": [7, 8], "press_enter": True},
    {"action": "scroll", "pixels": -300, "coordinate": [5, 6]},
    {"action": "left_click_drag", "coordinate": [33, 44]},
    {"action": "key", "keys": ["ctrl", "a"]},
    {"action": "visit_url", "url": "https://shop.test/a"},
    {"action": "web_search", "query": "mug"},
    {"action": "terminate", "status": "success", "answer": '{"order_id": 7}'},
    {"action": "run_command", "command": "id"},
]
WRITTEN = (
    "Thought: I see.\nAction: click(point='<point>11 22</point>')\n\ntype(content='it's Ada\\n')",
    "Thought: I see.\nAction: drag(start_box='(1,2)', end_box='(33,44)')",
    "Action: scroll(point='<point>5 6</point>', direction='down')\nhotkey(key='ctrl a')",
    "Action: finished(content='{\"order_id\": 7}')",
)
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, 10**30, "", "\x00", "\ud800", "💥" * 50, [], {}, [[]], {"": {}}),
    *(
        "__import__('os').system('touch /tmp/pwned')",
        "{{secret:x}}",
        "</tool_call>",
        "<tool_call>",
        "NaN",
        "1e999",
    ),
    *(
        {"__class__": "x"},
        ["a"] * 200,
        "x" * 20_000,
        "{" * 3000,
        "[" * 3000,
        "(" * 3000,
        "</think>",
        "Action: ",
    ),
)


def tools() -> Iterator[JsonValue]:
    for number, (name, given) in enumerate(CALLS):
        yield completion(
            message("I act.", [tool_call(f"c{number}", name, given), tool_call("d", "wait", "{}")])
        )
    yield completion(message("Done."))


def plain() -> Iterator[JsonValue]:
    for name, given in CALLS:
        actions = [{**given, "kind": name}, {"kind": "wait", "seconds": None}]
        yield completion(message(json.dumps({"thought": "I act.", "actions": actions})))


def marked() -> Iterator[JsonValue]:
    for given in MARKED:
        calls = [
            {"name": "computer_use", "arguments": given},
            {"name": "goto", "arguments": {"url": "https://a.test/"}},
        ]
        texts = [f"<tool_call>\n{json.dumps(one)}\n</tool_call>" for one in calls]
        yield completion(message("I act.\n" + "\n".join(texts)))
        yield completion(message("I act.", [tool_call("c", "computer_use", dict(given))]))


def written() -> Iterator[JsonValue]:
    for text in WRITTEN:
        yield completion(message(text))


DIALECTS: dict[str, tuple[Callable[[], Dialect], Callable[[], Iterator[JsonValue]]]] = {
    "tools": (lambda: ToolDialect("m", BRIEF, {}, provider="chat"), tools),
    "json": (lambda: JsonDialect("m", BRIEF, {}, form="text", provider="chat"), plain),
    "qwen-vl": (lambda: qwen_dialect("m", BRIEF, {}, version="2.5"), marked),
    "fara": (lambda: fara_dialect("m", BRIEF, {}, version="7b", search="https://s.test/?q="), marked),
    "fara-next": (lambda: fara_dialect("m", BRIEF, {}, version="1.5", search=""), marked),
    "ui-tars": (lambda: UiTarsDialect("m", BRIEF, {}, version="1.5"), written),
}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value that can be changed."""
    found: list[tuple[Any, Any]] = []
    level = [value]
    while level:
        one = level.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else []
        found += [(one, key) for key in keys]
        level += [one[key] for key in keys]
    return found


def spoilt(value: Any, dice: random.Random) -> Any:
    """Change an answer in one to four places."""
    value = copy.deepcopy(value)
    for _ in range(dice.randint(1, 4)):
        found = places(value)
        if not found:
            return dice.choice(ODD)
        parent, key = dice.choice(found)
        old = parent[key]
        match dice.randint(0, 5):
            case 0:
                parent[key] = copy.deepcopy(dice.choice(ODD))
            case 1 if isinstance(parent, dict):
                del parent[key]
            case 2 if isinstance(parent, list):
                parent.append(copy.deepcopy(old))
            case 3 if isinstance(old, str) and old:
                at = dice.randrange(len(old))
                odd = str(dice.choice(ODD))[:50]
                parent[key] = old[:at] + odd + old[at + dice.randint(0, 5) :]
            case 4 if isinstance(old, str):
                parent[key] = re.sub(
                    r"\d+", lambda _: str(dice.choice([0, -5, 719, 720, 99999, 10**25])), old
                )
            case _:
                parent[key] = dice.choice([old, [old], {"a": old}, str(old)])
    return value


def held(heard: Heard, said: str) -> None:
    """Hold what was read against what was said."""
    for one in heard.actions:
        inside(one)
        for number in numbers(one):
            assert re.search(rf"(?<!\d){abs(number)}", said) or number in (360, 640, 500, 1279, 719), (
                one,
                said,
            )
        for text in texts(one):
            assert all(part in said for part in re.findall(r"[a-zA-Z0-9]{3,}", text)), (one, said)
    for incident in heard.incidents:
        incident.message.encode()
    heard.thought.encode()
    json.dumps(heard.items, ensure_ascii=False).encode()


def inside(action: Action) -> None:
    match action:
        case Click(x=x, y=y) | Move(x=x, y=y) | Scroll(x=x, y=y):
            assert 0 <= x < WIDTH
            assert 0 <= y < HEIGHT
        case Drag(path=path):
            assert all(0 <= one.x < WIDTH and 0 <= one.y < HEIGHT for one in path)
        case Zoom(region=(left, top, right, bottom)):
            assert left >= 0
            assert top >= 0
            assert right <= WIDTH
            assert bottom <= HEIGHT
        case _:
            pass


def numbers(action: Action) -> list[int]:
    match action:
        case Click(x=x, y=y) | Move(x=x, y=y):
            return [x, y]
        case Scroll(x=x, y=y, dy=dy):
            return [x, y, *([dy] if dy else [])]
        case _:
            return []


def texts(action: Action) -> list[str]:
    match action:
        case Type(text=text):
            return [text]
        case Press() | Wait():
            return []
        case _:
            return []


def run(name: str, cases: int, seed: int) -> None:
    made, answers = DIALECTS[name]
    dialect, dice = made(), random.Random(seed)  # noqa: S311 - the same cases every time
    shapes = list(answers())
    picture = Picture(blank(40, 30).png, (WIDTH, HEIGHT), FRAME.space)
    for _ in range(cases):
        answer = spoilt(dice.choice(shapes), dice)
        try:
            heard = dialect.read(answer, FRAME)
        except Trouble as trouble:
            str(trouble).encode()
            continue
        held(heard, json.dumps(answer, ensure_ascii=False))
        told = tuple(Outcome(one, ok=not one.problem, text=one.problem or one.answer) for one in heard.calls)
        turns = [
            Turn(Seen(step=1, text="1", picture=None), heard),
            Turn(Seen(step=2, text="2", picture=picture, outcomes=told)),
        ]
        body: Any = dialect.request(turns, [])
        try:
            # The tools are always the same: test_tools holds them.
            sent = {name: one for name, one in json.loads(json.dumps(body)).items() if name != "tools"}
            check(sent, CompletionCreateParamsNonStreaming, "")
            rules(sent, strict=True)
        except WrongError as error:
            raise AssertionError(f"{error} after {json.dumps(answer)[:2000]}") from error


@pytest.mark.parametrize("name", DIALECTS)
def test_hostile_answers_do_no_harm(name: str) -> None:
    run(name, 350, 1)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", DIALECTS)
def test_many_hostile_answers_do_no_harm(name: str) -> None:
    run(name, 10_000, 2)
