"""A folder of files, served as a static web server would."""

import mimetypes
import os
import re
import stat
from collections.abc import AsyncGenerator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote_to_bytes

from harness.clearance import Cleared
from harness.errors import TaskError
from harness.gateway.base import Answer, Body, Headers, Socket, UpstreamError
from harness.gateway.upstreams.ticket import spend

_CHUNK = 65_536
_RANGE = re.compile(r"bytes=(?P<first>\d{0,15})-(?P<last>\d{0,15})")
_TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "text/xml",
}


class StaticUpstream:
    """Serves the files in a folder, and nothing outside it whatever a path or link says.

    `index.html` stands for its folder; a folder without a final slash is redirected; folders are not listed.

    Args:
        folder: the folder.

    Raises:
        TaskError: if there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self._root = folder.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise TaskError(f"cannot serve the folder {folder}: {error}") from None
        if not self._root.is_dir():
            raise TaskError(f"cannot serve {folder}: it is not a folder")
        # Without the machine's own tables, a file has the same type everywhere.
        self._types = mimetypes.MimeTypes(filenames=())

    async def send(self, cleared: Cleared, body: Body) -> Answer:  # noqa: ARG002 - nothing here reads a body
        """Spend the ticket and give the file."""
        order = spend(cleared)
        if order.method not in {b"GET", b"HEAD"}:
            return _text(405, "only GET and HEAD are served here", ((b"allow", b"GET, HEAD"),))
        path, mark, query = order.address.target.partition("?")
        found = self._find(path)
        if found is None:
            return _text(404, "there is no such file")
        if found.is_dir():
            if not path.endswith("/"):
                there = order.address._replace(target=f"{path}/{mark}{query}").href
                return _text(301, "the folder is over there", ((b"location", there.encode()),))
            index = self._inside(found / "index.html")
            if index is None:
                return _text(404, "the folder has no index.html")
            found = index
        headers = {name: value.decode("latin-1") for name, value in order.headers}
        return self._serve(found, headers, bodyless=order.method == b"HEAD")

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and refuse: a folder has no WebSockets."""
        spend(cleared)
        raise UpstreamError("a folder of files has no WebSockets", status=404)

    async def close(self) -> None:
        """Nothing is held."""

    def _find(self, path: str) -> Path | None:
        parts = [unquote_to_bytes(part) for part in path.split("/")[1:]]
        if any(part in {b".", b".."} or b"/" in part or b"\0" in part for part in parts):
            return None
        if b"" in parts[:-1]:
            return None
        found = self._inside(self._root.joinpath(*(os.fsdecode(part) for part in parts)))
        return None if found and path.endswith("/") and not found.is_dir() else found

    def _inside(self, path: Path) -> Path | None:
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        return real if real.is_relative_to(self._root) else None

    def _serve(self, path: Path, headers: dict[bytes, str], *, bodyless: bool) -> Answer:
        try:
            status = path.stat()
        except OSError:
            return _text(404, "there is no such file")
        if not stat.S_ISREG(status.st_mode) or not os.access(path, os.R_OK):
            return _text(404, "there is no such file")
        size, tag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        shared: Headers = (
            (b"etag", tag.encode()),
            (b"last-modified", formatdate(status.st_mtime, usegmt=True).encode()),
            (b"cache-control", b"no-cache"),
            (b"accept-ranges", b"bytes"),
        )
        if tag in [part.strip() for part in headers.get(b"if-none-match", "").split(",")]:
            return Answer(304, b"Not Modified", shared, _bytes(b""))
        span = _span(headers.get(b"range") if headers.get(b"if-range", tag) == tag else None, size)
        if span is None:
            return _text(416, "no such range", ((b"content-range", f"bytes */{size}".encode()),))
        first, end = span
        partial = (end - first) != size
        entity: list[tuple[bytes, bytes]] = [
            (b"content-type", self._type(path).encode()),
            (b"content-length", str(end - first).encode()),
        ]
        if partial:
            entity.append((b"content-range", f"bytes {first}-{end - 1}/{size}".encode()))
        content = _bytes(b"") if bodyless else _file(path, first, end)
        return Answer(206 if partial else 200, b"", (*entity, *shared), content)

    def _type(self, path: Path) -> str:
        suffix = path.suffix.lower()
        kind = _TYPES.get(suffix) or self._types.guess_type(f"x{suffix}")[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") or kind == "application/json" else kind


def _span(wanted: str | None, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; the whole unless it is one plain range; nothing out of reach."""
    match = _RANGE.fullmatch(wanted or "")
    if not match or (not match["first"] and not match["last"]):
        return 0, size
    if not match["first"]:
        length = min(int(match["last"]), size)
        return (size - length, size) if length else None
    first = int(match["first"])
    last = min(int(match["last"]), size - 1) if match["last"] else size - 1
    if match["last"] and int(match["last"]) < first:
        return 0, size
    return (first, last + 1) if first < size else None


async def _file(path: Path, first: int, end: int) -> AsyncGenerator[bytes]:
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(first)
            while first < end:
                data = file.read(min(_CHUNK, end - first))
                if not data:
                    raise UpstreamError("the file became shorter while it was served")
                first += len(data)
                yield data
    except OSError as error:
        raise UpstreamError(f"the file cannot be read: {error.strerror or error}") from None


async def _bytes(content: bytes) -> AsyncGenerator[bytes]:
    yield content


def _text(status: int, why: str, headers: Headers = ()) -> Answer:
    body = f"{why}\n".encode()
    shared: Headers = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-cache"),
    )
    return Answer(status, b"", (*headers, *shared), _bytes(body))
