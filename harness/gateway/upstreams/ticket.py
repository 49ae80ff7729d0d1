"""How an upstream spends a ticket: it learns what to do from the ticket and from nothing else."""

from typing import NamedTuple

from harness.clearance import Cleared, Request, redeem
from harness.errors import NotClearedError
from harness.gateway import url
from harness.gateway.base import Headers


class Order(NamedTuple):
    """A request that may happen, in the bytes to send."""

    method: bytes
    address: url.Address
    headers: Headers
    """Without `host` and `content-length`."""

    @property
    def host(self) -> bytes:
        """The `Host` header of the address."""
        return self.address.authority.encode()


def spend(cleared: Cleared) -> Order:
    """Redeem a ticket for a request.

    Raises:
        NotClearedError: if it is not good, or for something else.
    """
    effect = redeem(cleared)
    if not isinstance(effect, Request):
        raise NotClearedError(f"a ticket for {effect.kind!r} came to the gateway, which takes requests only")
    try:
        address = url.parse(effect.url)
    except url.UrlError as error:
        raise NotClearedError(f"the ticket's URL is unusable: {error}") from None
    headers = tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in effect.headers)
    return Order(effect.method.encode("ascii"), address, headers)
