"""Makes an Anthropic model from its name and the usual variables. The SDK is loaded here and not before."""

from collections.abc import Mapping
from typing import Final

from harness.errors import InputError
from harness.models.anthropic.dialect import AnthropicDialect
from harness.models.anthropic.tools import Provider, Tool, betas
from harness.models.assemble import ModelOptions, assemble
from harness.models.catalogue import ModelFacts, Place
from harness.models.dialect import Brief, JsonObject
from harness.models.entra import Credential
from harness.models.vision import VisionModel

_NEWEST: Final[Mapping[Provider, tuple[Place, Tool]]] = {
    "anthropic": ("api", "computer_toolset_20260801"),
    "vertex": ("vertex", "computer_toolset_20260801"),
    "bedrock": ("bedrock", "computer_20251124"),
    "bedrock-mantle": ("bedrock", "computer_20251124"),
    "foundry": ("foundry", "computer_20251124"),
}
"""What the catalogue calls a platform, and the tool that the newest models know there."""
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
    credential: Credential | None = None,
) -> VisionModel:
    """Make the model. Nothing is asked of it yet.

    Args:
        model: its name, as the platform calls it.
        brief: what it is told once.
        facts: what is known of it.
        environment: the variables that keys and addresses come from.
        options: what a person chose.
        provider: whose platform.
        tool: the computer tool that it knows; what the facts say, else what the newest models of the platform
            know, if not given.
        thinking: what to ask for under `thinking`, such as `{"type": "adaptive"}`; its default, if not given.
        credential: gives Entra tokens for Foundry, instead of anything in the environment; it is not closed.

    Raises:
        InputError: if a key, a region or the SDK is missing, or the model has no computer tool.
    """
    tool = tool or known(model, facts, provider)
    try:
        from harness.models.anthropic.clients import dial  # noqa: PLC0415 - the SDK is an extra
        from harness.models.anthropic.line import AnthropicLine  # noqa: PLC0415

        dialled = dial(provider, model, environment, options.timeout, credential)
    except ImportError as error:
        extra = _EXTRA.get(provider, "anthropic")
        raise InputError(
            f"--model {provider}:{model} needs more packages ({error}): "
            f"type `pip install 'computer-use-harness[{extra}]'`"
        ) from error
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
        dialled.client,
        betas=betas(tool),
        timeout=options.timeout,
        now=options.now,
        unreached=dialled.unreached,
        unauthorized=dialled.unauthorized,
        tokens=dialled.tokens,
        entra=dialled.entra,
    )
    return assemble(dialect, line, facts, options, keys=dialled.keys)


def known(model: str, facts: ModelFacts, provider: Provider) -> Tool:
    """Say which computer tool a model knows on a platform; of one that is not known, what the newest do.

    Raises:
        InputError: if it is known to have none.
    """
    place, newest = _NEWEST[provider]
    match facts.spoken(place):
        case None:
            return newest
        case "computer_20250124" | "computer_20251124" | "computer_toolset_20260801" as tool:
            return tool
        case other:
            raise InputError(
                f"--model {provider}:{model} has none of Anthropic's computer tools (it speaks {other!r}): "
                "take another model, or write in a catalogue of your own how it is driven"
            )
