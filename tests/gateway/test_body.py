"""Bodies are kept whole, in memory or on disk, and hashed."""

import hashlib
import io
from typing import Any

import pytest
from harness.gateway.body import BodyTooLargeError, Copy, Spool


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


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


def _form(*parts: bytes) -> bytes:
    return b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--"


@pytest.mark.parametrize(
    ("data", "headers", "text"),
    [
        (b"", (), ""),
        (
            b"a=1&_method=DELETE",
            (("content-type", "application/x-www-form-urlencoded"),),
            "a=1&_method=DELETE",
        ),
        ("é".encode(), (("content-type", 'text/plain; charset="UTF-8"'),), "é"),
        ("é".encode("latin-1"), (), None),
        (b'{"a": 1}', (("content-encoding", "gzip"),), None),
        (b'{"a": 1}', (("content-encoding", "identity"),), '{"a": 1}'),
        ("{}".encode("utf-16-le"), (("content-type", "application/json"),), None),
        ("{}".encode("utf-7"), (("content-type", "application/json; charset=utf-7"),), None),
        (PNG, (("content-type", "image/png"),), None),
        (b"x" * 65_536, (), "x" * 65_536),
        (b"x" * 65_537, (), None),
    ],
)
def test_a_body_is_text_only_where_that_is_sure(
    data: bytes, headers: tuple[tuple[str, str], ...], text: str | None
) -> None:
    with Spool() as body:
        body.write(data)
        assert body.text(headers) == text
        assert body.text(headers) == text


def test_the_fields_of_a_form_with_files_can_be_read() -> None:
    kind = (("content-type", "multipart/form-data; boundary=x"),)
    field = b'content-disposition: form-data; name="_method"\r\n\r\nDELETE'
    file = (
        b'content-disposition: form-data; name="f"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n' + PNG
    )
    with Spool() as body:
        body.write(_form(file, field))
        assert '"_method"\r\n\r\nDELETE' in str(body.text(kind))
    for hidden in (
        b"content-transfer-encoding: base64\r\n" + field,
        b"content-type: text/plain; charset=utf-16\r\n",
    ):
        with Spool() as body:
            body.write(_form(file, hidden + field))
            assert body.text(kind) is None


@pytest.mark.parametrize("size", [0, 1, 1_048_577, 2_000_000])
def test_a_copy_holds_what_passed_up_to_its_limit(size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    copy = Copy(limit=1_500_000)
    for start in range(0, size, 100_000):
        copy.write(data[start : start + 100_000])
    assert (copy.size, copy.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert copy.data == (data if size <= 1_500_000 else None)
    copy.close()


def test_a_copy_that_the_disk_does_not_take_is_given_up_and_still_hashed() -> None:
    class Full(io.BytesIO):
        def write(self, data: Any, /) -> int:
            super().write(data[:1])
            raise OSError(28, "No space left on device")

    copy = Copy()
    copy.write(b"one")
    held = copy._file
    assert held is not None
    full = Full()
    io.BytesIO.write(full, b"one")
    copy._file = full  # type: ignore[assignment]
    copy.write(b"two")
    copy.write(b"three")
    assert (copy.data, copy.size) == (None, 11)
    assert copy.sha256 == hashlib.sha256(b"onetwothree").hexdigest()
    held.close()
