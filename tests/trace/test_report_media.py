import base64
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from harness.trace.blobs import BlobStore
from harness.trace.report_media import Pictures
from PIL import Image


def test_pictures_are_given_whole_within_the_budget_and_small_beyond(
    tmp_path: Path, png: Callable[[str], bytes]
) -> None:
    store = BlobStore(tmp_path)
    first, second = store.put(png("red")), store.put(png("blue"))
    pictures = Pictures(store, [first, second, first], budget=len(png("red")))
    assert (pictures.repeated(first), pictures.repeated(second), pictures.first(first)) == (True, False, True)
    whole, small = pictures.take(first), pictures.take(second)
    assert base64.b64decode(whole.uri.removeprefix("data:image/png;base64,")) == png("red")
    assert small.small
    data = base64.b64decode(small.uri.removeprefix("data:image/jpeg;base64,"))
    assert Image.open(io.BytesIO(data)).size == (320, 200)
    assert pictures.thumbnails == 1
    assert not pictures.first(first)


def test_a_picture_that_is_none_says_why(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    text, gone = store.put(b"no picture"), "ab" * 32
    pictures = Pictures(store, [text, gone])
    assert "is a PNG file" in pictures.take(text).problem
    assert "is missing" in pictures.take(gone).problem
    assert pictures.take(gone).problem == pictures.take(gone).problem
    assert "64 hex digits" in pictures.take("../../etc/passwd").problem


def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    store = BlobStore(tmp_path)
    bomb, cut = store.put(b"\x89PNG\r\n\x1a\n" + chunk), store.put(b"\x89PNG\r\n\x1a\n" + b"\0" * 30)
    pictures = Pictures(store, [bomb, cut], budget=0)
    assert "60000 by 60000 pixels is too large" in pictures.take(bomb).problem
    assert "cannot be made smaller" in pictures.take(cut).problem
