"""Models without function calls: every answer is one JSON object of a thought and actions."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action, Answer, parse_action
from harness.models.chat.messages import assistant, dialogue, system
from harness.models.chat.objects import one
from harness.models.chat.options import Form
from harness.models.chat.schema import answers, lines
from harness.models.chat.wire import Said, said
from harness.models.dialect import MOST_ACTIONS, Brief, Frame, Heard, Hearing, JsonObject, Turn, Unusable
from harness.models.functions import arguments, placed
from harness.models.images import Detail
from harness.models.prompt import instructions

_HOW: Final = """\
- You act by answering with exactly one JSON object and nothing around it: \
{"thought": "...", "actions": [...]}. The thought says in a sentence what you see and why you act; the \
actions are done in order, and none after one that is refused or fails. Scrolling down is a positive dy. A \
text field wants a click before you type."""
_NAME: Final = "computer_actions"


class JsonDialect:
    """Chat Completions in JSON.

    Args:
        model: the model, or the deployment.
        brief: what to do.
        fields: of every request.
        form: what holds the model to JSON: a strict schema, a JSON mode, or its instructions alone.
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
        form: Form,
        provider: str,
        detail: Detail | None = None,
        spotlight: bool = False,
        extra: Sequence[str] = (),
    ) -> None:
        self._model = model
        self._fields = {**fields, **_held(form, brief)}
        self._provider = provider
        self._detail = detail
        self._written = [name for name, one in brief.outputs.items() if one.type in ("array", "object")]
        kinds = "" if form == "schema" else f"\n- The actions, ? for what may be left out:\n{lines()}"
        self._system = instructions(brief, spotlight=spotlight, extra=[_HOW + kinds, *extra])

    @property
    def provider(self) -> str:
        """Whose server it is."""
        return self._provider

    @property
    def overhead(self) -> str:
        """Instructions and schema."""
        return self._system + str(self._fields)

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write the body of a request."""
        del marks
        messages = [system(self._system), *dialogue(turns, detail=self._detail)]
        return {"model": self._model, "messages": [*messages], **self._fields}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read an answer; what is not one JSON object is told to the model as such."""
        found = said(answer)
        hearing = Hearing()
        hearing.incidents += found.incidents
        thought = _actions(found, frame, hearing, self._written)
        return hearing.heard(
            thought,
            usage=found.usage,
            signals=found.signals,
            items=[assistant(found.words)],
            answer_id=found.id,
        )


def _actions(found: Said, frame: Frame, hearing: Hearing, written: Sequence[str]) -> str:
    """Take the actions in order, and give the thought."""
    try:
        given, listed = _listed(found)
    except Unusable as problem:
        if found.words or found.calls or found.stop is not None:
            hearing.call("", "answer in JSON", partial(_raise, problem))
        return found.words or str(found.stop or "")
    for action in listed[: MOST_ACTIONS + 1]:
        name = action.get("kind") if isinstance(action, dict) else None
        hearing.call("", str(name)[:80], partial(_action, action, frame, written))
    thought = given.get("thought")
    return thought if isinstance(thought, str) and thought.strip() else found.words


def _listed(found: Said) -> tuple[Mapping[str, JsonValue], list[JsonValue]]:
    if found.stop is not None:
        raise found.stop
    if found.calls:
        raise Unusable("unknown_tool", "there are no functions to call; answer with one JSON object")
    given = one(found.words)
    listed = given.get("actions")
    if not isinstance(listed, list):
        raise Unusable("bad_arguments", '"actions" must be a list of objects')
    return given, listed


def _action(given: JsonValue, frame: Frame, written: Sequence[str]) -> list[Action]:
    if not isinstance(given, dict):
        return [parse_action(given)]
    # Strict schemas have null for what is left out, one level deeper too where an answer's data stand.
    kept = {name: _without_null(value) for name, value in given.items() if value is not None}
    action = placed(parse_action(kept), frame.space)
    if isinstance(action, Answer):
        data = {name: _value(one) if name in written else one for name, one in action.data.items()}
        action = action.model_copy(update={"data": data})
    return [action]


def _value(given: JsonValue) -> JsonValue:
    """Read a list or an object that a strict schema made the model write as text."""
    if not isinstance(given, str):
        return given
    try:
        return arguments(json.dumps({"value": json.loads(given)}))["value"]
    except (Unusable, ValueError, RecursionError):
        return given


def _without_null(value: JsonValue) -> JsonValue:
    return {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value


def _raise(problem: Unusable) -> list[Action]:
    raise problem


def _held(form: Form, brief: Brief) -> JsonObject:
    match form:
        case "schema":
            schema: JsonObject = {"name": _NAME, "strict": True, "schema": answers(brief.outputs)}
            return {"response_format": {"type": "json_schema", "json_schema": schema}}
        case "object":
            return {"response_format": {"type": "json_object"}}
        case _:
            return {}
