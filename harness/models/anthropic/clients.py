"""Makes the SDK's clients: the API's own, Bedrock's two, Vertex's, Foundry's, from their usual variables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, assert_never

from anthropic import (
    AsyncAnthropic,
    AsyncAnthropicBedrock,
    AsyncAnthropicBedrockMantle,
    AsyncAnthropicFoundry,
    AsyncAnthropicVertex,
    DefaultAsyncHttpxClient,
)

from harness.errors import InputError
from harness.models.anthropic.line import Client
from harness.models.anthropic.tools import Provider
from harness.models.assemble import key
from harness.models.entra import Credential, Entra, entra

CONSOLE: Final = "https://platform.claude.com/settings/keys"
FOUNDRY: Final = "https://ai.azure.com/.default"
"""What Entra's tokens for Foundry are for."""
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True)
class Dialled:
    """A client, and what goes with it."""

    client: Client
    """The client; it does not retry."""
    keys: tuple[str, ...] = ()
    """What must not be seen in any message."""
    unreached: tuple[type[Exception], ...] = ()
    """What it raises where those who give credentials are not reached; it may pass by itself."""
    unauthorized: tuple[type[Exception], ...] = ()
    """What it raises where credentials cannot be had."""
    tokens: Callable[[], Sequence[str]] = tuple
    """Gives the tokens of late, where there is no key."""
    entra: Entra | None = None
    """Where tokens are from, if that is Microsoft Entra ID."""


def dial(
    provider: Provider,
    model: str,
    environment: Mapping[str, str],
    timeout: float,
    credential: Credential | None = None,
) -> Dialled:
    """Make a client.

    Args:
        provider: whose platform.
        model: the model's name, for messages.
        environment: the variables.
        timeout: seconds for one answer.
        credential: gives Entra tokens for Foundry, instead of anything in the environment; it is not closed.

    Raises:
        InputError: naming what is missing, and where to get it.
    """
    env = {name: value.strip() for name, value in environment.items() if value.strip()}
    match provider:
        case "anthropic":
            return _api(model, env, timeout)
        case "bedrock" | "bedrock-mantle":
            return _amazon(provider, model, env, timeout)
        case "vertex":
            return _google(model, env, timeout)
        case "foundry":
            return _microsoft(model, env, timeout, credential)
        case _:
            assert_never(provider)


def _plain(timeout: float) -> dict[str, Any]:
    # A redirect would carry keys and screenshots to wherever it points.
    client = DefaultAsyncHttpxClient(follow_redirects=False)
    return {"timeout": timeout, "max_retries": 0, "open_telemetry": False, "http_client": client}


def _api(model: str, env: Mapping[str, str], timeout: float) -> Dialled:
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
    secret = key(env, names, f"anthropic:{model}", CONSOLE)
    # The SDK holds one of the two for an error.
    which: dict[str, Any] = {"api_key" if env.get(names[0]) else "auth_token": secret}
    client = AsyncAnthropic(
        **which,
        base_url=env.get("ANTHROPIC_BASE_URL"),
        **_plain(timeout),
    )
    return Dialled(client, (secret,))


def _microsoft(model: str, env: Mapping[str, str], timeout: float, credential: Credential | None) -> Dialled:
    name, variable = f"foundry:{model}", "ANTHROPIC_FOUNDRY_API_KEY"
    base = env.get("ANTHROPIC_FOUNDRY_BASE_URL")
    if base is None:
        resource = env.get("ANTHROPIC_FOUNDRY_RESOURCE")
        if resource is None:
            raise InputError(
                f"--model {name} needs a resource: set ANTHROPIC_FOUNDRY_RESOURCE to its name, or "
                "ANTHROPIC_FOUNDRY_BASE_URL to its address; find it at https://ai.azure.com "
                "(your resource, Keys and Endpoint)"
            )
        base = f"https://{resource}.services.ai.azure.com/anthropic/"
    secret = None if credential else env.get(variable)
    given: dict[str, Any] = {"base_url": base, **_plain(timeout)}
    if secret is not None:
        return Dialled(AsyncAnthropicFoundry(api_key=secret, **given), (secret,))
    tokens = entra(name, env, credential, key=variable, token=None, scope=FOUNDRY)
    return Dialled(AsyncAnthropicFoundry(azure_ad_token_provider=tokens.token, **given), entra=tokens)


