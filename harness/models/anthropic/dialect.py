"""How Anthropic's Messages API is spoken. A `harness.models.dialect.Dialect`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action
from harness.clearance import Fault, Usage
from harness.models.anthropic.messages import kept, messages
from harness.models.anthropic.tools import FAMILY, Tool, declared, zooms
from harness.models.anthropic.vocabulary import WHEEL, Reading
from harness.models.body import checked
from harness.models.dialect import Brief, Frame, Heard, Hearing, JsonObject, Trouble, Turn, Unusable
from harness.models.functions import EXTRAS, call
from harness.models.prompt import instructions

_EXTRA: Final = (
    "- Several actions of one answer are done in order; after one that is refused or fails, none is.",
    f"- One click of the scroll wheel moves a page by {WHEEL} pixels.",
)
_MOST_TOKENS: Final = 1_000_000_000
"""A count above it is not believed."""


@dataclass(frozen=True, slots=True)
class _Halt:
    """Why an answer ended before it was whole."""

    fault: Fault
    message: str
    all: bool
    """Whether none of its calls is to be believed; else only the last is in doubt."""


class AnthropicDialect:
    """Writes requests for the Messages API and reads its answers.

    Args:
        model: the model's name, as this platform calls it.
        brief: what it is told once.
        tool: the computer tool that it knows.
        output_tokens: tokens of one answer at most.
        provider: whose platform it is.
        thinking: what is asked for under `thinking`; nothing leaves it to the model.
        spotlight: whether the words of page text are joined by marks.
    """

    prunes: Literal["pictures"] = "pictures"

    def __init__(
        self,
        model: str,
        brief: Brief,
        *,
        tool: Tool,
        output_tokens: int,
        provider: str = "anthropic",
        thinking: JsonObject | None = None,
        spotlight: bool = False,
    ) -> None:
        self.provider = provider
        self._model = model
        self._tool: Tool = tool
        self._tokens = output_tokens
        self._thinking = thinking
        self._system = instructions(brief, spotlight=spotlight, extra=_EXTRA)

    @property
    def overhead(self) -> str:
        """What is sent with every request besides the turns."""
        return self._system + json.dumps(declared(self._tool, 0, 0))

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request; four cache breakpoints at most."""
        newest = turns[-1].seen.picture
        if newest is None:
            raise AssertionError("the newest step always has its picture")
        request: JsonObject = {
            "model": self._model,
            "max_tokens": self._tokens,
            "system": [{"type": "text", "text": self._system, "cache_control": {"type": "ephemeral"}}],
            "tools": declared(self._tool, *newest.size),
            "messages": messages(turns, marks),
        }
        if self._thinking is not None:
            request["thinking"] = self._thinking
        return request

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read the body of an answer.

        Raises:
            Trouble: if it is no message.
        """
        message = checked(answer)
        if not isinstance(message, dict):
            raise _malformed(f"it is no object, but {type(message).__name__}")
        blocks = _blocks(message.get("content"))
        uses = _uses(blocks)
        halt = _halt(message)
        hearing, reading = Hearing(), Reading(frame, zooms=zooms(self._tool))
        for block in uses:
            stop = halt if halt is not None and (halt.all or block is blocks[-1]) else None
            name = str(block["name"])
            hearing.call(str(block["id"]), name, partial(self._called, block, reading, frame, stop))
        thought = "\n".join(str(one["text"]) for one in blocks if _is_words(one))
        if halt is not None and all(one.fault != halt.fault for one in hearing.incidents):
            hearing.fault(halt.fault, halt.message)
        refused = halt is not None and halt.fault == "refused"
        heard = hearing.heard(
            thought,
            usage=_usage(message.get("usage")),
            items=() if refused else kept(blocks),
            answer_id=str(message.get("id") or "")[:200],
        )
        if refused:
            # What was refused may not be sent again: the vendor would refuse all that follows.
            return Heard(thought=heard.thought, usage=heard.usage, incidents=heard.incidents, id=heard.id)
        return heard

    def _called(
        self, block: JsonObject, reading: Reading, frame: Frame, halt: _Halt | None
    ) -> Sequence[Action] | str:
        if halt is not None:
            raise Unusable(halt.fault, halt.message)
        name, given, family = str(block["name"]), block["input"], block.get("toolset_name")
        if not isinstance(given, dict):
            raise AssertionError("calls without an object were sorted out")
        match block.get("caller"):
            case None | {"type": "direct"}:
                pass
            case caller:
                raise Unusable(
                    "unknown_tool", f"only the model itself may call tools, not {str(caller)[:200]}"
                )
        if self._tool == "computer_toolset_20260801":
            if family == FAMILY:
                return reading.read(name, given)
        elif family is None and name == FAMILY:
            action = given.get("action")
            if not isinstance(action, str):
                raise Unusable("bad_arguments", "action is the name of an action")
            return reading.read(action, given)
        if family is None and name in EXTRAS:
            return [call(name, given, frame.space)]
        of = f" of the toolset {str(family)[:80]!r}" if family is not None else ""
        raise Unusable("unknown_tool", f"there is no tool {name[:80]!r}{of}; it was not offered")


def _blocks(content: JsonValue) -> list[JsonObject]:
    if not isinstance(content, list):
        raise _malformed(f"its content is no list, but {type(content).__name__}")
    blocks = [one for one in content if isinstance(one, dict) and isinstance(one.get("type"), str)]
    if len(blocks) < len(content):
        raise _malformed("its content holds what is no block")
    return blocks


def _uses(blocks: Sequence[JsonObject]) -> list[JsonObject]:
    """Give the calls. Each must have an id of its own: by it, and only once, it is answered."""
    uses = [one for one in blocks if one["type"] == "tool_use"]
    ids = {one["id"] for one in uses if isinstance(one.get("id"), str) and one["id"]}
    if len(ids) < len(uses):
        raise _malformed("its calls have no ids, or the same")
    for one in uses:
        if not isinstance(one.get("name"), str) or not isinstance(one.get("input"), dict):
            raise _malformed("a call has no name, or its input is no object")
    return uses


def _is_words(block: JsonObject) -> bool:
    return block["type"] == "text" and isinstance(block.get("text"), str)


def _halt(message: JsonObject) -> _Halt | None:
    reason = message.get("stop_reason")
    match reason:
        case "end_turn" | "tool_use" | "stop_sequence":
            return None
        case "max_tokens":
            return _Halt(
                "truncated", "the answer was cut off at its longest: ask for less at once", all=False
            )
        case "model_context_window_exceeded":
            return _Halt("truncated", "the answer was cut off where the model's window ended", all=False)
        case "pause_turn":
            return _Halt("truncated", "the vendor paused the answer; it goes on from here", all=False)
        case "refusal":
            return _Halt("refused", _refusal(message.get("stop_details")), all=True)
        case _:
            return _Halt(
                "malformed", f"the answer ended for an unknown reason: {str(reason)[:80]!r}", all=True
            )


def _refusal(details: JsonValue) -> str:
    said = "the vendor's classifiers stopped the answer"
    if not isinstance(details, dict):
        return said
    parts = [str(details[name])[:1000] for name in ("category", "explanation") if details.get(name)]
    return ": ".join([said, *parts])


def _usage(usage: JsonValue) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    fresh, out = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    read = _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    total = None if fresh is None else fresh + (read or 0) + (written or 0)
    return Usage(
        input_tokens=total,
        cached_tokens=None if total is None else read,
        cache_write_tokens=None if total is None else written,
        output_tokens=out,
    )


def _count(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TOKENS:
        return None
    return value


def _malformed(message: str) -> Trouble:
    return Trouble("malformed", f"the answer cannot be read: {message}", again=True, ends=False)
