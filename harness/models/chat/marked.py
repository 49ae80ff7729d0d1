"""Open models that write their calls as text: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`.

Qwen-VL and Fara are spoken to so. The one tool is `computer_use`, whose actions a `Vocabulary` knows; our own
functions for what it lacks stand beside it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol

from pydantic import JsonValue

from harness.action import Action
from harness.models.chat.messages import assistant, system, told, user
from harness.models.chat.schema import tools
from harness.models.chat.wire import Said, said
from harness.models.dialect import Brief, Frame, Heard, Hearing, JsonObject, Turn, Unusable
from harness.models.functions import arguments, call, left_at
from harness.models.prompt import instructions

TOOL: Final = "computer_use"
MOST_MARKS: Final = 100
_MARKED: Final = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_HOW: Final = """\
- You act by calling tools. Say in a sentence or two what you see and why you act; then write each call as a \
JSON object between marks, on lines of its own:
<tool_call>
{"name": "NAME OF THE TOOL", "arguments": {...}}
</tool_call>
- The tools are, as JSON schemas, one a line:"""


class Vocabulary(Protocol):
    """What `computer_use` can do in one family of models."""

    def tool(self, width: int, height: int) -> JsonObject:
        """Describe it, for a screen of so many units."""
        ...

    @property
    def extras(self) -> tuple[str, ...]:
        """Our own functions that are offered beside it."""
        ...

    def read(self, given: Mapping[str, JsonValue], frame: Frame, thought: str) -> Sequence[Action] | str:
        """Give the actions that arguments stand for, or a text that answers them.

        Raises:
            Unusable: if there are none.
            ActionError: if a field is wrong.
        """
        ...


@dataclass(slots=True)
class _Hand:
    """Where the pointer will be when the next call of an answer is done."""

    frame: Frame

    def follow(self, actions: Sequence[Action] | str) -> None:
        """Take note of where actions leave it."""
        for action in () if isinstance(actions, str) else actions:
            self.frame = Frame(self.frame.space, left_at(action) or self.frame.pointer)


class MarkedDialect:
    """Chat Completions with calls in the text.

    Args:
        model: the model, as the server calls it.
        brief: what to do.
        fields: of every request.
        vocabulary: what the family's tool can do.
        space: what its coordinates count.
        provider: whose model it is.
        spotlight: whether page text is joined by marks.
    """

    prunes: Final[Literal["pictures", "turns"]] = "pictures"

    def __init__(
        self,
        model: str,
        brief: Brief,
        fields: Mapping[str, JsonValue],
        vocabulary: Vocabulary,
        *,
        space: Literal["pixels", "thousandths"],
        provider: str,
        spotlight: bool = False,
    ) -> None:
        self._model = model
        self._brief = brief
        self._fields = dict(fields)
        self._vocabulary = vocabulary
        self.space = space
        self._provider = provider
        self._spotlight = spotlight
        self._tools = tools(vocabulary.extras)

    @property
    def provider(self) -> str:
        """Whose model it is."""
        return self._provider

    @property
    def overhead(self) -> str:
        """Instructions and tools."""
        return self._system(1000, 1000)

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request."""
        del marks
        messages = [system(self._system(*self._screen(turns)))]
        for turn in turns:
            texts = [f"<tool_response>\n{told(one)}\n</tool_response>" for one in turn.seen.outcomes]
            messages.append(user(turn.seen, before="\n".join(texts)))
            if turn.heard is not None:
                messages += [one for one in turn.heard.items if isinstance(one, dict)]
        return {"model": self._model, "messages": [*messages], **self._fields}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read an answer: words before the first mark are its thought, each mark is one call."""
        found = said(answer)
        hearing = Hearing()
        hearing.incidents += found.incidents
        thought, _, _ = found.words.partition("<tool_call>")
        hand = _Hand(frame)
        for name, given in _calls(found):
            hearing.call("", name, partial(self._one, found, name, given, hand, thought.strip()))
        if not hearing.calls and (found.words or found.stop is not None):
            hearing.call("", TOOL, partial(_nothing, found))
        return hearing.heard(
            thought.strip() or found.reasoning or str(found.stop or ""),
            usage=found.usage,
            signals=found.signals,
            items=[assistant(_written(found))],
            answer_id=found.id,
        )

    def _one(
        self, found: Said, name: str, given: JsonValue | Unusable, hand: _Hand, thought: str
    ) -> Sequence[Action] | str:
        if found.stop is not None:
            raise found.stop
        if isinstance(given, Unusable):
            raise given
        if name == TOOL:
            actions = self._vocabulary.read(arguments(given), hand.frame, thought)
        elif name in self._vocabulary.extras:
            actions = [call(name, given, hand.frame.space)]
        else:
            names = ", ".join([TOOL, *self._vocabulary.extras])
            raise Unusable("unknown_tool", f"there is no tool {name[:80]!r}; there are: {names}")
        hand.follow(actions)
        return actions

    def _screen(self, turns: Sequence[Turn]) -> tuple[int, int]:
        picture = turns[-1].seen.picture
        if self.space == "thousandths" or picture is None:
            return 1000, 1000
        return picture.space.width, picture.space.height

    def _system(self, width: int, height: int) -> str:
        offered = [self._vocabulary.tool(width, height), *self._tools]
        lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in offered)
        extra = [f"{_HOW}\n<tools>\n{lines}\n</tools>"]
        return instructions(self._brief, spotlight=self._spotlight, extra=extra)


def _calls(found: Said) -> list[tuple[str, JsonValue | Unusable]]:
    """Give name and arguments of each call, or why one cannot be read."""
    if not _marks(found):
        # A server that reads the marks itself gives them as calls.
        return [(one.name, one.arguments) for one in found.calls]
    return [_call(text) for text in _marks(found)[:MOST_MARKS]]


def _call(text: str) -> tuple[str, JsonValue | Unusable]:
    try:
        given = arguments(text.strip() or "null")
        match given:
            case {"name": str(name), "arguments": dict() | str() as inner}:
                return name[:200], inner
            case _:
                return TOOL, Unusable("bad_arguments", 'a call is {"name": "...", "arguments": {...}}')
    except Unusable as problem:
        return TOOL, problem


def _marks(found: Said) -> list[str]:
    return _MARKED.findall(found.words)


def _written(found: Said) -> str:
    """What the model wrote; calls that the server took out of it are put back."""
    if _marks(found) or not found.calls:
        return found.words
    functions = [one.history["function"] for one in found.calls]
    calls = [f"<tool_call>\n{json.dumps(one)}\n</tool_call>" for one in functions]
    return "\n".join([found.words, *calls]).strip()


def _nothing(found: Said) -> Sequence[Action]:
    raise found.stop or Unusable("malformed", "the answer holds no <tool_call>; every answer calls a tool")
