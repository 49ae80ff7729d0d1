"""A run as pictures in order: the screen before each action, the point of it, and a line that says what."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from harness.clearance import Act
from harness.errors import TraceError
from harness.screen import Screenshot
from harness.trace.reader import Trace
from harness.trace.timeline import Deed, Step, timeline
from harness.trace.words import OUTCOMES
from harness.words import describe, points, visible

WIDTH = 960
"""Pixels a frame is wide at most."""
BAR = 34
"""Pixels of the line below the picture."""
SHORTEST, LONGEST, LAST = 0.6, 2.5, 3.0
"""Seconds that a frame is shown: at least, at most, and at the end."""
MOST = 600
"""Frames at most; of a longer run every second, third … action is shown."""
_MOST_PIXELS = 50_000_000
_SAYS = 110
_COLOURS = {"done": "#1a7f37", "refused": "#cf222e", "failed": "#bc4c00", "": "#57606a"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, and for how long it is shown."""

    image: Image.Image
    seconds: float


@dataclass(frozen=True, slots=True)
class _Plan:
    screenshot: str
    caption: str
    mood: str
    places: tuple[tuple[int, int], ...]
    seconds: float


def frames(trace: Trace, *, speed: float = 1.0) -> Iterator[Frame]:
    """Draw a run, a frame an action; times are the real ones divided by `speed`, within bounds.

    Raises:
        TraceError: if a picture is damaged, or there is none.
    """
    plans = _plans(trace, speed)
    if not plans:
        raise TraceError(f"{trace.folder}: nothing was seen in this run, so there is nothing to show")
    every = -(-len(plans) // MOST)
    kept = plans[:-1][::every] + plans[-1:]
    size: tuple[int, int] | None = None
    for plan in kept:
        shot = _opened(trace.blobs.get(plan.screenshot))
        size = size or _fitting(shot.size)
        yield Frame(_drawn(shot, plan, size), plan.seconds)


def _plans(trace: Trace, speed: float) -> list[_Plan]:
    found: list[_Plan] = []
    screenshot = ""
    for step in timeline(trace).steps:
        screenshot = step.observed.screenshot if step.observed else screenshot
        if not screenshot or not step.number:
            continue
        deeds = [one for one in step.deeds if one.action is not None or one.refused]
        taken = sum((one.result.seconds for one in deeds if one.result), start=0.0)
        taken += step.reply.seconds if step.reply else 0.0
        shown = min(max(taken / speed / max(len(deeds), 1), SHORTEST), LONGEST)
        found += [_planned(step, deed, screenshot, shown) for deed in deeds]
        if not deeds:
            said = step.reply.thought if step.reply else "no answer"
            found.append(_Plan(screenshot, f"{step.number}. {visible(said, _SAYS)}", "", (), shown))
    finish = trace.finish
    if screenshot:
        outcome = OUTCOMES[finish.outcome if finish else "unfinished"]
        why = f": {visible(finish.reason, _SAYS)}" if finish and finish.reason else ""
        mood = "done" if finish and finish.outcome == "done" else "refused"
        found.append(_Plan(screenshot, f"{outcome}{why}", mood, (), LAST))
    return found


def _planned(step: Step, deed: Deed, screenshot: str, shown: float) -> _Plan:
    words = describe(Act(action=deed.action, target=deed.target)) if deed.action else deed.words
    verdict = deed.verdicts[-1] if deed.verdicts else None
    asked = [one.given.approval.decision for one in deed.askings if one.given]
    status = deed.result.status if deed.result else "refused" if deed.refused else ""
    judged: str = "" if verdict is None else verdict.outcome
    judged += f", person: {asked[-1]}" if asked else ""
    judged += f" by {verdict.rule}" if verdict is not None and deed.refused else ""
    tail = f" [{visible(judged, 60)}]" if judged else ""
    places = points(deed.action) if deed.action else ()
    return _Plan(screenshot, f"{step.number}. {words[:_SAYS]}{tail}", status, places, shown)


def _opened(png: bytes) -> Image.Image:
    try:
        shot = Screenshot.of(png)
        if shot.width * shot.height > _MOST_PIXELS:
            raise TraceError(f"a picture of {shot.width} by {shot.height} pixels is too large to be shown")
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            return picture.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        raise TraceError(f"a picture cannot be read: {error}") from error


def _fitting(size: tuple[int, int]) -> tuple[int, int]:
    width, height = size
    scale = min(1.0, WIDTH / width)
    return max(round(width * scale) // 2 * 2, 2), max(round(height * scale) // 2 * 2, 2)


def _drawn(shot: Image.Image, plan: _Plan, size: tuple[int, int]) -> Image.Image:
    across, down = size[0] / shot.width, size[1] / shot.height
    image = Image.new("RGB", (size[0], size[1] + BAR), "#24292f")
    image.paste(shot.resize(size, Image.Resampling.LANCZOS))
    draw = ImageDraw.Draw(image)
    colour = _COLOURS.get(plan.mood, _COLOURS[""])
    marks = [(x * across, y * down) for x, y in plan.places]
    if len(marks) > 1:
        draw.line(marks, fill=colour, width=3)
    if marks:
        x, y = marks[-1]
        draw.ellipse((x - 14, y - 14, x + 14, y + 14), outline=colour, width=4)
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
    draw.rectangle((0, size[1], 8, size[1] + BAR), fill=colour)
    font = ImageFont.load_default(size=15)
    draw.text((16, size[1] + 8), _short(plan.caption, font, size[0] - 24), fill="white", font=font)
    return image


def _short(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, most: int) -> str:
    if font.getlength(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle] + "…") <= most else (low, middle - 1)
    return text[:low] + "…"
