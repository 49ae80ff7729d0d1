"""What an action would touch, as the browser tells it and not the page.

    point ──hit test──▶ node ──enter frames of other processes──▶ node ──nearest thing that acts──▶ Target

Everything is asked over the debugging protocol: the hit test, the role and the accessible name come from the
browser itself; the rest from a world of our own in the frame (`ground_script`). A click inside a button, link
or control is that button's, link's or control's. A label keeps its own tag, text and box, and takes all else
from the control that a click on it reaches. The form of a text field is what Enter in it would submit, with
the override of the form's default button.

Where a page hides something from the accessibility tree, its role is its tag's and its name its label or
text. Text never holds what was typed.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from playwright.async_api import BrowserContext, CDPSession, Error, Page

from harness.clearance import Target
from harness.errors import ActionError, SandboxError
from harness.sandbox.fill import INSERT, WHERE, check
from harness.sandbox.ground_find import find
from harness.sandbox.ground_frames import Document, Lens, LostError, Point, Sessions, documents
from harness.sandbox.ground_node import (
    DEPTH,
    WORLD,
    Json,
    Look,
    Node,
    Spot,
    call,
    focused_in,
    inspect,
    lens_of,
    nearest,
    nodes_at,
    present,
    world_of,
)
from harness.sandbox.ground_target import describe, joined, submitter
from harness.secrets import Vault

_ATTEMPTS: Final = 8
_SEARCH: Final = 5
"""How much longer a search of a whole page may take than one answer."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class _Seen:
    """What was found at the last look through a session: a guess that saves a round trip."""

    scroll: tuple[int, int] = (0, 0)
    frame: str = ""


