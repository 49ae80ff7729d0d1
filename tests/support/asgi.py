"""Web applications of tests: what is given to them, what they give, and where a task's `hosts` finds them."""

import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def whole(receive: Receive) -> bytes:
    """Give a request's body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def give(send: Send, body: bytes, kind: bytes = b"text/html", status: int = 200) -> None:
    """Answer a request."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def module(name: str, app: object) -> Iterator[None]:
    """Let a task name an application as `asgi:NAME:app`, inside the block."""
    made = ModuleType(name)
    vars(made)["app"] = app
    sys.modules[name] = made
    try:
        yield
    finally:
        del sys.modules[name]
