"""When a screen is still: two pictures in a row with the same hash, and nothing on its way."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from harness.errors import SandboxError
from harness.sandbox.tabs import OpenTab

SUBRESOURCES: Final = 1.0
"""Seconds to wait for requests other than the document itself."""

GRACE: Final = 5.0
"""Seconds beyond the cap in which a new document must draw something."""
_UNREADY: Final = "Unable to capture screenshot"


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
    answer = await tab.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True}, 10)
    return base64.b64decode(answer["data"])


async def settle(
    tab: OpenTab, cap: float, interrupted: Callable[[], bool], clock: Callable[[], float] | None = None
) -> Shot | None:
    """Take pictures until two in a row are equal.

    Args:
        tab: what to look at.
        cap: seconds at most; then the last picture is given as not settled.
        interrupted: whether a dialog has opened, which stops all pictures.
        clock: seconds that only grow; the event loop's, if not given.

    Returns:
        The picture, or nothing if a dialog opened.

    Raises:
        SandboxError: if the page crashed or does not answer.
    """
    now = clock or asyncio.get_running_loop().time
    end = now() + cap
    before = b""
    while not interrupted():
        if tab.busy:
            left = max(0.0, end - now())
            if not await tab.idle(left if tab.navigating else min(left, SUBRESOURCES), interrupted):
                tab.forget()
            before = b""
        try:
            png = await capture(tab)
        except SandboxError as error:
            if interrupted():
                return None
            if tab.gone is not None or now() > end + GRACE or _UNREADY not in str(error):
                raise
            # The old document's surface is gone and the new one's has not come.
            await asyncio.sleep(0.01)
            continue
        seen = hashlib.sha256(png).digest()
        if seen == before and not tab.busy:
            return Shot(png, settled=True)
        if now() >= end:
            tab.forget()
            return Shot(png, settled=False)
        before = seen
    return None