class Grounder:
    """Says what is under a point, and what has the focus, on any page of one context."""

    def __init__(self, context: BrowserContext, *, seconds: float = 2.0) -> None:
        """Take a context; nothing is opened until something is asked.

        Args:
            context: whose pages will be asked about.
            seconds: how long one answer may take.
        """
        self._sessions = Sessions(context)
        self._seconds = seconds
        self._seen: WeakKeyDictionary[CDPSession, _Seen] = WeakKeyDictionary()
        self._groups = itertools.count()

    async def at(self, page: Page, x: int, y: int) -> Target | None:
        """Say what a click at a point would reach.

        Args:
            page: the tab.
            x: CSS pixels from the left edge of the viewport.
            y: CSS pixels from its top edge.

        Returns:
            The target, or nothing if the point is outside the page or the page has no element there.

        Raises:
            SandboxError: if the page does not answer in time, is closed, or keeps changing.
        """

        async def look(session: CDPSession, look: Look) -> Target | None:
            node = await self._hit(page, session, (float(x), float(y)), look)
            return None if node is None else await describe(node, look)

        return await self._steadily(page, f"what is at ({x}, {y})", look)

    async def focused(self, page: Page) -> Target | None:
        """Say what a key would act on: the focused element, or the body of the focused frame.

        A field's target names the button that Enter in it presses.

        Returns:
            The target, or nothing if the document is empty.

        Raises:
            SandboxError: if the page does not answer in time, is closed, or keeps changing.
        """

        async def look(session: CDPSession, look: Look) -> Target | None:
            node = await self._focus(page, session, look)
            if node is None:
                return None
            target = await describe(node, look)
            if target is None or target.tag not in ("input", "select") or target.form_method is None:
                return target
            button = await submitter(node, look)
            pressed = await describe(button, look) if button is not None else None
            return target if pressed is None else joined(target, submitter=pressed)

        return await self._steadily(page, "what has the focus", look)

    async def find(self, page: Page, like: Target) -> tuple[Target, ...]:
        """Give the elements of a page that are what `like` is but for their place, or have its name.

        Raises:
            SandboxError: if the page does not answer in time, is closed, or keeps changing.
        """

        async def look(session: CDPSession, look: Look) -> tuple[Target, ...]:
            return tuple(await find(self._sessions, page, session, like, look))

        what = f"where {like.name or like.tag!r} is"
        return await self._steadily(page, what, look, seconds=_SEARCH * self._seconds)

    async def fill(self, page: Page, name: str, vault: Vault) -> tuple[str, int]:
        """Put a secret into the element that has the focus, at once, and name its frame and node.

        Raises:
            ActionError: if the frame is none of the secret's hosts', or the element takes no text.
            SandboxError: if the page does not answer in time, is closed, or keeps changing.
        """

        async def look(session: CDPSession, look: Look) -> tuple[str, int]:
            node = await self._focus(page, session, look)
            if node is None:
                raise ActionError("nothing has the focus; click the field first")
            spot = node.spot
            where = (await call(spot.session, look, node.handle, WHERE, value=True))["value"]
            held = check(vault.get(name), name, *where)
            values: list[Json] = [{"value": held.value}, {"value": where[0]}]
            said = await call(spot.session, look, node.handle, INSERT, *values, value=True)
            match said["value"]:
                case "done":
                    return spot.document.frame, spot.node
                case "moved":
                    raise LostError("the focus has just moved")
                case _:
                    raise ActionError(f"the field took no text; the secret {name!r} was not typed")

        return await self._steadily(page, "the field for a secret", look)

    async def focus(self, page: Page) -> str:
        """Name what has the focus: another name for another element, document or frame.

        Raises:
            SandboxError: if the page does not answer in time, is closed, or keeps changing.
        """

        async def look(session: CDPSession, look: Look) -> str:
            frame, loader, number = await self._focused_node(page, session, look)
            return f"{frame} {loader} {number}"

        return await self._steadily(page, "what has the focus", look)

    async def _steadily(
        self,
        page: Page,
        what: str,
        ask: Callable[[CDPSession, Look], Awaitable[_T]],
        *,
        seconds: float | None = None,
    ) -> _T:
        reason = "the page keeps changing"
        seconds = self._seconds if seconds is None else seconds
        try:
            async with asyncio.timeout(seconds):
                for attempt in range(_ATTEMPTS):
                    if page.is_closed():
                        break
                    try:
                        look = Look(f"{WORLD}-{next(self._groups)}")
                        return await ask(await self._sessions.page(page), look)
                    except (Error, LostError) as error:
                        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                        self._sessions.forget(page)
                        await asyncio.sleep(min(0.005 * 2**attempt, 0.04))
        except TimeoutError:
            reason = f"the page did not answer within {seconds:g} s; it may be busy, or a dialog may be open"
        if page.is_closed():
            reason = "the tab is closed"
        raise SandboxError(f"could not resolve {what}: {reason}; look at the screen again, then retry")

    async def _hit(self, page: Page, session: CDPSession, point: Point, look: Look) -> Node | None:
        above: Node | None = None
        for _ in range(DEPTH):
            spot, local = await self._hit_here(session, point, look)
            look.url = look.url or local[0].url
            if spot is None:
                return above
            node = await inspect(spot, look, focused=False)
            if node.child is None and node.shown["nodeName"] in {"IFRAME", "FRAME"}:
                raise LostError("the frame under it has just been taken out")
            if node.child is None or any(node.child == document.frame for document in local):
                return node
            lens = await lens_of(node, look)
            inside = lens.into(point)
            if inside is None:
                return node
            session, point, above = await self._sessions.frame(page, node.child), inside, node
            look.lenses.append(lens)
        raise LostError(f"frames are nested deeper than {DEPTH}")

    async def _hit_here(
        self, session: CDPSession, point: Point, look: Look
    ) -> tuple[Spot | None, list[Document]]:
        seen = self._seen.get(session, _Seen())
        layout, tree, world, found = await asyncio.gather(
            session.send("Page.getLayoutMetrics"),
            session.send("Page.getFrameTree"),
            world_of(session, seen.frame),
            nodes_at(session, point, seen.scroll),
        )
        scroll = (round(layout["cssLayoutViewport"]["pageX"]), round(layout["cssLayoutViewport"]["pageY"]))
        if scroll != seen.scroll:
            found = await nodes_at(session, point, scroll)
        local = list(documents(tree["frameTree"]))
        if not found:
            return None, local
        frames = set(found.values())
        document = next((each for each in local if each.frame in frames), None)
        if document is None:
            raise LostError("the frame under it has just been put in or taken out")
        if world is None or document.frame != seen.frame:
            world = await world_of(session, document.frame)
        self._seen[session] = _Seen(scroll, document.frame)
        spots = [
            Spot(session, document, present(world), number)
            for number, frame in found.items()
            if frame == document.frame
        ]
        if len(spots) > 1 and document is local[0]:
            return await nearest(spots, point, look), local
        return spots[0], local

    async def _focus(self, page: Page, session: CDPSession, look: Look) -> Node | None:
        frame: str | None = None
        above: Node | None = None
        for _ in range(DEPTH):
            local = list(documents((await session.send("Page.getFrameTree"))["frameTree"]))
            look.url = look.url or local[0].url
            document = next((each for each in local if each.frame == (frame or local[0].frame)), None)
            if document is None:
                raise LostError("the focused frame has just gone")
            world = present(await world_of(session, document.frame))
            focus = await focused_in(session, world, look)
            if focus is None:
                return above
            node = await inspect(Spot(session, document, world, focus), look, focused=True)
            if node.child is None:
                return node
            above, frame = node, node.child
            if all(frame != each.frame for each in local):
                look.lenses.append(await _drawn(node, look))
                session = await self._sessions.frame(page, frame)
        raise LostError(f"frames are nested deeper than {DEPTH}")

    async def _focused_node(self, page: Page, session: CDPSession, look: Look) -> tuple[str, str, int]:
        frame: str | None = None
        for _ in range(DEPTH):
            local = list(documents((await session.send("Page.getFrameTree"))["frameTree"]))
            document = next((each for each in local if each.frame == (frame or local[0].frame)), None)
            if document is None:
                raise LostError("the focused frame has just gone")
            focus = await focused_in(session, present(await world_of(session, document.frame)), look)
            if focus is None:
                return document.frame, document.loader, 0
            shown = (await session.send("DOM.describeNode", {"backendNodeId": focus}))["node"]
            frame = shown.get("frameId")
            if frame is None or frame == document.frame:
                return document.frame, document.loader, focus
            if all(frame != each.frame for each in local):
                session = await self._sessions.frame(page, frame)
        raise LostError(f"frames are nested deeper than {DEPTH}")


async def _drawn(node: Node, look: Look) -> Lens | None:
    try:
        return await lens_of(node, look)
    except LostError:  # a frame that is not drawn can have the focus
        return None
