"""A real Chromium, a real server on loopback, and a pilot who has a ticket for everything."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from harness.action import Action
from harness.clearance import Act, Cleared, Target, Verdict, clear, digest
from harness.sandbox.base import ActOutcome, SandboxOptions
from harness.sandbox.browser import Driver
from harness.sandbox.chromium import find_chromium
from harness.sandbox.tab import OpenTab
from harness.screen import Screen
from playwright.async_api import Browser, async_playwright

PAGES = Path(__file__).parent.parent / "pages" / "driver"
CHROMIUM = find_chromium()


def ticket(action: Action, target: Target | None = None) -> Cleared:
    """Clear an action as a policy that allows everything would."""
    effect = Act(action=action, target=target)
    verdict = Verdict(outcome="allow", rule="test", reason="test", policy="0" * 64, effect=digest(effect))
    return clear(effect, verdict)


@dataclass
class Web:
    """A server whose slow answers wait until `gate` is set."""

    base: str
    gate: asyncio.Event

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = (await reader.readline()).decode("latin-1")
            while (await reader.readline()).strip():
                pass
            path = line.split(" ")[1]
            if path.startswith("/slow/"):
                await self.gate.wait()
            head, body = self._page(path)
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{head}\r\n".encode() + body)
            await writer.drain()
        except (ConnectionError, IndexError):
            pass
        finally:
            writer.close()

    def _page(self, path: str) -> tuple[str, bytes]:
        file = PAGES / path.lstrip("/").partition("?")[0]
        if file.is_file():
            body = file.read_bytes()
            return f"Content-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n", body
        match path:
            case "/download/report.csv":
                return (
                    'Content-Disposition: attachment; filename="report.csv"\r\nContent-Length: 4\r\n',
                    b"1,2\n",
                )
            case "/download/evil":
                name = "..%2F..%2F%E2%80%AEfdp." + "x" * 300 + ".sh"
                return (
                    f"Content-Disposition: attachment; filename*=UTF-8''{name}\r\nContent-Length: 1\r\n",
                    b"x",
                )
            case "/download/broken":
                return 'Content-Disposition: attachment; filename="b.bin"\r\nContent-Length: 9999\r\n', b"x"
            case "/slow/data":
                return "Content-Type: text/plain\r\nContent-Length: 4\r\n", b"data"
            case _:
                body = b"<!doctype html><title>Other</title><h1>another page</h1>"
                return f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\n", body


@dataclass
class Pilot:
    """Flies a driver, and looks into the page to see what really happened."""

    driver: Driver
    web: Web
    options: SandboxOptions

    async def go(self, page: str) -> Screen:
        tab = self.tab
        await tab.page.goto(f"{self.web.base}/{page}")
        return await self.driver.observe()

    async def do(self, action: Action) -> ActOutcome:
        return await self.driver.act(ticket(action, await self.driver.ground(action)))

    async def done(self, *actions: Action) -> None:
        for action in actions:
            outcome = await self.do(action)
            assert outcome.ok, outcome.message

    async def see(self) -> Screen:
        return await self.driver.observe()

    async def js(self, expression: str, *arguments: Any) -> Any:
        return await self.tab.page.evaluate(expression, *arguments)

    async def until(self, expression: str) -> None:
        await self.tab.page.wait_for_function(expression, timeout=10_000)

    def deadline(self) -> asyncio.Timeout:
        return asyncio.timeout(20)

    async def tick(self) -> None:
        await asyncio.sleep(0.01)

    @property
    def tab(self) -> OpenTab:
        return self.driver._parts[0].active


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Web]:
    web = Web("", asyncio.Event())
    listener = await asyncio.start_server(web.answer, "127.0.0.1", 0)
    web.base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener:
        yield web


@pytest_asyncio.fixture(loop_scope="session")
async def web(server: Web) -> AsyncIterator[Web]:
    server.gate.clear()
    yield server
    server.gate.set()


Flight = Callable[..., Awaitable[Pilot]]


@pytest_asyncio.fixture(loop_scope="session")
async def flight(chromium: Browser, web: Web, tmp_path: Path) -> AsyncIterator[Flight]:
    flying: list[Driver] = []

    async def start(browser: Browser = chromium, **said: Any) -> Pilot:
        (tmp_path / "up").mkdir(exist_ok=True)
        said = {"uploads": tmp_path / "up", **said}
        options = SandboxOptions(downloads=tmp_path / "down", runtime=tmp_path / "run", **said)
        driver = Driver(browser, options)
        flying.append(driver)
        await driver.start()
        return Pilot(driver, web, options)

    yield start
    for driver in flying:
        await driver.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pilot(flight: Flight) -> Pilot:
    return await flight()


@pytest.fixture
def make_ticket() -> Callable[..., Cleared]:
    return ticket
