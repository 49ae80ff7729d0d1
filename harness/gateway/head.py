"""What a request's head says: what asks, for whom, and which headers go on."""

import hashlib
from collections.abc import Iterable

from harness.clearance import Request, Resource
from harness.gateway import url
from harness.gateway.base import Headers

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
_OURS = frozenset(
    (
        b"alt-svc connection content-length expect host http2-settings keep-alive proxy-authenticate"
        b" proxy-authentication-info proxy-authorization proxy-connection sec-websocket-accept"
        b" sec-websocket-extensions sec-websocket-key sec-websocket-version te trailer transfer-encoding"
        b" upgrade"
    ).split()
)
_DESTINATIONS: dict[str, Resource] = {
    "document": "document",
    "iframe": "frame",
    "frame": "frame",
    "fencedframe": "frame",
    "embed": "frame",
    "object": "frame",
    "script": "script",
    "audioworklet": "script",
    "paintworklet": "script",
    "style": "style",
    "image": "image",
    "font": "font",
    "audio": "media",
    "video": "media",
    "track": "media",
    "empty": "fetch",
    "worker": "worker",
    "sharedworker": "worker",
    "serviceworker": "worker",
}
_CONTEXTS = frozenset({"document", "frame", "worker"})
_ANSWER_KEEPS = frozenset({b"content-length"})


def forwardable(headers: Iterable[tuple[bytes, bytes]], keep: frozenset[bytes] = frozenset()) -> Headers:
    """Leave out what belongs to one connection only, and what is written anew from the URL and the body."""
    found = [(name.lower(), value) for name, value in headers]
    named = {
        token.strip().lower() for name, value in found if name == b"connection" for token in value.split(b",")
    }
    drop = (_OURS | named) - keep if named or keep else _OURS
    return tuple([(name, value) for name, value in found if name not in drop])


def answer_headers(headers: Headers, status: int) -> Headers:
    """What of an upstream's headers reaches the browser."""
    keep = frozenset[bytes]() if status == 204 else _ANSWER_KEEPS
    return forwardable(headers, keep)


def fenced(headers: Headers, resource: Resource, allowlist: str) -> Headers:
    """Give an answer's headers with our `Connection-Allowlist` and no other, where a browser reads one."""
    if resource not in _CONTEXTS:
        return headers
    kept = tuple((name, value) for name, value in headers if name != b"connection-allowlist")
    return (*kept, (b"connection-allowlist", allowlist.encode()))


def build(
    ident: str,
    method: bytes,
    address: url.Address,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    websocket: bool = False,
    size: int = 0,
) -> Request:
    """Put a head into the words that are judged.

    `host` and `content-length` are not among its headers: they are written from the URL and the body.

    Args:
        ident: names the request within the run.
        method: as it was sent.
        address: where it goes.
        headers: in order.
        websocket: whether it opens a WebSocket.
        size: the length it declares.
    """
    kept = tuple((name.decode(), value.decode("latin-1")) for name, value in forwardable(headers))
    values = dict(kept)
    return Request(
        id=ident,
        method=method.decode().upper(),
        url=address.href,
        headers=kept,
        body_size=size,
        resource="websocket" if websocket else _resource(values),
        initiator=_initiator(values),
    )


def get(ident: str, href: str, headers: tuple[tuple[str, str], ...] = ()) -> Request:
    """A GET of the harness's own, such as reading an app's state for a check.

    Raises:
        UrlError: if the address is not http or https.
    """
    address = url.parse(href)
    return Request(
        id=ident, method="GET", url=address.href, headers=headers, body_sha256=EMPTY_SHA256, resource="fetch"
    )


def _resource(headers: dict[str, str]) -> Resource:
    destination = headers.get("sec-fetch-dest")
    if destination is not None:
        return _DESTINATIONS.get(destination, "other")
    # Plain http carries no Sec-Fetch headers; a navigation there is known by what it accepts.
    navigates = headers.get("upgrade-insecure-requests") == "1" and "text/html" in headers.get("accept", "")
    return "document" if navigates else "other"


def _initiator(headers: dict[str, str]) -> str | None:
    for name in ("origin", "referer"):
        if name in headers:
            return url.origin(headers[name])
    return None
