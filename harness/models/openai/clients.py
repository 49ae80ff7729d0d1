"""Makes the SDK's clients: for OpenAI, for a server of one's own, for Azure with a key or Entra ID.

Each sends what is written here and nothing else: no header, organisation or project that the SDK would take
from the process's own environment, and nothing to where a redirect points.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from harness.errors import InputError
from harness.models.entra import Credential, Entra, entra
from harness.models.openai.places import Place, resource

if TYPE_CHECKING:
    from openai import AsyncOpenAI

V1: Final = ("", "v1", "preview", "latest")
"""Values of `OPENAI_API_VERSION` that mean the API without dated versions."""
_KEPT: Final = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
)


@dataclass(frozen=True, slots=True)
class Client:
    """A client, and what must not be seen of it."""

    sdk: "AsyncOpenAI"
    """The SDK's; it does not retry."""
    keys: tuple[str, ...] = field(default=(), repr=False)
    """Keys that do not change."""
    entra: Entra | None = None
    """Where tokens are from that do."""

    def secrets(self) -> tuple[str, ...]:
        """Give what must not be seen in any message, as it is now."""
        return (*self.keys, *(self.entra.secrets() if self.entra else ()))

    async def close(self) -> None:
        """Hang up. Safe to call twice."""
        await self.sdk.close()
        if self.entra is not None:
            await self.entra.close()


def at(place: Place, name: str, *, timeout: float, environment: Mapping[str, str]) -> Client:
    """Make a client for OpenAI, or for a server of one's own.

    Args:
        place: where it is, with its key.
        name: the model, as a person wrote it, for messages.
        timeout: seconds for a whole answer.
        environment: `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID`, which only OpenAI is told.

    Raises:
        InputError: if the SDK is not installed.
    """
    headers = {"authorization": f"Bearer {place.key}"}
    told = {"openai-organization": "OPENAI_ORG_ID", "openai-project": "OPENAI_PROJECT_ID"}
    if not place.own:
        headers |= {header: environment[one] for header, one in told.items() if environment.get(one)}
    openai = _sdk(name, "openai")
    client: AsyncOpenAI = openai.AsyncOpenAI(
        base_url=place.url, api_key=place.key, **_plain(openai, timeout, lambda: headers)
    )
    return Client(client, place.keys)


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
        InputError: if the endpoint or a package is missing, or the endpoint cannot be used.
    """
    name = f"azure:{deployment}"
    root = resource(environment, name)
    openai = _sdk(name, "azure")
    key = "" if credential else environment.get("AZURE_OPENAI_API_KEY", "").strip()
    tokens = None if key else entra(name, environment, credential)

    def authorized() -> Mapping[str, str]:
        return {"api-key": key} if tokens is None else {"authorization": f"Bearer {tokens.last}"}

    plain = _plain(openai, timeout, authorized)
    version = environment.get("OPENAI_API_VERSION", "").strip()
    client: AsyncOpenAI
    if version.lower() in V1:
        asked = key if tokens is None else tokens.token
        client = openai.AsyncOpenAI(base_url=f"{root}/openai/v1/", api_key=asked, **plain)
    else:
        secret = {"api_key": key} if tokens is None else {"azure_ad_token_provider": tokens.token}
        client = openai.AsyncAzureOpenAI(azure_endpoint=root, api_version=version, **secret, **plain)
    return Client(client, (key,) if key else (), tokens)


def _plain(openai: ModuleType, timeout: float, authorized: Callable[[], Mapping[str, str]]) -> dict[str, Any]:
    # A redirect would carry the key to wherever it points.
    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False, timeout=timeout, event_hooks={"request": [_bare(authorized)]}
    )
    return {"timeout": timeout, "max_retries": 0, "http_client": http}


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


def _sdk(name: str, extra: str) -> ModuleType:
    try:
        import openai  # noqa: PLC0415 - an extra, loaded only when used
    except ImportError as error:
        raise InputError(
            f"--model {name} needs the openai package: pip install 'computer-use-harness[{extra}]'"
        ) from error
    return openai
