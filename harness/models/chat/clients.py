"""Makes the SDK's clients: for OpenAI, for a server of one's own, for Azure with a key or Entra ID."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.models.chat.places import Place, checked
from harness.models.dialect import Trouble

if TYPE_CHECKING:
    from openai import AsyncOpenAI

SCOPE: Final = "https://cognitiveservices.azure.com/.default"
"""What an Entra token must be for."""
V1: Final = ("", "v1", "preview", "latest")
"""Values of `OPENAI_API_VERSION` that mean the API without dated versions."""
_KEPT: Final = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
)


class Tokens:
    """Gives the SDK a token for every request, and remembers the last ones so that they can be hidden.

    Args:
        provider: gives a token that is good now; may block, as those of `azure.identity` do.
    """

    def __init__(self, provider: Callable[[], str | Awaitable[str]]) -> None:
        self._provider = provider
        self._given: deque[str] = deque(maxlen=4)

    async def __call__(self) -> str:
        """Give a token.

        Raises:
            Trouble: if there is none.
        """
        try:
            found = await asyncio.to_thread(self._provider)
            token = found if isinstance(found, str) else await found
        except Exception as error:
            said = f"no Microsoft Entra token: {type(error).__name__}: {str(error)[:1000]}"
            raise Trouble("unauthorized", said) from error
        if token not in self._given:
            self._given.append(token)
        return token

    def given(self) -> tuple[str, ...]:
        """The last tokens."""
        return tuple(self._given)


@dataclass(frozen=True, slots=True)
class Client:
    """A client, and what must not be seen of it."""

    sdk: "AsyncOpenAI"
    """The SDK's."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys that do not change."""
    tokens: Tokens | None = None
    """Tokens that do."""


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
    tokens: Callable[[], str | Awaitable[str]] | None = None,
) -> Client:
    """Make a client for Azure: a key if there is one, else Microsoft Entra ID.

    Args:
        deployment: the deployment's name, for messages.
        environment: `AZURE_OPENAI_ENDPOINT`, `AZURE_OPENAI_API_KEY` or `AZURE_OPENAI_AD_TOKEN`, and
            `OPENAI_API_VERSION` for a dated version instead of the v1 API.
        timeout: seconds for a whole answer.
        tokens: gives Entra tokens; `azure-identity`'s default credential, if not given.

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
    key = "" if tokens else environment.get("AZURE_OPENAI_API_KEY", "").strip()
    token = "" if tokens or key else environment.get("AZURE_OPENAI_AD_TOKEN", "").strip()
    bearer = None if key else Tokens(tokens or ((lambda: token) if token else _identity(deployment)))
    openai = _sdk("azure")

    def authorized() -> Mapping[str, str]:
        if bearer is not None:
            return {"authorization": f"Bearer {bearer.given()[-1]}"}
        return {"api-key": key}

    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False, timeout=timeout, event_hooks={"request": [_bare(authorized)]}
    )
    version = environment.get("OPENAI_API_VERSION", "").strip()
    shared: dict[str, Any] = {"timeout": timeout, "max_retries": 0, "http_client": http}
    made: AsyncOpenAI
    if version.lower() in V1:
        made = openai.AsyncOpenAI(base_url=f"{root}/openai/v1/", api_key=bearer or key, **shared)
    else:
        made = openai.AsyncAzureOpenAI(
            azure_endpoint=root,
            api_version=version,
            api_key=key or None,
            azure_ad_token_provider=bearer,
            **shared,
        )
    return Client(made, (key,) if key else (), bearer)


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


def _identity(deployment: str) -> Callable[[], str]:
    try:
        from azure.identity import DefaultAzureCredential, get_bearer_token_provider  # noqa: PLC0415
    except ImportError as error:
        raise InputError(
            f"azure:{deployment} needs AZURE_OPENAI_API_KEY from the Azure portal, or Microsoft Entra ID: "
            "pip install 'computer-use-harness[azure]'"
        ) from error
    return get_bearer_token_provider(DefaultAzureCredential(), SCOPE)
