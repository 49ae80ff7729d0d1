"""A real Chromium whose screenshots the local model reads, and a loop that acts on it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from harness.action import (
    Action,
    Answer,
    AskUser,
    Click,
    Drag,
    GiveUp,
    Move,
    Press,
    Scroll,
    Type,
    Wait,
)
from harness.models.local.model import LocalModel
from harness.models.local.ocr import Reader
from harness.screen import ActionResult, Observation, Screenshot
from harness.task import OutputSpec, Task
from playwright.async_api import Browser as Chromium
from playwright.async_api import Page, async_playwright

_CHROMIUM = Path("/usr/lib/chromium/chromium")


@dataclass
class Browser:
    """A page, and how to have the local model work on it."""

    page: Page
    reader: Reader
    clock: Callable[[], float]
    replies: list[tuple[str, tuple[Action, ...]]] = field(default_factory=list)

    async def show(self, body: str, style: str = "font: 16px sans-serif; margin: 20px") -> None:
        await self.page.set_content(f'<!doctype html><body style="{style}">{body}')

    async def look(self) -> Screenshot:
        last = b""
        for _ in range(10):
            png = await self.page.screenshot(caret="hide")
            if png == last:
                break
            last = png
        return Screenshot.of(last)

    async def follow(
        self, *steps: str, outputs: dict[str, OutputSpec] | None = None, answers: Sequence[str] = ()
    ) -> Answer | GiveUp:
        task = Task(name="t", goal="x", start="about:blank", steps=steps, outputs=outputs or {})
        model = LocalModel(task, reader=self.reader, clock=self.clock)
        results: tuple[ActionResult, ...] = ()
        said = list(answers)
        self.replies = []
        for step in range(1, 80):
            observation = Observation(
                screenshot=await self.look(), url=self.page.url, goal="x", step=step, results=results
            )
            reply = await model.reply(observation)
            self.replies.append((reply.thought, reply.actions))
            done = []
            for action in reply.actions:
                if isinstance(action, Answer | GiveUp):
                    return action
                message = said.pop(0) if isinstance(action, AskUser) else ""
                await self._perform(action)
                done.append(ActionResult(action=action, status="done", message=message))
            results = tuple(done)
        raise AssertionError("the model did not come to an end")

    async def _perform(self, action: Action) -> None:
        mouse, keyboard = self.page.mouse, self.page.keyboard
        match action:
            case Click(x=x, y=y, button=button, count=count):
                assert button in ("left", "right", "middle")
                await mouse.click(x, y, button=button, click_count=count)
            case Move(x=x, y=y):
                await mouse.move(x, y)
            case Type(text=text):
                await keyboard.type(text)
            case Press(keys=keys):
                await keyboard.press("+".join(keys))
            case Wait() | AskUser():
                await asyncio.sleep(0)
            case Scroll(x=x, y=y, dx=dx, dy=dy):
                await mouse.move(x, y)
                await mouse.wheel(dx, dy)
                await self.page.wait_for_timeout(50)
            case Drag(path=path):
                await mouse.move(path[0].x, path[0].y)
                await mouse.down()
                for point in path[1:]:
                    await mouse.move(point.x, point.y)
                await mouse.up()
            case _:
                raise AssertionError(f"no page needs {action.kind}")


@pytest.fixture(scope="session")
def reader() -> Reader:
    return Reader()


@pytest.fixture
def fresh_reader(reader: Reader) -> Reader:
    """A reader that has seen nothing, without the time it takes to load the networks again."""
    fresh = Reader()
    fresh._engine = reader._networks()
    return fresh


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Chromium]:
    program = str(_CHROMIUM) if _CHROMIUM.exists() else shutil.which("chromium")
    async with async_playwright() as play:
        started = await play.chromium.launch(executable_path=program)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="module")
async def browser(chromium: Chromium, reader: Reader) -> AsyncIterator[Browser]:
    page = await chromium.new_page(viewport={"width": 1280, "height": 720})
    yield Browser(page, reader, lambda: 0.0)
    await page.close()
