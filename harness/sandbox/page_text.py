"""The visible text of a page, for rules about what the screen shows: page text, not to be trusted."""

from typing import Any, Final

from harness.errors import SandboxError
from harness.sandbox.ground_frames import documents
from harness.sandbox.tab import OpenTab
from harness.sandbox.worlds import WORLD, ask

LONGEST: Final = 200_000
"""Characters that are read; of a longer page rules do not know what it says."""
_FRAMES: Final = 50
_READ: Final = f"""(() => {{
  const texts = [], roots = [document.documentElement];
  let length = 0;
  while (roots.length && length <= {LONGEST}) {{
    const root = roots.pop();
    if (!root) continue;
    const parts = root.nodeType === 1 ? [root] : [...root.children];
    const text = parts.map(e => e.innerText || '').join('\\n');
    texts.push(text);
    length += text.length;
    for (const e of root.querySelectorAll('*')) if (e.shadowRoot) roots.push(e.shadowRoot);
  }}
  return [window.length, texts.join('\\n').slice(0, {LONGEST} + 1)];
}})()"""


async def visible_text(tab: OpenTab) -> str | None:
    """Read what a page shows as text, in all its frames, from a world that the page cannot change.

    Nothing if it cannot be read whole: too long, too many frames, a frame of another process, or no answer.

    Raises:
        SandboxError: if the page crashed.
    """
    try:
        tree = (await tab.send("Page.getFrameTree"))["frameTree"]
        frames = [document.frame for document in documents(tree)]
        if len(frames) > _FRAMES:
            return None
        texts: list[str] = []
        inside = 0
        for frame in frames:
            found = await _read(tab, frame)
            if found is None:
                return None
            inside += found[0]
            texts.append(found[1])
    except SandboxError:
        if tab.gone is not None:
            raise
        return None
    text = "\n".join(texts)
    # Frames that the tree does not have are of another process.
    return text if inside == len(frames) - 1 and len(text) <= LONGEST else None


async def _read(tab: OpenTab, frame: str) -> tuple[int, str] | None:
    made: dict[str, Any] = {"frameId": frame, "worldName": WORLD}
    world = await ask(tab, tab.cdp, "Page.createIsolatedWorld", made)
    wanted = {"expression": _READ, "contextId": world["executionContextId"], "returnByValue": True}
    answer = await ask(tab, tab.cdp, "Runtime.evaluate", wanted)
    match answer["result"].get("value"):
        case [int(inside), str(text)]:
            return inside, text
        case _:
            return None
