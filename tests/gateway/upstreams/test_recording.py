"""A recorded run in the place of the internet."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.errors import NotClearedError
from harness.gateway.base import UpstreamError
from harness.gateway.head import EMPTY_SHA256
from harness.gateway.upstreams.playback import Message
from harness.gateway.upstreams.recording import RULE, Recorded, RecordingUpstream
from tests.gateway.support import ask, opened, spool, whole

PAGE = "https://shop.test/"


def got(url: str = PAGE, text: str = "page", **more: Any) -> Recorded:
    known: dict[str, Any] = {"method": "GET", "url": url, "sha256": EMPTY_SHA256, "status": 200}
    return Recorded(**(known | {"body": text.encode} | more))


def posted(body: str, text: str, **more: Any) -> Recorded:
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    return got(text=text, **({"method": "POST", "sha256": sha256} | more))


async def text(upstream: RecordingUpstream, url: str = PAGE, **changes: Any) -> str:
    answer = await upstream.send(ask(url, **changes), spool())
    return (await whole(answer)).decode()


def body(of: str) -> dict[str, str]:
    return {"method": "POST", "body_sha256": hashlib.sha256(of.encode()).hexdigest()}


async def test_the_same_request_gets_its_answers_in_order_and_then_the_last_again() -> None:
    upstream = RecordingUpstream([got(text="one"), got(text="two")])
    assert [await text(upstream) for _ in range(3)] == ["one", "two", "two"]
    assert [one.what for one in upstream.loose] == ["asked more often than in the recording"]
    assert (upstream.misses, upstream.served, upstream.unused) == ([], 3, ())


async def test_a_body_tells_requests_apart_and_an_unknown_one_is_told() -> None:
    upstream = RecordingUpstream([posted("a", "for a"), posted("b", "for b")])
    assert await text(upstream, **body("b")) == "for b"
    assert await text(upstream, **body("something")) == "for a"
    assert [one.what for one in upstream.loose] == ["another body than in the recording"]


@pytest.mark.parametrize(
    ("then", "now", "same"),
    [
        ("?_=1764000000000", "?_=1764999999999", True),
        ("?v=0.123456789", "?v=0.98765432101", True),
        ("?id=9f86d081&a=b", "?id=884c7d65&a=b", True),
        ("?1764000000000", "?1764999999999", True),
        ("?id=1", "?id=2", False),
        ("?q=tea&_=1764000000000", "?q=cup&_=1764999999999", False),
        ("?_=1764000000000", "?_=1764999999999&more=1", False),
    ],
)
async def test_numbers_that_change_each_time_are_the_only_thing_that_may_differ(
    then: str, now: str, same: bool
) -> None:
    upstream = RecordingUpstream([got(PAGE + then)])
    if same:
        assert await text(upstream, PAGE + now) == "page"
        assert "another number" in upstream.loose[0].what
        return
    with pytest.raises(UpstreamError) as error:
        await text(upstream, PAGE + now)
    assert (error.value.status, error.value.rule) == (504, RULE)


async def test_what_was_not_recorded_is_listed_and_refused_through_the_gateway(tmp_path: Path) -> None:
    upstream = RecordingUpstream([got()])
    async with opened(tmp_path, {}, upstream) as setup:
        assert (await setup.get(PAGE)).body == b"page"
        missing = await setup.get("https://elsewhere.test/x")
    assert (missing.status, missing.headers["x-harness-rule"]) == (504, RULE)
    assert [(one.method, one.url) for one in upstream.misses] == [("GET", "https://elsewhere.test/x")]


async def test_an_answer_goes_as_it_came(tmp_path: Path) -> None:
    headers = (("content-type", "text/html"), ("content-encoding", "gzip"), ("content-length", "999"))
    upstream = RecordingUpstream([got(headers=headers, text="packed", status=203)])
    async with opened(tmp_path, {}, upstream) as setup:
        reply = await setup.get(PAGE)
    assert (reply.status, reply.body, reply.headers["content-encoding"]) == (203, b"packed", "gzip")
    assert reply.headers["content-length"] == "6"


async def test_dates_are_moved() -> None:
    headers = (("date", "Sat, 21 Nov 2026 10:00:00 GMT"),)
    upstream = RecordingUpstream([got(headers=headers)], timedelta(hours=1))
    answer = await upstream.send(ask(PAGE), spool())
    assert (b"date", b"Sat, 21 Nov 2026 11:00:00 GMT") in answer.headers
    await whole(answer)


async def test_a_redirect_and_a_head_keep_their_heads() -> None:
    upstream = RecordingUpstream(
        [
            got(status=302, headers=(("location", "/b"),), body=None),
            got(method="HEAD", headers=(("content-length", "70"),), body=None),
        ]
    )
    moved = await upstream.send(ask(PAGE), spool())
    head = await upstream.send(ask(PAGE, method="HEAD"), spool())
    assert (moved.status, dict(moved.headers)) == (302, {b"location": b"/b", b"content-length": b"0"})
    assert dict(head.headers) == {b"content-length": b"70"}
    await whole(moved)
    await whole(head)


async def test_not_modified_is_only_for_who_asks_whether_it_was() -> None:
    upstream = RecordingUpstream([got(text="whole"), got(status=304, body=None)])
    assert await text(upstream) == "whole"
    assert await text(upstream) == "whole"
    answer = await upstream.send(ask(PAGE, headers=(("if-none-match", '"x"'),)), spool())
    assert answer.status == 304
    await whole(answer)


async def test_a_part_is_not_given_for_the_whole() -> None:
    part = got(status=206, range="bytes=0-3", text="part")
    upstream = RecordingUpstream([part])
    with pytest.raises(UpstreamError):
        await text(upstream)
    assert await text(upstream, headers=(("range", "bytes=0-3"),)) == "part"


async def test_what_failed_then_fails_again() -> None:
    upstream = RecordingUpstream(
        [
            got(status=502, error="shop.test cannot be reached", body=None),
            got(
                "https://shop.test/b",
                headers=(("content-length", "9"),),
                error="it broke off",
                body=None,
            ),
        ]
    )
    with pytest.raises(UpstreamError, match="cannot be reached") as error:
        await text(upstream)
    assert (error.value.status, error.value.rule) == (502, "upstream")
    answer = await upstream.send(ask("https://shop.test/b"), spool())
    assert (b"content-length", b"9") in answer.headers
    with pytest.raises(UpstreamError, match="broke off"):
        await whole(answer)


async def test_what_was_too_long_to_be_kept_is_missing() -> None:
    upstream = RecordingUpstream([got(body=None, lost=True)])
    with pytest.raises(UpstreamError) as error:
        await text(upstream)
    assert error.value.rule == RULE
    assert "too long" in upstream.misses[0].what


async def test_what_the_browser_hung_up_on_never_ends_by_itself() -> None:
    upstream = RecordingUpstream([got(cut=True, error="the browser hung up", status=None, body=None)])
    waiting = asyncio.ensure_future(text(upstream))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    await upstream.close()
    with pytest.raises(UpstreamError):
        await asyncio.wait_for(waiting, 5)


async def test_an_answer_that_took_several_steps_takes_them_again() -> None:
    upstream = RecordingUpstream([got(step=3)])
    waiting = asyncio.ensure_future(text(upstream))
    for step in (1, 2):
        upstream.reach(step)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
    upstream.reach(3)
    assert await asyncio.wait_for(waiting, 2) == "page"


async def test_a_socket_says_what_it_said() -> None:
    url = "wss://shop.test/live"
    message = Message(out=False, step=0, data=lambda: b"hello")
    upstream = RecordingUpstream([got(url, status=101, body=None, messages=(message,))])
    socket = await upstream.connect(ask(url, headers=(("sec-websocket-protocol", "chat, other"),)))
    assert (await socket.receive(), socket.subprotocol) == ("hello", "chat")
    await socket.close()
    with pytest.raises(UpstreamError):
        await upstream.connect(ask("wss://shop.test/other"))


async def test_a_ticket_is_good_once() -> None:
    upstream = RecordingUpstream([got(), got()])
    cleared = ask(PAGE)
    await whole(await upstream.send(cleared, spool()))
    with pytest.raises(NotClearedError):
        await upstream.send(cleared, spool())
