"""One node: how it is found in a frame, what the browser says of it, and the target made of that."""

import asyncio
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import CDPSession, Error

from harness.clearance import Box, Target
from harness.sandbox.ground_frames import Document, Lens, LostError, Point, Quad, bounds
from harness.sandbox.ground_script import FACTS, FOCUS, FOCUS_WITHIN, RELATED

WORLD: Final = "harness"
"""Names the worlds of our own in frames; pages cannot see it."""
DEPTH: Final = 32
"""How many frames, shadow roots or acting elements may be nested."""

_LONGEST: Final = {"name": 1000, "href": 8192, "form_action": 8192}
_PLAIN_ROLES: Final = frozenset(
    {"article", "banner", "complementary", "contentinfo", "document", "form", "generic", "group", "heading"}
    | {"list", "listitem", "main", "navigation", "none", "paragraph", "region", "row", "rowgroup", "table"}
    | {"RootWebArea"}
)

_ROLES: Final = {
    "DisclosureTriangle": "button",
    "DisclosureTriangleGrouped": "button",
    "RootWebArea": "document",
}

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


async def lens_of(session: CDPSession, node: int) -> Lens | None:
    try:
        return Lens.over((await session.send("DOM.getBoxModel", {"backendNodeId": node}))["model"])
    except (Error, LostError):  # a frame that is not drawn can have the focus
        return None


async def node_at(session: CDPSession, point: Point, scroll: tuple[int, int]) -> Json | None:
    # The browser, too, hit-tests a mouse event at whole pixels, rounded down.
    where = {"x": math.floor(point[0]) + scroll[0], "y": math.floor(point[1]) + scroll[1]}
    try:
        found: Json = await session.send("DOM.getNodeForLocation", where)
    except Error as error:
        if "No node found" in str(error):
            return None
        raise
    return found


async def _call(
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


async def _resolve(spot: Spot, node: int, look: Look) -> str:
    where = {"backendNodeId": node, "executionContextId": spot.world, "objectGroup": look.group}
    handle: str = (await spot.session.send("DOM.resolveNode", where))["object"]["objectId"]
    return handle


async def inspect(spot: Spot, look: Look, *, focused: bool) -> Node:
    """Ask what the browser says of a node."""
    name = {"backendNodeId": spot.node}
    shown, chain, handle = await asyncio.gather(
        spot.session.send("DOM.describeNode", name),
        spot.session.send("Accessibility.getAXNodeAndAncestors", name),
        _resolve(spot, spot.node, look),
    )
    near = {each["backendDOMNodeId"]: each for each in chain["nodes"] if "backendDOMNodeId" in each}
    over = [number for number, each in near.items() if number != spot.node and _may_act(each)]
    return Node(spot, shown["node"], tuple(over[:DEPTH]), near, handle, focused)


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
        result = await _call(session, look, root["object"]["objectId"], FOCUS_WITHIN)
    return found


async def describe(node: Node, look: Look) -> Target | None:
    """Make the target of a node, and let go of all that was held of the page."""
    spot, session = node.spot, node.spot.session
    over = await asyncio.gather(*(_resolve(spot, number, look) for number in node.over))
    guess = node.over[0] if node.over and not node.focused else spot.node
    hidden = [{"objectId": each} for each in over]
    said, box, _ = await asyncio.gather(
        _call(session, look, node.handle, FACTS, {"value": node.focused}, *hidden, value=True),
        box_of(session, guess, look),
        session.send("Runtime.releaseObjectGroup", {"objectGroup": look.group}),
    )
    facts: Json | None = said["value"]
    if facts is None:
        return None
    if facts["index"] >= 0:
        number = (spot.node, *node.over)[facts["index"]]
        spoken = node.spoken.get(number)
    else:
        number, spoken = await _related(node, look, "element")
    identity: list[str | int] = [spot.document.frame, spot.document.loader, number]
    if number != guess:
        box = await box_of(session, number, look)
    box = box or await box_of(session, spot.node, look)
    if box is None and facts["target"]["tag"] == "area":
        box = await box_of(session, (await _related(node, look, "image"))[0], look)
    if facts["labels"]:
        number, spoken = await _related(node, look, "control")
        identity.append(number)
    return _target(facts, spoken, identity, look.url, box)


async def _related(node: Node, look: Look, want: str) -> tuple[int, Json | None]:
    spot, session = node.spot, node.spot.session
    handle, *over = await asyncio.gather(*(_resolve(spot, each, look) for each in (spot.node, *node.over)))
    hidden = [{"objectId": each} for each in over]
    found = await _call(session, look, handle, RELATED, {"value": node.focused}, {"value": want}, *hidden)
    if "objectId" not in found:
        raise LostError("what is under it has just changed")
    shown, spoken, _ = await asyncio.gather(
        session.send("DOM.describeNode", {"objectId": found["objectId"]}),
        session.send(
            "Accessibility.getPartialAXTree", {"objectId": found["objectId"], "fetchRelatives": False}
        ),
        session.send("Runtime.releaseObjectGroup", {"objectGroup": look.group}),
    )
    return shown["node"]["backendNodeId"], next(iter(spoken["nodes"]), None)


async def box_of(session: CDPSession, node: int, look: Look) -> Box | None:
    """Give where a node is on the page's viewport; nothing if it has no box, as with `display: contents`."""
    if None in look.lenses:
        return None
    try:
        quad: Quad = (await session.send("DOM.getBoxModel", {"backendNodeId": node}))["model"]["border"]
    except Error:
        return None
    for lens in reversed(look.lenses):
        quad = quad if lens is None else lens.out(quad)
    return bounds(quad)


def _target(facts: Json, spoken: Json | None, identity: list[str | int], url: str, box: Box | None) -> Target:
    native, plain = facts["native_role"], facts["plain_name"]
    if spoken is None or spoken["ignored"]:
        role, name = native or "generic", plain if native else ""
    else:
        role, name = spoken["role"]["value"], spoken.get("name", {}).get("value", "")
        if spoken["role"]["type"] == "internalRole":
            role = _ROLES.get(role, role.lower())
    fields: Json = facts["target"] | {"role": role, "name": name, "url": url}
    fingerprint = hashlib.sha256(json.dumps([identity, fields], sort_keys=True).encode()).hexdigest()
    cut = {key: fields[key][:most] for key, most in _LONGEST.items() if fields[key]}
    return Target.model_validate(fields | cut | {"box": box, "fingerprint": fingerprint})
