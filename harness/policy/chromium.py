"""What a policy says of pages, in the words of Chromium's `URLAllowlist`.

Chromium's filters cannot say everything that `domains` can: a host with its subdomains is always both, a path
is always a beginning, and frames are not told from tabs. Where they differ, what is given here is wider than
the policy and never narrower. The gateway judges each request by the policy itself.
"""

import re
from collections.abc import Iterator

from harness.policy.domains import HostPattern
from harness.policy.rules import STRICTNESS
from harness.policy.schema import Policy

MOST = 900
"""Filters at most: Chromium takes a thousand, and leaves out the rest."""

_PLAIN_PATH = re.compile(r"(?:/(?!/)[A-Za-z0-9_~.-]*)+")
_ADDRESS = re.compile(r"\[.*\]|[0-9.]+")


def reach(policy: Policy) -> tuple[str, ...] | None:
    """Give the filters for where pages and frames may be, sorted.

    Returns:
        Nothing where Chromium cannot be asked to refuse: a person may allow pages outside `domains`, a page
        outside ends the run, which the gateway must see to do, or there are more hosts than Chromium takes.
    """
    if policy.default.navigate != "deny":
        return None
    found = {one for pattern in policy.domains.loaded.patterns for one in _filters(pattern)}
    return tuple(sorted(found)) if len(found) <= MOST else None


def saves(policy: Policy) -> bool:
    """Whether any file that a page gives could be kept: if none could, the browser need not take it."""
    default = policy.default.download or policy.default.request
    rules = [rule.verdict for rule in policy.rules if "download" in rule.on and rule.verdict in STRICTNESS]
    return any(one in ("allow", "ask") for one in (default, *rules))


def _filters(pattern: HostPattern) -> Iterator[str]:
    exact = not pattern.wild and not _ADDRESS.fullmatch(pattern.host)
    for scheme, port in pattern.ends:
        # A page is never loaded by ws or wss, and no filter is needed for what is no page.
        if scheme in ("http", "https"):
            yield f"{scheme}://{'.' if exact else ''}{pattern.host}:{port}{_beginning(pattern.path)}"


def _beginning(path: str | None) -> str:
    """Give what every path begins with that a glob matches, as far as Chromium reads it as it is written."""
    if path is None:
        return ""
    found = _PLAIN_PATH.match(path)
    return "" if found is None or found[0] == "/" else found[0]
