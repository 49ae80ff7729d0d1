"""The frames of a page: which debugging session speaks for which, and where a point of one lies in another.

A session speaks for a page's main frame, or for a frame in another process, together with the frames below it
in the same process. Coordinates are CSS pixels of the viewport of a session's topmost frame.
"""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from weakref import WeakSet

from playwright.async_api import BrowserContext, CDPSession, Error, Frame, Page

from harness.clearance import Box

Point = tuple[float, float]
Quad = list[float]
"""Eight numbers: top left, top right, bottom right, bottom left, as the browser draws them."""


class LostError(Exception):
    """Something went away, or moved, while it was looked at. Looking again may help."""


@dataclass(frozen=True)
class Document:
    """A frame and what is loaded in it."""

    frame: str
    """The browser's name for the frame."""
    loader: str
    """The browser's name for this load of it."""
    url: str
    """Its address, with the fragment."""


@dataclass(frozen=True)
class Lens:
    """How an embedding element shows a frame of another process: a plane, perhaps in perspective."""

    matrix: tuple[float, ...]
    """Three by three: from the element's own plane, as a unit square, to the embedding viewport."""
    width: float
    height: float
    left: float
    """From the element's outer edge to the frame inside."""
    top: float
    inner: Point
    """Width and height of the frame inside."""

    @classmethod
    def over(cls, model: dict[str, Any], box: dict[str, Any]) -> Self:
        """Make one of an embedding element.

        Args:
            model: its `DOM.BoxModel`.
            box: what `FRAME_BOX` says of it.

        Raises:
            LostError: if the element has no area.
        """
        quad: Quad = model["border"]
        if not box["moved"]:  # then the frame is drawn from a whole pixel
            shift = [math.floor(at + 0.5) - at for at in model["content"][:2]]
            quad = [at + shift[i % 2] for i, at in enumerate(quad)]
        if box["width"] <= 0 or box["height"] <= 0:
            raise LostError("the frame under it has no area")
        inner = (box["inner"][0], box["inner"][1])
        return cls(_square_to(quad), box["width"], box["height"], box["left"], box["top"], inner)

    def into(self, point: Point) -> Point | None:
        """Carry a point into the frame; nothing if it falls on the element's border or padding."""
        u, v = _apply(_inverse(self.matrix), point)
        x, y = u * self.width - self.left, v * self.height - self.top
        return (x, y) if 0 <= x < self.inner[0] and 0 <= y < self.inner[1] else None

    def out(self, quad: Quad) -> Quad:
        """Carry a quad out of the frame."""
        corners = (
            _apply(self.matrix, ((x + self.left) / self.width, (y + self.top) / self.height))
            for x, y in zip(quad[::2], quad[1::2], strict=True)
        )
        return [number for corner in corners for number in corner]


def bounds(quad: Quad) -> Box:
    """Give the upright rectangle around a quad, to a hundredth of a pixel."""
    x, y = min(quad[::2]), min(quad[1::2])
    right, bottom = max(quad[::2]), max(quad[1::2])
    return Box(x=round(x, 2), y=round(y, 2), width=round(right - x, 2), height=round(bottom - y, 2))


def documents(tree: dict[str, Any]) -> Iterator[Document]:
    """Walk a `Page.FrameTree`, topmost first."""
    frame = tree["frame"]
    yield Document(frame["id"], frame["loaderId"], frame["url"] + frame.get("urlFragment", ""))
    for child in tree.get("childFrames", ()):
        yield from documents(child)


class Sessions:
    """The debugging sessions of a context, opened once for each page and each frame of another process."""

    def __init__(self, context: BrowserContext) -> None:
        self._context = context
        self._pages: dict[Page, CDPSession] = {}
        self._frames: dict[Page, dict[Frame, CDPSession]] = {}
        self._names: dict[Page, dict[str, CDPSession]] = {}
        self._enabled: WeakSet[CDPSession] = WeakSet()

    async def page(self, page: Page) -> CDPSession:
        """Give the session of a page's main frame."""
        known = self._pages.get(page)
        if known is None:
            known = await self._context.new_cdp_session(page)
            await known.send("Accessibility.enable")
            self._pages[page] = known
            page.once("close", self._drop)
            page.once("crash", self._drop)
        return known

    async def frame(self, page: Page, name: str) -> CDPSession:
        """Give the session of the frame that the browser calls `name`, in a process of its own.

        Raises:
            LostError: if no frame of the page has that name and a session.
        """
        names = self._names.setdefault(page, {})
        if name not in names:
            frames = self._frames.setdefault(page, {})
            new = [frame for frame in page.frames[1:] if frame not in frames]
            for frame, found in zip(new, await asyncio.gather(*map(self._try, new)), strict=True):
                if found is not None:
                    frames[frame] = found[1]
                    names[found[0]] = found[1]
        session = names.get(name)
        if session is None:
            raise LostError("the frame under it cannot be entered")
        if (
            session not in self._enabled
        ):  # here, not when it is opened: a frame that hangs must not stop the rest
            await session.send("Accessibility.enable")
            self._enabled.add(session)
        return session

    async def apart(self, page: Page) -> dict[str, CDPSession]:
        """Give the sessions of a page's frames in other processes, by the browser's names for them."""
        found = await asyncio.gather(*map(self._try, page.frames[1:]))
        return dict(one for one in found if one is not None)

    def forget(self, page: Page) -> None:
        """Look for a page's frames afresh."""
        self._frames.pop(page, None)
        self._names.pop(page, None)

    def _drop(self, page: Page) -> None:
        self._pages.pop(page, None)
        self.forget(page)

    async def _try(self, frame: Frame) -> tuple[str, CDPSession] | None:
        try:
            session = await self._context.new_cdp_session(frame)
            name: str = (await session.send("Target.getTargetInfo"))["targetInfo"]["targetId"]
        except Error:  # it lives in its parent's process, or has just gone
            return None
        return name, session


def _square_to(quad: Quad) -> tuple[float, ...]:
    x0, y0, x1, y1, x2, y2, x3, y3 = quad
    ax, ay, bx, by = x1 - x2, y1 - y2, x3 - x2, y3 - y2
    sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    area = ax * by - bx * ay
    if not math.isfinite(area) or abs(area) < 1e-9:
        raise LostError("the frame under it has no area")
    g, h = (sx * by - bx * sy) / area, (ax * sy - sx * ay) / area
    return (x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, 1.0)


def _inverse(m: tuple[float, ...]) -> tuple[float, ...]:
    a, b, c, d, e, f, g, h, i = m
    return (
        *(e * i - f * h, c * h - b * i, b * f - c * e),
        *(f * g - d * i, a * i - c * g, c * d - a * f),
        *(d * h - e * g, b * g - a * h, a * e - b * d),
    )


def _apply(m: tuple[float, ...], point: Point) -> Point:
    x, y = point
    scale = m[6] * x + m[7] * y + m[8]
    if abs(scale) < 1e-12:
        raise LostError("the frame under it is seen edge on")
    return (m[0] * x + m[1] * y + m[2]) / scale, (m[3] * x + m[4] * y + m[5]) / scale
