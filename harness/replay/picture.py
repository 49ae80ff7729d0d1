"""The picture of a divergence: recorded, live, and their difference, side by side."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from harness.clearance import Box
from harness.replay.compare import different, pixels

_HEAD: Final = 34
_GAP: Final = 8
_INK: Final = (20, 20, 20)
_BAD: Final = (214, 30, 30)
_BACK: Final = (236, 236, 236)


def side_by_side(recorded: bytes | None, live: bytes, *, boxes: Sequence[Box] = (), title: str = "") -> bytes:
    """Draw the picture, a PNG file.

    Args:
        recorded: a PNG file; nothing if none was kept.
        live: a PNG file.
        boxes: where they differ; framed in the difference.
        title: one line over all of it.

    Raises:
        ValueError: if one of them is not a picture.
    """
    now = pixels(live)
    then = pixels(recorded) if recorded is not None else None
    panels = [("live", Image.fromarray(now))]
    if then is not None:
        panels.insert(0, ("recorded", Image.fromarray(then)))
        panels.append(("difference", _difference(then, now, boxes)))
    width = sum(panel.width for _, panel in panels) + _GAP * (len(panels) + 1)
    height = max(panel.height for _, panel in panels) + 2 * _HEAD + _GAP
    sheet = Image.new("RGB", (width, height), _BACK)
    brush = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    brush.text((_GAP, 7), title[: width // 9], fill=_INK, font=font)
    left = _GAP
    for name, panel in panels:
        brush.text((left, _HEAD + 7), name, fill=_INK, font=font)
        sheet.paste(panel, (left, 2 * _HEAD))
        left += panel.width + _GAP
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _difference(
    then: np.typing.NDArray[np.uint8], now: np.typing.NDArray[np.uint8], boxes: Sequence[Box]
) -> Image.Image:
    height, width = max(then.shape[0], now.shape[0]), max(then.shape[1], now.shape[1])
    one, other = _grown(then, height, width), _grown(now, height, width)
    pale = (other.mean(axis=2, keepdims=True) * 0.35 + 165).astype(np.uint8).repeat(3, axis=2)
    pale[different(one, other)] = _BAD
    image = Image.fromarray(pale)
    brush = ImageDraw.Draw(image)
    for box in boxes:
        frame = (box.x - 3, box.y - 3, box.x + box.width + 2, box.y + box.height + 2)
        brush.rectangle(frame, outline=_BAD, width=2)
    return image


def _grown(picture: np.typing.NDArray[np.uint8], height: int, width: int) -> np.typing.NDArray[np.uint8]:
    grown = np.full((height, width, 3), 255, dtype=np.uint8)
    grown[: picture.shape[0], : picture.shape[1]] = picture
    return grown
