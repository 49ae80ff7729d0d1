"""Whether a page moves and will soon stand: its last pixel may come after two equal pictures."""

from typing import Final

from harness.errors import SandboxError
from harness.sandbox.tab import OpenTab
from harness.sandbox.worlds import WORLD

_PATIENCE: Final = 0.5
"""Seconds that a page has to say so."""
_ENDING: Final = """(left => document.getAnimations().some(one => {
  if (one.playState !== 'running' || !one.effect || !(one.playbackRate > 0)) return false;
  const rest = (one.effect.getComputedTiming().endTime - one.currentTime) / one.playbackRate;
  return rest > 0 && rest <= left;
}))"""


async def ending(tab: OpenTab, left: float) -> bool:
    """Say whether a transition or an animation of the page is under way and ends within a time.

    One that goes on for longer, or for ever, is nothing to wait for. Those in frames are not looked at.

    Args:
        tab: what is looked at.
        left: the time, in seconds.

    Raises:
        SandboxError: if the page crashed.
    """
    try:
        made = {"frameId": tab.frame, "worldName": WORLD}
        world = await tab.send("Page.createIsolatedWorld", made, _PATIENCE)
        asked = {
            "expression": f"{_ENDING}({1000 * left:.0f})",
            "contextId": world["executionContextId"],
            "returnByValue": True,
        }
        answer = await tab.send("Runtime.evaluate", asked, _PATIENCE)
    except SandboxError:
        if tab.gone is not None:
            raise
        return False
    return answer["result"].get("value") is True
