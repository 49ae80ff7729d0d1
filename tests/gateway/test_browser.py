"""A real Chromium behind the gateway, with nothing between but a forwarder from TCP."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import parse_qs

from harness.clearance import Refusal
from harness.gateway.upstreams.asgi import AsgiUpstream
from playwright.async_api import Browser, async_playwright
from tests.gateway.support import Receive, Scope, Send, Setup, opened

FILE = bytes(range(256)) * 4096

PAGE = b"""<!doctype html><meta charset=utf-8><title>shop</title>
<link rel=stylesheet href=/style.css><h1>Shop</h1>
<form method=post action=/order><input name=name value="Ada L"><button>Order</button></form>
<a href=/file download=file.bin>file</a><script src=/app.js></script>"""

SCRIPT = b"""window.ready = (async () => {
  const posted = await (await fetch('/api', {method: 'POST', body: 'x'.repeat(300000)})).text();
  const socket = new WebSocket('wss://shop.test/socket', 'chat');
  await new Promise((yes, no) => { socket.onopen = yes; socket.onerror = no; });
  socket.send('hello');
  const text = await new Promise(yes => { socket.onmessage = e => yes(e.data); });
  const closed = new Promise(yes => { socket.onclose = e => yes(e.code); });
  socket.close(4001, 'bye');
  return [posted, socket.protocol, text, await closed];
})();"""


async def shop(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        raise NotImplementedError
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "chat"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"].upper()})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    kind, content = {
        "/": (b"text/html", PAGE),
        "/style.css": (b"text/css", b"h1 { color: rgb(1, 2, 3) }"),
        "/app.js": (b"text/javascript", SCRIPT),
        "/api": (b"text/plain", str(len(body)).encode()),
        "/order": (b"text/html", b"<h1>Thank you, " + parse_qs(body).get(b"name", [b"?"])[0] + b"</h1>"),
        "/file": (b"application/octet-stream", FILE),
    }.get(scope["path"], (b"text/plain", b"nothing here"))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def chromium(setup: Setup) -> AsyncGenerator[Browser]:
    """A Chromium whose only way out is the gateway."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(str(setup.socket))
        try:
            await asyncio.gather(carry(reader, back), carry(there, writer))
        finally:
            for end in (back, writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(forward(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    relay = await asyncio.start_server(begin, "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path="/usr/lib/chromium/chromium",
                args=[
                    f"--proxy-server=http://127.0.0.1:{port}",
                    "--proxy-bypass-list=<-loopback>",
                    f"--ignore-certificate-errors-spki-list={setup.gateway.spki}",
                    "--no-sandbox",
                ],
            )
            try:
                yield browser
            finally:
                await browser.close()
    finally:
        relay.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await relay.wait_closed()


async def test_a_page_with_style_script_post_websocket_form_and_download(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(shop)}) as setup, chromium(setup) as browser:
        page = await browser.new_page()
        await page.goto("https://shop.test/")
        assert await page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
        assert await page.evaluate("window.ready") == ["300000", "chat", "HELLO", 4001]
        assert await page.evaluate("isSecureContext && location.protocol") == "https:"

        async with page.expect_download() as waiting:
            await page.click("a")
        saved = await (await waiting.value).path()
        assert hashlib.sha256(saved.read_bytes()).digest() == hashlib.sha256(FILE).digest()

        await page.click("button")
        await page.wait_for_selector("text=Thank you, Ada L")

        kinds = {(r.method, r.url): r.resource for r in setup.keeper.asked}
        assert kinds["GET", "https://shop.test/"] == "document"
        assert kinds["GET", "https://shop.test/style.css"] == "style"
        assert kinds["GET", "https://shop.test/app.js"] == "script"
        assert kinds["POST", "https://shop.test/api"] == "fetch"
        assert kinds["GET", "wss://shop.test/socket"] == "websocket"
        assert kinds["POST", "https://shop.test/order"] == "document"
        posted = next(r for r in setup.keeper.asked if r.url == "https://shop.test/api")
        assert posted.body_sha256 == hashlib.sha256(b"x" * 300000).hexdigest()
        assert posted.initiator == "https://shop.test"
        exchanges = {e.id: e for e in await setup.keeper.exchanges(len(setup.keeper.asked))}
        socket = next(r for r in setup.keeper.asked if r.resource == "websocket")
        assert exchanges[socket.id].messages == (1, 1)


async def test_refused_pages_and_subresources_in_the_browser(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(shop)}) as setup, chromium(setup) as browser:
        setup.keeper.rule = lambda r: (
            Refusal(rule="style stays out", reason="Not here.")
            if r.resource == "style" or "evil" in r.url
            else None
        )
        page = await browser.new_page()
        refused: list[tuple[str, str]] = []
        page.on("response", lambda r: refused.append((r.url, r.headers.get("x-harness-rule", ""))))
        await page.goto("https://shop.test/")
        assert ("https://shop.test/style.css", "style stays out") in refused
        for href in ("https://evil.test/", "http://evil.test/"):
            answer = await page.goto(href)
            assert answer is not None
            assert answer.status == 403
            assert "Refused by the policy" in await page.inner_text("h1")
            assert href in await page.inner_text("dl")
        assert {r.resource for r in setup.keeper.asked if "evil.test" in r.url} == {"document"}
        answer = await page.goto("https://elsewhere.test/")
        assert answer is not None
        assert answer.status == 502
        assert "no internet" in await page.inner_text("main")


async def test_a_plain_websocket_and_plain_http(tmp_path: Path) -> None:
    async with opened(tmp_path, {"shop.test": AsgiUpstream(shop)}) as setup, chromium(setup) as browser:
        page = await browser.new_page()
        await page.goto("http://shop.test/style.css")
        said = await page.evaluate(
            """() => new Promise((yes, no) => {
                const s = new WebSocket('ws://shop.test/socket', 'chat');
                s.onopen = () => s.send('plain');
                s.onmessage = e => yes(e.data);
                s.onerror = () => no('refused');
            })"""
        )
        assert said == "PLAIN"
        assert ("ws://shop.test/socket", "websocket") in [(r.url, r.resource) for r in setup.keeper.asked]
