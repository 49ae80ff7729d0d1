"""Addresses, read as Chromium reads them and by nothing else in this room.

A name is letters, digits, hyphens and dots in ASCII, or an IP address in its one canonical spelling. What a
browser would never put on the wire (credentials, fragments, percent signs in a name), and a trailing dot, is
refused, not repaired.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ada_url import parse_url

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_IPV6 = re.compile(r"\[[0-9a-f:.]+\]")
_AUTHORITY = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
_VISIBLE = re.compile(r"[\x21-\x7e]+")


class UrlError(ValueError):
    """An address that is not forwarded, and why."""


class Address(NamedTuple):
    """A parsed URL of one of the schemes http, https, ws and wss."""

    scheme: str
    host: str
    """In lower-case ASCII; an IPv6 address keeps its brackets."""
    port: int
    target: str
    """Path and query, as they stand in a request line."""

    @property
    def authority(self) -> str:
        """The host, with the port unless it is the scheme's own."""
        return self.host if self.port == _DEFAULT_PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def href(self) -> str:
        """The whole URL, as a WHATWG serialiser writes it."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def says(self, host_header: str) -> bool:
        """Whether a `Host` header names this very address."""
        return host_header.lower() in {self.authority, f"{self.host}:{self.port}"}


@lru_cache(maxsize=1024)
def parse(text: str) -> Address:
    """Parse an absolute URL.

    Raises:
        UrlError: if it is not http, https, ws or wss, or is nothing a browser would send.
    """
    if not _VISIBLE.fullmatch(text):
        raise UrlError("the URL holds characters that may not stand in one")
    if "#" in text:
        raise UrlError("the URL has a fragment, which is never sent")
    try:
        found = parse_url(text, ("protocol", "hostname", "port", "username", "password", "href", "origin"))
    except ValueError:
        raise UrlError("the URL cannot be parsed") from None
    scheme = str(found["protocol"]).removesuffix(":")
    if scheme not in _DEFAULT_PORTS:
        raise UrlError(f"the scheme {scheme!r} is not spoken here: only http, https, ws and wss are")
    if found["username"] or found["password"]:
        raise UrlError("the URL carries credentials")
    host = _checked(str(found["hostname"]))
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    return Address(scheme, host, port, str(found["href"]).removeprefix(str(found["origin"])))


def authority(text: str) -> tuple[str, int]:
    """Parse what `CONNECT` names: a host in its canonical spelling, and a port.

    Raises:
        UrlError: if it is anything else.
    """
    match = _AUTHORITY.fullmatch(text)
    if not match:
        raise UrlError("CONNECT needs host:port")
    port = int(match["port"])
    if not 0 < port < 65_536:
        raise UrlError(f"there is no port {port}")
    host = match["host"].lower()
    if parse(f"https://{host}:{port}/").host != host:
        raise UrlError("the host is not in its canonical spelling")
    return host, port


@lru_cache(maxsize=256)
def origin(text: str) -> str | None:
    """The origin in an `Origin` or `Referer` header; `null` stays `null`, nonsense is nothing."""
    if text == "null":
        return text
    try:
        return str(parse_url(text, ("origin",))["origin"])
    except ValueError:
        return None


def _checked(host: str) -> str:
    if _IPV6.fullmatch(host) or (len(host) <= 253 and _NAME.fullmatch(host)):
        return host
    raise UrlError("the host is neither a plain ASCII name nor an IP address")
