"""Which hosts may be reached: patterns such as `shop.test`, `*.cdn.test`, `http://localhost:8000/app*`.

`host` is exactly that host; `*.host` its subdomains but not itself. Without a scheme a pattern speaks of
https and wss on their default port; http and ws count only where `http://` is written. A path is a glob on
the path alone. Whatever is broader than a person can mean is refused when the policy is read.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from publicsuffixlist import PublicSuffixList

from harness.policy.urls import DEFAULT_PORTS, Address, parse, paths

_SCHEMES = {
    None: ("https", "wss"),
    "https": ("https", "wss"),
    "http": ("http", "ws"),
    "wss": ("wss",),
    "ws": ("ws",),
}
_FORM = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<host>\[[^\]/]*\]|[^/:]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?",
    re.DOTALL,
)


class HostPattern(NamedTuple):
    """One entry of `domains`, read."""

    text: str
    """As written."""
    host: str
    """Without the leading `*.`."""
    wild: bool
    """Whether it speaks of the subdomains of `host` instead of `host`."""
    ends: frozenset[tuple[str, int]]
    """Schemes with their ports."""
    path: str | None
    """A glob on the path; nothing for all paths."""

    def admits(self, address: Address) -> bool:
        """Whether an address is inside."""
        named = address.host.endswith("." + self.host) if self.wild else address.host == self.host
        if not named or (address.scheme, address.port) not in self.ends:
            return False
        return self.path is None or all(_path_matches(self.path, one) for one in paths(address.path))

    def covers(self, other: "HostPattern") -> bool:
        """Whether all that another pattern admits is admitted by this one; false where that is not sure."""
        if self.wild:
            named = other.host.endswith("." + self.host) or (other.wild and other.host == self.host)
        else:
            named = not other.wild and other.host == self.host
        if not named or not other.ends <= self.ends:
            return False
        if self.path is None or self.path == other.path:
            return True
        if other.path is None:
            return False
        start = self.path.removesuffix("*")
        return self.path.endswith("*") and not set("*?") & set(start) and other.path.startswith(start)


def _path_matches(glob: str, path: str) -> bool:
    pieces = glob.split("*")
    if len(pieces) == 1:
        return path == glob
    if len(path) < len(pieces[0]) + len(pieces[-1]):
        return False
    if not path.startswith(pieces[0]) or not path.endswith(pieces[-1]):
        return False
    at, end = len(pieces[0]), len(path) - len(pieces[-1])
    for piece in pieces[1:-1]:
        at = path.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


@functools.cache
def _suffixes(*, only_icann: bool) -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=only_icann)


def read_host_pattern(text: str) -> HostPattern:
    """Read one entry of `domains`.

    Raises:
        ValueError: with what is wrong and what to write instead.
    """
    if not text or text != text.strip() or any(char.isspace() or not char.isprintable() for char in text):
        raise ValueError("a host pattern is a host such as shop.test, without blanks")
    if text in ("*", "*.*", "*.", "*://*"):
        raise ValueError(f"{text} would let everything out; name the hosts, such as shop.test or *.shop.test")
    if "@" in text or "\\" in text or "?" in text or "#" in text:
        raise ValueError("a host pattern is [scheme://]host[:port][/path*], without @, \\, ? or #")
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(
            "a host pattern is [scheme://]host[:port][/path*], such as shop.test or https://*.shop.test"
        )
    scheme = found["scheme"].lower() if found["scheme"] else None
    path = found["path"]
    if scheme not in _SCHEMES:
        raise ValueError(f"the scheme {scheme}:// is never loaded; use https://, http://, wss:// or ws://")
    wild = found["host"].startswith("*.")
    host = found["host"][2:] if wild else found["host"]
    _check_host(host, wild=wild)
    ends = _ends(scheme, found["port"])
    if path is not None and not path.isascii():
        raise ValueError("a path is written in ASCII, percent-encoded")
    return HostPattern(text, host, wild, ends, None if path in (None, "/*") else path)


def _ends(scheme: str | None, port: str | None) -> frozenset[tuple[str, int]]:
    schemes = _SCHEMES[scheme]
    if port is None:
        return frozenset((one, DEFAULT_PORTS[one]) for one in schemes)
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65_535:
        raise ValueError(f"a port is a number from 1 to 65535, not {port!r}")
    return frozenset((one, int(port)) for one in schemes)


def _check_host(host: str, *, wild: bool) -> None:
    if not host:
        raise ValueError("there is no host in it; name one, such as shop.test")
    if "*" in host:
        raise ValueError("* stands only at the front and for whole subdomains, as in *.shop.test")
    if host.startswith("."):
        raise ValueError(
            f"write {'*' + host!r} for the subdomains, or {host.lstrip('.')!r} for the host itself"
        )
    if host.endswith("."):
        raise ValueError(f"a trailing dot makes it another name; write {host.rstrip('.')!r}")
    address = parse(f"https://{host}/")
    if address is None:
        raise ValueError("no browser would take it as a host; write one such as shop.test")
    if not host.isascii():
        raise ValueError(f"a host is written in ASCII: say {address.host!r} if that is meant")
    if address.host != host:
        raise ValueError(f"browsers read that as {address.host!r}; write that if it is meant")
    if not host.startswith("[") and any(not 0 < len(label) < 64 for label in host.split(".")):
        raise ValueError("each part of a host has 1 to 63 characters")
    if wild and (host.startswith("[") or _is_ip(host)):
        raise ValueError("an address has no subdomains; write it without *.")
    _check_suffix(host, wild=wild)


def _check_suffix(host: str, *, wild: bool) -> None:
    if wild and _suffixes(only_icann=False).is_public(host):
        raise ValueError(f"anyone can register a name under {host}; name the site, such as *.shop.{host}")
    if not wild and _suffixes(only_icann=True).is_public(host):
        raise ValueError(f"{host} is a public suffix and not a host; name the site, such as shop.{host}")


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Reach:
    """A set of host patterns, asked by address."""

    def __init__(self, patterns: Iterable[HostPattern]) -> None:
        self.patterns = tuple(dict.fromkeys(patterns))
        self._exact: dict[str, list[HostPattern]] = {}
        self._wild: dict[str, list[HostPattern]] = {}
        for pattern in self.patterns:
            (self._wild if pattern.wild else self._exact).setdefault(pattern.host, []).append(pattern)

    def admits(self, address: Address) -> bool:
        """Whether an address is inside one of them."""
        if any(pattern.admits(address) for pattern in self._exact.get(address.host, ())):
            return True
        if not self._wild:
            return False
        rest = address.host.partition(".")[2]
        while rest:
            if any(pattern.admits(address) for pattern in self._wild.get(rest, ())):
                return True
            rest = rest.partition(".")[2]
        return False

    def names(self, ip: str) -> bool:
        """Whether one of them is this IP address, written out."""
        try:
            wanted = ipaddress.ip_address(ip.strip("[]"))
        except ValueError:
            return False
        return any(
            ipaddress.ip_address(host.strip("[]")) == wanted
            for host in self._exact
            if host.startswith("[") or _is_ip(host)
        )

    def sentence(self, verb: str) -> str:
        """Say what may be reached: `shop.test and *.cdn.test may be visited`."""
        if not self.patterns:
            return f"nothing may be {verb}"
        shown = [pattern.text for pattern in self.patterns[:3]]
        more = len(self.patterns) - len(shown)
        names = [*shown, f"{more} more"] if more else shown
        joined = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        return f"{joined} may be {verb}"
