"""Where a Chat Completions server is, and which key goes there."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.models.assemble import key

OPENAI: Final = "https://api.openai.com/v1"
NO_KEY: Final = "none"
"""What is sent where there is no key: the SDK wants one, and most servers of one's own do not."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server."""

    url: str
    """The base that `/chat/completions` is put behind."""
    key: str = field(repr=False)
    """What is sent as bearer token; `NO_KEY` for none."""
    own: bool
    """Whether a person typed the URL: then nothing is sent there that was meant for a vendor."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What must not be seen in any message."""
        return () if self.key == NO_KEY else (self.key,)

    @property
    def warning(self) -> str:
        """What a person should know before anything is sent there; empty if nothing."""
        if _loopback(self.url) or self.url.startswith("https:"):
            return ""
        return f"screenshots go to {self.url} unencrypted: anybody on the way can read and change them"


def split(text: str) -> tuple[str, str | None]:
    """Take `MODEL@URL` apart; a model's own name may hold an `@`.

    Raises:
        InputError: if there is no model in it.
    """
    cuts = [at for at in (text.find("@http://"), text.find("@https://")) if at >= 0]
    model, url = (text[: min(cuts)], text[min(cuts) + 1 :]) if cuts else (text, None)
    if not model.strip():
        raise InputError(
            f"{text!r} names no model; write MODEL@URL, such as qwen3-vl@http://127.0.0.1:8000/v1"
        )
    return model, url


def vendor(environment: Mapping[str, str], model: str) -> Place:
    """OpenAI, or what `OPENAI_BASE_URL` puts in its place.

    Raises:
        InputError: if there is no key.
    """
    found = key(environment, ["OPENAI_API_KEY"], model, "https://platform.openai.com/api-keys")
    return Place(
        checked(environment.get("OPENAI_BASE_URL", "").strip() or OPENAI, keyed=True), found, own=False
    )


def typed(url: str, environment: Mapping[str, str]) -> Place:
    """A server of one's own. Its key is `CHAT_API_KEY` and no other: a vendor's never goes to a typed URL.

    Raises:
        InputError: if the URL cannot be meant, or a key would go out unencrypted.
    """
    found = environment.get("CHAT_API_KEY", "").strip()
    return Place(checked(url, keyed=bool(found)), found or NO_KEY, own=True)


def checked(url: str, *, keyed: bool) -> str:
    shown = url[:200]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"{shown!r} is not a URL: {error}") from error
    del port
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(
            f"{shown!r} is not the address of a server; write http://HOST:PORT/v1 or https://HOST/v1"
        )
    if "@" in parts.netloc:
        raise InputError(
            "a password in a URL would be in every trace: take it out and set CHAT_API_KEY instead"
        )
    if parts.query or parts.fragment or any(not " " < one < "\x7f" for one in url):
        raise InputError(f"{shown!r} holds more than a host and a path; what is after ? or # is not sent")
    if keyed and parts.scheme == "http" and not _loopback(url):
        raise InputError(
            f"a key would go to {shown} unencrypted: use https, a tunnel to 127.0.0.1, or unset the key"
        )
    return url.rstrip("/") + ("" if parts.path.strip("/") else "/v1")


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
