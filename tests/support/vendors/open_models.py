"""Open GUI models as a server such as vLLM gives them: text, each in the form its model was trained to write.

The canonical actions of the model behind it are written in that form, in that model's own coordinates, so
that what the harness then reads has been through the text.
"""

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from harness.action import Action, Answer, Click, GiveUp, Press, Scroll, Type, Wait
from harness.task import Task
from PIL import Image

from vendors.brain import TASK, Brain
from vendors.chat import Asked, Json, as_calls, as_json, message, refusals

Point = Callable[[int, int], tuple[int, int]]


def pixels(png: bytes) -> Point:
    """Coordinates are pixels of the picture."""
    del png
    return lambda x, y: (x, y)


def thousandths(png: bytes) -> Point:
    """Coordinates are thousandths of its sides."""
    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    return lambda x, y: (int((x + 0.5) * 1000 / width), int((y + 0.5) * 1000 / height))


def ui_tars(actions: Sequence[Action], at: Point) -> Json:
    """A thought, and calls as UI-TARS writes them."""
    return message("Thought: I go on.\nAction: " + "\n\n".join(_ui_tars(one, at) for one in actions))


def ui_tars_first(actions: Sequence[Action], at: Point) -> Json:
    """The same in the older form."""
    said = ui_tars(actions, at)
    text = said["message"]["content"]
    text = re.sub(r"(?:start_)?point='<point>(\d+) (\d+)</point>'", r"start_box='(\1,\2)'", text)
    return message(text)


def _ui_tars(action: Action, at: Point) -> str:
    match action:
        case Click(x=x, y=y, button=button, count=count):
            name = {("left", 1): "click", ("left", 2): "left_double", ("right", 1): "right_single"}[
                button, count
            ]
            return f"{name}(point='<point>{at(x, y)[0]} {at(x, y)[1]}</point>')"
        case Type(text=text):
            escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
            return f"type(content='{escaped}')"  # quotes are left as they are: so these models write them
        case Press(keys=keys):
            return f"hotkey(key='{' '.join(keys).lower()}')"
        case Scroll(x=x, y=y, dy=dy):
            way = "down" if dy > 0 else "up"
            return f"scroll(point='<point>{at(x, y)[0]} {at(x, y)[1]}</point>', direction='{way}')"
        case Wait():
            return "wait()"
        case Answer(text=text, data=data):
            return f"finished(content={(json.dumps(data) if data else text)!r})"
        case _:
            raise AssertionError(f"UI-TARS has no words for {action.kind}")


def marked(actions: Sequence[Action], at: Point, *, fara: bool = False) -> Json:
    """Words, and calls between marks, as Qwen-VL and Fara write them."""
    calls = [{"name": "computer_use", "arguments": _marked(one, at, fara=fara)} for one in actions]
    texts = [f"<tool_call>\n{json.dumps(one)}\n</tool_call>" for one in calls]
    return message("I go on.\n" + "\n".join(texts))


def _marked(action: Action, at: Point, *, fara: bool) -> Json:
    match action:
        case Click(x=x, y=y, count=count):
            name = {1: "left_click", 2: "double_click", 3: "triple_click"}[count]
            return {"action": name, "coordinate": [*at(x, y)]}
        case Type(text=text):
            return {"action": "type", "text": text, **({"press_enter": False} if fara else {})}
        case Press(keys=keys):
            return {"action": "key", "keys": [*keys]}
        case Scroll(x=x, y=y, dy=dy):
            place: Json = {} if fara else {"coordinate": [*at(x, y)]}
            return {"action": "scroll", "pixels": -dy, **place}
        case Wait(seconds=seconds):
            return {"action": "wait", "time": seconds}
        case Answer(text=text, data=data) if fara:
            return {"action": "terminate", "status": "success", "answer": json.dumps(data) if data else text}
        case Answer(text=text, data=data):
            return {"action": "answer", "text": json.dumps(data) if data else text}
        case GiveUp():
            return {"action": "terminate", "status": "failure"}
        case _:
            raise AssertionError(f"these models have no words for {action.kind}")


def told(body: Json) -> Sequence[str]:
    """What became of each call of the last answer, where it is said in words."""
    last = body["messages"][-1]["content"]
    text = "\n".join(part["text"] for part in last if part["type"] == "text")
    responses = re.findall(r"<tool_response>\n(.*?)\n</tool_response>", text, re.DOTALL)
    return responses or re.findall(r"^\d+\. \w+: (.*)$", text, re.MULTILINE)


class Driven:
    """The local model behind a server, writing in one of these forms.

    Args:
        form: `calls`, `json`, or a function from actions and a place to a message.
        space: what its coordinates count.
    """

    def __init__(self, form: str | Callable[[Sequence[Action], Point], Json], space: Any = pixels) -> None:
        self.brain = Brain(Task.load(TASK).filled())
        self.steps = 0
        self._form = form
        self._space = space

    async def __call__(self, asked: Asked) -> Json:
        assert asked.png is not None, "the newest question has a screenshot"
        self.steps += 1
        became = asked.told if self._form == "calls" else told(asked.body)
        actions = await self.brain.next(asked.png, refusals(became))
        if self._form == "calls":
            return as_calls(actions, self.steps)
        if self._form == "json":
            return as_json(actions)
        assert callable(self._form)
        return self._form(actions, self._space(asked.png))
