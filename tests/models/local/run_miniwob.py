"""Measure the local model on MiniWoB++ in a plain Chromium: `python run_miniwob.py [--seeds 20] [kind …]`.

It sees screenshots only. The page's own reward says whether a task was done.
"""

import argparse
import asyncio
import importlib.util
import sys
import time
from pathlib import Path

from harness.action import (
    Action,
    Answer,
    Click,
    Drag,
    GiveUp,
    Move,
    Press,
    Scroll,
    TakeScreenshot,
    Type,
    Wait,
)
from harness.models.local.model import LocalModel
from harness.models.local.ocr import Reader
from harness.screen import ActionResult, Observation, Screenshot
from harness.task import Task
from miniwob_templates import TEMPLATES, sentences
from playwright.async_api import Page, async_playwright

START = """seed => {
    Math.seedrandom(seed); core.EPISODE_MAX_TIME = 600000; core.hideDisplay(); core.startEpisodeReal();
    return core.getUtterance();
}"""


def pages() -> Path:
    """Where the pages of the installed `miniwob` package are; the package itself is not imported."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or spec.origin is None:
        raise SystemExit("install the pages first: pip install --no-deps miniwob==1.1.0")
    return Path(spec.origin).parent / "html" / "miniwob"


async def perform(page: Page, action: Action) -> None:
    """Act as a sandbox would."""
    match action:
        case Click():
            await page.mouse.click(action.x, action.y, button="left", click_count=action.count)
        case Move():
            await page.mouse.move(action.x, action.y)
        case Type():
            await page.keyboard.type(action.text)
        case Press():
            await page.keyboard.press("+".join(action.keys))
        case Wait():
            await page.wait_for_timeout(action.seconds * 1000)
        case Scroll():
            await page.mouse.move(action.x, action.y)
            await page.mouse.wheel(action.dx, action.dy)
        case Drag():
            await page.mouse.move(action.path[0].x, action.path[0].y)
            await page.mouse.down()
            for point in action.path[1:]:
                await page.mouse.move(point.x, point.y)
            await page.mouse.up()
        case TakeScreenshot():
            pass
        case _:
            raise NotImplementedError(f"{action.kind} is not needed here")


async def settled(page: Page) -> Screenshot:
    """Wait until two screenshots are equal, at most ten of them."""
    last = b""
    for _ in range(10):
        png = await page.screenshot(caret="hide")
        if png == last:
            break
        last = png
        await page.wait_for_timeout(50)
    return Screenshot.of(last)


async def episode(page: Page, kind: str, seed: int, reader: Reader) -> tuple[bool, str]:
    """Do one task; say whether the page rewarded it, and how it ended."""
    goal = await page.evaluate(START, seed)
    try:
        steps = sentences(kind, str(goal))
    except ValueError as error:
        return False, str(error)
    model = LocalModel(Task(name=kind, goal=str(goal), start="about:blank", steps=steps), reader=reader)
    results: tuple[ActionResult, ...] = ()
    ended = "too many steps"
    for step in range(1, 41):
        screen = await settled(page)
        reply = await model.reply(
            Observation(screenshot=screen, url=page.url, goal=str(goal), step=step, results=results)
        )
        last = reply.actions[-1]
        if isinstance(last, Answer | GiveUp):
            ended = last.reason if isinstance(last, GiveUp) else last.text
            break
        for action in reply.actions:
            await perform(page, action)
        results = tuple(ActionResult(action=action, status="done") for action in reply.actions)
    await page.wait_for_timeout(30)
    reward = await page.evaluate("[WOB_DONE_GLOBAL, WOB_RAW_REWARD_GLOBAL]")
    return bool(reward[0] and reward[1] > 0), ended


async def main() -> None:
    """Print a line for each kind."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("kinds", nargs="*", default=list(TEMPLATES))
    options.add_argument("--seeds", type=int, default=20)
    options.add_argument("--chromium", default="/usr/lib/chromium/chromium")
    chosen = options.parse_args()
    reader = Reader()
    good = 0
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 320, "height": 240})
        for kind in chosen.kinds:
            await page.goto((pages() / f"{kind}.html").as_uri())
            begun = time.perf_counter()
            done = []
            for seed in range(chosen.seeds):
                won, ended = await episode(page, kind, seed, reader)
                done.append(won)
                if not won:
                    print(f"    {kind} seed {seed}: {ended[:400]}", file=sys.stderr)
            rate = sum(done) / len(done)
            good += rate >= 0.9
            each = (time.perf_counter() - begun) / len(done)
            print(f"{kind:28} {sum(done):3}/{len(done)}  {rate:5.0%}  {each:.2f} s", flush=True)
        await browser.close()
    print(f"{good} kinds at 90 % or better")


if __name__ == "__main__":
    asyncio.run(main())
