"""Our framing against h11's: what we take h11 takes in the same way, and what we write it reads so."""

import h11
import pytest
from harness.gateway.base import Headers, UpstreamError
from harness.gateway.framing import Incoming, MalformedError, Outgoing
from hypothesis import example, given
from hypothesis import strategies as st

CHUNKED = {b"transfer-encoding": b"chunked"}


def taken(fields: dict[bytes, bytes], *pieces: bytes) -> bytes | None:
    """The whole body; nothing if it is not whole yet."""
    incoming, found = Incoming(fields), b""
    for piece in pieces:
        found += incoming.take(piece)
    return found if incoming.done else None


def as_h11_reads(fields: dict[bytes, bytes], data: bytes) -> bytes | None:
    """The same by h11; nothing if it is not whole, malformed, or not all of the bytes."""
    there = h11.Connection(h11.SERVER)
    head = b"".join(b"%b: %b\r\n" % pair for pair in fields.items())
    there.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n" + data)
    body = b""
    try:
        while not isinstance(event := there.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                return None
            body += bytes(event.data) if isinstance(event, h11.Data) else b""
    except h11.RemoteProtocolError:
        return None
    return None if there.trailing_data[0] else body


def test_a_counted_body_ends_where_its_head_says() -> None:
    assert taken({b"content-length": b"5"}, b"he", b"llo") == b"hello"
    assert taken({b"content-length": b"5"}, b"hell") is None
    assert taken({}, b"") == b""
    assert taken({b"content-length": b"0"}) == b""


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ({}, b"G"),
        ({b"content-length": b"2"}, b"abc"),
        (CHUNKED, b"1\r\na\r\n0\r\n\r\nG"),
        (CHUNKED, b"1\r\nab0\r\n\r\n"),
        (CHUNKED, b"1\r\na\n0\r\n\r\n"),
        (CHUNKED, b"1\na\r\n0\r\n\r\n"),
        (CHUNKED, b"\r\n"),
        (CHUNKED, b"0x1\r\na\r\n"),
        (CHUNKED, b"+1\r\na\r\n"),
        (CHUNKED, b" 1\r\na\r\n"),
        (CHUNKED, b"1 \r\na\r\n"),
        (CHUNKED, b"1;x=y\r\na\r\n0\r\n\r\n"),
        (CHUNKED, b"0\r\nX-Trailer: y\r\n\r\n"),
        (CHUNKED, b"1234567890abc"),
        (CHUNKED, b"1_0\r\n"),
        (CHUNKED, "٣\r\nabc\r\n".encode()),
    ],
)
def test_what_is_framed_otherwise_is_refused_at_once(fields: dict[bytes, bytes], data: bytes) -> None:
    with pytest.raises(MalformedError):
        taken(fields, data)
    with pytest.raises(MalformedError):
        taken(fields, *[bytes([byte]) for byte in data])


@given(chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=6), cuts=st.lists(st.integers(1, 9)))
def test_chunks_are_put_together_wherever_they_were_cut(chunks: list[bytes], cuts: list[int]) -> None:
    data = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    pieces, rest = [], data
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    assert taken(CHUNKED, *pieces, rest) == b"".join(chunks)
    assert taken(CHUNKED, data[:-1]) is None
    assert as_h11_reads(CHUNKED, data) == b"".join(chunks)


NOISE = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b"0", b"1", b"3", b"a", b"A", b"abc", b";", b" ", b"0\r\n\r\n"])
    | st.binary(max_size=3),
    max_size=14,
).map(b"".join)


@given(data=NOISE, length=st.integers(0, 12) | st.none())
@example(data=b"3\r\nabc\r\n0\r\n\r\n", length=None)
def test_what_is_taken_means_the_same_to_another_reader(data: bytes, length: int | None) -> None:
    fields = CHUNKED if length is None else {b"content-length": b"%d" % length}
    try:
        ours = taken(fields, data)
    except MalformedError:
        return
    if ours is not None:
        assert as_h11_reads(fields, data) == ours


HEADERS: Headers = ((b"content-type", b"text/plain"), (b"x-a", b"caf\xe9"), (b"set-cookie", b"a=1"))


def read_back(method: str, data: bytes) -> tuple[h11.Response, bytes, bool]:
    """An answer as h11's client reads it: its head, its body, and whether the connection goes on."""
    there = h11.Connection(h11.CLIENT)
    there.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    there.send(h11.EndOfMessage())
    there.receive_data(data)
    head = there.next_event()
    assert isinstance(head, h11.Response)
    body = b""
    while not isinstance(event := there.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data), event
        body += bytes(event.data)
    assert there.trailing_data == (b"", False)
    return head, body, there.our_state is h11.DONE


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    counted=st.booleans(),
    close=st.booleans(),
)
def test_an_answer_is_read_as_it_was_meant(chunks: list[bytes], *, counted: bool, close: bool) -> None:
    length = b"%d" % sum(len(chunk) for chunk in chunks)
    headers = (*HEADERS, (b"content-length", length)) if counted else HEADERS
    out = Outgoing(b"GET", close=close)
    data = out.head(200, b"Very OK", headers) + b"".join(out.data(chunk) for chunk in chunks) + out.end()
    head, body, goes_on = read_back("GET", data)
    assert (head.status_code, bytes(head.reason)) == (200, b"Very OK")
    assert [pair for pair in head.headers if pair in HEADERS] == list(HEADERS)
    assert body == b"".join(chunks)
    assert goes_on is not close


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        ("HEAD", 200, ()),
        ("HEAD", 200, ((b"content-length", b"5"),)),
        ("GET", 204, ()),
        ("GET", 304, ()),
        ("GET", 304, ((b"content-length", b"5"),)),
    ],
)
def test_answers_without_a_body_end_with_their_head(method: str, status: int, length: Headers) -> None:
    out = Outgoing(method.encode(), close=False)
    _, body, goes_on = read_back(method, out.head(status, b"", (*HEADERS, *length)) + out.end())
    assert (body, goes_on) == (b"", True)


@pytest.mark.parametrize(
    ("status", "reason", "headers"),
    [
        (99, b"", ()),
        (101, b"", ()),
        (1000, b"", ()),
        (200, b"OK\r\nx: y", ()),
        (200, b"", ((b"a b", b"c"),)),
        (200, b"", ((b"a:", b"c"),)),
        (200, b"", ((b"", b"c"),)),
        (200, b"", ((b"a", b"b\r\nc: d"),)),
        (200, b"", ((b"a", b"b\x00"),)),
        (200, b"", ((b"content-length", b"5"), (b"content-length", b"6"))),
        (200, b"", ((b"content-length", b"-5"),)),
        (200, b"", ((b"content-length", b"5, 5"),)),
        (200, b"", ((b"content-length", b""),)),
    ],
)
def test_what_cannot_stand_in_a_head_is_not_written(status: int, reason: bytes, headers: Headers) -> None:
    with pytest.raises(UpstreamError, match="the answer's head is not HTTP"):
        Outgoing(b"GET", close=False).head(status, reason, headers)


def test_a_body_that_does_not_fit_its_head_is_not_ended() -> None:
    out = Outgoing(b"GET", close=False)
    out.head(200, b"", ((b"content-length", b"5"),))
    assert out.data(b"abc") == b"abc"
    with pytest.raises(UpstreamError, match="2 bytes are missing"):
        out.end()
    with pytest.raises(UpstreamError, match="it is longer"):
        out.data(b"def")
