"""When a screen is still: two equal pictures, nothing on its way, and nothing that will stand in a moment."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from harness.errors import SandboxError
from harness.sandbox.motion import ending
from harness.sandbox.tab import OpenTab

SUBRESOURCES: Final = 1.0
"""Seconds to wait for requests other than the document itself."""
GRACE: Final = 5.0
"""Seconds beyond the cap in which a new document must draw something."""
FIRST_PATIENCE: Final = 0.5
"""Seconds after which a picture is asked for again: one asked for while documents change is lost."""
_UNREADY: Final = ("Unable to capture screenshot", "Not attached to an active page")


class Shot(NamedTuple):
    """A picture of a tab."""

    png: bytes
    """The PNG file."""
    settled: bool
    """Whether the screen was still."""


async def capture(tab: OpenTab) -> bytes:
    """Take one picture of what a tab shows, a PNG of one pixel a CSS pixel.

    Raises:
        SandboxError: if the page crashed or does not answer.
    """
    answer = await tab.send(
        "Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True}, 2 * tab.patience
    )
    return base64.b64decode(answer["data"])


async def _attempt(tab: OpenTab, seconds: float) -> bytes | None:
    """Take one picture, or nothing if a new document came or `seconds` passed: its answer may never come."""
    taking = asyncio.ensure_future(capture(tab))
    moving = asyncio.ensure_future(tab.moved(tab.documents))
    try:
        await asyncio.wait({taking, moving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return taking.result() if taking.done() else None
    finally:
        for task in (taking, moving):
            task.cancel()
        await asyncio.gather(taking, moving, return_exceptions=True)


async def settle(
    tab: OpenTab,
    cap: float,
    interrupted: Callable[[], bool],
    clock: Callable[[], float] | None = None,
    *,
    still: str | None = None,
) -> Shot | None:
    """Take pictures until two in a row are equal, or one is the one that is known to be still.

    Args:
        tab: what to look at.
        cap: seconds at most; then the last picture is given as not settled.
        interrupted: whether a dialog has opened, which stops all pictures.
        clock: seconds that only grow; the event loop's, if not given.
        still: the hex SHA-256 of a picture that is known to be of this screen when it is still.

    Returns:
        The picture, or nothing if a dialog opened.

    Raises:
        SandboxError: if the page crashed or does not answer.
    """
    now = clock or asyncio.get_running_loop().time
    end = now() + cap
    longest = 2 * tab.patience
    before, patience, hung = "", FIRST_PATIENCE, now() + longest
    while not interrupted():
        if tab.busy:
            await _quiet(tab, max(0.0, end - now()), interrupted)
            before = ""
        try:
            png = await _attempt(tab, max(0.1, min(patience, hung - now())))
        except SandboxError as error:
            if interrupted():
                return None
            if (
                tab.gone is not None
                or now() > end + GRACE
                or not any(sign in str(error) for sign in _UNREADY)
            ):
                raise
            # The old document's surface is gone and the new one's has not come.
            await asyncio.sleep(0.01)
            continue
        if png is None:
            if now() >= hung:
                raise SandboxError(f"no picture within {longest:g} s; the page's scripts may be in a loop")
            patience *= 2
            continue
        hung = now() + longest
        seen = hashlib.sha256(png).hexdigest()
        if not tab.busy and (
            seen == still or (seen == before and not await ending(tab, max(0.0, end - now())))
        ):
            return Shot(png, settled=True)
        if now() >= end:
            tab.forget()
            return Shot(png, settled=False)
        before = seen
    return None


async def _quiet(tab: OpenTab, left: float, interrupted: Callable[[], bool]) -> None:
    if not await tab.idle(left if tab.navigating else min(left, SUBRESOURCES), interrupted):
        tab.forget()


def _between_documents(error: SandboxError) -> bool:
    return any(sign in str(error) for sign in _UNREADY)
