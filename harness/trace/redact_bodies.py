"""Masks the bodies of requests and answers. What cannot be looked into is left out rather than shown."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable

from PIL import Image, UnidentifiedImageError
from pydantic import JsonValue

from harness.trace.patterns import Patterns
from harness.trace.redact_pictures import MOST_PIXELS, Painted, Pictures

MOST = 64 * 1024 * 1024
"""Bytes a compressed body may have once it is unpacked."""
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_CHARSET = re.compile(r"charset=\"?(iso-8859-1|latin-?1|windows-1252|us-ascii)", re.IGNORECASE)

Headers = Iterable[tuple[str, str]]


def masked_text(data: bytes, patterns: Patterns) -> bytes | None:
    """Give a text or JSON with what is found in it masked; nothing if it is no text in UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict | list):
        masked = patterns.json(value)
        if masked != value:
            return json.dumps(masked, separators=(",", ":")).encode()
    found = patterns.text(text)
    return data if found == text else found.encode()


def masked_body(
    data: bytes, headers: Headers, patterns: Patterns, pictures: Pictures
) -> tuple[bytes | None, list[Painted]]:
    """Give a body with what is found in it masked, and what was painted over; no body if it must be left out.

    Args:
        data: as it came, which may be compressed.
        headers: those that came with it.
        patterns: what is to be masked.
        pictures: masks what is a picture.
    """
    given = dict(headers)
    coding = given.get("content-encoding", "").strip().lower()
    plain = _unpacked(data, coding)
    if plain is None:
        return None, []
    if plain.startswith(_PICTURES):
        return _picture(data, plain, pictures)
    if _CHARSET.search(given.get("content-type", "")):
        text = plain.decode("latin-1")
        found = patterns.text(text)
        masked: bytes | None = plain if found == text else found.encode("latin-1", "replace")
    else:
        masked = masked_text(plain, patterns)
    if masked is None or masked == plain:
        return (None if masked is None else data), []
    return _packed(masked, coding), []


def _picture(data: bytes, plain: bytes, pictures: Pictures) -> tuple[bytes | None, list[Painted]]:
    try:
        with Image.open(io.BytesIO(plain)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None, []
            file = io.BytesIO()
            opened.convert("RGB").save(file, "PNG")
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None, []
    _, found = pictures.masked(file.getvalue())
    return (None if found else data), []


def _unpacked(data: bytes, coding: str) -> bytes | None:
    match coding:
        case "" | "identity":
            return data
        case "gzip" | "x-gzip":
            bits = 31
        case "deflate":
            bits = 15 if data[:1] == b"\x78" else -15
        case _:
            return None
    try:
        found = zlib.decompressobj(bits)
        plain = found.decompress(data, MOST)
    except zlib.error:
        return None
    return plain if found.eof and not found.unused_data else None


def _packed(data: bytes, coding: str) -> bytes:
    match coding:
        case "gzip" | "x-gzip":
            return gzip.compress(data, mtime=0)
        case "deflate":
            return zlib.compress(data)
        case _:
            return data
