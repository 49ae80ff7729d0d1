"""Bodies as they can be read: content codings undone, text as text and everything else as base64."""

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence

_LONGEST = 256 * 1024 * 1024
_TEXT = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")


def codings(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Give the content codings that headers name, in the order in which they were put on."""
    return tuple(
        one.strip().lower()
        for name, value in headers
        if name == "content-encoding"
        for one in value.split(",")
        if one.strip().lower() not in ("", "identity")
    )


def spoken(body: bytes, kind: str) -> dict[str, str]:
    """Give a body as `text`, and its `encoding` where that is base64, for a media type."""
    if kind.lower().startswith(_TEXT) or not kind or "urlencoded" in kind or "+json" in kind:
        try:
            return {"text": body.decode("utf-8")}
        except UnicodeDecodeError:
            pass
    return {"text": base64.b64encode(body).decode("ascii"), "encoding": "base64"}


def decoded(raw: bytes, codings: Sequence[str]) -> bytes | None:
    """Undo content codings, last first; nothing if one is not known, or what it gives is damaged or huge."""
    decoders: Mapping[str, Callable[[bytes], bytes]] = {
        "gzip": lambda data: _inflate(data, 47),
        "x-gzip": lambda data: _inflate(data, 47),
        "deflate": _deflated,
        "br": _brotli,
        "zstd": _zstd,
    }
    for coding in reversed(codings):
        if coding not in decoders:
            return None
        try:
            raw = decoders[coding](raw)
        except (ImportError, ValueError, zlib.error):
            return None
    return raw


def _inflate(data: bytes, window: int) -> bytes:
    work = zlib.decompressobj(window)
    found = work.decompress(data, _LONGEST)
    if not work.eof:
        raise ValueError("it breaks off, or is too long")
    return found


def _deflated(data: bytes) -> bytes:
    try:
        return _inflate(data, zlib.MAX_WBITS)
    except zlib.error:
        return _inflate(data, -zlib.MAX_WBITS)


def _brotli(data: bytes) -> bytes:
    import brotli  # noqa: PLC0415 - used if it is there

    try:
        return bytes(brotli.decompress(data))
    except brotli.error as error:
        raise ValueError(str(error)) from error


def _zstd(data: bytes) -> bytes:
    import zstandard  # noqa: PLC0415 - used if it is there

    try:
        with zstandard.ZstdDecompressor().stream_reader(data) as reader:
            return reader.read(_LONGEST)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from error
