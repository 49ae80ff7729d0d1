"""Tooltips and zoom."""

import io
from typing import Any

import pytest
from harness.action import Click, Move, Zoom
from harness.sandbox.look import tooltip
from harness.sandbox.worlds import title_at
from PIL import Image

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("y", "title"), [(35, "A plain tip"), (75, ""), (110, "from the host"), (220, "in a frame"), (400, "")]
)
async def test_titles_are_found_through_shadows_and_frames(pilot: Any, y: int, title: str) -> None:
    await pilot.go("tips.html")
    assert await title_at(pilot.tab, 40, y) == title


async def test_a_tooltip_is_drawn_while_the_pointer_rests(pilot: Any) -> None:
    plain = await pilot.go("tips.html")
    await pilot.done(Move(x=40, y=35))
    assert (await pilot.see()).screenshot.sha256 != plain.screenshot.sha256
    await pilot.done(Click(x=40, y=35))
    assert (await pilot.see()).screenshot.sha256 == plain.screenshot.sha256


def _inside(pieces: Any) -> bool:
    return all(p.x >= 0 and p.y >= 0 and p.x + p.width <= 1280 and p.y + p.height <= 720 for p in pieces)


async def test_a_tooltip_stays_on_the_screen() -> None:
    for point in ((0, 0), (1279, 719), (1279, 0), (0, 719)):
        assert _inside(tooltip("a tip " * 40, point, (1280, 720)))


async def test_zoom_draws_small_print_anew(pilot: Any) -> None:
    await pilot.go("tips.html")
    seen = await pilot.see()
    outcome = await pilot.do(Zoom(region=(300, 90, 400, 140)))
    assert outcome.image is not None
    assert (outcome.image.width, outcome.image.height) == (400, 200)
    with (
        Image.open(io.BytesIO(seen.screenshot.png)) as screen,
        Image.open(io.BytesIO(outcome.image.png)) as sharp,
    ):
        coarse = screen.convert("L").crop((300, 90, 400, 140)).resize((400, 200))
        assert min(sharp.convert("L").tobytes()) <= min(coarse.tobytes())
    assert (await pilot.see()).screenshot.sha256 == seen.screenshot.sha256


@pytest.mark.parametrize("region", [(0, 0, 1281, 10), (-1, 0, 5, 5), (10, 10, 10, 20), (20, 20, 10, 30)])
async def test_a_region_off_the_screen_is_refused(pilot: Any, region: Any) -> None:
    outcome = await pilot.do(Zoom(region=region))
    assert not outcome.ok
    assert "1280 pixels wide" in outcome.message
