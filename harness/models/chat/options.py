"""What can be chosen about a Chat Completions request."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from harness.models.catalogue import ModelFacts
from harness.models.dialect import JsonObject
from harness.models.images import Detail

Form = Literal["tools", "schema", "object", "text"]
"""How a model says what to do: by calling functions, or as one JSON object, to which a strict schema, a JSON
mode or nothing but its instructions hold it."""

_REASONING: Final = re.compile(r"^(?:o[1-9](?:$|[-.])|gpt-[5-9](?!.*chat)|codex)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """What a person may choose; nothing is what fits the model and the server."""

    form: Form = "tools"
    """How the model says what to do."""
    detail: Detail | None = None
    """How closely OpenAI's models look at pictures; as closely as the model can, if not given."""
    limit: Literal["max_tokens", "max_completion_tokens"] | None = None
    """What the limit on an answer's tokens is called."""
    temperature: float | None = None
    """How freely it answers; never sent to a reasoning model, which refuses it."""
    reasoning: bool | None = None
    """Whether it is a reasoning model; by the catalogue and its name, if not given."""
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long a reasoning model thinks."""
    parallel: bool | None = None
    """Whether it may call several functions at once; o-series models refuse to be asked."""
    space: Literal["pixels", "thousandths"] = "pixels"
    """What its coordinates count."""


def reasons(name: str) -> bool:
    """Whether OpenAI's model of this name is a reasoning model."""
    return bool(_REASONING.match(name))


def fields(chat: ChatOptions, facts: ModelFacts, tokens: int, *, own: bool) -> JsonObject:
    """Give the fields of a request that are the same at every step.

    Args:
        chat: what a person chose.
        facts: what is known of the model, under its own name: a deployment's may be another.
        tokens: of one answer at most.
        own: whether the server is a person's own, which may not know the newer name of the limit.
    """
    thinks = reasons(facts.name) if facts.thinks is None else facts.thinks
    reasoning = (thinks and not own) if chat.reasoning is None else chat.reasoning
    limit = chat.limit or ("max_tokens" if own else "max_completion_tokens")
    found: JsonObject = {limit: tokens}
    if chat.temperature is not None and not reasoning:
        found["temperature"] = chat.temperature
    if chat.effort is not None:
        found["reasoning_effort"] = chat.effort
    if chat.parallel is not None and chat.form == "tools":
        found["parallel_tool_calls"] = chat.parallel
    return found
