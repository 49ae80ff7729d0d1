"""Tokens of Microsoft Entra ID, one for each request."""

from typing import Any, Final, Protocol

from harness.models.dialect import Trouble

SCOPE: Final = "https://cognitiveservices.azure.com/.default"
"""What the tokens are for: Azure's AI services."""


class Token(Protocol):
    """A token, such as `azure.core.credentials.AccessToken`."""

    @property
    def token(self) -> str:
        """What is sent."""
        ...


class Credential(Protocol):
    """Whoever gives tokens, such as `azure.identity.aio.DefaultAzureCredential`."""

    async def get_token(self, *scopes: str, **options: Any) -> Token:
        """Give a token for the scopes."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


class Entra:
    """Asks a credential for each request, so that a token that expires is replaced in mid-run.

    Args:
        credential: gives the tokens; it keeps them as long as they are good.
        owned: whether it is closed with this.
    """

    def __init__(self, credential: Credential, *, owned: bool = False) -> None:
        self._credential = credential
        self._owned = owned
        self._refused = ""
        self.last = ""
        """The token that was given last; nothing before the first."""

    async def token(self) -> str:
        """Give a token that was not refused.

        Raises:
            Trouble: if there is none.
        """
        try:
            found = (await self._credential.get_token(SCOPE)).token
        except Exception as error:
            # What a credential raises depends on where it looked: a file, a command, another service.
            said = " ".join(str(error).split())[:1000]
            raise Trouble(
                "unauthorized",
                f"Microsoft Entra ID gave no token: {type(error).__name__}: {said}; "
                "set AZURE_OPENAI_API_KEY, or sign in (az login), or give the machine an identity "
                "that may use the resource",
            ) from error
        if found == self._refused:
            raise Trouble(
                "unauthorized", "the token was refused as expired, and Microsoft Entra ID gave the same again"
            )
        self.last = found
        return found

    def refuse(self) -> None:
        """Remember that the last token is of no use."""
        self._refused = self.last

    async def close(self) -> None:
        """Close the credential, if it is ours. Safe to call twice."""
        if self._owned:
            self._owned = False
            await self._credential.close()
