"""An animated GIF of a run, to put where a film cannot be shown."""

from pathlib import Path

from harness.trace.export.base import whole
from harness.trace.export.frames import frames
from harness.trace.reader import Trace


def export(trace: Trace, out: Path, *, speed: float = 1.0) -> int:
    """Draw a run as an animated GIF that repeats, and give how many frames it has.

    Raises:
        TraceError: if a picture is damaged or there is none, or the file cannot be written.
    """
    found = [(one.image.quantize(128), one.seconds) for one in frames(trace, speed=speed)]
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
