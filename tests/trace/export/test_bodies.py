import gzip
import zlib

import pytest
import zstandard
from harness.trace.export.bodies import codings, decoded, spoken

RAW = b"<p>" + b"hello " * 50


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(RAW)),
        ("deflate", zlib.compress(RAW)),
        ("deflate", zlib.compress(RAW)[2:-4]),
        ("zstd", zstandard.ZstdCompressor().compress(RAW)),
    ],
)
def test_a_coding_is_undone(coding: str, data: bytes) -> None:
    assert decoded(data, (coding,)) == RAW


def test_codings_are_undone_last_first() -> None:
    both = codings((("content-encoding", "deflate, GZIP"), ("x", "y"), ("content-encoding", "identity")))
    assert both == ("deflate", "gzip")
    assert decoded(gzip.compress(zlib.compress(RAW)), both) == RAW


@pytest.mark.parametrize("data", [b"no", gzip.compress(RAW)[:-12], b""])
def test_what_is_damaged_or_unknown_is_nothing(data: bytes) -> None:
    assert decoded(data, ("gzip",)) is None
    assert decoded(RAW, ("secret-squeeze",)) is None


def test_text_is_text_and_the_rest_is_base64() -> None:
    assert spoken("ü".encode(), "text/html; charset=utf-8") == {"text": "ü"}
    assert spoken(b"{}", "application/problem+json") == {"text": "{}"}
    assert spoken(b"\xff", "text/html") == {"text": "/w==", "encoding": "base64"}
    assert spoken(b"ab", "image/png")["encoding"] == "base64"
