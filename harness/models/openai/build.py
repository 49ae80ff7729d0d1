"""Makes models of OpenAI's and Azure OpenAI's from what a person wrote and what the environment holds."""

from collections.abc import Mapping
from typing import Literal

from harness.models.assemble import ModelOptions, assemble
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief
from harness.models.entra import Credential
from harness.models.openai import clients, places
from harness.models.openai.dialect import ResponsesDialect, ResponsesOptions
from harness.models.scaling import sharpest
from harness.models.vision import VisionModel


def build(
    model: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions | None = None,
    responses: ResponsesOptions | None = None,
) -> VisionModel:
    """Make `openai:MODEL`.

    Args:
        model: the model's name.
        brief: what to do.
        facts: what is known of it.
        environment: `OPENAI_API_KEY`, and if given `OPENAI_BASE_URL`, `OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`.
        options: what is the same for every vendor.
        responses: what may be chosen of the Responses API.

    Raises:
        InputError: if the key or the package is missing.
    """
    options = options or ModelOptions()
    name = f"openai:{model}"
    place = places.vendor(environment, name)
    client = clients.at(place, name, timeout=options.timeout, environment=environment)
    return _assembled(client, model, brief, options, responses, provider="openai", facts=facts)


def build_azure(
    deployment: str,
    brief: Brief,
    *,
    facts: ModelFacts,
    environment: Mapping[str, str],
    options: ModelOptions | None = None,
    responses: ResponsesOptions | None = None,
    credential: Credential | None = None,
) -> VisionModel:
    """Make `azure:DEPLOYMENT`.

    Args:
        deployment: the deployment's name; what model it is, `facts` and `responses` say.
        brief: what to do.
        facts: what is known of the model behind it.
        environment: see `harness.models.openai.clients.azure`.
        options: what is the same for every vendor.
        responses: what may be chosen of the Responses API.
        credential: gives tokens, instead of anything in the environment; it is not closed.

    Raises:
        InputError: if the endpoint, a key or a package is missing.
    """
    options = options or ModelOptions()
    client = clients.azure(deployment, environment, timeout=options.timeout, credential=credential)
    return _assembled(client, deployment, brief, options, responses, provider="azure", facts=facts)


def _assembled(
    client: clients.Client,
    model: str,
    brief: Brief,
    options: ModelOptions,
    responses: ResponsesOptions | None,
    *,
    provider: Literal["openai", "azure"],
    facts: ModelFacts,
) -> VisionModel:
    from harness.models.openai.line import responses_line  # noqa: PLC0415 - it loads the SDK

    dialect = ResponsesDialect(
        model,
        brief,
        provider=provider,
        output_tokens=min(options.output_tokens, facts.output or options.output_tokens),
        options=responses,
        detail=sharpest(facts),
        spotlight=options.context.spotlight,
    )
    line = responses_line(client, timeout=options.timeout, now=options.now)
    return assemble(dialect, line, facts, options, keys=client.keys)
