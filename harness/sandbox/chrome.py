"""What the harness draws itself, over the picture of the page.

A headless browser shows no dialog, file chooser or tooltip, and takes no clicks in its pickers. The harness
lays them out as `Piece`s, paints them over the picture, and knows what a click on each of them means.
"""

import hashlib
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from harness.action import Action, Press
from harness.clearance import Box, Target

SIZE: Final = 15
"""Pixels of the type."""
_FONTS: Final = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "Arial.ttf")
_BOLD: Final = ("DejaVuSans-Bold.ttf", "NotoSans-Bold.ttf", "LiberationSans-Bold.ttf", "Arial_Bold.ttf")

DIALOGS: Final = ("alert: ", "confirm: ", "prompt: ", "Choose a file to upload", "Choose files to upload")
"""What the boxes that answer a page are called; a picker's panel is called nothing."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Piece(NamedTuple):
    """One rectangle that is drawn, in CSS pixels."""

    kind: Literal["panel", "title", "label", "button", "field", "row", "swatch", "tip"]
    x: int
    y: int
    width: int
    height: int
    text: str = ""
    key: str = ""
    """What a click on it means; nothing if it takes no clicks."""
    on: bool = False
    """Chosen, or focused."""
    off: bool = False
    """Cannot be used."""
    role: str = ""
    """The ARIA role it stands for."""
    box: str = ""
    """What the box it lies in is called, once it was found in one."""

    def holds(self, x: int, y: int) -> bool:
        """Whether a point is inside."""
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


Pieces = tuple[Piece, ...]


def hit(pieces: Pieces, x: int, y: int) -> Piece | None:
    """The piece at a point, the topmost first."""
    found = next((piece for piece in reversed(pieces) if piece.holds(x, y)), None)
    return found._replace(box=_box(pieces)) if found else None


def answering(pieces: Pieces, action: Action) -> Piece:
    """The piece that a key acts on: what is highlighted for Enter, Cancel for Escape, else the panel."""
    match action:
        case Press(keys=("Enter",)):
            wanted = (piece for piece in pieces if piece.on and piece.kind in ("button", "row"))
        case Press(keys=("Escape",)):
            wanted = (piece for piece in pieces if piece.key == "cancel")
        case _:
            wanted = (piece for piece in pieces if piece.kind == "field")
    return next(wanted, pieces[0])._replace(box=_box(pieces))


def _box(pieces: Pieces) -> str:
    return pieces[0].text if pieces and pieces[0].kind == "panel" else ""


def target(piece: Piece, url: str) -> Target:
    """What a drawn piece is to a policy: of the browser and not of the page."""
    identity = f"{url}\n{piece.kind}\n{piece.key}\n{piece.text}\n{piece.role}"
    return Target(
        role=piece.role or ("dialog" if piece.kind == "panel" else ""),
        name=piece.text[:200],
        tag="chrome",
        text=piece.text[:200],
        editable=piece.kind == "field",
        url=url,
        dialog=piece.box if piece.box.startswith(DIALOGS) else None,
        box=Box(x=piece.x, y=piece.y, width=piece.width, height=piece.height),
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
    )


def draw(png: bytes, pieces: Pieces) -> bytes:
    """Paint pieces over a picture.

    Args:
        png: the picture, a PNG file.
        pieces: what to paint, from the bottom to the top.
    """
    with Image.open(io.BytesIO(png)) as source:
        image = source.convert("RGB")
    brush = ImageDraw.Draw(image)
    for piece in pieces:
        _paint(brush, piece)
    return encode(image)


def encode(image: Image.Image) -> bytes:
    """Make a PNG file, fast rather than small."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def blank(width: int, height: int) -> bytes:
    """A white picture, for a page that has not been seen yet."""
    return encode(Image.new("RGB", (width, height), "white"))


def crop(png: bytes, box: tuple[int, int, int, int], scale: float) -> bytes:
    """Cut a part out of a picture and enlarge it."""
    with Image.open(io.BytesIO(png)) as source:
        part = source.convert("RGB").crop(box)
    size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
    return encode(part.resize(size, Image.Resampling.LANCZOS))


