"""A second look: the tooltip under the pointer, and a part of the screen enlarged."""

import base64

from harness.action import Zoom
from harness.sandbox.base import ActOutcome
from harness.sandbox.chrome import Piece, Pieces, crop, text_width, wrap
from harness.sandbox.tab import OpenTab
from harness.sandbox.words import clean
from harness.sandbox.worlds import title_at
from harness.screen import Screenshot

_SHARPEST = 4.0


async def tooltip_at(tab: OpenTab, size: tuple[int, int]) -> Pieces:
    """The tooltip of what the pointer rests on; empty if it has none.

    Raises:
        SandboxError: if the page crashed.
    """
    title = clean(await title_at(tab, *tab.pointer), 400, lines=True)
    return tooltip(title, tab.pointer, size) if title else ()


def tooltip(text: str, pointer: tuple[int, int], size: tuple[int, int]) -> Pieces:
    """Lay out a tooltip near the pointer, inside the screen."""
    width, height = size
    lines = wrap(text, min(400, width - 24), 8)
    wide = min(width, max(text_width(line) for line in lines) + 14)
    tall = 21 * len(lines) + 4
    left = max(0, min(pointer[0] + 8, width - wide))
    below = pointer[1] + 20
    top = below if below + tall <= height else max(0, pointer[1] - tall - 6)
    frame = Piece("tip", left, top, wide, tall)
    return (
        frame,
        *(
            Piece("label", left + 6, top + 2 + 21 * at, wide - 12, 21, line, role="tooltip")
            for at, line in enumerate(lines)
        ),
    )


async def zoom(tab: OpenTab, action: Zoom, size: tuple[int, int], drawn: bytes | None) -> ActOutcome:
    """Show a part of the screen enlarged, drawn anew by the browser so that small text is sharp.

    Args:
        tab: what to look at.
        action: the region.
        size: the viewport's width and height.
        drawn: a picture to cut from instead, where the harness drew over the page.
    """
    left, top, right, bottom = action.region
    width, height = size
    if not (0 <= left < right <= width and 0 <= top < bottom <= height):
        return ActOutcome(
            ok=False,
            message=f"the region {list(action.region)} is not left, top, right, bottom inside the screen,"
            f" which is {width} pixels wide and {height} high",
        )
    scale = max(1.0, min(_SHARPEST, width / (right - left), height / (bottom - top)))
    if drawn is not None:
        return ActOutcome(ok=True, image=Screenshot.of(crop(drawn, action.region, scale)))
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top, "scale": scale}
    metrics = await tab.send("Page.getLayoutMetrics")
    clip["x"] += metrics["cssVisualViewport"]["pageX"]
    clip["y"] += metrics["cssVisualViewport"]["pageY"]
    answer = await tab.send("Page.captureScreenshot", {"format": "png", "clip": clip}, 2 * tab.patience)
    return ActOutcome(ok=True, image=Screenshot.of(base64.b64decode(answer["data"])))
