"""One real server that the task names by its address, reached under a name of the sandbox."""

import ssl

from harness.clearance import Cleared
from harness.errors import TaskError
from harness.gateway import url
from harness.gateway.base import Answer, Body, Headers, Socket, UpstreamError
from harness.gateway.upstreams.http import CONNECT_SECONDS, HttpClient
from harness.gateway.upstreams.ticket import Order, spend
from harness.gateway.upstreams.wsclient import shake
from harness.gateway.wire import Wire, dial

_OURS = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"})


class FixedUpstream:
    """A server at `http://host:port`, such as a program on this machine's loopback.

    The server is sent the sandbox's name as `Host`, with `X-Forwarded-Proto` and `X-Forwarded-Host`, so that
    the links and redirects it writes, and its checks of `Origin`, fit what the browser sees. A `Location`
    that names its own address, or the sandbox's name under the wrong scheme, is rewritten to the address
    the browser asked for.

    Args:
        base_url: `http://host:port`, without a path.
    """

    def __init__(self, base_url: str) -> None:
        try:
            base = url.parse(base_url)
        except url.UrlError as error:
            raise TaskError(f"cannot use {base_url!r} as a server: {error}; write http://host:port") from None
        if base.scheme != "http" or base.target != "/":
            raise TaskError(f"cannot use {base_url!r} as a server: write http://host:port, without a path")
        self._base = base
        self._client = HttpClient(self._dial, ssl.create_default_context())

    async def send(self, cleared: Cleared, body: Body) -> Answer:
        """Spend the ticket, send the request, give the answer's head. Redirects are not followed."""
        order = spend(cleared)
        plain = order._replace(address=order.address._replace(scheme="http", port=self._base.port))
        answer = await self._client.send(plain, order.host, _introduced(order), body)
        headers = tuple(
            (name, self._relocated(order.address, value) if name == b"location" else value)
            for name, value in answer.headers
        )
        return answer._replace(headers=headers)

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and open a WebSocket."""
        order = spend(cleared)
        try:
            wire = await self._dial("", 0, CONNECT_SECONDS)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise UpstreamError(f"{self._base.authority} cannot be reached: {why}") from None
        return await shake(wire, order, order.host, _introduced(order))

    async def close(self) -> None:
        """Let go of every connection."""
        await self._client.close()

    async def _dial(self, _host: str, _port: int, seconds: float) -> Wire:
        return await dial(self._base.host.strip("[]"), self._base.port, seconds)

    def _relocated(self, asked: url.Address, location: bytes) -> bytes:
        try:
            target = url.parse(location.decode("latin-1").partition("#")[0])
        except url.UrlError:
            return location
        own = target.scheme == "http" and (target.host, target.port) == (self._base.host, self._base.port)
        misnamed = target.host == asked.host and target.port in {80, asked.port} and target.scheme == "http"
        if not own and not misnamed:
            return location
        _, mark, fragment = location.partition(b"#")
        return asked._replace(target=target.target).href.encode() + mark + fragment


def _introduced(order: Order) -> Headers:
    secure = order.address.scheme in {"https", "wss"}
    kept = tuple((name, value) for name, value in order.headers if name not in _OURS)
    return (
        *kept,
        (b"x-forwarded-host", order.host),
        (b"x-forwarded-proto", b"https" if secure else b"http"),
    )
