"""Bodies are kept whole where they may be, and never with a secret inside."""

import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterator

import pytest
from harness.bodies import Bodies
from harness.gateway.base import Exchange
from harness.gateway.body import Copy, Spool
from harness.secrets import Redactor
from harness.testing import MemoryRecorder
from harness.trace.events import Noted

SECRET = Redactor({"card": "4242 4242"})


class Keeping(MemoryRecorder):
    """Replaces secrets in blobs, as a trace does."""

    def __init__(self, redactor: Redactor | None = None) -> None:
        super().__init__()
        self._redactor = redactor

    def blob(self, data: bytes) -> str:
        return super().blob(self._redactor.data(data) if self._redactor else data)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noted)]


COPIES: list[Copy] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while COPIES:
        COPIES.pop().close()


def came(data: bytes, *headers: tuple[str, str]) -> Exchange:
    body = Copy()
    COPIES.append(body)
    body.write(data)
    return Exchange(id="r1", status=200, received=len(data), headers=headers, body=body)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_an_answer_is_kept_as_it_came_with_its_headers() -> None:
    memory = Keeping()
    packed = gzip.compress(b"4242 4242")
    found = Bodies(memory).answer(came(packed, ("content-encoding", "gzip")), 1)
    assert found == ((("content-encoding", "gzip"),), sha(packed), sha(packed))
    assert memory.blobs == {sha(packed): packed}


def test_an_answer_without_a_body_or_that_broke_off_has_none() -> None:
    memory = Keeping()
    bodies = Bodies(memory)
    lost = Exchange(id="r1", status=200, received=9, headers=(("etag", "x"), ("set-cookie", "a=bcd")))
    kept = (("etag", "x"), ("set-cookie", "a=[redacted-3-characters]"))
    assert bodies.answer(lost, 1) == (kept, None, None)
    assert bodies.answer(came(b""), 1) == ((), None, None)
    assert memory.blobs == {}


def test_of_a_body_that_is_too_long_there_is_the_hash_and_one_note() -> None:
    memory = Keeping()
    bodies = Bodies(memory, longest=10)
    for _ in range(3):
        assert bodies.answer(came(b"x" * 11), 4) == ((), None, sha(b"x" * 11))
    assert memory.blobs == {}
    assert memory.notes == ["a body of more than 10 bytes is not kept, only their size and SHA-256"]


def test_all_bodies_of_a_trace_have_a_bound_and_one_is_counted_once() -> None:
    memory = Keeping()
    bodies = Bodies(memory, most=16)
    for _ in range(5):
        assert bodies.answer(came(b"sixish"), 1).body == sha(b"sixish")
    assert bodies.answer(came(b"elevenchars"), 1) == ((), None, sha(b"elevenchars"))
    assert bodies.answer(came(b"ten chars!"), 1).body == sha(b"ten chars!")
    assert len(memory.notes) == 1


def test_secrets_in_a_text_are_replaced_and_its_hash_and_length_left_out() -> None:
    memory = Keeping(SECRET)
    bodies = Bodies(memory, SECRET)
    headers = (("content-length", "14"), ("content-type", "text/plain"))
    found = bodies.answer(came(b"card 4242 4242", *headers), 1)
    assert found.headers == (("content-type", "text/plain"),)
    assert found.sha256 is None
    assert memory.blobs == {found.body: b"card [secret:card]"}
    assert bodies.answer(came(b"hello", *headers), 1) == (headers, sha(b"hello"), sha(b"hello"))


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "raw", "identity, GZIP"])
def test_a_packed_answer_is_looked_into(coding: str) -> None:
    def pack(data: bytes) -> bytes:
        match coding:
            case "deflate":
                return zlib.compress(data)
            case "raw":
                packer = zlib.compressobj(wbits=-15)
                return packer.compress(data) + packer.flush()
            case _:
                return gzip.compress(data)

    memory = Keeping(SECRET)
    bodies = Bodies(memory, SECRET)
    said = ("content-encoding", "deflate" if coding == "raw" else coding)
    clean = pack(b"nothing to hide")
    assert bodies.answer(came(clean, said), 1) == ((said,), sha(clean), sha(clean))
    found = bodies.answer(came(pack(b"card 4242 4242"), said, ("content-length", "9"), ("vary", "*")), 1)
    assert found.headers == (("vary", "*"),)
    assert found.sha256 is None
    assert found.body is not None
    assert memory.blobs[found.body] == b"card [secret:card]"


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("br", b"\x0b\x02\x80hello\x03"),
        ("zstd", b"\x28\xb5\x2f\xfd"),
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"whole")[:-5]),
        ("gzip", gzip.compress(b"first") + b"4242 4242"),
        ("gzip, br", b"x"),
        ("gzip", gzip.compress(b"\0" * 20_000)),
    ],
)
def test_what_cannot_be_searched_is_not_kept_while_there_are_secrets(coding: str, data: bytes) -> None:
    memory = Keeping(SECRET)
    found = Bodies(memory, SECRET, longest=10_000).answer(came(data, ("content-encoding", coding)), 1)
    assert found == ((("content-encoding", coding),), None, sha(data))
    assert memory.blobs == {}
    assert len(memory.notes) == 1
    assert Bodies(Keeping()).answer(came(data, ("content-encoding", coding)), 1).body == sha(data)


async def test_a_requests_body_is_kept_with_secrets_replaced() -> None:
    memory = Keeping(SECRET)
    bodies = Bodies(memory, SECRET, longest=1000)
    with Spool() as body:
        assert await bodies.request(body, (), 1) is None
        body.write(b"card=4242+4242&a=1")
        name = await bodies.request(body, (), 1)
        assert name is not None
        assert memory.blobs == {name: b"card=[secret:card]&a=1"}
    with Spool() as body:
        body.write(gzip.compress(b"4242 4242"))
        assert await bodies.request(body, (("content-encoding", "gzip"),), 1) is None
        assert len(memory.blobs) == 1
    with Spool() as body:
        body.write(b"x" * 1001)
        assert await bodies.request(body, (), 1) is None


async def test_a_body_that_cannot_be_read_again_is_an_error() -> None:
    class Lost:
        size = 3

        async def chunks(self) -> AsyncIterator[bytes]:
            yield b"x"
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await Bodies(Keeping()).request(Lost(), (), 1)
