"""Two screenshots: the same, alike, or different, and where.

    equal hashes ──────────────────────────────▶ same
    pixels, outside the masks and blinking carets:
        none differs ──────────────────────────▶ same
        at most `ALIKE` of them differ ────────▶ alike
        more, or the sizes are not equal ──────▶ differs

A pixel differs if one of its channels does by more than `CHANNEL` of 255, so that another way of smoothing
edges is no difference.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.clearance import Box

CHANNEL: Final = 24
"""How much a channel may differ, of 255."""
ALIKE: Final = 0.002
"""Of the pixels that are compared, the part that may differ in pictures that are alike."""
TILE: Final = 16
"""Pixels: differences closer than this are one region."""
CARET: Final = (3, 8, 48)
"""A region of at most so many pixels across, and between so many high, is a blinking caret."""
CLOCKS: Final = 0.05
"""Of a picture, the part that may change by itself: more is another page and not a clock."""

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two screenshots have in common."""

    verdict: Literal["same", "alike", "differs"]
    """The answer."""
    how: Literal["hash", "pixels", "size"]
    """What told: equal hashes, the pixels, or that the sizes are not the same."""
    share: float
    """Of the pixels that were compared, the part that differs, 0 to 1."""
    boxes: tuple[Box, ...] = ()
    """Where, in pixels, from top to bottom."""


def compare(recorded: bytes, live: bytes, masks: Sequence[Box] = ()) -> Comparison:
    """Compare two PNG files.

    Args:
        recorded: one.
        live: the other.
        masks: what is left out, in pixels.

    Raises:
        ValueError: if one of them is not a picture.
    """
    if hashlib.sha256(recorded).digest() == hashlib.sha256(live).digest():
        return Comparison("same", "hash", 0.0)
    one, other = pixels(recorded), pixels(live)
    if one.shape != other.shape:
        return Comparison("differs", "size", 1.0, (_whole(other),))
    differs, compared = _differs(one, other, masks)
    boxes = regions(differs)
    for box in boxes:
        if _is_caret(box):
            rows, columns = _slices(box)
            differs[rows, columns] = False
    boxes = tuple(box for box in boxes if not _is_caret(box))
    count = int(differs.sum())
    share = count / max(1, compared)
    verdict: Literal["same", "alike", "differs"] = "same"
    if count:
        verdict = "alike" if share <= ALIKE else "differs"
    return Comparison(verdict, "pixels", share, boxes)


def moving(before: bytes, after: bytes) -> tuple[Box, ...]:
    """Give what changed between two looks at a page to which nothing was done: clocks, carets, videos.

    Nothing, if so much changed that it is another page.

    Raises:
        ValueError: if one of them is not a picture.
    """
    found = compare(before, after)
    if found.how == "size":
        return ()
    one = pixels(before)
    area = sum(box.width * box.height for box in found.boxes)
    return found.boxes if area <= CLOCKS * one.shape[0] * one.shape[1] else ()


def pixels(png: bytes) -> Pixels:
    """Decode a PNG file: rows, columns, red, green and blue.

    Raises:
        ValueError: if it is not a picture.
    """
    try:
        with Image.open(io.BytesIO(png)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"a screenshot is a PNG file; these {len(png)} bytes are not") from error


def different(one: Pixels, other: Pixels) -> Mask:
    """Say which pixels of two pictures of one size differ."""
    apart = np.maximum(one, other) - np.minimum(one, other)
    found: Mask = apart.max(axis=2) > CHANNEL
    return found


def _differs(one: Pixels, other: Pixels, masks: Sequence[Box]) -> tuple[Mask, int]:
    differs = different(one, other)
    left = np.ones(differs.shape, dtype=np.bool_)
    for box in masks:
        rows, columns = _slices(box)
        left[rows, columns] = False
    return differs & left, int(left.sum())


def regions(differs: Mask) -> tuple[Box, ...]:
    """Give boxes around what differs, as tight as can be; what lies within `TILE` of another is one."""
    height, width = differs.shape
    down, across = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((down * TILE, across * TILE), dtype=np.bool_)
    padded[:height, :width] = differs
    tiles = padded.reshape(down, TILE, across, TILE).any(axis=(1, 3))
    todo = {(int(row), int(column)) for row, column in zip(*np.nonzero(tiles), strict=True)}
    found: list[Box] = []
    while todo:
        edge = [todo.pop()]
        group = list(edge)
        while edge:
            row, column = edge.pop()
            near = {(row + r, column + c) for r in (-1, 0, 1) for c in (-1, 0, 1)} & todo
            todo -= near
            edge += near
            group += near
        top, left = min(row for row, _ in group) * TILE, min(column for _, column in group) * TILE
        bottom, right = (max(row for row, _ in group) + 1) * TILE, (max(c for _, c in group) + 1) * TILE
        rows, columns = np.nonzero(padded[top:bottom, left:right])
        found.append(
            Box(
                x=left + int(columns.min()),
                y=top + int(rows.min()),
                width=int(columns.max() - columns.min()) + 1,
                height=int(rows.max() - rows.min()) + 1,
            )
        )
    return tuple(sorted(found, key=lambda box: (box.y, box.x)))


def _is_caret(box: Box) -> bool:
    across, least, most = CARET
    return box.width <= across and least <= box.height <= most


def _slices(box: Box) -> tuple[slice, slice]:
    left, top = max(0, int(box.x)), max(0, int(box.y))
    right, bottom = max(left, int(np.ceil(box.x + box.width))), max(top, int(np.ceil(box.y + box.height)))
    return slice(top, bottom), slice(left, right)


def _whole(picture: Pixels) -> Box:
    return Box(x=0, y=0, width=picture.shape[1], height=picture.shape[0])