def text_width(text: str, *, bold: bool = False) -> int:
    """Pixels that a line of text takes."""
    return round(_font(bold=bold).getlength(text))


def wrap(text: str, width: int, lines: int) -> list[str]:
    """Break text into lines of at most `width` pixels; what is beyond `lines` lines ends in an ellipsis."""
    out: list[str] = []
    for paragraph in text[:4000].splitlines() or [""]:
        line = ""
        for word in paragraph.split(" "):
            for piece in _pieces_of(word, width):
                longer = f"{line} {piece}" if line else piece
                if line and text_width(longer) > width:
                    out.append(line)
                    line = piece
                else:
                    line = longer
        out.append(line)
    return out if len(out) <= lines else [*out[: lines - 1], f"{out[lines - 1]} …"]


def clip(text: str, width: int) -> str:
    """Shorten a line to a width in pixels."""
    text = " ".join(text[:400].split())
    if text_width(text) <= width:
        return text
    while text and text_width(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _pieces_of(word: str, width: int) -> Sequence[str]:
    if text_width(word) <= width:
        return (word,)
    at = max(1, len(word) * width // max(1, text_width(word)) - 1)
    return tuple(word[start : start + at] for start in range(0, len(word), at))


def _paint(brush: ImageDraw.ImageDraw, piece: Piece) -> None:
    box = (piece.x, piece.y, piece.x + piece.width - 1, piece.y + piece.height - 1)
    middle = piece.y + piece.height // 2
    match piece.kind:
        case "panel":
            brush.rectangle((box[0] + 4, box[1] + 4, box[2] + 4, box[3] + 4), fill="#9a9a9a")
            brush.rectangle(box, fill="white", outline="#444444", width=2)
        case "title" | "label":
            ink = "#6a6a6a" if piece.off else "black"
            bold = piece.kind == "title"
            brush.text((piece.x, middle), piece.text, fill=ink, font=_font(bold=bold), anchor="lm")
        case "button":
            fill = "#1a5fd0" if piece.on else "#e8e8e8"
            ink = "white" if piece.on else "#8a8a8a" if piece.off else "black"
            brush.rectangle(box, fill=fill, outline="#444444")
            _centred(brush, piece, middle, ink)
        case "field":
            brush.rectangle(box, fill="white", outline="#1a5fd0", width=2)
            shown = _tail(piece.text, piece.width - 16)
            if piece.on:
                brush.rectangle(
                    (piece.x + 7, piece.y + 6, piece.x + 9 + text_width(shown), box[3] - 6), fill="#b8d4ff"
                )
            brush.text((piece.x + 8, middle), shown, fill="black", font=_font(), anchor="lm")
        case "row":
            brush.rectangle(box, fill="#1a5fd0" if piece.on else "white")
            ink = "white" if piece.on else "#8a8a8a" if piece.off else "black"
            text = clip(piece.text, piece.width - 16)
            brush.text((piece.x + 8, middle), text, fill=ink, font=_font(), anchor="lm")
        case "swatch":
            brush.rectangle(box, fill=piece.text, outline="black" if piece.on else "#bbbbbb")
        case "tip":
            brush.rectangle(box, fill="#fffbe6", outline="#444444")
            brush.text((piece.x + 6, middle), piece.text, fill="black", font=_font(), anchor="lm")


def _centred(brush: ImageDraw.ImageDraw, piece: Piece, middle: int, ink: str) -> None:
    text = clip(piece.text, piece.width - 4)
    left = piece.x + (piece.width - text_width(text)) // 2
    brush.text((left, middle), text, fill=ink, font=_font(), anchor="lm")


def _tail(text: str, width: int) -> str:
    while text and text_width(text) > width:
        text = text[max(1, len(text) // 20) :]
    return text


@lru_cache(maxsize=4)
def _font(*, bold: bool = False) -> Font:
    for name in _BOLD if bold else _FONTS:
        try:
            return ImageFont.truetype(name, SIZE)
        except OSError:
            continue
    return ImageFont.load_default(SIZE)
