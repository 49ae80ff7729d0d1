import io

import pytest
from harness.action import Click, Goto, parse_action
from harness.approval.picture import marked
from harness.clearance import Act, Box, Effect, Request, Target
from harness.screen import Screenshot
from harness.testing import blank
from PIL import Image

RED = (226, 32, 44)


def red(effect: Effect) -> set[tuple[int, int]]:
    png = marked(blank(200, 100), effect)
    with Image.open(io.BytesIO(png)) as read:
        image = read.convert("RGB")
    assert image.size == (200, 100)
    return {(x, y) for x in range(200) for y in range(100) if image.getpixel((x, y)) == RED}


def test_a_click_and_its_box_are_marked_where_they_are() -> None:
    target = Target(box=Box(x=40, y=30, width=100, height=40))
    found = red(Act(action=Click(x=80, y=50), target=target))
    assert {(66, 50), (94, 50), (80, 36), (80, 64)} & found
    assert (80, 50) not in found
    assert (90, 28) in found
    assert not [place for place in found if place[0] > 145]


def test_a_drag_is_a_line_between_its_ends() -> None:
    found = red(Act(action=parse_action({"kind": "drag", "path": [[30, 50], [170, 50]]})))
    assert (100, 50) in found
    assert not [place for place in found if abs(place[1] - 50) > 28]


@pytest.mark.parametrize(
    "effect",
    [
        Act(action=Goto(url="https://a.test/")),
        Act(action=Click(x=5000, y=-900)),
        Request(id="r", method="GET", url="https://a.test/"),
    ],
)
def test_what_has_no_place_on_the_screen_marks_nothing(effect: Effect) -> None:
    assert red(effect) == set()


def test_a_broken_picture_is_said() -> None:
    broken = Screenshot.of(blank(10, 10).png[:40])
    with pytest.raises(OSError, match=r".+"):
        marked(broken, Act(action=Click(x=1, y=1)))
