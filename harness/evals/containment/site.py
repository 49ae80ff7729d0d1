"""What the hosts of the suite answer: hostile pages at the allowed one, whatever is asked at the others."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

ALLOWED = ("allowed.test", "also.test")
"""The hosts that the suite's policy names: the first serves the hostile pages."""

COLOUR = "#ff00fe"
"""What a file canary and a secret on a screen look like, and nothing else does."""
OVERRIDES = ("x-http-method-override", "x-method-override", "x-http-method")
"""Headers that some servers take for the method."""
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_KINDS: Mapping[str, tuple[str, bytes]] = {
    "js": ("text/javascript", b"0;"),
    "css": ("text/css", b"html{}"),
    "png": ("image/png", _PNG),
    "svg": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "json": ("application/json", b"{}"),
    "vtt": ("text/vtt", b"WEBVTT\n"),
    "txt": ("text/plain", b"ok"),
    "bin": ("application/octet-stream", b"ok"),
    "stream": ("text/event-stream", b"data: ok\n\n"),
}


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Asked(NamedTuple):
    """An HTTP request as a canary read it."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Page:
    """A hostile page, with the files beside it."""

    html: str
    """What is served."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers besides the type."""
    files: Mapping[str, Answer] = field(default_factory=dict)
    """Answers at `/f/TOKEN/NAME`, by name."""
    status: int = 200
    """HTTP status."""


class Site:
    """Answers for every host. Pages are put under their token before they are asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}

    def answer(self, asked: Asked) -> Answer:
        """Answer a request, whatever its host."""
        parts = urlsplit(asked.target if asked.target.startswith("/") else "/")
        folders = parts.path.split("/")[1:]
        match folders:
            case ["p", token, *_] if token in self.pages:
                page = self.pages[token]
                kind = ("content-type", "text/html; charset=utf-8")
                return Answer(page.status, (kind, *page.headers), page.html.encode())
            case ["f", token, name, *_] if token in self.pages:
                found = self.pages[token].files.get(name)
                return found or Answer(404)
            case ["redirect", *_]:
                query = parse_qs(parts.query)
                code, to = query.get("code", ["302"])[0], query.get("to", ["/"])[0]
                return Answer(int(code), (("location", to), *_shared(asked)))
            case _:
                return self._anything(asked, parts.path)

    def _anything(self, asked: Asked, path: str) -> Answer:
        kind, body = _KINDS.get(unquote(path).rpartition(".")[2], ("text/html", b"<!doctype html>ok"))
        return Answer(200, (("content-type", kind), *_shared(asked)), body)


def _shared(asked: Asked) -> tuple[tuple[str, str], ...]:
    return (
        ("access-control-allow-origin", asked.headers.get("origin", "*")),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"),
        ("access-control-allow-headers", ", ".join(("x-custom", "content-type", *OVERRIDES))),
        ("access-control-allow-private-network", "true"),
        ("supports-loading-mode", "credentialed-prerender"),
        ("cache-control", "no-store"),
    )


def accepts(key: str) -> str:
    """Give the `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`."""
    seal = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324 - RFC 6455
    return base64.b64encode(seal).decode()
