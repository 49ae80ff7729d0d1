"""The bodies of recorded requests."""

from pathlib import Path

import pytest
from harness.clearance import Request
from harness.replay.bodies import Bodies
from harness.trace.blobs import BlobStore

FORM = (("content-type", "application/x-www-form-urlencoded"),)


def post(sha256: str | None, size: int, headers: tuple[tuple[str, str], ...] = FORM) -> Request:
    return Request(
        id="1", method="POST", url="https://a.test/", headers=headers, body_sha256=sha256, body_size=size
    )


@pytest.mark.parametrize("size", [3, 5_000])
def test_a_body_is_found_by_its_name_and_what_is_short_is_read_once(tmp_path: Path, size: int) -> None:
    blobs, bodies = BlobStore(tmp_path), Bodies()
    data = b"a=1" + b"2" * (size - 3)
    name = blobs.put(data)
    request = post(name, size)
    assert bodies.body(blobs, name, request) == data
    assert bodies.text(request, data) == bodies.text(request, data) == data.decode()
    empty = BlobStore(tmp_path / "empty")
    assert bodies.body(empty, name, request) == (data if size < 4096 else None)


def test_a_body_that_is_not_known_whole_is_none(tmp_path: Path) -> None:
    blobs, bodies = BlobStore(tmp_path), Bodies()
    masked = blobs.put(b"card=[redacted]")
    assert bodies.body(blobs, masked, post("ab" * 32, 10)) is None
    assert bodies.body(blobs, None, post("ab" * 32, 10)) is None
    assert bodies.body(blobs, None, post(None, 10)) is None
    assert bodies.body(blobs, None, post(None, 0)) == b""
    assert bodies.body(blobs, None, post("ab" * 32, 0)) == b""


def test_the_same_bytes_are_read_as_their_headers_say() -> None:
    bodies = Bodies()
    assert bodies.text(post("ab" * 32, 3), b"a=1") == "a=1"
    packed = (*FORM, ("content-encoding", "gzip"))
    assert bodies.text(post("ab" * 32, 3, packed), b"a=1") is None
    assert bodies.text(post("ab" * 32, 3), b"a=1") == "a=1"
