"""Makes an Anthropic model from its name and the usual variables. The SDK is loaded here and not before."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from harness.errors import InputError
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.tools import Provider, Tool, betas
from harness.models.assemble import ModelOptions, assemble
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief, JsonObject
from harness.models.vision import VisionModel

TOOLS: Final[Mapping[Provider, Tool]] = {
    "anthropic": "computer_toolset_20260801",
    "vertex": "computer_toolset_20260801",
    "bedrock": "computer_20251124",
    "bedrock-mantle": "computer_20251124",
    "foundry": "computer_20251124",
}
"""What the newest models know on each platform."""
_EXTRA: Final[Mapping[Provider, str]] = {
    "bedrock": "bedrock",
    "bedrock-mantle": "bedrock",
    "vertex": "vertex",
}


def build(
    model: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions,
    provider: Provider = "anthropic",
    tool: Tool | None = None,
    thinking: JsonObject | None = None,
    token: Callable[[], str | Awaitable[str]] | None = None,
) -> VisionModel:
    """Make the model. Nothing is asked of it yet.

    Args:
        model: its name, as the platform calls it.
        brief: what it is told once.
        facts: what is known of it.
        environment: the variables that keys and addresses come from.
        options: what a person chose.
        provider: whose platform.
        tool: the computer tool that it knows; what the newest models of the platform know, if not given.
        thinking: what to ask for under `thinking`, such as `{"type": "adaptive"}`; its default, if not given.
        token: gives an Entra token, for Foundry without a key.

    Raises:
        InputError: if a key, a region or the SDK is missing.
    """
    try:
        from harness.models.anthropic.clients import dial  # noqa: PLC0415 - the SDK is an extra
        from harness.models.anthropic.line import AnthropicLine  # noqa: PLC0415

        dialled = dial(provider, model, environment, options.timeout, token)
    except ImportError as error:
        extra = _EXTRA.get(provider, "anthropic")
        raise InputError(
            f"--model {provider}:{model} needs more packages ({error}): "
            f"type `pip install 'computer-use-harness[{extra}]'`"
        ) from error
    tool = tool or TOOLS[provider]
    dialect = AnthropicDialect(
        model,
        brief,
        tool=tool,
        output_tokens=options.output_tokens,
        provider=provider,
        thinking=thinking,
        spotlight=options.context.spotlight,
    )
    line = AnthropicLine(
        dialled.client, betas=betas(tool), now=options.now, unauthorized=dialled.unauthorized
    )
    return assemble(dialect, line, facts, options, keys=dialled.keys)
