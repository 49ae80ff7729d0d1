"""One node: how it is found in a frame, and what the browser says of it."""

import asyncio
import math
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import CDPSession, Error

from harness.sandbox.ground_frames import Document, Lens, LostError, Point
from harness.sandbox.ground_script import FOCUS, FOCUS_WITHIN, FRAME_BOX, NEAREST

WORLD: Final = "harness"
"""Names the worlds of our own in frames; pages cannot see it."""
DEPTH: Final = 32
"""How many frames, shadow roots or acting elements may be nested."""

_PLAIN_ROLES: Final = frozenset(
    {"article", "banner", "complementary", "contentinfo", "document", "form", "generic", "group", "heading"}
    | {"list", "listitem", "main", "navigation", "none", "paragraph", "region", "row", "rowgroup", "table"}
    | {"RootWebArea"}
)

Json = dict[str, Any]


@dataclass
class Look:
    """One resolution under way."""

    group: str
    """Names the page's objects that are held for it."""
    url: str = ""
    """The address of the tab."""
    lenses: list[Lens | None] = field(default_factory=list)
    """The frames of other processes entered so far; nothing for one that is not drawn."""


@dataclass(frozen=True)
class Spot:
    """A node in a document, in the scope of one session."""

    session: CDPSession
    document: Document
    world: int
    node: int


@dataclass(frozen=True)
class Node:
    """A spot, and what the browser says of it."""

    spot: Spot
    shown: Json
    """A `DOM.Node`."""
    over: tuple[int, ...]
    """Nodes around it that may act, nearest first, closed shadow roots included."""
    spoken: dict[int, Json]
    """The `Accessibility.AXNode`s of it and of those."""
    handle: str
    """Its object in the world of its frame."""
    focused: bool
    """Whether it was found by the focus; else by a point."""
    depth: int
    """How many frames of other processes it is in."""

    @property
    def child(self) -> str | None:
        """The frame it embeds."""
        name: str | None = self.shown.get("frameId")
        return None if name == self.spot.document.frame else name


def present(world: int | None) -> int:
    if world is None:
        raise LostError("the frame under it has just gone")
    return world


async def world_of(session: CDPSession, frame: str) -> int | None:
    if not frame:
        return None
    try:
        made = await session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD})
    except Error:
        return None
    world: int = made["executionContextId"]
    return world


async def lens_of(node: Node, look: Look) -> Lens:
    """Tell how a node shows the frame of another process that it embeds.

    Raises:
        LostError: if it is not drawn.
    """
    session = node.spot.session
    try:
        drawn, box = await asyncio.gather(
            session.send("DOM.getBoxModel", {"backendNodeId": node.spot.node}),
            call(session, look, node.handle, FRAME_BOX, value=True),
        )
    except Error as error:
        raise LostError("the frame under it is not drawn") from error
    return Lens.over(drawn["model"], box["value"])


async def nodes_at(session: CDPSession, point: Point, scroll: tuple[int, int]) -> dict[int, str]:
    """Give the nodes that may be at a point of the viewport, each with its frame.

    The protocol hit-tests whole pixels. In a frame that lies between the pixels of the page a mouse event
    does not fall on one, and may reach what is at any of its neighbours.
    """
    across, down = ({math.floor(at), math.ceil(at - 0.01)} for at in point)
    found = await asyncio.gather(
        *(_node_at(session, x + scroll[0], y + scroll[1]) for y in sorted(down) for x in sorted(across))
    )
    return {each["backendNodeId"]: each["frameId"] for each in found if each is not None}


async def _node_at(session: CDPSession, x: int, y: int) -> Json | None:
    try:
        found: Json = await session.send("DOM.getNodeForLocation", {"x": x, "y": y})
    except Error as error:
        if "No node found" in str(error):
            return None
        raise
    return found


async def nearest(spots: list[Spot], point: Point, look: Look) -> Spot:
    """Tell which of several nodes of a frame is at a point of its viewport.

    Raises:
        LostError: if none is.
    """
    first, *others = await asyncio.gather(*(resolve(spot, spot.node, look) for spot in spots))
    more: list[Json] = [{"value": point[0]}, {"value": point[1]}, *({"objectId": each} for each in others)]
    index: int = (await call(spots[0].session, look, first, NEAREST, *more, value=True))["value"]
    if index < 0:
        raise LostError("it is between two elements")
    return spots[index]


async def call(
    session: CDPSession, look: Look, handle: str, function: str, *arguments: Json, value: bool = False
) -> Json:
    done = await session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": handle,
            "functionDeclaration": function,
            "arguments": list(arguments),
            "objectGroup": look.group,
            "returnByValue": value,
        },
    )
    if "exceptionDetails" in done:
        raise LostError(
            f"asking failed: {done['exceptionDetails'].get('exception', {}).get('description', '')}"
        )
    result: Json = done["result"]
    return result


async def resolve(spot: Spot, node: int, look: Look) -> str:
    where = {"backendNodeId": node, "executionContextId": spot.world, "objectGroup": look.group}
    handle: str = (await spot.session.send("DOM.resolveNode", where))["object"]["objectId"]
    return handle


async def inspect(spot: Spot, look: Look, *, focused: bool) -> Node:
    """Ask what the browser says of a node."""
    name = {"backendNodeId": spot.node}
    shown, chain, handle = await asyncio.gather(
        spot.session.send("DOM.describeNode", name),
        spot.session.send("Accessibility.getAXNodeAndAncestors", name),
        resolve(spot, spot.node, look),
    )
    near = {each["backendDOMNodeId"]: each for each in chain["nodes"] if "backendDOMNodeId" in each}
    over = [number for number, each in near.items() if number != spot.node and _may_act(each)]
    return Node(spot, shown["node"], tuple(over[:DEPTH]), near, handle, focused, len(look.lenses))


def _may_act(node: Json) -> bool:
    if node["ignored"]:
        return any(reason["name"] != "uninteresting" for reason in node.get("ignoredReasons", ()))
    return node["role"]["value"] not in _PLAIN_ROLES


async def focused_in(session: CDPSession, world: int, look: Look) -> int | None:
    asked = {"expression": f"({FOCUS})()", "contextId": world, "objectGroup": look.group}
    result: Json = (await session.send("Runtime.evaluate", asked))["result"]
    found: int | None = None
    for _ in range(DEPTH):
        if "objectId" not in result:
            break
        node = (await session.send("DOM.describeNode", {"objectId": result["objectId"]}))["node"]
        found = node["backendNodeId"]
        closed = [root for root in node.get("shadowRoots", ()) if root["shadowRootType"] == "closed"]
        if not closed:
            break
        where = {"backendNodeId": closed[0]["backendNodeId"], "executionContextId": world}
        root = await session.send("DOM.resolveNode", where | {"objectGroup": look.group})
        result = await call(session, look, root["object"]["objectId"], FOCUS_WITHIN)
    return found
