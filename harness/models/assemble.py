"""Puts a model together from its dialect and its line."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from harness.errors import InputError
from harness.models.catalogue import ModelFacts
from harness.models.context import Context, ContextOptions
from harness.models.dialect import Dialect, Line
from harness.models.images import Detail
from harness.models.retry import Retry
from harness.models.scaling import fit, sharpest, space
from harness.models.vision import VisionModel

_PICTURES = 0.8
"""Of a request's largest body, the part that is for pictures."""


def _now() -> datetime:
    return datetime.now(UTC)


def _retry() -> Retry:
    return Retry(asyncio.sleep, random.SystemRandom().random)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What is the same for every vendor."""

    context: ContextOptions = field(default_factory=ContextOptions)
    """What is sent."""
    retry: Retry = field(default_factory=_retry)
    """How often it is asked again."""
    timeout: float = 120.0
    """Seconds for one answer."""
    output_tokens: int = 4096
    """Tokens of one answer at most."""
    now: Callable[[], datetime] = _now
    """The time, for what vendors say in dates."""


def assemble(
    dialect: Dialect,
    line: Line,
    facts: ModelFacts,
    options: ModelOptions,
    *,
    keys: Sequence[str] = (),
    kind: Literal["pixels", "thousandths"] = "pixels",
    detail: Detail | None = None,
) -> VisionModel:
    """Make the model.

    Args:
        dialect: how it is spoken to.
        line: how requests get there.
        facts: what is known of it.
        options: what a person chose.
        keys: what must not be seen in any message.
        kind: what its coordinates count.
        detail: how sharp pictures are sent; the sharpest that it takes, if not given.
    """
    detail = detail or sharpest(facts)
    chosen = options.context
    if facts.body is not None or facts.images is not None:
        window, most = chosen.window, facts.images or chosen.window.grow
        body = None if facts.body is None else int(facts.body * _PICTURES)
        window = replace(window, grow=min(window.grow, most), keep=min(window.keep, most), most_bytes=body)
        chosen = replace(chosen, window=window)
    context = Context(
        dialect.prunes,
        lambda width, height: fit(width, height, facts, detail),
        lambda sent, view: space(sent, view, facts, kind=kind),
        options=chosen,
    )
    return VisionModel(
        dialect,
        line,
        context,
        options.retry,
        facts=facts,
        output_tokens=options.output_tokens,
        today=lambda: options.now().date(),
        detail=detail,
        keys=keys,
    )


def key(environment: Mapping[str, str], names: Sequence[str], model: str, where: str) -> str:
    """Take a key from the first variable that holds one.

    Raises:
        InputError: naming the variables, and where to get a key.
    """
    for name in names:
        if environment.get(name, "").strip():
            return environment[name].strip()
    raise InputError(f"--model {model} needs a key: set {' or '.join(names)}; get one at {where}")
