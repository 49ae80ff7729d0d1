"""Vision and tools: our own actions as functions that the model calls."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action
from harness.models.chat.messages import assistant, system, told, user
from harness.models.chat.schema import tools
from harness.models.chat.wire import Said, ToolCall, said
from harness.models.dialect import Brief, Frame, Heard, Hearing, JsonObject, Outcome, Turn
from harness.models.functions import call
from harness.models.images import Detail
from harness.models.prompt import instructions

_HOW: Final = """\
- You act by calling functions. Call several at once only where the later ones do not depend on what the \
earlier ones change: they are done in order, and none after one that is refused or fails.
- Scrolling down is a positive dy. A text field wants a click before you type."""
THOUSANDTHS: Final = """\
- Coordinates are not pixels: they count thousandths of the screenshot's width and height, from 0 to 1000."""


class ToolDialect:
    """Chat Completions with function calls.

    Tool messages hold text alone, so that the screenshot follows them in a user message.

    Args:
        model: the model, or the deployment.
        brief: what to do.
        fields: of every request.
        provider: whose server it is.
        detail: how closely pictures are looked at.
        spotlight: whether page text is joined by marks.
        extra: sentences more in the instructions.
    """

    prunes: Final[Literal["pictures", "turns"]] = "pictures"

    def __init__(
        self,
        model: str,
        brief: Brief,
        fields: Mapping[str, JsonValue],
        *,
        provider: str,
        detail: Detail | None = None,
        spotlight: bool = False,
        extra: Sequence[str] = (),
    ) -> None:
        self._model = model
        self._fields = dict(fields)
        self._provider = provider
        self._detail = detail
        self._tools = tools()
        self._system = instructions(brief, spotlight=spotlight, extra=[_HOW, *extra])

    @property
    def provider(self) -> str:
        """Whose server it is."""
        return self._provider

    @property
    def overhead(self) -> str:
        """Instructions and tools."""
        return self._system + json.dumps(self._tools)

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request; the vendors cache what it begins with by themselves."""
        del marks
        messages = [system(self._system)]
        asked: Sequence[str] = ()
        for turn in turns:
            messages += _answered(asked, turn.seen.outcomes)
            messages.append(user(turn.seen, detail=self._detail))
            if turn.heard is not None:
                messages += [one for one in turn.heard.items if isinstance(one, dict)]
                asked = [one.id for one in turn.heard.calls]
        return {"model": self._model, "messages": [*messages], "tools": [*self._tools], **self._fields}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read an answer: each call is one action, words alone say that the task is done."""
        found = said(answer)
        hearing = Hearing()
        hearing.incidents += found.incidents
        if found.stop is not None and not found.calls:
            hearing.fault(found.stop.fault, str(found.stop))
        elif found.calling and not found.calls:
            # Words alone would mean that the task is done.
            hearing.fault(
                "malformed", "the answer means to call a function, and the server found no call in it"
            )
        for one in found.calls:
            hearing.call(one.id, one.name or "(no name)", partial(_action, found, one, frame))
        message = assistant(found.words)
        if found.calls:
            message = {**message, "tool_calls": [one.history for one in found.calls]}
            message["content"] = found.words or None
        return hearing.heard(
            found.words or str(found.stop or "") or (found.reasoning if found.calls else ""),
            usage=found.usage,
            signals=found.signals,
            items=[message],
            answer_id=found.id,
        )


def _action(found: Said, one: ToolCall, frame: Frame) -> list[Action]:
    if found.stop is not None:
        raise found.stop
    return [call(one.name, one.arguments, frame.space)]


def _answered(asked: Sequence[str], outcomes: Sequence[Outcome]) -> list[JsonObject]:
    """One message for every call, which these servers insist on."""
    texts = {one.call.id: told(one) for one in outcomes}
    return [{"role": "tool", "tool_call_id": one, "content": texts.get(one, "not known")} for one in asked]
