"""Bodies are kept whole, in memory or on disk, and hashed."""

import hashlib

import pytest
from harness.gateway.body import BodyTooLargeError, Spool


@pytest.mark.parametrize("size", [0, 1, 1_048_576, 3_000_001])
async def test_what_is_written_can_be_read_twice(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    with Spool() as body:
        for start in range(0, size, 100_000):
            body.write(data[start : min(start + 100_000, size)])
        assert (body.size, body.sha256) == (size, hashlib.sha256(data[:size]).hexdigest())
        for _ in range(2):
            chunks = [chunk async for chunk in body.chunks()]
            assert b"".join(chunks) == data[:size]
            assert all(len(chunk) <= 65_536 for chunk in chunks)


def test_beyond_a_megabyte_it_is_a_file_without_a_name() -> None:
    with Spool() as body:
        body.write(b"x" * 1_048_577)
        assert body._file is not None
        assert body._file._rolled  # type: ignore[attr-defined]
        assert not isinstance(body._file.name, str)


def test_a_limit_holds() -> None:
    with Spool(10) as body:
        body.write(b"x" * 10)
        with pytest.raises(BodyTooLargeError, match="more than 10 bytes"):
            body.write(b"x")
