"""Where OpenAI, Azure or a server that speaks like them is, and which key goes there."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from harness.errors import InputError
from harness.models.assemble import key

OPENAI: Final = "https://api.openai.com/v1"
KEYS: Final = "https://platform.openai.com/api-keys"
"""Where OpenAI's keys are made."""
PORTAL: Final = "https://portal.azure.com (the resource, Keys and Endpoint)"
"""Where Azure shows a resource's address and keys."""
NO_KEY: Final = "none"
"""What is sent where there is no key: the SDK wants one, and most servers of one's own do not."""
_SUFFIX: Final = re.compile(r"/openai(/v1|/deployments/.*)?/*$")


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


def vendor(environment: Mapping[str, str], model: str) -> Place:
    """OpenAI, or what `OPENAI_BASE_URL` puts in its place.

    Raises:
        InputError: if there is no key.
    """
    found = key(environment, ["OPENAI_API_KEY"], model, KEYS)
    url = environment.get("OPENAI_BASE_URL", "").strip() or OPENAI
    return Place(_base(_checked(url, "OPENAI_API_KEY", keyed=True)), found, own=False)


def typed(url: str, environment: Mapping[str, str]) -> Place:
    """A server of one's own. Its key is `CHAT_API_KEY` and no other: a vendor's never goes to a typed URL.

    Raises:
        InputError: if the URL cannot be meant, or a key would go out unencrypted.
    """
    found = environment.get("CHAT_API_KEY", "").strip()
    return Place(_base(_checked(url, "CHAT_API_KEY", keyed=bool(found))), found or NO_KEY, own=True)


def resource(environment: Mapping[str, str], model: str) -> str:
    """Give the address of an Azure resource, without what an API puts behind it.

    Args:
        environment: `AZURE_OPENAI_ENDPOINT`, in any of the forms that the portal shows it in.
        model: the model, as a person wrote it, for messages.

    Raises:
        InputError: if there is none, or it cannot be meant.
    """
    given = environment.get("AZURE_OPENAI_ENDPOINT", "").strip()
    if not given:
        raise InputError(
            f"--model {model} needs the resource's address: set AZURE_OPENAI_ENDPOINT, such as "
            f"https://my-resource.openai.azure.com; it stands at {PORTAL}"
        )
    form = "it as https://my-resource.openai.azure.com"
    try:
        found = _checked(given, "AZURE_OPENAI_API_KEY", form, keyed=True)
    except InputError as error:
        raise InputError(f"AZURE_OPENAI_ENDPOINT: {error}") from error
    return _SUFFIX.sub("", found).rstrip("/")


def _base(url: str) -> str:
    return url + ("" if urlsplit(url).path.strip("/") else "/v1")


def _checked(
    url: str, secret: str, form: str = "http://HOST:PORT/v1 or https://HOST/v1", *, keyed: bool
) -> str:
    shown = url[:200]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"{shown!r} is not a URL: {error}") from error
    del port
    if parts.scheme not in ("http", "https") or not host:
        raise InputError(f"{shown!r} is not the address of a server; write {form}")
    if "@" in parts.netloc:
        raise InputError(f"a password in a URL would be in every trace: take it out and set {secret} instead")
    if parts.query or parts.fragment or any(not " " < one < "\x7f" for one in url):
        raise InputError(f"{shown!r} holds more than a host and a path; what is after ? or # is not sent")
    if keyed and parts.scheme == "http" and not _loopback(url):
        raise InputError(
            f"a key would go to {shown} unencrypted: use https, a tunnel to 127.0.0.1, or unset the key"
        )
    return url.rstrip("/")


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
