"""Tokens: one for each request, and never one that was refused."""

import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from harness.errors import InputError
from harness.models.dialect import Trouble
from harness.models.entra import SCOPE, Entra, Given, Threaded, entra


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
    tokens = Entra(fake)
    assert tokens.last == ""
    assert [await tokens.token(), await tokens.token()] == ["one", "two"]
    assert fake.asked == [(SCOPE,)] * 2
    assert tokens.last == "two"


async def test_a_token_that_was_refused_is_not_sent_again() -> None:
    tokens = Entra(Fake("one", "one", "two"))
    await tokens.token()
    tokens.refuse("HTTP 401: no")
    with pytest.raises(Trouble, match="gave a token again that was refused: HTTP 401: no"):
        await tokens.token()
    assert await tokens.token() == "two"


async def test_the_tokens_of_late_are_known_so_that_they_can_be_hidden() -> None:
    tokens = Entra(Fake("one", "one", *(f"t{number}" for number in range(20)), "last"))
    assert tokens.secrets() == ()
    for _ in range(3):
        await tokens.token()
    assert tokens.secrets() == ("one", "t0")
    for _ in range(19):
        await tokens.token()
    assert tokens.secrets()[-2:] == ("t18", "t19")
    assert len(tokens.secrets()) == 10


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


class Blocking:
    """A credential that blocks."""

    token = "a"
    closed = False

    def get_token(self, *scopes: str, **options: object) -> "Blocking":
        assert scopes == ("scope",), options
        assert threading.current_thread() is not threading.main_thread()
        return self

    def close(self) -> None:
        self.closed = True


async def test_a_credential_that_blocks_is_asked_in_a_thread() -> None:
    credential = Blocking()
    tokens = Entra(Threaded(credential), scope="scope", owned=True)
    assert await tokens.token() == "a"
    await tokens.close()
    assert credential.closed


async def test_whoever_is_given_comes_before_the_environment_and_that_before_the_machine() -> None:
    fake = Fake("mine")
    environment = {"AZURE_OPENAI_AD_TOKEN": " theirs "}
    assert await entra("azure:d", environment, fake).token() == "mine"
    assert await entra("azure:d", environment, None).token() == "theirs"
    assert "theirs" not in repr(Given("theirs"))
    asked = entra("azure:d", {}, None)
    assert type(vars(vars(asked)["_credential"])["_credential"]).__name__ == "DefaultAzureCredential"
    await asked.close()


def test_a_missing_package_is_named_with_what_would_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(InputError, match=r"foundry:d needs .* set THE_KEY, or pip install '.*\[azure\]'"):
        entra("foundry:d", {}, None, key="THE_KEY")


def test_what_entra_id_cannot_be_asked_with_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "odd")
    with pytest.raises(InputError, match="cannot be asked: Invalid value for AZURE_TOKEN_CREDENTIALS"):
        entra("azure:d", {}, None)


async def test_the_first_token_is_got_beforehand_and_kept() -> None:
    fake = Fake("one", "two")
    tokens = Entra(fake)
    await tokens.ready()
    assert (tokens.last, len(fake.asked)) == ("one", 1)
    assert [await tokens.token(), await tokens.token()] == ["one", "two"]


class Hanging(Blocking):
    """A credential that answers only when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def get_token(self, *scopes: str, **options: object) -> Blocking:
        self.let.wait(60)
        return super().get_token(*scopes, **options)


async def test_a_credential_that_does_not_answer_is_given_up_and_nobody_waits_for_its_thread() -> None:
    credential = Hanging()
    tokens = Entra(Threaded(credential), scope="scope", instead="THE_KEY")
    with pytest.raises(Trouble, match=r"no token within 0\.1 s; set THE_KEY, or sign in") as caught:
        await tokens.ready(0.1)
    assert (caught.value.fault, caught.value.again) == ("unauthorized", False)
    (thread,) = [one for one in threading.enumerate() if one.name == "harness-entra"]
    assert thread.daemon
    credential.let.set()
    thread.join(60)
    assert not thread.is_alive()
    assert tokens.last == ""


async def test_what_a_thread_raises_is_a_trouble_too() -> None:
    class Broken(Blocking):
        def get_token(self, *scopes: str, **options: object) -> Blocking:
            raise OSError(f"no way to {scopes}{options}")

    with pytest.raises(Trouble, match="OSError: no way to"):
        await Entra(Threaded(Broken())).ready()


async def test_a_token_is_used_until_it_is_nearly_over_or_refused() -> None:
    class Az:
        asked = 0

        async def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            del scopes, options
            self.asked += 1
            return AccessToken(f"token-{self.asked}", 10_000 * self.asked)

        async def close(self) -> None:
            pass

    clock = [0.0]
    tokens = Entra(Az(), now=lambda: clock[0])
    assert [await tokens.token() for _ in range(3)] == ["token-1"] * 3
    clock[0] = 9_700
    assert await tokens.token() == "token-2"
    tokens.refuse("it was revoked")
    assert await tokens.token() == "token-3"
    assert tokens.secrets() == ("token-1", "token-2", "token-3")
