"""How the Responses API is spoken: both computer tools, with the history sent or kept at the vendor's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import JsonValue

from harness.models.dialect import Brief, Frame, JsonObject, Turn
from harness.models.functions import EXTRAS, functions
from harness.models.images import Detail
from harness.models.openai.answer import Chained, read
from harness.models.openai.history import kept, said
from harness.models.prompt import instructions

_ASIDE: Final = (
    "- A message without a call, unless it is commentary, ends the run as your answer. To ask the person "
    "something, call ask_user. Do not ask whether you may: the harness asks the person where it must."
)


@dataclass(frozen=True, slots=True)
class ResponsesOptions:
    """What a person may choose of the Responses API."""

    tool: Literal["computer", "computer_use_preview"] = "computer"
    """The tool that the model was trained for; `computer_use_preview` for the model of that name alone."""
    stateful: bool = False
    """Whether the vendor keeps the history (`previous_response_id`), instead of being sent it each time."""
    environment: Literal["windows", "mac", "linux", "ubuntu", "browser"] = "browser"
    """What `computer_use_preview` is told that it works in."""
    output: Literal["computer_screenshot", "input_image"] = "computer_screenshot"
    """The type of a screenshot that answers a call; some Azure regions take `input_image` for the preview."""
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    """How much the model reasons; the vendor's default, if not given."""
    summary: Literal["auto", "concise", "detailed"] | None = None
    """How much of its reasoning it sums up; not every account may ask for it."""


class ResponsesDialect:
    """Speaks the Responses API.

    Args:
        model: the model, or on Azure the deployment.
        brief: what to do.
        provider: whose warnings its safety signals are.
        output_tokens: tokens of one answer at most, reasoning among them.
        options: what a person chose.
        detail: how sharp a screenshot in a message is sent.
        spotlight: whether page text is joined by marks.
    """

    prunes: Final = "turns"

    def __init__(
        self,
        model: str,
        brief: Brief,
        *,
        provider: Literal["openai", "azure"] = "openai",
        output_tokens: int = 4096,
        options: ResponsesOptions | None = None,
        detail: Detail = "high",
        spotlight: bool = False,
    ) -> None:
        self._model = model
        self._provider = provider
        self._output_tokens = output_tokens
        self._options = options or ResponsesOptions()
        self._detail = detail
        self._instructions = instructions(brief, spotlight=spotlight, extra=(_ASIDE,))
        # Not strict: that would make every parameter required, and ours have defaults.
        self._functions: list[JsonValue] = [
            {"type": "function", **one, "strict": False} for one in functions(EXTRAS)
        ]

    @property
    def provider(self) -> str:
        """Whose it is: `openai` or `azure`."""
        return self._provider

    @property
    def overhead(self) -> str:
        """What is sent with every request besides the turns."""
        return self._instructions + json.dumps(self._functions)

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request. The vendor caches by itself, so that `marks` say nothing here."""
        del marks
        start, parent = self._begin(turns) if self._options.stateful else (0, "")
        request: JsonObject = {
            "model": self._model,
            "instructions": self._instructions,
            "input": self._input(turns, start),
            "tools": [self._tool(turns[-1]), *self._functions],
            "store": self._options.stateful,
            "include": ["reasoning.encrypted_content"],
            "max_output_tokens": self._output_tokens,
        }
        if parent:
            request["previous_response_id"] = parent
        if self._options.tool == "computer":
            request["parallel_tool_calls"] = False
        else:
            request["truncation"] = "auto"
        reasoning: JsonObject = {
            name: value
            for name, value in (("effort", self._options.effort), ("summary", self._options.summary))
            if value is not None
        }
        if reasoning:
            request["reasoning"] = reasoning
        return request

    def read(self, answer: JsonValue, frame: Frame) -> Chained:
        """Read the body of an answer, whatever it is.

        Raises:
            Trouble: if nothing of it can be used.
        """
        return read(answer, frame.space, self._provider)

    def _input(self, turns: Sequence[Turn], start: int) -> list[JsonValue]:
        items: list[JsonValue] = []
        for place in range(start, len(turns)):
            seen, before = turns[place].seen, turns[place - 1].heard if place else None
            back, calls = kept(before, seen) if before is not None else ([], {})
            if place > start:
                items += back
            items += said(seen, calls, self._options.output, self._detail)
        return items

    def _begin(self, turns: Sequence[Turn]) -> tuple[int, str]:
        """Give the first turn that the vendor does not have yet, and the answer that it comes after.

        An answer of which not everything may go back is none to go on from: the conversation forks from the
        one before it. One that continues turns that are not sent any more is none either: it begins anew.
        """
        parents = {one.heard.id: one.heard.parent for one in turns if isinstance(one.heard, Chained)}
        for place in range(len(turns) - 1, 0, -1):
            heard = turns[place - 1].heard
            if not isinstance(heard, Chained) or not heard.id:
                continue
            if len(kept(heard, turns[place].seen)[0]) < len(heard.items):
                continue
            parent = heard.parent
            while parent in parents:
                parent = parents.pop(parent)
            return (0, "") if parent else (place, heard.id)
        return 0, ""

    def _tool(self, now: Turn) -> JsonObject:
        if self._options.tool == "computer":
            return {"type": "computer"}
        picture = now.seen.picture
        if picture is None:
            raise AssertionError("the newest step always has its picture")
        return {
            "type": "computer_use_preview",
            "display_width": picture.size[0],
            "display_height": picture.size[1],
            "environment": self._options.environment,
        }
