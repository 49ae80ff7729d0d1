"""Asking a page from a world of our own, which the page cannot see or change."""

from typing import Any, Final, NamedTuple

from playwright.async_api import CDPSession

from harness.errors import SandboxError
from harness.sandbox.ground_frames import LostError, documents
from harness.sandbox.tab import OpenTab

WORLD: Final = "harness"
_DEPTH: Final = 8

_TITLE: Final = """function() {
  for (let e = this; e; e = e.assignedSlot || e.parentNode || e.host) {
    if (e.nodeType === 11) { e = e.host; if (!e) break; }
    if (e.nodeType !== 1) continue;
    if (e instanceof SVGElement) {
      const t = e.querySelector(':scope > title');
      if (t) return t.textContent.slice(0, 2000);
    }
    if (e.hasAttribute('title')) return e.getAttribute('title').slice(0, 2000);
  }
  return '';
}"""


class Found(NamedTuple):
    """An element that was found, in whichever frame."""

    session: CDPSession
    handle: str
    """Its object in our world."""
    x: float
    """Where its session's viewport begins on the screen."""
    y: float


async def find(tab: OpenTab, question: str, point: tuple[float, float] | None = None) -> Found | None:
    """Find an element by a question, going into the frames that it answers with.

    Args:
        tab: where.
        question: a JavaScript function that gives an element, a frame element to go into, or null. It takes
            x and y where a point is given.
        point: CSS pixels of the viewport.
    """
    session = tab.cdp
    tree = await tab.send("Page.getFrameTree")
    frame: str = tree["frameTree"]["frame"]["id"]
    local = {document.frame for document in documents(tree["frameTree"])}
    x = y = inner_x = inner_y = 0.0
    for _ in range(_DEPTH):
        world = await ask(tab, session, "Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD})
        at = f"{point[0] - inner_x - x}, {point[1] - inner_y - y}" if point else ""
        got = await ask(
            tab,
            session,
            "Runtime.evaluate",
            {
                "expression": f"({question})({at})",
                "contextId": world["executionContextId"],
                "objectGroup": WORLD,
            },
        )
        handle = got["result"].get("objectId")
        if handle is None:
            return None
        node = (await ask(tab, session, "DOM.describeNode", {"objectId": handle}))["node"]
        child = node.get("frameId")
        if child is None or node["nodeName"].upper() not in ("IFRAME", "FRAME", "OBJECT", "EMBED"):
            return Found(session, handle, x, y)
        model = (await ask(tab, session, "DOM.getBoxModel", {"objectId": handle}))["model"]
        left, top = model["content"][0], model["content"][1]
        if child in local:
            inner_x, inner_y, frame = left, top, child
            continue
        session = await tab.call(tab.sessions.frame(tab.page, child), "enter a frame")
        tree = await ask(tab, session, "Page.getFrameTree", {})
        frame = tree["frameTree"]["frame"]["id"]
        local = {document.frame for document in documents(tree["frameTree"])}
        x, y, inner_x, inner_y = x + left, y + top, 0.0, 0.0
    return None


async def ask(tab: OpenTab, session: CDPSession, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Call the debugging protocol of any of a tab's sessions."""
    answer: dict[str, Any] = await tab.call(session.send(method, params), method)
    return answer


async def call(tab: OpenTab, found: Found, function: str, *arguments: Any) -> Any:
    """Call a JavaScript function on an element, in our world, and give its value."""
    done = await ask(
        tab,
        found.session,
        "Runtime.callFunctionOn",
        {
            "objectId": found.handle,
            "functionDeclaration": function,
            "arguments": [{"value": argument} for argument in arguments],
            "returnByValue": True,
        },
    )
    return done["result"].get("value")


async def title_at(tab: OpenTab, x: int, y: int) -> str:
    """The `title` that the browser would show as a tooltip at a point; page text. Empty if there is none."""
    question = """(x, y) => {
      let e = document.elementFromPoint(x, y);
      while (e && e.shadowRoot) {
        const inner = e.shadowRoot.elementFromPoint(x, y);
        if (!inner || inner === e) break;
        e = inner;
      }
      return e;
    }"""
    try:
        found = await find(tab, question, (x, y))
        title = await call(tab, found, _TITLE) if found is not None else ""
    except (SandboxError, LostError):
        if tab.gone is not None:
            raise
        return ""
    return title if isinstance(title, str) else ""
