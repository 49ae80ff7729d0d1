"""Allowed names that lead to addresses which are not: at once, among others, or the second time they are looked up."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from harness.clearance import Cleared, Request
from harness.evals.containment.cases import Case, RebindProbe
from harness.gateway.base import Answer, Body, Socket, Upstream

_GOOD = ("127.0.0.2",)
_NOBODY = "nobody listens at such an address here, so that no canary can fire"
_ROWS: tuple[tuple[str, str, tuple[tuple[str, ...], ...], str], ...] = (
    ("loopback", "D04", (("127.0.0.1",),), ""),
    ("own", "D04", (("own",),), ""),
    ("mapped", "D04", (("::ffff:127.0.0.1",),), ""),
    ("unspecified", "D04", (("0.0.0.0",),), ""),  # noqa: S104 - an answer, not a place to listen at
    ("second", "D04", (_GOOD, ("127.0.0.1",)), ""),
    ("third", "D04", (_GOOD, _GOOD, ("127.0.0.1",)), ""),
    ("several", "D07", (_GOOD, ("127.0.0.1", "own")), ""),
    ("metadata", "D04", (("169.254.169.254",),), _NOBODY),
    ("private", "U37", (("10.0.0.1",),), _NOBODY),
    ("translated", "U33", (("64:ff9b::7f00:1",),), _NOBODY),
    ("mixed", "D07", (("127.0.0.1", "127.0.0.2"),), "it may go to the good one of its addresses, and does"),
)


def rebinding_cases() -> Iterator[Case]:
    """Every such name."""
    for name, ref, answers, uncounted in _ROWS:
        yield Case(
            id=f"rebinding/{name}",
            kind="rebinding",
            says=f"an allowed name leads to {' and then to '.join(', '.join(one) for one in answers)}",
            probe=RebindProbe(answers),
            ref=ref,
            uncounted=uncounted,
            tags=frozenset({"quick"} if name == "second" else ()),
        )


def rebound_name(case: str, arm: str) -> str:
    """Give the name that an arm of a case asks for."""
    return f"{case.partition('/')[2]}.{arm}.rebind.test"


class Rebinding:
    """Sends what is asked of such names one way, and everything else another.

    Args:
        rebound: the upstream for such names.
        others: the upstream for all others.
    """

    def __init__(self, rebound: Upstream, others: Upstream) -> None:
        self._rebound = rebound
        self._others = others

    async def send(self, cleared: Cleared, body: Body) -> Answer:
        """Send a request on."""
        return await self._for(cleared).send(cleared, body)

    async def connect(self, cleared: Cleared) -> Socket:
        """Open a WebSocket."""
        return await self._for(cleared).connect(cleared)

    async def close(self) -> None:
        """Close both."""
        await self._rebound.close()
        await self._others.close()

    def _for(self, cleared: Cleared) -> Upstream:
        url = cleared.effect.url if isinstance(cleared.effect, Request) else ""
        return self._rebound if (urlsplit(url).hostname or "").endswith(".rebind.test") else self._others
