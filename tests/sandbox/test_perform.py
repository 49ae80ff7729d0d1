"""Where actions begin, and whether that is on the screen."""

from typing import Any

import pytest
from harness.action import KINDS, Click, Drag, MouseUp, Point, Press, Wait, parse_action
from harness.sandbox.perform import outside, place_of

FIELDS: dict[str, dict[str, object]] = {
    "click": {"x": 5, "y": 5},
    "move": {"x": 5, "y": 5},
    "scroll": {"x": 5, "y": 5},
    "drag": {"path": [[5, 5], [6, 6]]},
    "type": {"text": "x"},
    "press": {"keys": ["a"]},
    "hold": {"keys": ["a"], "seconds": 0},
    "wait": {"seconds": 0},
    "zoom": {"region": [0, 0, 50, 50]},
    "goto": {"url": "about:blank"},
    "switch_tab": {"tab": 1},
    "upload": {"files": ["a"]},
    "ask_user": {"question": "?"},
}


def test_places() -> None:
    assert place_of(MouseUp(), (7, 8)) == (7, 8)
    assert place_of(MouseUp(x=1), (7, 8)) == (1, 8)
    assert place_of(Drag(path=(Point(x=1, y=2), Point(x=3, y=4))), (0, 0)) == (1, 2)
    assert place_of(Press(keys=("a",)), (0, 0)) is None


def test_the_edges_of_the_screen() -> None:
    assert outside(Click(x=99, y=49), (0, 0), (100, 50)) is None
    assert outside(Wait(), (0, 0), (100, 50)) is None
    for x, y in ((100, 0), (0, 50), (-1, 0)):
        assert "100 pixels wide and 50 high" in str(outside(Click(x=x, y=y), (0, 0), (100, 50)))


@pytest.mark.asyncio(loop_scope="session")
async def test_every_kind_has_an_outcome(pilot: Any) -> None:
    for kind in KINDS:
        outcome = await pilot.do(parse_action({"kind": kind, **FIELDS.get(kind, {})}))
        assert outcome.ok or outcome.message, kind
