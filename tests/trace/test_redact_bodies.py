"""Bodies: texts, JSON, compressed ones, pictures, and what cannot be looked into."""

import gzip
import io
import json
import zlib

import pytest
from harness.trace.patterns import Patterns
from harness.trace.redact_bodies import masked_body, masked_text
from harness.trace.redact_pictures import Pictures
from PIL import Image
from tests.trace.test_redact_pictures import Fake

SAID = b"write to ada@example.org"
SHOWN = b"write to [redacted:email]"


def body(data: bytes, coding: str = "", kind: str = "text/plain", *lines: str) -> bytes | None:
    patterns = Patterns()
    headers = [("content-type", kind), *([("content-encoding", coding)] if coding else [])]
    return masked_body(data, headers, patterns, Pictures(patterns, Fake(*lines)))[0]


def test_texts_and_json() -> None:
    patterns = Patterns()
    assert masked_text(SAID, patterns) == SHOWN
    assert masked_text(b'{"a": 1.10}', patterns) == b'{"a": 1.10}'
    found = masked_text(
        json.dumps({"mail": "\u0061da@example.org", "card": 4111111111111111}).encode(), patterns
    )
    assert json.loads(found or b"") == {"mail": "[redacted:email]", "card": "[redacted:card]"}
    assert masked_text(rb'{"a":"ada\u0040example.org"}', patterns) == b'{"a":"[redacted:email]"}'
    assert masked_text(b'{"a":"ada@example.org","a":1}', patterns) == b'{"a":"[redacted:email]","a":1}'
    assert masked_text(b"a\0b", patterns) is None
    assert masked_text(b"\xff\xfe", patterns) is None
    assert masked_text(b"[" * 100_000, patterns) == b"[" * 100_000


def test_compressed_bodies_are_masked_and_compressed_again() -> None:
    found = body(gzip.compress(SAID), "gzip")
    assert gzip.decompress(found or b"") == SHOWN
    assert body(gzip.compress(SAID), "gzip") == found
    assert zlib.decompress(body(zlib.compress(SAID), "deflate") or b"") == SHOWN
    raw = zlib.compressobj(wbits=-15)
    assert zlib.decompress(body(raw.compress(SAID) + raw.flush(), "deflate") or b"") == SHOWN
    same = gzip.compress(b"nothing in it", mtime=99)
    assert body(same, "gzip") == same


@pytest.mark.parametrize(
    ("data", "coding"),
    [
        (SAID, "br"),
        (SAID, "zstd"),
        (SAID, "gzip"),
        (gzip.compress(SAID)[:-4], "gzip"),
        (gzip.compress(SAID) + b"more", "gzip"),
        (gzip.compress(bytes(65 * 1024 * 1024)), "gzip"),
        (b"%PDF-1.7\n\xe2\xe3", ""),
        (b"PK\x03\x04\0\0", ""),
        (b"\x89PNG\r\n\x1a\nbroken", ""),
    ],
)
def test_what_cannot_be_looked_into_is_left_out(data: bytes, coding: str) -> None:
    assert body(data, coding) is None


def test_other_charsets() -> None:
    assert body("caf\xe9 ada@example.org".encode("latin-1"), "", "text/html; charset=ISO-8859-1") == (
        "caf\xe9 [redacted:email]".encode("latin-1")
    )
    assert body("caf\xe9".encode("latin-1"), "", "text/html") is None


def test_pictures_are_kept_unless_something_is_found_in_them() -> None:
    file = io.BytesIO()
    Image.new("RGB", (320, 10)).save(file, "JPEG")
    assert body(file.getvalue(), "", "image/jpeg", "a blue mug") == file.getvalue()
    assert body(file.getvalue(), "", "image/jpeg", "ada@example.org") is None
