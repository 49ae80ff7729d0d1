"""Finds what was typed in several goes, key by key or piece by piece: no single action holds the whole of it.

What a model wanted and what was done are each read as one text, as far as nothing but looking came between. A
Tab is read as a space, as forms have a number in several fields. Where something to be masked goes over more
than one action, its part of each is masked, and a key becomes the mark as typed text. What the model was told
and said in other words repeats it, so from there on it is left out.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter

from harness.action import Action, Move, Press, Scroll, TakeScreenshot, Type, Wait, Zoom
from harness.keys import shifted
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    Event,
    Judged,
    ModelReplied,
)
from harness.trace.patterns import Found, Patterns, mark

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_SHORTEST = 4


class _Go(NamedTuple):
    step: int
    text: str


class _Character(NamedTuple):
    text: str
    go: int | None
    place: int


class Typed:
    """What of a trace's actions is to be masked since others go on with it.

    Args:
        events: of the whole trace, in order.
        patterns: what is looked for; it learns what was found, and how it began, for pictures.
    """

    def __init__(self, events: Iterable[Event], patterns: Patterns) -> None:
        self._patterns = patterns
        self._goes: list[_Go] = []
        self._marks: dict[tuple[int, str], dict[int, str]] = {}
        kept = list(events)
        wanted = (
            (one.step, action) for one in kept if isinstance(one, ModelReplied) for action in one.actions
        )
        done = ((one.step, one.action) for one in kept if isinstance(one, Acted) and one.status == "done")
        for acts in (wanted, done):
            for streak in self._streaks(acts):
                self._search(streak)
        self._first = min((step for step, _ in self._marks), default=None)

    def told(self, step: int) -> bool:
        """Whether what a model was asked at a step may repeat a part of it."""
        return self._first is not None and step > self._first

    def said(self, step: int) -> bool:
        """Whether what a model answered at a step may hold a part of it."""
        return self._first is not None and step >= self._first

    def masked(self, event: Event) -> Event:
        """Give an event with its actions masked; the same if there is nothing to mask in them."""
        match event:
            case (
                ModelReplied(step=step)
                | Judged(step=step)
                | ApprovalAsked(step=step)
                | ApprovalGiven(step=step)
                | Acting(step=step)
                | Acted(step=step)
            ) if any(step == other for other, _ in self._marks):
                return _EVENT.validate_python(self._walked(event.model_dump(mode="json"), step))
            case _:
                return event

    def _walked(self, value: JsonValue, step: int) -> JsonValue:
        match value:
            case {"kind": "type", "text": str(text)}:
                return {"kind": "type", "text": self._cut(step, text)}
            case {"kind": "press", "keys": [*_, str(key)]}:
                cut = self._cut(step, key)
                return value if cut == key else {"kind": "type", "text": cut}
            case dict():
                return {name: self._walked(one, step) for name, one in value.items()}
            case list():
                return [self._walked(one, step) for one in value]
            case _:
                return value

    def _cut(self, step: int, text: str) -> str:
        marks = self._marks.get((step, text), {})
        pieces = []
        for kind, run in groupby(range(len(text)), key=marks.get):
            places = list(run)
            pieces.append(text[places[0] : places[-1] + 1] if kind is None else mark(kind))
        return "".join(pieces)

    def _streaks(self, acts: Iterable[tuple[int, Action]]) -> Iterator[list[_Character]]:
        streak: list[_Character] = []
        for step, action in acts:
            match action:
                case Type(text=text):
                    streak += self._gone(_Go(step, text), text)
                case Press(keys=(*held, key)) if len(key) == 1 and set(held) <= {"Shift"}:
                    streak += self._gone(_Go(step, key), shifted(key) if held else key)
                case Press(keys=("Tab",)):
                    streak.append(_Character(" ", None, 0))
                case Press(keys=("Backspace",)):
                    del streak[-1:]
                case Move() | Scroll() | TakeScreenshot() | Wait() | Zoom():
                    pass
                case _:
                    yield streak
                    streak = []
        yield streak

    def _gone(self, go: _Go, given: str) -> list[_Character]:
        self._goes.append(go)
        return [_Character(one, len(self._goes) - 1, place) for place, one in enumerate(given)]

    def _search(self, streak: list[_Character]) -> None:
        text = "".join(one.text for one in streak)
        for found in self._patterns.find(text):
            part = streak[found.start : found.end]
            goes = {one.go for one in part if one.go is not None}
            if len(goes) > 1:
                self._learn(text, found, part)
                for one in part:
                    if one.go is not None:
                        go = self._goes[one.go]
                        self._marks.setdefault((go.step, go.text), {})[one.place] = found.kind

    def _learn(self, text: str, found: Found, part: list[_Character]) -> None:
        """Remember it, and each beginning of it that a picture between two goes may show."""
        self._patterns.values.setdefault(text[found.start : found.end], found.kind)
        for at in range(_SHORTEST, len(part)):
            if part[at].go != part[at - 1].go:
                self._patterns.values.setdefault(text[found.start : found.start + at], found.kind)
