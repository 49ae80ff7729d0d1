"""What several benchmarks drive: timed parts for a real run, a site on loopback, and a plain browser."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.action import Action, Answer
from harness.clearance import Cleared, Reply, Target
from harness.policy import Policy
from harness.sandbox.base import ActOutcome, Sandbox, SandboxInfo
from harness.sandbox.chromium import find_chromium
from harness.screen import Observation, Screen
from playwright.async_api import Browser, Page, Playwright
from playwright.async_api import Error as PlaywrightError

PAGES = Path(__file__).parent / "pages"
WIDTH, HEIGHT = 1280, 720

POLICY = Policy.model_validate(
    {
        "name": "bench",
        "domains": {"navigate": ["bench.test"]},
        "default": {"action": "allow", "request": "allow", "navigate": "deny"},
        "rules": [
            {
                "name": "payments need a person",
                "on": "action",
                "when": {
                    "kind": ["click", "press"],
                    "target": {"role": "button", "name": "re:(?i)pay|buy|order now"},
                },
                "verdict": "ask",
            },
            {
                "name": "orders are confirmed on the wire",
                "on": "request",
                "when": {"method": ["POST", "PUT"], "url": "https://bench.test/orders*"},
                "verdict": "ask",
            },
            {
                "name": "nothing is deleted",
                "on": "action",
                "when": {"target": {"name": "re:(?i)delete|remove"}},
                "verdict": "deny",
            },
        ],
    }
)
"""A policy of the size that people write."""


@dataclass
class Marks:
    """When the model was asked and answered, and how long the browser had worked until then; seconds."""

    asked: list[tuple[float, float]] = field(default_factory=list)
    answered: list[tuple[float, float]] = field(default_factory=list)
    inside: float = 0.0

    def steps(self) -> list[tuple[float, float]]:
        """Of each step, from an answer to the next question: all of it, and the part outside the browser."""
        return [
            (after[0] - before[0], after[0] - before[0] - (after[1] - before[1]))
            for before, after in zip(self.answered, self.asked[1:], strict=False)
        ]


class TimedModel:
    """Gives one action after another, then ends; notes when."""

    def __init__(self, actions: Sequence[Action], marks: Marks) -> None:
        self._actions: Iterator[Action] = iter(actions)
        self._marks = marks
        self.refused: list[str] = []

    async def reply(self, observation: Observation) -> Reply:
        self._marks.asked.append((time.perf_counter(), self._marks.inside))
        self.refused += [result.message for result in observation.results if result.status != "done"]
        reply = Reply(actions=(next(self._actions, Answer(text="end")),), thought="the next one")
        self._marks.answered.append((time.perf_counter(), self._marks.inside))
        return reply


class TimedSandbox:
    """A sandbox that notes how long its calls took."""

    def __init__(self, sandbox: Sandbox, marks: Marks) -> None:
        self._sandbox = sandbox
        self._marks = marks

    @property
    def info(self) -> SandboxInfo:
        return self._sandbox.info

    async def open(self, socket: Path, spki: str) -> None:
        await self._sandbox.open(socket, spki)

    async def observe(self) -> Screen:
        with self._inside():
            return await self._sandbox.observe()

    async def ground(self, action: Action) -> Target | None:
        with self._inside():
            return await self._sandbox.ground(action)

    async def place(self) -> str:
        with self._inside():
            return await self._sandbox.place()

    async def act(self, cleared: Cleared) -> ActOutcome:
        with self._inside():
            return await self._sandbox.act(cleared)

    async def close(self) -> None:
        await self._sandbox.close()

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._marks.inside += time.perf_counter() - begun


async def launched(playwright: Playwright) -> Browser:
    """A plain browser, the same program that a sandbox runs."""
    return await playwright.chromium.launch(executable_path=find_chromium())


async def opened(browser: Browser, url: str) -> Page:
    """A page of the usual size that shows an address."""
    page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    await page.goto(url)
    return page


async def pictured(page: Page) -> bytes:
    """The first screenshot of a page; a browser that has only just started may refuse it for a moment."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await page.screenshot()
            except PlaywrightError as error:
                if "Unable to capture screenshot" not in str(error):
                    raise


@contextlib.asynccontextmanager
async def site() -> AsyncGenerator[str]:
    """The pages on loopback, for a browser without a gateway; gives the address."""
    body = (PAGES / "index.html").read_bytes()
    fields = f"Content-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    answer = f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + body

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        await server.wait_closed()
