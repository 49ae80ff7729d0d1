"""Makes models of OpenAI's and Azure OpenAI's from what a person wrote and what the environment holds."""

import re
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.models.assemble import ModelOptions, assemble, key
from harness.models.catalogue import ModelFacts
from harness.models.dialect import Brief, Line
from harness.models.openai.dialect import ResponsesDialect, ResponsesOptions
from harness.models.openai.entra import Credential, Entra
from harness.models.scaling import sharpest
from harness.models.vision import VisionModel

if TYPE_CHECKING:
    import openai

OPENAI_KEYS: Final = "https://platform.openai.com/api-keys"
AZURE_KEYS: Final = "https://portal.azure.com (the resource, Keys and Endpoint)"
_SUFFIX: Final = re.compile(r"/openai(/v1)?/*$")


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
    secret = key(environment, ("OPENAI_API_KEY",), f"openai:{model}", OPENAI_KEYS)
    sdk = _sdk(f"openai:{model}", "openai")
    client = sdk.AsyncOpenAI(
        api_key=secret,
        base_url=environment.get("OPENAI_BASE_URL") or "https://api.openai.com/v1",
        organization=environment.get("OPENAI_ORG_ID") or None,
        project=environment.get("OPENAI_PROJECT_ID") or None,
        **_plain(sdk, options),
    )
    return assemble(
        _dialect(model, brief, options, responses, provider="openai", facts=facts),
        _line(client, options, secret),
        facts,
        options,
        keys=(secret,),
    )


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

    The key is `AZURE_OPENAI_API_KEY`; without one, tokens are Microsoft Entra ID's: of `credential`, of
    `AZURE_OPENAI_AD_TOKEN`, or of a managed identity, a workload identity or the `az` command, in that order.

    Args:
        deployment: the deployment's name; what model it is, `facts` and `responses` say.
        brief: what to do.
        facts: what is known of the model behind it.
        environment: `AZURE_OPENAI_ENDPOINT`, the key or token, and if given `OPENAI_API_VERSION`, which takes
            the dated API instead of v1.
        options: what is the same for every vendor.
        responses: what may be chosen of the Responses API.
        credential: gives tokens, instead of anything in the environment; it is not closed.

    Raises:
        InputError: if the endpoint or a package is missing.
    """
    options, name = options or ModelOptions(), f"azure:{deployment}"
    endpoint = _endpoint(environment, name)
    version = environment.get("OPENAI_API_VERSION", "").strip()
    secret = environment.get("AZURE_OPENAI_API_KEY", "").strip() if credential is None else ""
    sdk = _sdk(name, "azure")
    entra = None if secret else _entra(environment, name, credential)
    headers: dict[str, Any] = {}
    client: openai.AsyncOpenAI
    if version:
        client = sdk.AsyncAzureOpenAI(
            azure_endpoint=endpoint,
            api_version=version,
            **({"api_key": secret} if entra is None else {"azure_ad_token_provider": entra.token}),
            **_plain(sdk, options),
        )
    else:
        if entra is None:
            headers = {"api-key": secret, "Authorization": sdk.Omit()}
        client = sdk.AsyncOpenAI(
            base_url=f"{endpoint}/openai/v1/",
            api_key=secret if entra is None else entra.token,
            **_plain(sdk, options),
        )
    # The SDK takes these from the environment by itself; they are for OpenAI, not for Azure.
    client.organization = client.project = None
    return assemble(
        _dialect(deployment, brief, options, responses, provider="azure", facts=facts),
        _line(client, options, secret, headers, entra),
        facts,
        options,
        keys=(secret,),
    )


def _line(
    client: "openai.AsyncOpenAI",
    options: ModelOptions,
    secret: str,
    headers: Mapping[str, Any] | None = None,
    entra: Entra | None = None,
) -> Line:
    from harness.models.openai.line import ResponsesLine  # noqa: PLC0415 - it loads the SDK

    return ResponsesLine(
        client, timeout=options.timeout, now=options.now, headers=headers, keys=(secret,), entra=entra
    )


def _dialect(
    model: str,
    brief: Brief,
    options: ModelOptions,
    responses: ResponsesOptions | None,
    *,
    provider: Literal["openai", "azure"],
    facts: ModelFacts,
) -> ResponsesDialect:
    return ResponsesDialect(
        model,
        brief,
        provider=provider,
        output_tokens=min(options.output_tokens, facts.output or options.output_tokens),
        options=responses,
        detail=sharpest(facts),
        spotlight=options.context.spotlight,
    )


def _plain(sdk: ModuleType, options: ModelOptions) -> dict[str, Any]:
    # A redirect would carry the key to wherever it points.
    return {
        "timeout": options.timeout,
        "max_retries": 0,
        "http_client": sdk.DefaultAsyncHttpxClient(follow_redirects=False),
    }


def _endpoint(environment: Mapping[str, str], name: str) -> str:
    given = environment.get("AZURE_OPENAI_ENDPOINT", "").strip()
    if not given:
        raise InputError(
            f"--model {name} needs the resource's address: set AZURE_OPENAI_ENDPOINT, such as "
            f"https://my-resource.openai.azure.com; it stands at {AZURE_KEYS}"
        )
    found = urlsplit(given)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise InputError(
            f"AZURE_OPENAI_ENDPOINT is {given!r}: write it as https://my-resource.openai.azure.com"
        )
    return _SUFFIX.sub("", f"{found.scheme}://{found.netloc}{found.path}").rstrip("/")


def _entra(environment: Mapping[str, str], name: str, given: Credential | None) -> Entra:
    if given is not None:
        return Entra(given)
    token = environment.get("AZURE_OPENAI_AD_TOKEN", "").strip()
    if token:
        return Entra(_Given(token), owned=True)
    try:
        from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - loaded only when used
    except ImportError as error:
        raise InputError(
            f"--model {name} needs a key or the azure-identity package: set AZURE_OPENAI_API_KEY, or "
            "pip install 'computer-use-harness[azure]'"
        ) from error
    return Entra(DefaultAzureCredential(), owned=True)


class _Given:
    """A token that was given once, and cannot be renewed."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def get_token(self, *scopes: str, **options: Any) -> "_Given":
        del scopes, options
        return self

    async def close(self) -> None:
        pass


def _sdk(name: str, extra: str) -> ModuleType:
    try:
        import openai  # noqa: PLC0415 - the SDK is loaded only when used
    except ImportError as error:
        raise InputError(
            f"--model {name} needs the openai package: pip install 'computer-use-harness[{extra}]'"
        ) from error
    return openai
