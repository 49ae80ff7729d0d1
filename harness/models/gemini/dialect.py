"""How Gemini is spoken to: `generateContent` with its computer use tool and our own functions beside it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final, Literal

from pydantic import JsonValue

from harness.action import Action
from harness.clearance import SafetySignal
from harness.models.dialect import (
    Brief,
    Call,
    Frame,
    Heard,
    Hearing,
    JsonObject,
    Trouble,
    Turn,
    Unusable,
)
from harness.models.functions import EXTRAS, call, functions
from harness.models.gemini import answer as answers
from harness.models.gemini.actions import UNDOABLE, FunctionSet, names, offered, read
from harness.models.gemini.history import contents
from harness.models.prompt import instructions

PROVIDER: Final = "gemini"


@dataclass(frozen=True)
class GeminiDialect:
    """Gemini's own words. A `harness.models.dialect.Dialect`."""

    brief: Brief
    """What to do."""
    functions: FunctionSet = "current"
    """Which predefined functions the model has."""
    search: str | None = None
    """The page that `search` opens; without it `search` is not offered."""
    excluded: tuple[str, ...] = ()
    """Predefined functions that are not offered besides."""
    spotlight: bool = False
    """Whether the words of page text are joined by marks."""
    output_tokens: int = 4096
    """Tokens of one answer at most."""
    thoughts: bool = True
    """Whether summaries of its thoughts are asked for."""
    provider: str = field(default=PROVIDER, init=False)
    prunes: Literal["pictures"] = field(default="pictures", init=False)

    @property
    def overhead(self) -> str:
        """What is sent with every request besides the turns."""
        return json.dumps(self._config, ensure_ascii=False)

    def request(self, turns: Sequence[Turn], marks: Sequence[int]) -> JsonObject:
        """Write `contents` and `config` as the SDK's types have them; Gemini caches by itself."""
        del marks
        return {"contents": contents(turns), "config": self._config}

    def read(self, answer: JsonValue, frame: Frame) -> Heard:
        """Read an answer. What did not come to its end, or was filtered, is not executed."""
        if not isinstance(answer, dict):
            kind = type(answer).__name__
            raise Trouble("malformed", f"the answer is no object, but {kind}", again=True, ends=False)
        hearing, used = Hearing(), answers.usage(answer)
        first = answers.candidate(answer)
        why = answers.blocked(answer)
        if first is None or why:
            said = f"the request was blocked by the vendor: {why}" if why else "there is no candidate"
            hearing.fault("content_filter" if why else "empty", said)
            hearing.calls.append(Call("", "(answer)", problem=said))
            return hearing.heard("", usage=used)
        cut = answers.ended(first)
        parts = answers.parts(first)
        items = [part.item for part in parts if part.item is not None]
        answer_id = answers.identity(answer, items)
        if cut is not None:
            hearing.fault(*cut)
        signals: list[SafetySignal] = []
        for part in parts:
            if part.problem:
                hearing.fault("malformed", part.problem)
            if part.call is None:
                continue
            if cut is not None:
                problem = f"not executed: {cut[1]}"
                hearing.calls.append(
                    Call(part.call.id, part.call.name, len(hearing.actions), problem=problem)
                )
                continue
            signals += _signal(part.call, f"{answer_id}/{len(hearing.calls)}")
            hearing.call(part.call.id, part.call.name, self._reader(part.call, frame))
        if cut is not None and not hearing.calls:
            hearing.calls.append(Call("", "(answer)", problem=cut[1]))
        spoken = "\n".join(part.words for part in parts if part.words and not part.thought)
        if not spoken and hearing.calls:
            # A summary of thoughts is a reason for a call, and by itself no answer.
            spoken = "\n".join(part.words for part in parts if part.words)
        content: JsonObject = {"role": "model", "parts": list(items)}
        back = [content] if items and (cut is None or cut[0] == "truncated") else []
        return hearing.heard(spoken, usage=used, signals=signals, items=back, answer_id=answer_id)

    def _reader(self, asked: answers.Asked, frame: Frame) -> Callable[[], Sequence[Action] | str]:
        return partial(self._actions, asked, frame)

    def _actions(self, asked: answers.Asked, frame: Frame) -> list[Action] | str:
        if isinstance(asked.args, Unusable):
            raise asked.args
        if (warning := answers.warned(asked.args)) is not None and warning.blocked:
            said = warning.explanation or "without a reason"
            raise Unusable("content_filter", f"the vendor's safety check blocked it: {said}")
        args = answers.bare(asked.args)
        if asked.name in self._own:
            return [call(asked.name, args, frame.space)]
        if asked.name not in names(self.functions) or asked.name in self.excluded:
            there = ", ".join((*self._predefined, *self._own))
            raise Unusable("unknown_tool", f"there is no function {asked.name[:80]!r}; there are: {there}")
        return read(asked.name, args, frame.space, search=self.search)

    @cached_property
    def _own(self) -> tuple[str, ...]:
        return offered(EXTRAS, self.functions)

    @cached_property
    def _left_out(self) -> tuple[str, ...]:
        cannot = (*UNDOABLE, *(() if self.search else ("search",)), *self.excluded)
        return tuple(name for name in names(self.functions) if name in cannot)

    @cached_property
    def _predefined(self) -> tuple[str, ...]:
        return tuple(name for name in names(self.functions) if name not in self._left_out)

    @cached_property
    def _config(self) -> JsonObject:
        computer: JsonObject = {
            "environment": "ENVIRONMENT_BROWSER",
            "excludedPredefinedFunctions": list(self._left_out),
            "enablePromptInjectionDetection": True,
            "disabledSafetyPolicies": [],
        }
        declared: list[JsonValue] = [
            {
                "name": one["name"],
                "description": one["description"],
                "parametersJsonSchema": one["parameters"],
            }
            for one in functions(self._own)
        ]
        text = instructions(self.brief, spotlight=self.spotlight)
        config: JsonObject = {
            "systemInstruction": {"role": "user", "parts": [{"text": text}]},
            "tools": [{"computerUse": computer}, {"functionDeclarations": declared}],
            "candidateCount": 1,
            "maxOutputTokens": self.output_tokens,
        }
        if self.thoughts:
            config["thinkingConfig"] = {"includeThoughts": True}
        return config


def _signal(asked: answers.Asked, signal_id: str) -> list[SafetySignal]:
    if isinstance(asked.args, Unusable):
        return []
    warning = answers.warned(asked.args)
    if warning is None or warning.blocked:
        return []
    said = warning.explanation
    return [SafetySignal(provider=PROVIDER, code=warning.decision, message=said, id=signal_id)]
