import re
from xml.etree import ElementTree as ET

import pytest
from harness.action import Action, Click, Drag, MouseDown, Move, Point, Scroll, Type, Wait, Zoom
from harness.clearance import Box, Target, Verdict
from harness.trace.report_marks import marks
from harness.trace.timeline import Deed

FIELD = Target(role="textbox", name="Full name", box=Box(x=20, y=30.5, width=80, height=24))


def drawn(*deeds: Deed) -> ET.Element:
    return ET.fromstring(f"<svg>{marks(deeds, 320, 200)}</svg>")  # noqa: S314 - our own output


def shapes(action: Action, target: Target | None = None) -> list[str]:
    root = drawn(Deed(action=action, target=target))
    return [one.tag for one in root.findall("./g/g[@class='line']/*")]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (Click(x=5, y=6), ["circle", "path"]),
        (Click(x=5, y=6, count=2), ["circle", "circle", "path"]),
        (Move(x=5, y=6), ["circle"]),
        (MouseDown(x=5, y=6), ["circle", "path"]),
        (MouseDown(), []),
        (Scroll(x=5, y=6, dy=100), ["circle", "path", "path"]),
        (Drag(path=(Point(x=1, y=2), Point(x=3, y=4))), ["circle", "polyline", "path"]),
        (Zoom(region=(50, 60, 10, 20)), ["rect"]),
        (Wait(), []),
        (Type(text="a"), []),
    ],
)
def test_each_action_with_a_place_is_drawn(action: Action, expected: list[str]) -> None:
    assert shapes(action) == expected


def test_a_click_is_drawn_where_it_was() -> None:
    circle = drawn(Deed(action=Click(x=123, y=45))).find("./g/circle[@class='dot']")
    assert circle is not None
    assert (circle.get("cx"), circle.get("cy")) == ("123", "45")


def test_a_target_is_outlined_even_without_a_pointer() -> None:
    box = drawn(Deed(action=Type(text="a"), target=FIELD)).find(".//g[@class='line']/rect[@class='target']")
    assert box is not None
    assert [box.get(name) for name in ("x", "y", "width", "height")] == ["18", "28.5", "84", "28"]


def test_a_zoom_upside_down_is_drawn_the_right_way_up() -> None:
    box = drawn(Deed(action=Zoom(region=(50, 60, 10, 20)))).find(".//g[@class='line']/rect")
    assert box is not None
    assert [box.get(name) for name in ("x", "y", "width", "height")] == ["10", "20", "40", "40"]


def test_an_arrow_points_where_the_page_goes_and_stays_short() -> None:
    text = marks([Deed(action=Scroll(x=100, y=100, dy=-90_000))], 320, 200)
    (end,) = set(re.findall(r"M100 100L(\S+ \S+)\"", text))
    assert end == "100 -60"


def test_several_actions_are_numbered_within_the_picture() -> None:
    root = drawn(Deed(action=Click(x=5, y=6)), Deed(action=Wait()), Deed(action=Click(x=319, y=6)))
    labels = root.findall(".//text")
    assert [label.text for label in labels] == ["1", "3"]
    assert [label.get("x") for label in labels] == ["31", "305"]


def test_what_was_refused_looks_refused() -> None:
    verdict = Verdict(outcome="deny", rule="r", reason="w", policy="p", effect="e")
    assert drawn(Deed(action=Click(x=1, y=1), verdicts=[verdict]))[0].get("class") == "mark refused"
    assert drawn(Deed(action=Click(x=1, y=1)))[0].get("class") == "mark"
