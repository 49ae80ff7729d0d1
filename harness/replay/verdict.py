"""What a run done again came to: step by step, with the first divergence. Written as `replay.json`."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.clearance import Box
from harness.replay.compare import Comparison
from harness.replay.find import Category, How
from harness.result import Result


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Picture(_Part):
    """A recorded and a live screenshot, compared."""

    verdict: Literal["same", "alike", "differs"]
    """The answer."""
    how: Literal["hash", "pixels", "size"]
    """What told."""
    share: float
    """Of the pixels that were compared, the part that differs, 0 to 1."""
    boxes: tuple[Box, ...] = ()
    """Where, in pixels; the first twenty."""
    recorded: str
    """Hex SHA-256 of the recorded one."""
    live: str
    """Hex SHA-256 of the live one."""

    @classmethod
    def of(cls, found: Comparison, recorded: str, live: str) -> "Picture":
        """Take what was found."""
        return cls(
            verdict=found.verdict,
            how=found.how,
            share=round(found.share, 6),
            boxes=found.boxes[:20],
            recorded=recorded,
            live=live,
        )


class Did(_Part):
    """One recorded action, and what became of it now."""

    action: str
    """What, in words."""
    found: How | None = None
    """How its target was found; nothing if it has none, or was not found."""
    moved: tuple[int, int] = (0, 0)
    """Pixels to the right and down that the point has moved."""
    status: Literal["done", "refused", "failed", "not_executed", "left_out", "not_reached"]
    """What became of it; `left_out` if it was not done in the recording either."""
    message: str = ""
    """Why."""


class Played(_Part):
    """One recorded step, done again."""

    recorded: int
    """Its number in the recording."""
    live: int | None = None
    """The step of the new run at which it was compared; nothing if it was not reached."""
    picture: Picture | None = None
    """The two screenshots, compared; nothing if there is only one."""
    url: tuple[str, str] | None = None
    """The two addresses, if they are not the same."""
    did: tuple[Did, ...] = ()
    """Its actions, in order."""


class Divergence(_Part):
    """The first place where the two runs part."""

    category: Category
    """What it is."""
    recorded: int
    """The recorded step."""
    live: int
    """The step of the new run."""
    detail: str
    """In words."""
    picture: str | None = None
    """A file with both screenshots and their difference."""


class Replayed(_Part):
    """A run, done again."""

    verdict: Literal["same", "found", "diverged"]
    """`same`: every picture is the same or alike and every target was in its place; `found`: all was done,
    with pictures that differ or targets that were found elsewhere; `diverged`: it was not."""
    exit_code: int
    """0, or 5 if it diverged."""
    of: str
    """The recorded run."""
    steps: tuple[Played, ...]
    """Every recorded step."""
    divergence: Divergence | None = None
    """Where they parted; for `found`, the first picture that differs."""
    result: Result
    """The new run."""
