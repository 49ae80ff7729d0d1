"""Makes the SDK's clients: for OpenAI, for a server of one's own, for Azure with a key or Entra ID."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.models.chat.places import Place, checked
from harness.models.openai.entra import Credential, Entra, Token

if TYPE_CHECKING:
    from openai import AsyncOpenAI

V1: Final = ("", "v1", "preview", "latest")
"""Values of `OPENAI_API_VERSION` that mean the API without dated versions."""
_KEPT: Final = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
)


class Threaded:
    """A credential that blocks, such as `azure.identity.DefaultAzureCredential`, asked in a thread.

    Unlike `azure.identity.aio` it needs no further package.
    """

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        """Give a token for the scopes."""
        found: Token = await asyncio.to_thread(self._credential.get_token, *scopes, **options)
        return found

    async def close(self) -> None:
        """Let go of what it holds."""
        await asyncio.to_thread(self._credential.close)


@dataclass(frozen=True, slots=True)
class _Given:
    """A token that was given once, and cannot be renewed."""

    token: str = field(repr=False)

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        del scopes, options
        return self

    async def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Client:
    """A client, and what must not be seen of it."""

    sdk: "AsyncOpenAI"
    """The SDK's."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys that do not change."""
    entra: Entra | None = None
    """Where tokens are from that do."""


def at(place: Place, *, timeout: float, environment: Mapping[str, str]) -> Client:
    """Make a client for OpenAI, or for a server of one's own.

    Raises:
        InputError: if the SDK is not installed.
    """
    openai = _sdk("openai")
    hooks = {"request": [_bare(lambda: {"authorization": f"Bearer {place.key}"})]} if place.own else {}
    http = openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout, event_hooks=hooks)
    made: AsyncOpenAI = openai.AsyncOpenAI(
        base_url=place.url,
        api_key=place.key,
        organization=environment.get("OPENAI_ORG_ID"),
        project=environment.get("OPENAI_PROJECT_ID"),
        timeout=timeout,
        max_retries=0,
        http_client=http,
    )
    return Client(made, place.keys)


def azure(
    deployment: str,
    environment: Mapping[str, str],
    *,
    timeout: float,
    credential: Credential | None = None,
) -> Client:
    """Make a client for Azure: a key if there is one, else Microsoft Entra ID.

    Args:
        deployment: the deployment's name, for messages.
        environment: `AZURE_OPENAI_ENDPOINT`, `AZURE_OPENAI_API_KEY` or `AZURE_OPENAI_AD_TOKEN`, and
            `OPENAI_API_VERSION` for a dated version instead of the v1 API.
        timeout: seconds for a whole answer.
        credential: gives Entra tokens, instead of anything in the environment; it is not closed.

    Raises:
        InputError: if something is missing.
    """
    endpoint = environment.get("AZURE_OPENAI_ENDPOINT", "").strip()
    if not endpoint:
        raise InputError(
            f"azure:{deployment} needs AZURE_OPENAI_ENDPOINT, such as https://NAME.openai.azure.com; "
            "it stands in the Azure portal under Keys and Endpoint"
        )
    parts = urlsplit(checked(endpoint, keyed=True))
    root = f"{parts.scheme}://{parts.netloc}"
    openai = _sdk("azure")
    key = "" if credential else environment.get("AZURE_OPENAI_API_KEY", "").strip()
    entra = None if key else _entra(deployment, environment, credential)

    def authorized() -> Mapping[str, str]:
        return {"api-key": key} if entra is None else {"authorization": f"Bearer {entra.last}"}

    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False, timeout=timeout, event_hooks={"request": [_bare(authorized)]}
    )
    version = environment.get("OPENAI_API_VERSION", "").strip()
    shared: dict[str, Any] = {"timeout": timeout, "max_retries": 0, "http_client": http}
    token = entra.token if entra else None
    made: AsyncOpenAI
    if version.lower() in V1:
        made = openai.AsyncOpenAI(base_url=f"{root}/openai/v1/", api_key=token or key, **shared)
    else:
        made = openai.AsyncAzureOpenAI(
            azure_endpoint=root,
            api_version=version,
            api_key=key or None,
            azure_ad_token_provider=token,
            **shared,
        )
    return Client(made, (key,) if key else (), entra)


def _bare(authorized: Callable[[], Mapping[str, str]]) -> Callable[[Any], Awaitable[None]]:
    """Send nothing along that the SDK reads from the environment for a vendor: headers, organisation."""

    async def strip(request: Any) -> None:
        for name in {name.lower() for name in request.headers} - _KEPT:
            # The SDK reads its own marks again when the answer comes.
            if not name.startswith("x-stainless-"):
                del request.headers[name]
        for name, value in authorized().items():
            request.headers[name] = value

    return strip


def _sdk(extra: str) -> Any:
    try:
        import openai  # noqa: PLC0415 - an extra, loaded only when used
    except ImportError as error:
        raise InputError(
            f"the openai package is missing: pip install 'computer-use-harness[{extra}]'"
        ) from error
    return openai


def _entra(deployment: str, environment: Mapping[str, str], given: Credential | None) -> Entra:
    if given is not None:
        return Entra(given)
    token = environment.get("AZURE_OPENAI_AD_TOKEN", "").strip()
    if token:
        return Entra(_Given(token), owned=True)
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(
            f"azure:{deployment} needs AZURE_OPENAI_API_KEY from the Azure portal, or Microsoft Entra ID: "
            "pip install 'computer-use-harness[azure]'"
        ) from error
    return Entra(Threaded(DefaultAzureCredential()), owned=True)
