"""What recorded requests carry that another policy does not let leave: its secrets and canaries."""

from harness.clearance import Request
from harness.gateway.leaks import Search, Sought
from harness.policy.domains import Reach, read_host_pattern
from harness.policy.engine import Said
from harness.policy.schema import Policy
from harness.policy.urls import parse, refused

RULE = "secrets"
"""What decides in the engine about a request that carries something."""


class Carried:
    """Compares what a recorded run looked for in requests with what a policy looks for.

    Args:
        policy: the new policy.
        secrets: names of the secrets of the recorded one.
        canaries: the canaries of the recorded one, in order.
    """

    def __init__(self, policy: Policy, secrets: frozenset[str], canaries: tuple[str, ...]) -> None:
        self._policy = policy
        self._canaries = canaries
        new = [text for text in policy.canaries if text not in canaries]
        names = [f"canary {place}" for place, text in enumerate(policy.canaries, 1) if text in new]
        self._search = Search(Sought(name, text) for name, text in zip(names, new, strict=True))
        self.unsought = frozenset(policy.secrets) - secrets
        """Secrets that the recorded run did not know: their values are in no trace."""

    @property
    def reads_bodies(self) -> bool:
        """Whether there are canaries to look for."""
        return bool(self._search)

    def said(self, request: Request, body: bytes | None) -> Said | None:
        """Say why a request that was recorded as carrying something, or as carrying nothing, is refused.

        Args:
            request: the recorded one.
            body: its body; nothing if it is not known.

        Returns:
            Nothing where it carries nothing that the policy looks for. Where it cannot be told, the outcome
            is an *ask*.
        """
        if request.leaks:
            what = ", ".join(request.leaks)
            if any(self._forbids(name, request.url) for name in request.leaks):
                return Said("deny", RULE, f"it carries {what}, which may not go to {request.url[:200]}")
            where = "for which this policy does not look, so its address was not recorded"
            return Said("ask", RULE, f"it carried {what}, {where}")
        if not self._search:
            return None
        lines = (f"{name}: {value}".encode("utf-8", "surrogatepass") for name, value in request.headers)
        found = self._search.find(request.url.encode("utf-8", "surrogatepass"), *lines, body or b"")
        if found:
            return Said(
                "deny", RULE, f"it carries {', '.join(found)}, which may not go to {request.url[:200]}"
            )
        if body is None:
            return Said("ask", RULE, "its body, which the trace does not have, might carry a canary")
        return None

    def _forbids(self, name: str, url: str) -> bool:
        secret = self._policy.secrets.get(name)
        if secret is not None:
            address = parse(url)
            reach = Reach(map(read_host_pattern, secret.hosts))
            return address is None or bool(refused(address)) or not reach.admits(address)
        kind, _, number = name.partition(" ")
        if kind != "canary" or not number.isdecimal() or not 0 < int(number) <= len(self._canaries):
            return False
        return self._canaries[int(number) - 1] in self._policy.canaries
