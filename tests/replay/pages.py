"""A page made of targets, for what looks for them."""

import io
from collections.abc import Sequence
from typing import NamedTuple

from harness.action import Action, Hold, Press, Type
from harness.clearance import Box, Target
from harness.replay.find import place
from harness.replay.recording import Deed
from harness.replay.targets import mark
from harness.screen import Screenshot
from harness.testing import FakeSandbox
from PIL import Image, ImageDraw

SITE = "https://a.test"


class Line(NamedTuple):
    """A line of text on the screen."""

    text: str
    box: Box


class Words:
    """Reads what it was given."""

    def __init__(self, *lines: Line) -> None:
        self.lines = lines

    def read(self, screenshot: Screenshot) -> Sequence[Line]:
        del screenshot
        return self.lines


class Page(FakeSandbox):
    """A sandbox whose page is these targets, the last on top; `focus` has the focus."""

    def __init__(self, *targets: Target, focus: Target | None = None) -> None:
        super().__init__()
        self.targets = list(targets)
        self.focus = focus

    async def ground(self, action: Action) -> Target | None:
        if isinstance(action, Type | Press | Hold):
            return self.focus
        point = place(action)
        if point is None:
            return None
        return next((one for one in reversed(self.targets) if one.box and _holds(one.box, point)), None)

    async def find(self, like: Target) -> tuple[Target, ...]:
        return tuple(
            one
            for one in self.targets
            if mark(one) == mark(like) or (like.name and one.name == like.name and one.role != "generic")
        )


def _holds(box: Box, point: tuple[int, int]) -> bool:
    return box.x <= point[0] < box.x + box.width and box.y <= point[1] < box.y + box.height


def button(name: str, x: int, y: int, action: str = "/save", *, width: int = 80, height: int = 20) -> Target:
    return Target(
        role="button",
        name=name,
        tag="button",
        text=name,
        form_method="post",
        form_action=SITE + action,
        submits=True,
        frame_origin=SITE,
        box=Box(x=x, y=y, width=width, height=height),
        fingerprint=f"{name} {x} {y}",
    )


def field(name: str, x: int, y: int) -> Target:
    return button(name, x, y).model_copy(
        update={"role": "textbox", "tag": "input", "editable": True, "text": "", "submits": False}
    )


def deed(action: Action, target: Target | None, step: int = 1, index: int = 0) -> Deed:
    return Deed(step, index, action, target, "done")


def shot(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (320, 200)) -> Screenshot:
    """A white screen with black boxes."""
    image = Image.new("RGB", size, "white")
    for x, y, width, height in boxes:
        ImageDraw.Draw(image).rectangle((x, y, x + width - 1, y + height - 1), fill="black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return Screenshot.of(out.getvalue())
