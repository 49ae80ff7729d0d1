"""The internet: names resolved once, after clearance, and the address that was checked is the one dialled."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from harness.clearance import Cleared
from harness.gateway.base import Answer, Body, Socket, UpstreamError
from harness.gateway.upstreams.addresses import Address, MayDial, inside
from harness.gateway.upstreams.http import CONNECT_SECONDS, IDLE_SECONDS, HttpClient, secured
from harness.gateway.upstreams.ticket import spend
from harness.gateway.upstreams.wsclient import shake
from harness.gateway.wire import Wire, dial

Resolver = Callable[[str], Awaitable[Sequence[Address]]]
"""Gives all addresses of a name, best first; raises `OSError` if it has none."""

_ATTEMPT_SECONDS = 10.0


async def resolve(name: str) -> Sequence[Address]:
    """Ask this machine's resolver."""
    loop = asyncio.get_running_loop()
    # A trailing dot keeps the search domains of this machine out of it.
    query = f"{name}." if "." in name else name
    found = await loop.getaddrinfo(query, None, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(entry[4][0]) for entry in found if "%" not in str(entry[4][0])]


class InternetUpstream:
    """Real servers, over HTTP/1.1 and TLS that is always verified.

    Args:
        may_dial: asked about each address that is private, loopback, link-local or otherwise not the
            internet's at large.
        resolver: gives a name's addresses.
        ca_pem: a certificate authority to trust besides this machine's.
        idle: seconds without a byte before a server is given up.
    """

    def __init__(
        self,
        *,
        may_dial: MayDial = lambda _address: False,
        resolver: Resolver = resolve,
        ca_pem: str | None = None,
        idle: float = IDLE_SECONDS,
    ) -> None:
        self._may_dial = may_dial
        self._resolver = resolver
        self._trust = ssl.create_default_context()
        self._trust.minimum_version = ssl.TLSVersion.TLSv1_2
        self._trust.set_alpn_protocols(["http/1.1"])
        if ca_pem:
            self._trust.load_verify_locations(cadata=ca_pem)
        self._client = HttpClient(self._dial, self._trust, idle)

    async def send(self, cleared: Cleared, body: Body) -> Answer:
        """Spend the ticket, send the request, give the answer's head. Redirects are not followed."""
        order = spend(cleared)
        return await self._client.send(order, order.host, order.headers, body)

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and open a WebSocket."""
        order = spend(cleared)
        address = order.address
        try:
            wire = await self._dial(address.host, address.port, CONNECT_SECONDS)
            secure = address.scheme == "wss"
            stream = await secured(wire, self._trust, address.host, None) if secure else wire
        except UpstreamError:
            raise
        except OSError as error:
            why = str(error) or type(error).__name__
            raise UpstreamError(f"{address.authority} cannot be reached: {why}") from None
        return await shake(stream, order, order.host, order.headers)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()

    async def _dial(self, host: str, port: int, seconds: float) -> Wire:
        async with asyncio.timeout(seconds):
            addresses = await self._addresses(host)
            refused = {address: what for address in addresses if (what := self._refused(address))}
            allowed = [address for address in addresses if address not in refused]
            if not allowed:
                listed = ", ".join(f"{address} ({what})" for address, what in refused.items())
                raise UpstreamError(
                    f"{host} leads to {listed or 'no address'}, which the policy does not name",
                    status=403 if refused else 502,
                    rule="private address" if refused else "upstream",
                )
            errors: list[OSError] = []
            for address in allowed:
                try:
                    wire = await dial(str(address), port, _ATTEMPT_SECONDS)
                except OSError as error:
                    errors.append(error)
                    continue
                if ipaddress.ip_address(wire.peer) != address:
                    await wire.ended()
                    raise UpstreamError(f"{host}: dialled {address} and reached another address", status=403)
                return wire
            raise errors[-1]

    def _refused(self, address: Address) -> str | None:
        what = inside(address)
        return what if what and not self._may_dial(address) else None

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ipaddress.ip_address(host.strip("[]"))]
        except ValueError:
            pass
        try:
            return await self._resolver(host)
        except (OSError, UnicodeError) as error:
            raise UpstreamError(f"{host} has no address: {error}") from None
