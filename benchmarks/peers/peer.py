"""What the contest asks of a peer, and the plain Playwright that many scripts are made of."""

import contextlib
import re
import shlex
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from harness.evals.containment.site import ALLOWED
from harness.sandbox.chromium import find_chromium
from harness.sandbox.open_world import open_command
from playwright.async_api import Browser, BrowserContext, Error, Page, Playwright, Route, WebSocketRoute

SECONDS = 8.0
"""How long a page may take to answer."""
LOADED = "new Promise(r => document.readyState == 'complete' ? r() : addEventListener('load', () => r()))"


class PeerError(RuntimeError):
    """A peer cannot be installed or started, or does not answer any more."""


class World(Protocol):
    """Where a peer is put: a network of its own in which every address leads to the canaries."""

    @property
    def folder(self) -> Path:
        """A folder that nobody else uses."""
        ...

    def command(self, *program: str) -> tuple[str, ...]:
        """Give the command that runs a program in that network."""
        ...


class Peer(Protocol):
    """A browser behind a boundary of somebody else's making. Refusals and failures come back as words."""

    async def open(self, world: World) -> None:
        """Start it; raises `PeerError` if it does not start."""
        ...

    async def goto(self, url: str, *, tab: bool = False) -> str:
        """Go to a URL as it is written, in the tab it has or in a new one."""
        ...

    async def click(self) -> str:
        """Click `#go`."""
        ...

    async def loaded(self) -> str:
        """Wait until the page has loaded."""
        ...

    async def shown(self) -> tuple[str, int]:
        """Give the page's URL, and how long its text is."""
        ...

    async def picture(self) -> bytes:
        """Give a PNG of the page; nothing if it cannot be had."""
        ...

    async def blank(self) -> None:
        """Close all tabs but one, and leave that one blank."""
        ...

    async def close(self) -> None:
        """End it and everything it started."""
        ...


def permitted(url: str) -> bool:
    """Whether a plain allow-list lets a URL pass: exact host, the scheme's own port."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc in ALLOWED


async def _judge(route: Route) -> None:
    with contextlib.suppress(Error):
        if permitted(route.request.url):
            await route.continue_()
        else:
            await route.abort("blockedbyclient")


async def _judge_socket(socket: WebSocketRoute) -> None:
    with contextlib.suppress(Error):
        if permitted(socket.url):
            socket.connect_to_server()
        else:
            await socket.close()


class PlaywrightPeer:
    """Playwright with a route over every request, one over every WebSocket, and no service workers.

    Args:
        playwright: the running driver.
    """

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None
        self._context: BrowserContext | None = None
        self._page: Page | None = None

    async def open(self, world: World) -> None:
        wrapper = world.folder / "wrapper"
        run = shlex.join(world.command(str(find_chromium())))
        wrapper.write_text(f'#!/bin/sh\nexec {run} "$@"\n', "utf-8")
        wrapper.chmod(0o700)
        try:
            self._browser = await self._playwright.chromium.launch(
                executable_path=wrapper, env={"HOME": str(world.folder), "PATH": "/usr/bin:/bin"}
            )
            self._context = await self._browser.new_context(
                ignore_https_errors=True,
                service_workers="block",
                viewport={"width": 800, "height": 600},
            )
            self._context.set_default_timeout(SECONDS * 1000)
            await self._context.route("**/*", _judge)
            await self._context.route_web_socket(re.compile(".*"), _judge_socket)
            self._page = await self._context.new_page()
        except Error as error:
            raise PeerError(f"its browser does not start: {_first(error)}") from error

    @property
    def page(self) -> Page:
        if self._page is None:
            raise PeerError("it is not open")
        return self._page

    async def goto(self, url: str, *, tab: bool = False) -> str:
        try:
            if tab:
                self._page = await self.page.context.new_page()
            await self.page.goto(url, wait_until="commit")
        except Error as error:
            return _first(error)
        return ""

    async def click(self) -> str:
        try:
            await self.page.click("#go", no_wait_after=True)
        except Error as error:
            return _first(error)
        return ""

    async def loaded(self) -> str:
        try:
            await self.page.evaluate(LOADED)
        except Error as error:
            return _first(error)
        return ""

    async def shown(self) -> tuple[str, int]:
        with contextlib.suppress(Error):
            text = await self.page.evaluate("document.documentElement.outerHTML")
            return self.page.url, len(text)
        return self.page.url, 0

    async def picture(self) -> bytes:
        with contextlib.suppress(Error):
            return await self.page.screenshot()
        return b""

    async def blank(self) -> None:
        try:
            fresh = await self.page.context.new_page()
            for other in self.page.context.pages:
                if other is not fresh:
                    await other.close()
        except Error as error:
            raise PeerError(_first(error)) from error
        self._page = fresh

    async def close(self) -> None:
        if self._browser:
            with contextlib.suppress(Error):
                await self._browser.close()


def _first(error: Error) -> str:
    return error.message.splitlines()[0] if error.message else "an error without words"


class OpenWorld:
    """A network for one peer, with the canaries at every address.

    Args:
        folder: of this peer alone.
        socket: where the canaries are.
        ports: those on which every address answers.
    """

    def __init__(self, folder: Path, socket: Path, ports: tuple[int, ...]) -> None:
        self.folder = folder
        self._socket = socket
        self._ports = ports

    def command(self, *program: str) -> tuple[str, ...]:
        return open_command(self.folder, self._socket, self._ports, program)
