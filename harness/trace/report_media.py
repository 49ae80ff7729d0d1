"""The pictures of a report: each in the page once, and smaller when there are very many."""

import base64
import io
from collections.abc import Iterable
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from harness.errors import TraceError
from harness.screen import Screenshot
from harness.trace.blobs import BlobStore

BUDGET = 80_000_000
"""Bytes of pictures a report carries as they are; later ones become thumbnails."""
THUMBNAIL = (640, 640)
"""Pixels a thumbnail fits in."""
_MOST_PIXELS = 50_000_000


class Picture(NamedTuple):
    """A picture as a page carries it."""

    uri: str
    """A `data:` address; empty if there is no picture."""
    small: bool
    """Whether it is a thumbnail of the real one."""
    problem: str
    """Why there is none."""


class Pictures:
    """Gives each picture of a trace once, within a budget."""

    def __init__(self, blobs: BlobStore, wanted: Iterable[str], budget: int = BUDGET) -> None:
        """Take the digests of all pictures in the order of the page, repeated ones too."""
        self._blobs = blobs
        self._left = budget
        self._uses: dict[str, int] = {}
        for digest in wanted:
            self._uses[digest] = self._uses.get(digest, 0) + 1
        self._given: set[str] = set()
        self._bad: dict[str, str] = {}
        self.thumbnails = 0

    def repeated(self, digest: str) -> bool:
        """Whether the page shows it more than once."""
        return self._uses.get(digest, 0) > 1

    def first(self, digest: str) -> bool:
        """Whether it was not taken yet."""
        return digest not in self._given

    def take(self, digest: str) -> Picture:
        """Give a picture for the page; one that is missing or damaged says so."""
        self._given.add(digest)
        if digest in self._bad:
            return Picture("", small=False, problem=self._bad[digest])
        try:
            data = self._blobs.get(digest)
            shot = Screenshot.of(data)
            if len(data) <= self._left:
                self._left -= len(data)
                return Picture(_uri("png", data), small=False, problem="")
            self._left = 0
            self.thumbnails += 1
            return Picture(_uri("jpeg", _smaller(shot)), small=True, problem="")
        except (TraceError, ValueError) as error:
            self._bad[digest] = str(error)
            return Picture("", small=False, problem=str(error))


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _smaller(shot: Screenshot) -> bytes:
    if shot.width * shot.height > _MOST_PIXELS:
        raise TraceError(f"a picture of {shot.width} by {shot.height} pixels is too large to be shown")
    try:
        with Image.open(io.BytesIO(shot.png), formats=("PNG",)) as picture:
            small = picture.convert("RGB")
        small.thumbnail(THUMBNAIL)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=60)
        return file.getvalue()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise TraceError(f"a picture cannot be made smaller: {error}") from error
