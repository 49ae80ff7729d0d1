"""An app in this process: its scope, its lifespan, its streams and its failures."""

import asyncio
import json
from pathlib import Path

import pytest
from harness.errors import NotClearedError
from harness.gateway.base import UpstreamError
from harness.gateway.upstreams.asgi import AsgiUpstream
from tests.gateway.support import Receive, Scope, Send, ask, echo, opened, spool, whole


async def test_the_app_is_told_what_was_judged() -> None:
    upstream = AsgiUpstream(echo)
    headers = (("content-type", "text/plain"), ("cookie", "a=b"))
    cleared = ask("https://shop.test:8443/a%20b/%C3%A9?q=%20", method="POST", headers=headers)
    with spool(b"hello") as body:
        answer = await upstream.send(cleared, body)
        said = json.loads(await whole(answer))
    assert (answer.status, said["method"], said["path"], said["query"]) == (200, "POST", "/a b/é", "q=%20")
    assert said["body"] == "hello"
    assert said["headers"] == [
        ["host", "shop.test:8443"],
        ["content-type", "text/plain"],
        ["cookie", "a=b"],
        ["content-length", "5"],
    ]
    await upstream.close()


async def test_a_ticket_is_good_once() -> None:
    upstream = AsgiUpstream(echo)
    cleared = ask("https://shop.test/")
    await whole(await upstream.send(cleared, spool()))
    with pytest.raises(NotClearedError):
        await upstream.send(cleared, spool())
    with pytest.raises(NotClearedError):
        await upstream.connect(cleared)
    await upstream.close()


async def test_the_lifespan_begins_with_the_first_request_and_ends_with_close() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                seen.append(message["type"])
                scope["state"]["store"] = "open"
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        seen.append(scope["state"]["store"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    upstream = AsgiUpstream(app)
    assert seen == []
    for _ in range(2):
        await whole(await upstream.send(ask("https://shop.test/"), spool()))
    assert seen == ["lifespan.startup", "open", "open"]
    await upstream.close()
    await upstream.close()
    assert seen == ["lifespan.startup", "open", "open", "lifespan.shutdown"]


async def test_an_app_that_does_not_start_is_a_500(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        reply = await setup.get("https://shop.test/")
        assert reply.status == 500
        assert b"no database" in reply.body


async def test_an_app_that_raises_is_a_500_and_said(tmp_path: Path) -> None:
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError(f"bad {scope['type']}")

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup:
        reply = await setup.get("https://shop.test/", sec_fetch_dest="document")
        assert reply.status == 500
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.status, exchange.error) == (500, "the app raised ValueError: bad http")


async def test_an_app_that_says_nothing_is_a_500() -> None:
    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    upstream = AsgiUpstream(app)
    with pytest.raises(UpstreamError, match="without a whole answer") as caught:
        await upstream.send(ask("https://shop.test/"), spool())
    assert caught.value.status == 500
    await upstream.close()


async def test_an_app_that_raises_midway_breaks_the_body_off(tmp_path: Path) -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("midway")

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup, await setup.plain() as client:
        said = await client.raw(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        assert not said.endswith(b"0\r\n\r\n")
        (exchange,) = await setup.keeper.exchanges(1)
        assert (exchange.status, exchange.error) == (200, "the app raised ValueError: midway")


async def test_an_app_streams_as_it_goes(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"second"})

    async with opened(tmp_path, {"shop.test": AsgiUpstream(app)}) as setup, await setup.plain() as client:
        await client.write(b"GET http://shop.test/ HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        async with asyncio.timeout(5):
            await client.reader.readuntil(b"first\r\n")
            go_on.set()
            await client.reader.readuntil(b"second\r\n0\r\n\r\n")


async def test_a_slow_browser_slows_the_app() -> None:
    made = 0

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        nonlocal made
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            made += 1
        await send({"type": "http.response.body"})

    upstream = AsgiUpstream(app)
    answer = await upstream.send(ask("https://shop.test/"), spool())
    for _ in range(200):
        await asyncio.sleep(0)
    assert made < 20
    assert len(await whole(answer)) == 1_000_000
    await upstream.close()


async def test_a_caller_who_leaves_is_a_disconnect_to_the_app() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        heard.append((await receive())["type"])
        try:
            await send({"type": "http.response.body", "body": b"late"})
        except OSError as error:
            heard.append(str(error))

    upstream = AsgiUpstream(app)
    answer = await upstream.send(ask("https://shop.test/"), spool())
    await answer.body.aclose()  # type: ignore[attr-defined]
    for _ in range(20):
        await asyncio.sleep(0)
    assert heard == ["http.disconnect", "the browser hung up"]
    await upstream.close()


async def test_work_after_the_answer_goes_on_until_close() -> None:
    done = asyncio.Event()
    stopped = asyncio.Event()

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        done.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    upstream = AsgiUpstream(app)
    assert await whole(await upstream.send(ask("https://shop.test/"), spool())) == b"ok"
    await done.wait()
    assert not stopped.is_set()
    await upstream.close()
    assert stopped.is_set()


async def test_an_app_that_speaks_out_of_turn_fails() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.body", "body": b"early"})

    upstream = AsgiUpstream(app)
    with pytest.raises(UpstreamError, match="out of turn"):
        await upstream.send(ask("https://shop.test/"), spool())
    await upstream.close()
