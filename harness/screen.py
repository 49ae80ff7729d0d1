"""What is seen: a `Screen` is what the sandbox shows, an `Observation` is what the model is sent."""

import hashlib
import struct
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.action import Action


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Screenshot(_Part):
    """A picture of the page, one image pixel a CSS pixel."""

    png: bytes = Field(repr=False, exclude=True)
    """The PNG file. Left out of JSON: a trace keeps it as a blob named by `sha256`."""
    sha256: str
    """Hex SHA-256 of `png`."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""

    @classmethod
    def of(cls, png: bytes) -> Self:
        """Wrap a PNG file, reading its size from its header.

        Raises:
            ValueError: if the bytes are not a PNG.
        """
        if png[:8] != b"\x89PNG\r\n\x1a\n" or len(png) < 24:
            raise ValueError(f"a screenshot is a PNG file; these {len(png)} bytes are not")
        width, height = struct.unpack(">II", png[16:24])
        return cls(png=png, sha256=hashlib.sha256(png).hexdigest(), width=width, height=height)


class Tab(_Part):
    """One open tab."""

    id: int
    """A number that stays the same while the tab lives."""
    url: str
    """What it shows."""
    title: str = ""
    """The page's title: page text, not to be trusted."""
    active: bool = False
    """Whether the screenshot shows it."""


class Download(_Part):
    """A file the page gave."""

    name: str
    """The file's name in the run's download folder, chosen by the harness."""
    suggested: str
    """The name the page asked for: page text, not to be trusted."""
    url: str
    """Where it came from."""
    size: int | None = None
    """Bytes, once complete."""
    status: Literal["started", "completed", "failed"]
    """How far it is."""
    why: str = ""
    """Why it failed."""


class Screen(_Part):
    """What a sandbox shows at one moment."""

    screenshot: Screenshot
    """The settled picture."""
    url: str
    """The address of the active tab, from the browser and not from the page."""
    title: str = ""
    """The page's title: page text, not to be trusted."""
    text: str | None = Field(default=None, repr=False)
    """Its visible text, not to be trusted; nothing unless the sandbox was told to read it."""
    tabs: tuple[Tab, ...] = ()
    """Every open tab."""
    notes: tuple[str, ...] = ()
    """What happened since the last look that pixels do not show: dialogs, downloads, new tabs."""
    downloads: tuple[Download, ...] = ()
    """Every download of the run so far."""
    settled: bool = True
    """False if the page was still changing when the wait was over."""


class ActionResult(_Part):
    """What became of one action."""

    action: Action
    """The action, as it was asked for."""
    status: Literal["done", "refused", "failed", "not_executed"]
    """`refused` by policy or person, `failed` in the browser, `not_executed` after either in its batch."""
    message: str = ""
    """Why, in words the model can act on."""
    rule: str | None = None
    """The rule that refused it."""
    image: Screenshot | None = None
    """What a `zoom` shows."""


class Observation(Screen):
    """What a model is sent."""

    goal: str
    """What to do."""
    step: int
    """The number of this question, from 1."""
    results: tuple[ActionResult, ...] = ()
    """What became of each action of the last reply, in order."""
    acknowledged: tuple[str, ...] = ()
    """Ids of the last reply's vendor signals that policy or person let pass; no other may be acknowledged."""
