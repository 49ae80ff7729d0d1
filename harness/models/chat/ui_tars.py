"""UI-TARS: a thought, and actions written as calls in Python's syntax, parsed and never evaluated."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action, AskUser, parse_action
from harness.models.chat.calls import Written, box, written
from harness.models.chat.messages import assistant, dialogue, system
from harness.models.chat.qwen import answered
from harness.models.chat.wire import said
from harness.models.dialect import Brief, Frame, Heard, Hearing, JsonObject, Turn, Unusable
from harness.models.functions import point
from harness.models.prompt import instructions

UiTarsVersion = Literal["1.0", "1.5"]

_WAIT: Final = 5.0
_SCROLL: Final = 500
"""Pixels of the screen: the model says only which way."""
_HOW: Final = """\
- Answer in two parts and nothing else. First a line that begins with Thought: and says in a sentence what \
you see and what you do next. Then a line that begins with Action: and holds one of these calls:
click({point}) - left_double({point}) - right_single({point})
drag({start}, {end})
hotkey(key='ctrl c') - at most three keys, in small letters, with spaces between them
type(content='...') - with \\' \\" and \\n written so; \\n at the end presses Enter
scroll({point}, direction='down') - or up, left, right
wait() - five seconds
call_user() - when only the person can go on
finished(content='...') - when the goal is reached; data that is asked for is a JSON object in content"""
_POINTS: Final[Mapping[str, Mapping[str, str]]] = {
    "1.5": {
        "point": "point='<point>x y</point>'",
        "start": "start_point='<point>x y</point>'",
        "end": "end_point='<point>x y</point>'",
    },
    "1.0": {"point": "start_box='(x,y)'", "start": "start_box='(x,y)'", "end": "end_box='(x,y)'"},
}
_START: Final = ("point", "start_point", "start_box")
_END: Final = ("end_point", "end_box")


class UiTarsDialect:
    """Chat Completions with UI-TARS.

    Args:
        model: the model, as the server calls it.
        brief: what to do.
        fields: of every request.
        version: 1.5 counts pixels of the picture, 1.0 thousandths.
        spotlight: whether page text is joined by marks.
    """

    prunes: Final[Literal["pictures", "turns"]] = "pictures"
    provider: Final = "ui-tars"

    def __init__(
        self,
        model: str,
        brief: Brief,
        fields: Mapping[str, JsonValue],
        *,
        version: UiTarsVersion,
        spotlight: bool = False,
    ) -> None:
        self._model = model
        self._fields = dict(fields)
        self.space: Literal["pixels", "thousandths"] = "pixels" if version == "1.5" else "thousandths"
        how = _HOW.format(**_POINTS[version])
        self._system = instructions(brief, spotlight=spotlight, extra=[how])

    @property
    def overhead(self) -> str:
        """Instructions."""
        return self._system

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request; the instructions are a user's words, as the model was trained."""
        del marks
        messages = [system(self._system, "user"), *dialogue(turns)]
        return {"model": self._model, "messages": [*messages], **self._fields}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read an answer: what stands before `Action:` is its thought, each call after it an action."""
        found = said(answer)
        hearing = Hearing()
        hearing.incidents += found.incidents
        thought, calls = written(found.words)
        stop = found.stop
        if found.calls:
            stop = stop or Unusable("unknown_tool", "there are no functions to call; write an Action: line")
        if not calls and (found.words or stop is not None):
            stop = stop or Unusable("malformed", "the answer has no Action: line with a call")
            calls = [Written("answer", {}, None)]
        for one in calls:
            hearing.call("", one.name, partial(_actions, one, stop, frame, thought))
        return hearing.heard(
            thought or str(stop or ""),
            usage=found.usage,
            signals=found.signals,
            items=[assistant(found.words)],
            answer_id=found.id,
        )


def _actions(one: Written, stop: Unusable | None, frame: Frame, thought: str) -> list[Action]:
    if stop is not None or one.problem is not None:
        raise stop or one.problem or AssertionError("one of them is")
    match one.name:
        case "click" | "left_single" | "left_double" | "right_single" | "drag" | "scroll":
            return [_pointed(one, frame)]
        case "hotkey":
            return [parse_action({"kind": "press", "keys": _text(one, "key", "hotkey").split()})]
        case "type":
            return [parse_action({"kind": "type", "text": _text(one, "content")})]
        case "wait":
            return [parse_action({"kind": "wait", "seconds": _WAIT})]
        case "finished":
            return [answered(_text(one, "content") if "content" in one.given else thought[:10_000])]
        case "call_user":
            return [AskUser(question=thought[:10_000] or "The model asks for your help, and says no more.")]
        case _:
            raise Unusable("unknown_action", f"there is no action {one.name[:80]!r}")


def _pointed(one: Written, frame: Frame) -> Action:
    match one.name:
        case "left_double":
            return _click(one, frame, count=2)
        case "right_single":
            return _click(one, frame, button="right")
        case "drag":
            path = [_place(one, _START, frame), _place(one, _END, frame)]
            return parse_action({"kind": "drag", "path": path})
        case "scroll":
            return _scroll(one, frame)
        case _:
            return _click(one, frame)


def _click(one: Written, frame: Frame, *, button: str = "left", count: int = 1) -> Action:
    x, y = _place(one, _START, frame)
    return parse_action({"kind": "click", "x": x, "y": y, "button": button, "count": count})


def _scroll(one: Written, frame: Frame) -> Action:
    placed = any(name in one.given for name in _START)
    x, y = _place(one, _START, frame) if placed else frame.pointer
    match _text(one, "direction").strip().lower():
        case "down":
            dx, dy = 0, _SCROLL
        case "up":
            dx, dy = 0, -_SCROLL
        case "right":
            dx, dy = _SCROLL, 0
        case "left":
            dx, dy = -_SCROLL, 0
        case other:
            raise Unusable("bad_arguments", f"direction is up, down, left or right, not {other[:80]!r}")
    return parse_action({"kind": "scroll", "x": x, "y": y, "dx": dx, "dy": dy})


def _place(one: Written, names: Sequence[str], frame: Frame) -> tuple[int, int]:
    for name in names:
        if name in one.given:
            return point(*box(one.given[name]), frame.space)
    raise Unusable("bad_arguments", f"{one.name} needs {names[0]}")


def _text(one: Written, *names: str) -> str:
    for name in names:
        found = one.given.get(name)
        if isinstance(found, str):
            return found
    raise Unusable("bad_arguments", f"{one.name} needs {names[0]}, a text")
