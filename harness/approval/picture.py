"""The screen at the moment of a question, with the place marked."""

import io

from PIL import Image, ImageDraw

from harness.clearance import Act, Effect
from harness.screen import Screenshot
from harness.words import points

_RED = (226, 32, 44)
_WHITE = (255, 255, 255)


def marked(screenshot: Screenshot, effect: Effect) -> bytes:
    """Draw an effect's points, path and target's box onto a screenshot, as a PNG file.

    Raises:
        OSError: if the screenshot cannot be read.
    """
    with Image.open(io.BytesIO(screenshot.png)) as read:
        image = read.convert("RGB")
    draw = ImageDraw.Draw(image)
    if isinstance(effect, Act):
        box = effect.target.box if effect.target else None
        if box is not None:
            edges = (box.x - 2, box.y - 2, box.x + max(box.width, 0) + 2, box.y + max(box.height, 0) + 2)
            draw.rectangle(edges, outline=_WHITE, width=4)
            draw.rectangle(edges, outline=_RED, width=2)
        places = points(effect.action)
        if len(places) > 1:
            draw.line(places, fill=_WHITE, width=6)
            draw.line(places, fill=_RED, width=3)
        for colour, width in ((_WHITE, 5), (_RED, 3)):
            for x, y in (places[:1] + places[-1:])[: len(places)]:
                draw.ellipse((x - 16, y - 16, x + 16, y + 16), outline=colour, width=width)
                draw.line((x - 26, y, x - 12, y), fill=colour, width=width)
                draw.line((x + 12, y, x + 26, y), fill=colour, width=width)
                draw.line((x, y - 26, x, y - 12), fill=colour, width=width)
                draw.line((x, y + 12, x, y + 26), fill=colour, width=width)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()
