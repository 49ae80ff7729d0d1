"""A whole step with a scripted model on a local page, over a plain Playwright script of the same actions.

Both drive the same Chromium over the same page in turn, in one process. The plain script takes one screenshot
after each action, with no policy, no target, no trace and no wait for a still screen. The harness runs under
bubblewrap with all of these, through its gateway, and looks until two screenshots are equal.
"""

import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import harness
from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import PAGES, POLICY, Marks, TimedModel, TimedSandbox, launched, opened, pictured, site
from harness.action import Action, Click, Press, Scroll, Type
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.rundir import RunFolder
from harness.trace.events import Observed
from harness.trace.reader import Trace
from playwright.async_api import Page, async_playwright

ROUNDS = 6
STEPS = 25
TURN: tuple[Action, ...] = (
    Click(x=120, y=112),
    Click(x=200, y=190),
    Type(text="Ada"),
    Press(keys=("Home",)),
    Scroll(x=900, y=400, dy=200),
)
"""A click that changes the page, one that sets the focus, typing, a key, and scrolling."""


def actions(count: int) -> list[Action]:
    return [TURN[number % len(TURN)] for number in range(count)]


async def ours(folder: Path, count: int) -> tuple[Marks, Path]:
    """One run of so many steps under bubblewrap; the marks and the trace."""
    marks = Marks()
    task = harness.Task(
        name="step", goal="Go on.", start="https://bench.test/", hosts={"bench.test": f"dir:{PAGES}"}
    )
    model = TimedModel(actions(count), marks)
    with RunFolder.create() as runtime:
        options = SandboxOptions(downloads=folder / "downloads", runtime=runtime.path)
        result = await harness.run(
            task,
            model=model,
            policy=POLICY,
            sandbox=TimedSandbox(BubblewrapSandbox(options), marks),
            approver="deny",
            traces=folder,
        )
    if result.outcome != "done" or model.refused:
        raise RuntimeError(f"the run ended as {result.outcome}: {result.reason}; {model.refused[:1]}")
    return marks, Path(result.trace)


async def plain(page: Page, count: int) -> list[float]:
    """Milliseconds of each action with its screenshot, by a script that does nothing else."""
    taken = []
    for action in actions(count):
        begun = time.perf_counter()
        match action:
            case Click(x=x, y=y):
                await page.mouse.click(x, y)
            case Type(text=text):
                await page.keyboard.type(text)
            case Press(keys=keys):
                await page.keyboard.press("+".join(keys))
            case Scroll(x=x, y=y, dx=dx, dy=dy):
                await page.mouse.move(x, y)
                await page.mouse.wheel(dx, dy)
            case _:
                raise AssertionError(action)
        await page.screenshot()
        taken.append((time.perf_counter() - begun) * 1000)
    return taken


def by_kind(times: list[float], prefix: str) -> dict[str, float]:
    """The median of each kind of action, of whole turns."""
    return {
        f"{prefix}{number}_{action.kind}_p50_ms": median(times[number :: len(TURN)])
        for number, action in enumerate(TURN)
    }


def beyond_pictures(trace: Path) -> float:
    """Bytes a step that a trace has beyond its unique screenshots and the run's own first and last line."""
    events = Trace.open(trace).events
    seen = [one.event.screenshot for one in events if isinstance(one.event, Observed)]
    blobs = {
        f"{file.parent.name}{file.name}": file.stat().st_size
        for file in (trace / "blobs").rglob("*")
        if file.is_file()
    }
    lines = sum(len(line) for line in (trace / "events.jsonl").read_bytes().splitlines(keepends=True)[1:-1])
    return (lines + sum(size for name, size in blobs.items() if name not in seen)) / len(seen)


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    rounds, count = (1, 10) if quick else (ROUNDS, STEPS)
    whole: list[float] = []
    own: list[float] = []
    theirs: list[float] = []
    weights: list[float] = []
    with tempfile.TemporaryDirectory() as place:
        async with site() as url, async_playwright() as playwright:
            browser = await launched(playwright)
            for number in range(rounds):
                marks, trace = await ours(Path(place) / str(number), count)
                weights.append(beyond_pictures(trace))
                whole += [
                    (after[0] - before[0]) * 1000 for before, after in pairwise(marks.asked[: count + 1])
                ]
                own += [outside * 1000 for _, outside in marks.steps()[:count]]
                page = await opened(browser, url)
                await pictured(page)
                theirs += await plain(page, count)
                await page.close()
            await browser.close()
    return {
        "step_ms": Figure(
            "full step, scripted model, bubblewrap, p50",
            "ms",
            median(whole),
            median(theirs),
            "plain Playwright: the action and one screenshot",
            150,
            detail={"steps": len(whole)} | by_kind(whole, "") | by_kind(theirs, "plain_"),
        ),
        "step_p90_ms": Figure(
            "full step, scripted model, bubblewrap, p90",
            "ms",
            percentile(whole, 90),
            percentile(theirs, 90),
            "the same",
        ),
        "step_own_ms": Figure(
            "harness's own time in these steps, p50",
            "ms",
            median(own),
            bar=10,
            detail={"p90_ms": percentile(own, 90), "share_of_step": median(own) / median(whole)},
        ),
        "trace_bytes_a_step": Figure(
            "trace beyond unique screenshots, real run, a step",
            "B",
            median(weights),
            bar=2000,
            detail={"most_B": max(weights)},
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
