"""An animated GIF of a run, to put where a film cannot be shown."""

from pathlib import Path

from PIL import Image

from harness.trace.export.base import whole
from harness.trace.export.frames import frames
from harness.trace.reader import Trace

FINE = 100
"""Frames with the best colours; later ones have good ones, in a seventh of the time."""


def export(trace: Trace, out: Path, *, speed: float = 1.0) -> int:
    """Draw a run as an animated GIF that repeats, and give how many frames it has.

    Raises:
        TraceError: if a picture is damaged or there is none, or the file cannot be written.
    """
    found: list[tuple[Image.Image, float]] = []
    for number, one in enumerate(frames(trace, speed=speed)):
        method = Image.Quantize.MEDIANCUT if number < FINE else Image.Quantize.FASTOCTREE
        found.append((one.image.quantize(128, method), one.seconds))
    first, *rest = [image for image, _ in found]
    with whole(out) as path:
        first.save(
            path,
            "GIF",
            save_all=True,
            append_images=rest,
            duration=[round(seconds * 1000) for _, seconds in found],
            loop=0,
        )
    return len(found)
