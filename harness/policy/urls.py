"""URLs, parsed by the WHATWG's rules and by nothing else: those that Chromium follows."""

import posixpath
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import ada_url

LONGEST_URL = 65_536
DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_PARTS = ("href", "username", "password", "protocol", "port", "hostname", "pathname", "search")


class Address(NamedTuple):
    """Where a URL leads."""

    scheme: str
    """In lower case, without the colon."""
    host: str
    """As the parser writes it: ASCII, lower case, IPv4 in four decimals, IPv6 in brackets."""
    port: int
    """The explicit or the default port; 0 where the scheme has none."""
    path: str
    """With its leading slash, percent-encoded."""
    href: str
    """The whole URL without its fragment."""
    userinfo: bool
    """Whether it carries a user name or a password."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, the default port left out."""
        port = "" if DEFAULT_PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def shown(self) -> str:
        """The host for people; with scheme and port where they are not https on its default port."""
        usual = self.scheme in ("https", "wss") and self.port == 443
        text = self.host if usual else self.origin
        return text if len(text) <= 100 else text[:97] + "…"


@lru_cache(maxsize=256)
def parse(url: str) -> Address | None:
    """Parse an absolute URL; nothing if Chromium would not load it, or it is longer than it loads."""
    if len(url) > LONGEST_URL:
        return None
    try:
        parts = ada_url.parse_url(url, _PARTS)
    except ValueError:
        return None
    scheme = parts["protocol"].removesuffix(":")
    return Address(
        scheme=scheme,
        host=parts["hostname"],
        port=int(parts["port"]) if parts["port"] else DEFAULT_PORTS.get(scheme, 0),
        path=parts["pathname"],
        href=parts["href"].partition("#")[0],
        userinfo=bool(parts["username"] or parts["password"]),
    )


def refused(address: Address | None) -> str | None:
    """Say why an address is one that no policy can allow; nothing if a policy decides."""
    if address is None:
        return "it is not an absolute URL that a browser would load"
    if address.scheme not in DEFAULT_PORTS:
        return f"{address.scheme[:40]}: addresses are never loaded, only http, https, ws and wss"
    if address.userinfo:
        return f"it carries a user name or password; the host is {address.shown}"
    if address.host.endswith("."):
        return f"{address.shown} ends in a dot, which makes it another name"
    return None


def spellings(url: str) -> tuple[str, ...]:
    """Give the ways a server may read a URL: as written, percent-decoded, and with its path resolved."""
    address = parse(url)
    if address is None:
        return (url,)
    plain = address.href
    head, slash, tail = plain.partition("://")
    if not slash or ("%" not in plain and "//" not in tail):
        return (plain,)
    authority, _, rest = tail.partition("/")
    path, mark, query = rest.partition("?")
    return tuple(
        dict.fromkeys(
            f"{head}://{authority}{one}{mark}{asked}" for one in paths("/" + path) for asked in _both(query)
        )
    )


def paths(path: str) -> tuple[str, ...]:
    """Give the ways a server may read a path."""
    if "%" not in path and "//" not in path:
        return (path,)
    decoded = unquote(path, errors="replace")
    resolved = posixpath.normpath(re.sub(r"/{2,}", "/", decoded.replace("\\", "/")))
    tail = "/" if decoded.endswith("/") and resolved != "/" else ""
    return tuple(dict.fromkeys((path, decoded, resolved + tail)))


def _both(query: str) -> tuple[str, ...]:
    return (query,) if "%" not in query else tuple(dict.fromkeys((query, unquote(query, errors="replace"))))
