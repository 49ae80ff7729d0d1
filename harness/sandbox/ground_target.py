"""The target that is made of a node."""

import asyncio
import hashlib
import json
from typing import Final

from playwright.async_api import CDPSession, Error

from harness.clearance import Box, Target
from harness.sandbox.ground_facts import FACTS, RELATED
from harness.sandbox.ground_frames import LostError, Quad, bounds
from harness.sandbox.ground_node import Json, Look, Node, Spot, call, inspect, resolve

_LONGEST: Final = {"name": 1000, "href": 8192, "form_action": 8192}
_ROLES: Final = {
    "DisclosureTriangle": "button",
    "DisclosureTriangleGrouped": "button",
    "RootWebArea": "document",
}


async def describe(node: Node, look: Look) -> Target | None:
    """Make the target of a node, and let go of all that was held of the page."""
    spot, session = node.spot, node.spot.session
    del look.lenses[node.depth :]
    over = await asyncio.gather(*(resolve(spot, number, look) for number in node.over))
    guess = node.over[0] if node.over and not node.focused else spot.node
    hidden = [{"objectId": each} for each in over]
    said, box, _ = await asyncio.gather(
        call(session, look, node.handle, FACTS, {"value": node.focused}, *hidden, value=True),
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


async def submitter(node: Node, look: Look) -> Node | None:
    """Find the default button of the form that a focused field is in; nothing if there is none."""
    spot = node.spot
    handle = await resolve(spot, spot.node, look)
    found = await call(spot.session, look, handle, RELATED, {"value": True}, {"value": "submitter"})
    if "objectId" not in found:
        return None
    shown = await spot.session.send("DOM.describeNode", {"objectId": found["objectId"]})
    number: int = shown["node"]["backendNodeId"]
    return await inspect(Spot(spot.session, spot.document, spot.world, number), look, focused=True)


def joined(target: Target, **others: Target | None) -> Target:
    """Give a target with others that belong to it; its fingerprint then covers theirs."""
    marks = [target.fingerprint, *(other.fingerprint if other else None for other in others.values())]
    mark = hashlib.sha256(json.dumps(marks).encode()).hexdigest()
    return target.model_copy(update={**others, "fingerprint": mark})


async def _related(node: Node, look: Look, want: str) -> tuple[int, Json | None]:
    spot, session = node.spot, node.spot.session
    handle, *over = await asyncio.gather(*(resolve(spot, each, look) for each in (spot.node, *node.over)))
    hidden = [{"objectId": each} for each in over]
    found = await call(session, look, handle, RELATED, {"value": node.focused}, {"value": want}, *hidden)
    if "objectId" not in found:
        raise LostError("what is under it has just changed")
    answers: list[Json] = await asyncio.gather(
        session.send("DOM.describeNode", {"objectId": found["objectId"]}),
        session.send(
            "Accessibility.getPartialAXTree", {"objectId": found["objectId"], "fetchRelatives": False}
        ),
        session.send("Runtime.releaseObjectGroup", {"objectGroup": look.group}),
    )
    shown, spoken, _ = answers
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
    # What the whole page says changes all the time, and nobody clicks on it for that.
    quiet = {"text": "", "name": ""} if fields["tag"] in ("body", "html") else {}
    marked = json.dumps([identity, fields | quiet], sort_keys=True)
    fingerprint = hashlib.sha256(marked.encode()).hexdigest()
    cut = {key: fields[key][:most] for key, most in _LONGEST.items() if fields[key]}
    return Target.model_validate(fields | cut | {"box": box, "fingerprint": fingerprint})
