"""The text that rules on the screen are compared with."""

from typing import Any

import pytest
from harness.action import Click
from harness.sandbox.page_text import LONGEST, visible_text

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILL = """async texts => {
  document.body.innerHTML = '<p>in the page</p><p style="display: none">hidden</p><div id="host"></div>';
  const root = document.getElementById('host').attachShadow({mode: 'open'});
  root.innerHTML = '<p>in the shadow</p>';
  document.body.innerText;
  const frame = document.createElement('iframe');
  const loaded = new Promise(done => frame.onload = done);
  frame.srcdoc = '<p>in the frame</p>';
  document.body.append(frame);
  await loaded;
}"""


async def test_text_is_read_in_frames_and_shadows_and_only_if_asked_for(flight: Any) -> None:
    pilot = await flight(read_text=True)
    await pilot.go("still.html")
    await pilot.tab.page.evaluate(FILL)
    text = (await pilot.see()).text
    for shown in ("in the page", "in the shadow", "in the frame"):
        assert shown in text
    assert "hidden" not in text
    quiet = await flight()
    assert (await quiet.go("still.html")).text is None


async def test_a_page_cannot_change_what_is_read(flight: Any) -> None:
    pilot = await flight(read_text=True)
    await pilot.go("still.html")
    lie = "Object.defineProperty(HTMLElement.prototype, 'innerText', {get: () => 'a lie'})"
    await pilot.tab.page.evaluate(f"document.body.innerHTML = '<p>the truth</p>'; {lie}; 0")
    assert "the truth" in (await pilot.see()).text


async def test_what_cannot_be_read_whole_is_not_known(flight: Any) -> None:
    pilot = await flight(read_text=True)
    await pilot.go("still.html")
    await pilot.tab.page.evaluate(f"document.body.innerText = 'x'.repeat({LONGEST + 1})")
    assert await visible_text(pilot.tab) is None


async def test_a_box_over_the_page_is_what_is_shown(flight: Any) -> None:
    pilot = await flight(read_text=True)
    await pilot.go("dialogs.html")
    await pilot.done(Click(x=60, y=75))
    assert (await pilot.see()).text == "confirm: 'Drink it?'"