def _amazon(
    provider: Literal["bedrock", "bedrock-mantle"], model: str, env: Mapping[str, str], timeout: float
) -> Dialled:
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
    if region is None:
        raise InputError(f"--model {provider}:{model} needs a region: set AWS_REGION, such as us-east-1")
    # Signing is this package's; without it the client is made, and fails at its first request.
    from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of the extra
        BotoCoreError,
        HTTPClientError,
    )

    base = env.get(
        "ANTHROPIC_BEDROCK_BASE_URL" if provider == "bedrock" else "ANTHROPIC_BEDROCK_MANTLE_BASE_URL"
    )
    secrets = _amazon_keys(provider, model, env)
    kind = AsyncAnthropicBedrock if provider == "bedrock" else AsyncAnthropicBedrockMantle
    fields: dict[str, Any] = {**secrets, "aws_region": region, "base_url": base, **_plain(timeout)}
    client = kind(**fields)
    hidden = tuple(
        secrets[name] for name in ("api_key", "aws_secret_key", "aws_session_token") if name in secrets
    )
    return Dialled(client, hidden, (HTTPClientError,), (BotoCoreError,))


def _amazon_keys(provider: str, model: str, env: Mapping[str, str]) -> dict[str, str]:
    bearer = env.get("AWS_BEARER_TOKEN_BEDROCK")
    if bearer is not None:
        return {"api_key": bearer}
    names = {
        "aws_access_key": "AWS_ACCESS_KEY_ID",
        "aws_secret_key": "AWS_SECRET_ACCESS_KEY",
        "aws_session_token": "AWS_SESSION_TOKEN",
    }
    found = {ours: env[theirs] for ours, theirs in names.items() if theirs in env}
    if "aws_access_key" in found and "aws_secret_key" in found:
        return found
    from boto3 import Session  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra of the extra
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    profile = env.get("AWS_PROFILE")
    try:
        there = Session(profile_name=profile).get_credentials() is not None
    except BotoCoreError as error:
        raise InputError(f"--model {provider}:{model}: AWS credentials cannot be read: {error}") from error
    if not there:
        raise InputError(
            f"--model {provider}:{model} needs AWS credentials: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK; get them at https://console.aws.amazon.com/iam"
        )
    return {"aws_profile": profile} if profile else {}


def _google(model: str, env: Mapping[str, str], timeout: float) -> Dialled:
    import google.auth  # noqa: PLC0415 - an extra of the extra
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415

    region = env.get("CLOUD_ML_REGION")
    if region is None:
        raise InputError(f"--model vertex:{model} needs a region: set CLOUD_ML_REGION, such as global")
    try:
        found, of = google.auth.default(scopes=[_SCOPE])
    except (GoogleAuthError, ValueError, OSError) as error:
        raise InputError(
            f"--model vertex:{model} needs Google credentials: type `gcloud auth application-default login`, "
            f"or set GOOGLE_APPLICATION_CREDENTIALS to a key file ({str(error).splitlines()[0][:200]})"
        ) from error
    project = env.get("ANTHROPIC_VERTEX_PROJECT_ID") or of
    if not project:
        raise InputError(
            f"--model vertex:{model} needs a project: set ANTHROPIC_VERTEX_PROJECT_ID; "
            "find it at https://console.cloud.google.com"
        )
    client = AsyncAnthropicVertex(
        region=region,
        project_id=project,
        credentials=found,
        base_url=env.get("ANTHROPIC_VERTEX_BASE_URL"),
        **_plain(timeout),
    )
    return Dialled(
        client, (), (TransportError,), (GoogleAuthError,), lambda: (found.token,) if found.token else ()
    )
