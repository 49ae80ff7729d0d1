"""Tells of what the browser itself stopped, so that it is in the trace though the gateway never heard of it.

Chromium enforces the gateway's `Connection-Allowlist` header before anything leaves the browser. What shared
and service workers tried that way it tells nobody. Pages and frames are told of by `barred`.
"""

from collections.abc import Callable
from typing import Final

from playwright.async_api import Request, WebSocket

from harness.clearance import Refusal, Resource
from harness.sandbox.tab import OpenTab
from harness.sandbox.words import clean

Told = Callable[[str, str, Resource], Refusal | None]
"""Takes method, URL and kind of what was stopped; gives what the policy has against it, or nothing."""

_REVOKED: Final = ("net::ERR_NETWORK_ACCESS_REVOKED", "Network access revoked")
_MOST: Final = 200


class Revoked:
    """Listens to the tabs of one run.

    Args:
        told: hears of what was stopped.
        note: takes a line for the model.
    """

    def __init__(self, told: Told, note: Callable[[str], None]) -> None:
        self._told = told
        self._note = note
        self._count = 0

    def watch(self, tab: OpenTab) -> None:
        """Listen to one tab."""
        tab.page.on("requestfailed", self._failed)
        tab.page.on("websocket", self._opened)

    def _failed(self, request: Request) -> None:
        if request.failure in _REVOKED and not request.is_navigation_request():
            kind: Resource = "fetch" if request.resource_type in ("fetch", "xhr", "ping") else "other"
            self._stopped(request.method, request.url, kind)

    def _opened(self, socket: WebSocket) -> None:
        def failed(error: str) -> None:
            if any(sign in error for sign in _REVOKED):
                self._stopped("GET", socket.url, "websocket")

        socket.on("socketerror", failed)

    def _stopped(self, method: str, url: str, kind: Resource) -> None:
        if not url.startswith(("http:", "https:", "ws:", "wss:")):
            return
        self._count += 1
        if self._count == _MOST:
            self._note("the browser has stopped very many requests; further ones are not told")
        if self._count >= _MOST:
            return
        refusal = self._told(method, url, kind)
        if refusal is not None:
            self._note(f"the browser stopped {method} {clean(url, 300)}: {refusal.reason}")
