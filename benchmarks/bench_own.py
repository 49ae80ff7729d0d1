"""The harness's own time a step: policy, checkpoint, trace and bookkeeping, in a real run of many steps.

Everything is real but the browser: each step shows a new picture of usual size and has a target with a name,
and what the loop does between two calls of the model and the browser is measured.
"""

import asyncio
import io
import struct
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import harness
from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import HEIGHT, POLICY, WIDTH, Marks, TimedModel, TimedSandbox
from harness.action import Action, Click, Scroll, Type
from harness.clearance import Box, Target
from harness.sandbox.base import SandboxInfo
from harness.screen import Screen, Screenshot, Tab
from harness.testing import FakeSandbox
from PIL import Image, ImageDraw

STEPS = 1_000
WINDOW = 100


def picture() -> bytes:
    """A page of text, about 60 kB."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    brush = ImageDraw.Draw(image)
    for line in range(36):
        brush.text((20, 20 * line), f"{line}: {'Blue mug, tea pot, wooden spoon. ' * 6}", fill="black")
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


class Pictures(FakeSandbox):
    """Shows a new picture each time, and has a new target for each action."""

    def __init__(self) -> None:
        super().__init__(self._at)
        self._png = picture()
        self._number = 0

    @property
    def info(self) -> SandboxInfo:
        return SandboxInfo(kind="pictures", isolated=False)

    async def observe(self) -> Screen:
        self._number += 1
        # Bytes after a PNG's end are ignored, and make it another picture to whoever keeps them by hash.
        screenshot = Screenshot.of(self._png + struct.pack(">I", self._number))
        title = f"Orders {self._number}"
        tabs = (Tab(id=1, url=self.url, title=title, active=True),)
        return Screen(screenshot=screenshot, url=self.url, title=title, tabs=tabs)

    def _at(self, action: Action) -> Target | None:
        if isinstance(action, Scroll):
            return None
        return Target(
            role="button",
            name=f"Add order {self._number}",
            tag="button",
            text=f"Add order {self._number}",
            form_method="post",
            form_action="https://bench.test/orders",
            submits=True,
            frame_origin="https://bench.test",
            url=self.url,
            box=Box(x=320.5, y=self._number % 700, width=180.25, height=44),
            fingerprint=f"{self._number:064x}",
        )


def actions(count: int) -> Sequence[Action]:
    turns: list[Action] = [Click(x=412, y=300), Type(text="Ada Lovelace"), Scroll(x=640, y=360, dy=300)]
    return [turns[number % 3] for number in range(count)]


async def run(folder: Path, count: int) -> tuple[list[float], Path]:
    """Milliseconds of each step outside model and browser, and the trace."""
    marks = Marks()
    limits = harness.Limits(steps=count + 2)
    task = harness.Task(name="own", goal="Go on.", start="https://bench.test/", limits=limits)
    result = await harness.run(
        task,
        model=TimedModel(actions(count), marks),
        policy=POLICY,
        sandbox=TimedSandbox(Pictures(), marks),
        approver="deny",
        traces=folder,
    )
    if result.outcome != "done":
        raise RuntimeError(f"the run ended as {result.outcome}: {result.reason}")
    return [own * 1000 for _, own in marks.steps()], Path(result.trace)


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    count, window = (60, 20) if quick else (STEPS, WINDOW)
    with tempfile.TemporaryDirectory() as place:
        steps, _ = asyncio.run(run(Path(place), count))
    first, last = steps[:window], steps[-window:]
    return {
        "own_step_ms": Figure(
            "harness's own time a step, p50",
            "ms",
            median(steps),
            bar=10,
            detail={"p90_ms": percentile(steps, 90), "p99_ms": percentile(steps, 99), "steps": len(steps)},
        ),
        "own_step_growth": Figure(
            f"own time, last {window} of {len(steps):,} steps, p25",
            "ms",
            # What else the machine does only adds, and to the lower quartile last.
            percentile(last, 25),
            percentile(first, 25),
            f"first {window} steps",
            1.25,
            "ratio",
            {"last_p50_ms": median(last), "first_p50_ms": median(first)},
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
