"""Live elements against recorded ones."""

from typing import Any

import pytest
from harness.clearance import Box, Target
from harness.replay.targets import carried, difference, mark, means, overlap

ORDER = Target(
    role="button",
    name="Place order",
    tag="button",
    text="Place order",
    form_method="post",
    form_action="https://shop.test/orders",
    submits=True,
    frame_origin="https://shop.test",
    url="https://shop.test/checkout",
    box=Box(x=10, y=20, width=100, height=30),
    fingerprint="a" * 64,
)


def but(**changes: Any) -> Target:
    return ORDER.model_copy(update=changes)


@pytest.mark.parametrize(
    "changes",
    [{"box": Box(x=1, y=2, width=3, height=4)}, {"fingerprint": "b" * 64}, {"url": "https://shop.test/x"}],
)
def test_place_and_the_run_s_own_names_are_not_in_the_mark(changes: dict[str, Any]) -> None:
    assert mark(but(**changes)) == mark(ORDER)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Cancel"},
        {"role": "link"},
        {"form_action": "https://shop.test/cart/remove"},
        {"form_method": "get"},
        {"href": "https://shop.test/"},
        {"submits": False},
        {"frame_origin": "https://evil.test"},
        {"password": True},
        {"submitter": but(name="Cancel")},
    ],
)
def test_another_meaning_is_another_target(changes: dict[str, Any]) -> None:
    other = but(**changes)
    assert mark(other) != mark(ORDER)
    assert not means(ORDER, other)
    assert difference(ORDER, other)


@pytest.mark.parametrize(
    "changes",
    [{"tag": "input"}, {"text": "Order!"}, {"form_action": "https://shop.test/orders?from=1"}],
)
def test_another_look_is_the_same_meaning(changes: dict[str, Any]) -> None:
    other = but(**changes)
    assert mark(other) != mark(ORDER)
    assert means(ORDER, other)
    assert difference(ORDER, other) == ""


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        ("https://a.test/x", "https://a.test/x?from=list", True),
        ("https://a.test/x?id=1", "https://a.test/x?from=list&id=1", True),
        ("https://a.test/x?id=1", "https://a.test/x?id=2", False),
        ("https://a.test/x?id=1", "https://a.test/x", False),
        ("https://a.test/x?t=0123456789abcdef", "https://a.test/x?t=fedcba9876543210", True),
        ("https://a.test/x?t=0123456789abcdef", "https://a.test/x?t=1", False),
        ("https://a.test/#/cart", "https://a.test/#/delete", False),
        ("https://a.test/x", "https://b.test/x", False),
        ("https://a.test/x", "https://a.test/y", False),
        ("https://a.test/x", "https://[", False),
        ("https://a.test/x", None, False),
    ],
)
def test_an_address_may_gain_a_query_and_change_a_token_and_nothing_else(
    was: str, now: str | None, same: bool
) -> None:
    link = but(role="link", href=was)
    assert means(link, link.model_copy(update={"href": now})) is same


def test_the_difference_is_said_in_words() -> None:
    said = difference(ORDER, but(name="Cancel", form_action="https://shop.test/cart"))
    assert said == (
        "name was 'Place order', is 'Cancel'; form was 'https://shop.test/orders', is 'https://shop.test/cart'"
    )


def test_what_a_whole_page_says_is_not_its_mark() -> None:
    one = Target(role="document", name="Shop", tag="html", text="a", frame_origin="https://shop.test")
    other = Target(role="generic", name="", tag="body", text="b", frame_origin="https://shop.test")
    assert mark(one) == mark(other)


@pytest.mark.parametrize(
    ("point", "now", "onto"),
    [
        ((60, 35), Box(x=500, y=300, width=200, height=60), (600, 330)),
        ((10, 20), Box(x=500, y=300, width=200, height=60), (501, 301)),
        ((110, 50), Box(x=500, y=300, width=200, height=60), (699, 359)),
        ((60, 35), Box(x=5, y=5, width=1, height=1), (6, 6)),
    ],
)
def test_a_point_is_carried_to_the_like_point_of_another_box(
    point: tuple[int, int], now: Box, onto: tuple[int, int]
) -> None:
    assert ORDER.box is not None
    assert carried(point, ORDER.box, now) in (onto, (onto[0] - 1, onto[1] - 1))


def test_boxes_overlap_by_their_common_part() -> None:
    box = Box(x=0, y=0, width=10, height=10)
    assert overlap(box, box) == 1
    assert overlap(box, Box(x=5, y=0, width=10, height=10)) == pytest.approx(1 / 3)
    assert overlap(box, Box(x=50, y=0, width=10, height=10)) == 0
