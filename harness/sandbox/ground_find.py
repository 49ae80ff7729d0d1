"""Where on a page an element is that was described elsewhere: in every frame, and in every shadow root.

    each document ──same tag and facts──▶ elements ─┐
                 └─same accessible name─▶ elements ─┴─▶ described like anything under a pointer ──▶ Targets

The facts are asked in a world of our own, as `ground_script` says; the names come from the browser.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from playwright.async_api import CDPSession, Error, Page

from harness.clearance import Target
from harness.sandbox.ground_facts import search
from harness.sandbox.ground_frames import Document, Lens, LostError, Sessions, documents
from harness.sandbox.ground_node import (
    DEPTH,
    Json,
    Look,
    Spot,
    inspect,
    lens_of,
    present,
    world_of,
)
from harness.sandbox.ground_target import describe

MOST: Final = 24
"""Elements that are described at most in one document, of each kind."""
FRAMES: Final = 50
"""Documents that are searched at most."""

_SEARCH: Final = search(MOST)
_FACTS: Final = (
    "tag",
    "text",
    "href",
    "form_method",
    "form_action",
    "submits",
    "input_type",
    "editable",
    "password",
    "frame_origin",
)


async def find(sessions: Sessions, page: Page, session: CDPSession, like: Target, look: Look) -> list[Target]:
    """Give the elements of a page that are all that `like` is but for their place, or have its role and name.

    Raises:
        LostError: if the page changes meanwhile.
    """
    found: dict[str, Target] = {}
    searched = 0
    async for where, lenses in _everywhere(sessions, page, session, look):
        tree = (await where.send("Page.getFrameTree"))["frameTree"]
        local = list(documents(tree))
        look.url = look.url or local[0].url
        for document in local:
            searched += 1
            if searched > FRAMES:
                return list(found.values())
            for target in await _within(where, document, like, look, lenses):
                found[target.fingerprint] = target
    return list(found.values())


async def _everywhere(
    sessions: Sessions, page: Page, session: CDPSession, look: Look
) -> AsyncIterator[tuple[CDPSession, list[Lens | None]]]:
    """Give the session of the page, and those of its frames in other processes with how each is shown."""
    yield session, []
    known: list[tuple[CDPSession, list[Lens | None]]] = [(session, [])]
    apart = await sessions.apart(page)
    for _ in range(DEPTH):
        entered: list[str] = []
        for name in apart:
            for parent, lenses in known:
                lens = await _shown(parent, name, lenses, look)
                if lens is None:
                    continue
                inner = await sessions.frame(page, name)
                known.append((inner, [*lenses, lens]))
                entered.append(name)
                yield known[-1]
                break
        if not entered:
            return
        apart = {name: one for name, one in apart.items() if name not in entered}


async def _shown(session: CDPSession, frame: str, lenses: list[Lens | None], look: Look) -> Lens | None:
    try:
        owner: int = (await session.send("DOM.getFrameOwner", {"frameId": frame}))["backendNodeId"]
        shown = (await session.send("DOM.describeNode", {"backendNodeId": owner}))["node"]
        local = list(documents((await session.send("Page.getFrameTree"))["frameTree"]))
        home = next((one for one in local if one.frame == shown.get("parentFrameId")), local[0])
        world = present(await world_of(session, home.frame))
        look.lenses[:] = lenses
        node = await inspect(Spot(session, home, world, owner), look, focused=True)
        return await lens_of(node, look)
    except (Error, LostError):  # another frame's, or not drawn
        return None


async def _within(
    session: CDPSession, document: Document, like: Target, look: Look, lenses: list[Lens | None]
) -> list[Target]:
    world = await world_of(session, document.frame)
    if world is None:
        return []
    asked = {"expression": "document.documentElement", "contextId": world, "objectGroup": look.group}
    root: Json = (await session.send("Runtime.evaluate", asked))["result"]
    if "objectId" not in root:
        return []
    alike, named = await asyncio.gather(
        _alike(session, root["objectId"], like, look), _named(session, root["objectId"], like)
    )
    found: list[Target] = []
    for number in dict.fromkeys((*alike, *named)):
        look.lenses[:] = lenses
        node = await inspect(Spot(session, document, world, number), look, focused=True)
        target = await describe(node, look)
        if target is not None and target.box is not None and target.box.width > 0 and target.box.height > 0:
            found.append(target)
    return found


async def _alike(session: CDPSession, root: str, like: Target, look: Look) -> list[int]:
    facts: dict[str, Any] = {name: like.__dict__[name] for name in _FACTS}
    done = await session.send(
        "Runtime.callFunctionOn",
        {
            "objectId": root,
            "functionDeclaration": _SEARCH,
            "arguments": [{"value": facts}],
            "objectGroup": look.group,
        },
    )
    if "objectId" not in done["result"]:
        raise LostError("the page cannot be searched")
    listed = await session.send(
        "Runtime.getProperties", {"objectId": done["result"]["objectId"], "ownProperties": True}
    )
    handles = [
        one["value"]["objectId"]
        for one in listed["result"]
        if one["name"].isdigit() and "objectId" in one.get("value", {})
    ]
    shown = await asyncio.gather(
        *(session.send("DOM.describeNode", {"objectId": handle}) for handle in handles)
    )
    return [one["node"]["backendNodeId"] for one in shown]


async def _named(session: CDPSession, root: str, like: Target) -> list[int]:
    if not like.name:
        return []
    asked = {"objectId": root, "accessibleName": like.name}
    try:
        nodes: list[Json] = (await session.send("Accessibility.queryAXTree", asked))["nodes"]
    except Error:
        return []
    alive = [one for one in nodes if not one["ignored"] and "backendDOMNodeId" in one]
    return [one["backendDOMNodeId"] for one in alive][:MOST]
