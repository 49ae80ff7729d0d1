"""Tokens: one for each request, and never one that was refused."""

from collections.abc import Sequence
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from harness.models.dialect import Trouble
from harness.models.openai.entra import SCOPE, Entra


class Fake:
    """A credential that gives tokens in turn, or raises."""

    def __init__(self, *tokens: str | Exception) -> None:
        self.asked: list[Sequence[str]] = []
        self.closed = 0
        self._tokens = list(tokens)

    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        del options
        self.asked.append(scopes)
        found = self._tokens.pop(0) if len(self._tokens) > 1 else self._tokens[0]
        if isinstance(found, Exception):
            raise found
        return AccessToken(found, 0)

    async def close(self) -> None:
        self.closed += 1


async def test_a_credential_is_asked_each_time_for_azure_s_scope() -> None:
    fake = Fake("one", "two")
    entra = Entra(fake)
    assert [await entra.token(), await entra.token()] == ["one", "two"]
    assert fake.asked == [(SCOPE,)] * 2
    assert entra.last == "two"


async def test_a_token_that_was_refused_is_not_sent_again() -> None:
    entra = Entra(Fake("one", "one", "two"))
    await entra.token()
    entra.refuse()
    with pytest.raises(Trouble, match="the same again"):
        await entra.token()
    assert await entra.token() == "two"


async def test_no_token_is_a_trouble_that_says_what_to_do() -> None:
    with pytest.raises(
        Trouble, match=r"ValueError: no identity; set AZURE_OPENAI_API_KEY, or sign in"
    ) as caught:
        await Entra(Fake(ValueError("no\n identity"))).token()
    assert (caught.value.fault, caught.value.again, caught.value.ends) == ("unauthorized", False, True)


async def test_only_what_is_its_own_is_closed_and_once() -> None:
    mine, theirs = Fake("a"), Fake("b")
    owned = Entra(mine, owned=True)
    await owned.close()
    await owned.close()
    await Entra(theirs).close()
    assert (mine.closed, theirs.closed) == (1, 0)
