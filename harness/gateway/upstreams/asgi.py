"""An ASGI app in this process: a web server without a port."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from harness.clearance import Cleared
from harness.gateway.base import Answer, Body, Headers, Socket, UpstreamError
from harness.gateway.upstreams.ticket import Order, spend

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
App = Callable[..., Any]
"""An ASGI 3 application: an async callable of scope, receive and send."""

_LIFESPAN_SECONDS = 30.0
_FAREWELL_SECONDS = 10.0
_PENDING = 8
_PIECE = 65_536


class AsgiUpstream:
    """Calls an app for each request and WebSocket.

    The app's lifespan starts with the first request and ends with `close`; a later request starts it anew.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lifespan: _Lifespan | None = None
        self._starting = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, cleared: Cleared, body: Body) -> Answer:
        """Spend the ticket, call the app, give the answer's head.

        Raises:
            UpstreamError: with status 500 if the app raises or says nothing.
        """
        order = spend(cleared)
        state = await self._started()
        call = _HttpCall(order.method == b"HEAD", body)
        headers = list(order.headers)
        if body.size or order.method in {b"POST", b"PUT", b"PATCH"}:
            headers.append((b"content-length", str(body.size).encode()))
        scope = _scope(order, "http", headers, state)
        scope["method"] = order.method.decode()
        self._begin(call.run(self._app, scope))
        return await call.answer()

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and open a WebSocket.

        Raises:
            UpstreamError: with status 403 if the app closes it at once, 500 if it raises.
        """
        order = spend(cleared)
        state = await self._started()
        offered = [
            value.decode("latin-1") for name, value in order.headers if name == b"sec-websocket-protocol"
        ]
        protocols = [part.strip() for value in offered for part in value.split(",") if part.strip()]
        call = _SocketCall(protocols)
        scope = _scope(order, "websocket", list(order.headers), state)
        scope["subprotocols"] = protocols
        task = self._begin(call.run(self._app, scope))
        await call.accepted(task)
        return call

    async def close(self) -> None:
        """Cancel the calls still running and end the app's lifespan."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        lifespan, self._lifespan = self._lifespan, None
        if lifespan:
            await lifespan.end()

    def _begin(self, call: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _started(self) -> dict[str, Any]:
        async with self._starting:
            if not self._lifespan:
                lifespan = _Lifespan()
                await lifespan.begin(self._app)
                self._lifespan = lifespan
            return dict(self._lifespan.state)


class _HttpCall:
    """One request's call of the app. The answer waits in a short queue: a slow browser slows the app."""

    def __init__(self, headless: bool, body: Body) -> None:  # noqa: FBT001 - internal
        self._headless = headless
        self._chunks = body.chunks()
        self._body_done = False
        self._left = asyncio.Event()
        self._head: asyncio.Future[tuple[int, Headers]] = asyncio.get_running_loop().create_future()
        self._pieces: asyncio.Queue[bytes | UpstreamError | None] = asyncio.Queue(_PENDING)
        self._complete = False

    async def run(self, app: App, scope: Scope) -> None:
        error: UpstreamError | None = None
        try:
            await app(scope, self._receive, self._send)
            if not self._complete:
                error = UpstreamError("the app ended without a whole answer", status=500, rule="app")
        except asyncio.CancelledError:
            error = UpstreamError("the app was stopped", status=500, rule="app")
            self._fail(error)
            raise
        except Exception as raised:  # noqa: BLE001 - an app may raise anything; the browser sees a 500
            error = UpstreamError(f"the app raised {_said(raised)}", status=500, rule="app")
        if error and not self._complete:
            self._fail(error)

    async def answer(self) -> Answer:
        try:
            status, headers = await asyncio.shield(self._head)
        except asyncio.CancelledError:
            self._leave()
            raise
        content = self._body()
        await anext(content)
        return Answer(status, b"", headers, content)

    async def _body(self) -> AsyncGenerator[bytes]:
        try:
            # Taken by `answer`: a generator that was begun tells the app when the browser leaves.
            yield b""
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, UpstreamError):
                    raise piece
                for start in range(0, len(piece), _PIECE):
                    yield piece[start : start + _PIECE]
        finally:
            self._leave()

    def _leave(self) -> None:
        self._left.set()
        if not self._head.done():
            self._head.cancel()
        while not self._pieces.empty():
            self._pieces.get_nowait()

    def _fail(self, error: UpstreamError) -> None:
        if not self._head.done():
            self._head.set_exception(error)
            return
        # The queue may be full; what waits in it is then not worth sending, as the body is broken anyway.
        while self._pieces.full():
            self._pieces.get_nowait()
        self._pieces.put_nowait(error)

    async def _receive(self) -> Message:
        if not self._body_done and not self._left.is_set():
            chunk = await anext(aiter(self._chunks), b"")
            self._body_done = not chunk
            return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}
        await self._left.wait()
        # An app that asks for ever must not keep the loop from everyone else.
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._left.is_set() and not self._complete:
            raise OSError("the browser hung up")
        match message["type"]:
            case "http.response.start" if not self._head.done():
                headers = tuple((bytes(n).lower(), bytes(v)) for n, v in message.get("headers", ()))
                self._head.set_result((int(message["status"]), headers))
            case "http.response.body" if self._head.done() and not self._complete:
                body = bytes(message.get("body", b""))
                if body and not self._headless:
                    await self._put(body)
                    # Without this turn an app that never waits would run far ahead of the browser.
                    await asyncio.sleep(0)
                if not message.get("more_body", False):
                    self._complete = True
                    await self._put(None)
            case other:
                raise RuntimeError(f"the app sent {other!r} out of turn")

    async def _put(self, piece: bytes | None) -> None:
        if not self._pieces.full():
            self._pieces.put_nowait(piece)
            return
        putting = asyncio.ensure_future(self._pieces.put(piece))
        leaving = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait((putting, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            putting.cancel()
            await asyncio.gather(putting, leaving, return_exceptions=True)


class _SocketCall:
    """One WebSocket's call of the app, seen from the gateway as a `Socket`."""

    def __init__(self, offered: list[str]) -> None:
        self.subprotocol: str | None = None
        self.headers: Headers = ()
        self.closed: tuple[int, str] | None = None
        self._offered = offered
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._to_app: asyncio.Queue[Message] = asyncio.Queue(_PENDING)
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._from_app: asyncio.Queue[str | bytes | None] = asyncio.Queue(_PENDING)
        self._left = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def run(self, app: App, scope: Scope) -> None:
        try:
            await app(scope, self._to_app.get, self._send)
            self._end(1000 if self._open.done() else 1006, "")
            failure = UpstreamError("the app ended without accepting the WebSocket", status=500, rule="app")
        except asyncio.CancelledError:
            self._end(1001, "the app was stopped")
            raise
        except Exception as raised:  # noqa: BLE001 - an app may raise anything; the browser sees code 1011
            self._end(1011, "the app failed")
            failure = UpstreamError(f"the app raised {_said(raised)}", status=500, rule="app")
        if not self._open.done():
            self._open.set_exception(failure)

    async def accepted(self, task: asyncio.Task[None]) -> None:
        self._task = task
        try:
            await asyncio.shield(self._open)
        except (asyncio.CancelledError, UpstreamError):
            await self._stop()
            raise

    async def send(self, message: str | bytes) -> None:
        if self.closed is not None:
            raise ConnectionResetError("the app closed the WebSocket")
        key = "text" if isinstance(message, str) else "bytes"
        await self._either(self._to_app.put({"type": "websocket.receive", key: message}))

    async def receive(self) -> str | bytes | None:
        if self.closed is not None and self._from_app.empty():
            return None
        return await self._from_app.get()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self.closed is None:
            self._end(code, reason)
            while self._to_app.full():
                self._to_app.get_nowait()
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        await self._stop()

    def _end(self, code: int, reason: str) -> None:
        if self.closed is None:
            self.closed = (code, reason)
        self._left.set()
        if not self._from_app.full():
            self._from_app.put_nowait(None)

    async def _stop(self) -> None:
        if self._task and not self._task.done():
            _, running = await asyncio.wait((self._task,), timeout=_FAREWELL_SECONDS)
            for task in running:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send(self, message: Message) -> None:
        if self.closed is not None:
            raise OSError("the WebSocket is closed")
        match message["type"]:
            case "websocket.accept" if not self._open.done():
                self.subprotocol = message.get("subprotocol")
                self.headers = tuple((bytes(n).lower(), bytes(v)) for n, v in message.get("headers", ()))
                self._open.set_result(None)
            case "websocket.send" if self._open.done():
                text = message.get("text")
                payload = text if isinstance(text, str) else bytes(message["bytes"])
                await self._either(self._from_app.put(payload))
            case "websocket.close" if self._open.done():
                self._end(int(message.get("code", 1000)), str(message.get("reason") or ""))
            case "websocket.close":
                self._end(1006, "")
                self._open.set_exception(
                    UpstreamError("the app refused the WebSocket", status=403, rule="app")
                )
            case other:
                raise RuntimeError(f"the app sent {other!r} out of turn")

    async def _either(self, putting: Any) -> None:
        put = asyncio.ensure_future(putting)
        left = asyncio.ensure_future(self._left.wait())
        try:
            await asyncio.wait((put, left), return_when=asyncio.FIRST_COMPLETED)
            if not put.done():
                raise ConnectionResetError("the WebSocket is closed")
        finally:
            put.cancel()
            left.cancel()
            await asyncio.gather(put, left, return_exceptions=True)


class _Lifespan:
    """The app's start and end. An app that knows no lifespan does without."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._up = asyncio.Event()
        self._down = asyncio.Event()
        self._failure: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def begin(self, app: App) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(app))
        await self._to_app.put({"type": "lifespan.startup"})
        try:
            async with asyncio.timeout(_LIFESPAN_SECONDS):
                await self._up.wait()
        except TimeoutError:
            self._failure = f"it took more than {_LIFESPAN_SECONDS:g} seconds"
        except asyncio.CancelledError:
            await self._stop()
            raise
        if self._failure is not None:
            await self._stop()
            raise UpstreamError(f"the app did not start: {self._failure}", status=500, rule="app")

    async def end(self) -> None:
        await self._to_app.put({"type": "lifespan.shutdown"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._down.wait()
        await self._stop()

    async def _stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, app: App) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await app(scope, self._to_app.get, self._send)
        except Exception:  # noqa: BLE001 - the specification: an app that raises here knows no lifespan
            self._up.set()
        finally:
            self._up.set()
            self._down.set()

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._up.set()
            case "lifespan.startup.failed":
                self._failure = str(message.get("message") or "it gave no reason")
                self._up.set()
            case _:
                self._down.set()


def _scope(order: Order, kind: str, headers: list[tuple[bytes, bytes]], state: dict[str, Any]) -> Scope:
    path, _, query = order.address.target.partition("?")
    return {
        "type": kind,
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": order.address.scheme,
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", order.host), *headers],
        "client": None,
        "server": (order.address.host, order.address.port),
        "state": state,
        "extensions": {},
    }


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
