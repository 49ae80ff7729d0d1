"""Tokens of Microsoft Entra ID, one for each request."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar, runtime_checkable

from harness.errors import InputError
from harness.models.dialect import Trouble

SCOPE: Final = "https://cognitiveservices.azure.com/.default"
"""What the tokens are for: Azure's AI services."""
LONGEST: Final = 20.0
"""Seconds that a first token may take: several places are asked in turn, some by a command."""
_EARLY: Final = 300.0
_REMEMBERED: Final = 10


_T = TypeVar("_T")


class Token(Protocol):
    """A token, such as `azure.core.credentials.AccessToken`."""

    @property
    def token(self) -> str:
        """What is sent."""
        ...


@runtime_checkable
class Expiring(Token, Protocol):
    """A token that says when it expires."""

    @property
    def expires_on(self) -> int:
        """Seconds since 1970."""
        ...


class Credential(Protocol):
    """Whoever gives tokens, such as `azure.identity.aio.DefaultAzureCredential`."""

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        """Give a token for the scopes."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Threaded:
    """A credential that blocks, such as `azure.identity.DefaultAzureCredential`, asked in a thread.

    Unlike `azure.identity.aio` it needs no further package.
    """

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        """Give a token for the scopes."""
        return await _aside(lambda: self._credential.get_token(*scopes, **options))

    async def close(self) -> None:
        """Let go of what it holds."""
        await _aside(self._credential.close)


async def _aside(ask: Callable[[], _T]) -> _T:
    """Call what blocks, in a thread that nobody waits for once it is given up: not even the program's end."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[_T] = loop.create_future()

    def tell(told: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: there is nobody to tell
            loop.call_soon_threadsafe(lambda: None if found.done() else told())

    def work() -> None:
        try:
            result = ask()
        except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
            failed = error
            tell(lambda: found.set_exception(failed))
        else:
            tell(lambda: found.set_result(result))

    threading.Thread(target=work, name="harness-entra", daemon=True).start()
    return await found


@dataclass(frozen=True, slots=True)
class Given:
    """A token that was given once, and cannot be renewed."""

    token: str = field(repr=False)
    """The token."""

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        """Give it, whatever it is for."""
        del scopes, options
        return self

    async def close(self) -> None:
        """Nothing is held."""


class Entra:
    """Gives a token for each request, so that one that expires is replaced in mid-run.

    One that says when it expires is used until five minutes before, or until it is refused: some credentials
    run a command each time they are asked.

    Args:
        credential: gives the tokens.
        scope: what they are for.
        instead: the variable of the key that would do instead, for messages.
        owned: whether it is closed with this.
        now: seconds since 1970.
    """

    def __init__(
        self,
        credential: Credential,
        *,
        scope: str = SCOPE,
        instead: str = "AZURE_OPENAI_API_KEY",
        owned: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._credential = credential
        self._scope = scope
        self._to_do = (
            f"set {instead}, or sign in (az login), or give the machine an identity that may use the resource"
        )
        self._owned = owned
        self._now = now
        self._until = 0.0
        self._early = self._refused = self._why = ""
        self._given: deque[str] = deque(maxlen=_REMEMBERED)

    @property
    def last(self) -> str:
        """The token that was given last; nothing before the first."""
        return self._given[-1] if self._given else ""

    def secrets(self) -> tuple[str, ...]:
        """Give the tokens of late: they must not be seen in any message."""
        return tuple(self._given)

    async def ready(self, longest: float = LONGEST) -> None:
        """Get a first token, and keep it for the first request.

        Args:
            longest: seconds that it may take.

        Raises:
            Trouble: if there is none, with what to do.
        """
        try:
            async with asyncio.timeout(longest):
                self._early = await self.token()
        except TimeoutError as error:
            said = f"Microsoft Entra ID gave no token within {longest:g} s; {self._to_do}"
            raise Trouble("unauthorized", said) from error

    async def token(self) -> str:
        """Give a token that was not refused.

        Raises:
            Trouble: if there is none.
        """
        if self._early:
            found, self._early = self._early, ""
            return found
        if self._now() < self._until and self.last != self._refused:
            return self.last
        try:
            given = await self._credential.get_token(self._scope)
            found = given.token
            self._until = given.expires_on - _EARLY if isinstance(given, Expiring) else 0.0
        except Exception as error:
            # What a credential raises depends on where it looked: a file, a command, another service.
            said = " ".join(str(error).split())[:1000]
            raise Trouble(
                "unauthorized",
                f"Microsoft Entra ID gave no token: {type(error).__name__}: {said}; {self._to_do}",
            ) from error
        if found == self._refused:
            raise Trouble(
                "unauthorized",
                f"Microsoft Entra ID gave a token again that was refused: {self._why}",
            )
        if found != self.last:
            self._given.append(found)
        return found

    def refuse(self, why: str) -> None:
        """Remember that the last token is of no use.

        Args:
            why: what was said of it, for messages.
        """
        self._refused, self._why = self.last, why[:500]

    async def close(self) -> None:
        """Close the credential, if it is ours. Safe to call twice."""
        if self._owned:
            self._owned = False
            await self._credential.close()


def entra(
    name: str,
    environment: Mapping[str, str],
    given: Credential | None,
    *,
    key: str = "AZURE_OPENAI_API_KEY",
    token: str | None = "AZURE_OPENAI_AD_TOKEN",  # noqa: S107 - the variable's name
    scope: str = SCOPE,
) -> Entra:
    """Say who gives tokens where there is no key.

    Args:
        name: the model, as a person wrote it, for messages.
        environment: where a token may stand.
        given: gives them, instead of anything else; it is not closed. Without it that is the token in the
            environment, or a managed identity, a workload identity or the `az` command, in that order.
        key: the variable of the key that would do instead, for messages.
        token: the variable that a token may stand in, if there is one.
        scope: what the tokens are for.

    Raises:
        InputError: if a package is missing, or the environment makes no sense to it.
    """
    if given is not None:
        return Entra(given, scope=scope, instead=key)
    found = environment.get(token, "").strip() if token else ""
    if found:
        return Entra(Given(found), scope=scope, instead=key, owned=True)
    try:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - an extra, loaded only when used

        credential = DefaultAzureCredential()
    except ImportError as error:
        raise InputError(
            f"--model {name} needs a key, or Microsoft Entra ID: set {key}, "
            "or pip install 'computer-use-harness[azure]' and sign in (az login)"
        ) from error
    except ValueError as error:
        raise InputError(f"--model {name}: Microsoft Entra ID cannot be asked: {error}") from error
    return Entra(Threaded(credential), scope=scope, instead=key, owned=True)
