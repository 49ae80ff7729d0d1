"""One session, recorded three ways: by the harness, by Playwright's tracing, and as an Inspect log.

A browser goes through a page of its own step by step, clicking and taking a screenshot. The same steps, with
the same pictures and the same words of a model, are written as a trace and as an Inspect log; Playwright
traces while the browser goes. Pictures are taken off each: what is left is what the step itself costs.
"""

import asyncio
import base64
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.bench_trace import start, step
from benchmarks.figures import Figure, Figures, main, median
from harness.sandbox.chromium import find_chromium
from harness.trace.writer import TraceWriter
from playwright.async_api import async_playwright

PAGE: Final = (
    "<!doctype html><title>Mugs</title><style>body{font:20px sans-serif}</style><h1>Mugs</h1><ul id=l></ul>"
    "<button onclick=\"l.append(Object.assign(document.createElement('li'), {textContent: "
    "'Blue mug ' + l.children.length}))\">Add to cart</button>"
)
_IMAGES: Final = (".png", ".jpeg", ".jpg", ".webp")


async def session(count: int, traced: Path | None) -> tuple[list[bytes], list[float]]:
    """Give the pictures of a session, and the milliseconds of each click."""
    pictures, taken = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), chromium_sandbox=False)
        context = await browser.new_context(viewport={"width": 1280, "height": 720})
        if traced:
            await context.tracing.start(screenshots=True, snapshots=True)
        page = await context.new_page()
        await page.set_content(PAGE)
        for _ in range(count):
            began = time.perf_counter()
            await page.get_by_text("Add to cart").click()
            taken.append((time.perf_counter() - began) * 1e3)
            pictures.append(await page.screenshot())
        if traced:
            await context.tracing.stop(path=traced)
        await browser.close()
    return pictures, taken


def ours(folder: Path, pictures: Sequence[bytes]) -> float:
    """Write the session as a trace, and give the milliseconds of a step."""
    taken = []
    writer = TraceWriter.create(folder, now=lambda: datetime.now(UTC))
    writer.write(start())
    for number, picture in enumerate(pictures, 1):
        began = time.perf_counter()
        shot, raw = writer.blob(picture), writer.blob(f"said {number}".encode())
        for event in step(number, shot, raw, 0):
            writer.write(event, sync=event.kind in ("acting", "acted"))
        taken.append((time.perf_counter() - began) * 1e3)
    writer.close()
    return median(taken)


def inspects(file: Path, pictures: Sequence[bytes]) -> float:
    """Write the session as an Inspect log, and give the milliseconds of a step: all of it over all steps."""
    from inspect_ai.event import ModelEvent  # noqa: PLC0415 - an extra
    from inspect_ai.log import (  # noqa: PLC0415
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalSample,
        EvalSpec,
        write_eval_log,
    )
    from inspect_ai.model import (  # noqa: PLC0415
        ChatMessage,
        ChatMessageAssistant,
        ChatMessageTool,
        ChatMessageUser,
        ContentImage,
        GenerateConfig,
        ModelOutput,
    )
    from inspect_ai.tool import ToolCall  # noqa: PLC0415

    began = time.perf_counter()
    messages: list[ChatMessage] = [ChatMessageUser(content="Buy mugs.")]
    events = []
    for number, picture in enumerate(pictures):
        call = ToolCall(
            id=str(number), function="computer", arguments={"action": "left_click", "x": 60, "y": 9}
        )
        said = ChatMessageAssistant(content=f'click "Add to cart" on page {number}', tool_calls=[call])
        output = ModelOutput.from_message(said)
        events.append(
            ModelEvent(
                model="scripted",
                input=[*messages],
                tools=[],
                tool_choice="auto",
                config=GenerateConfig(),
                output=output,
            )
        )
        image = ContentImage(image=f"data:image/png;base64,{base64.b64encode(picture).decode()}")
        messages += [said, ChatMessageTool(content=[image], tool_call_id=str(number), function="computer")]
    sample = EvalSample(id=1, epoch=1, input="Buy mugs.", target="", messages=messages, events=events)
    spec = EvalSpec(
        created=datetime.now(UTC).isoformat(),
        task="bench",
        dataset=EvalDataset(),
        model="scripted",
        config=EvalConfig(),
    )
    write_eval_log(EvalLog(eval=spec, status="success", samples=[sample]), str(file), format="eval")
    return (time.perf_counter() - began) * 1e3 / len(pictures)


def packed(file: Path) -> int:
    """Bytes of a zip file without its pictures."""
    with zipfile.ZipFile(file) as pack:
        pictures = [one for one in pack.infolist() if one.filename.endswith(_IMAGES)]
    return file.stat().st_size - sum(one.compress_size for one in pictures)


def unpacked(file: Path) -> int:
    """Bytes of what is in a zip file, without its pictures."""
    with zipfile.ZipFile(file) as pack:
        return sum(one.file_size for one in pack.infolist() if not one.filename.endswith(_IMAGES))


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    count = 5 if quick else 50
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        pictures, plain = await session(count, None)
        _, traced = await session(count, root / "playwright.zip")
        taken = await asyncio.to_thread(ours, root / "ours", pictures)
        inspected = await asyncio.to_thread(inspects, root / "log.eval", pictures)
        first, *rest = (root / "ours" / "events.jsonl").read_bytes().splitlines(keepends=True)
        lines = sum(map(len, rest)) / count
        encoded = sum(len(base64.b64encode(one)) for one in set(pictures))
        inspect_raw = (unpacked(root / "log.eval") - encoded) / count
        playwright = root / "playwright.zip"
        detail = {
            "ours_packed_B": len(zlib.compress(b"".join(rest))) / count,
            "playwright_raw_B": unpacked(playwright) / count,
            "playwright_packed_B": packed(playwright) / count,
        }
    return {
        "recording_bytes_a_step": Figure(
            f"a step on record beyond its picture, {count} steps",
            "B",
            lines,
            inspect_raw,
            "an Inspect log, unpacked",
            2000,
            detail={**detail, "first_line_B": len(first)},
        ),
        "recording_ms_a_step": Figure(
            "recording a step, fsynced at its action",
            "ms",
            taken,
            median(traced) - median(plain),
            "what Playwright's tracing adds to a click",
            detail={"inspect_ms": inspected, "plain_click_ms": median(plain)},
        ),
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
