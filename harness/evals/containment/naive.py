"""A proxy that believes what it is told: what the gateway would be if it judged nothing and read forgivingly."""

import asyncio
import contextlib
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

_HOST = re.compile(rb"\n *host *: *([^\r\n]+)", re.IGNORECASE)
_SECONDS = 5.0
_MOST = 200_000


def bound_for(data: bytes) -> tuple[str, int, bool]:
    """Say where a credulous proxy would go with some bytes: host, port, and whether they are a CONNECT."""
    line = data.split(b"\n", 1)[0].decode("latin-1")
    method, _, rest = line.strip().partition(" ")
    target = re.split(r"[ \t]", rest)[0]
    if method == "CONNECT":
        host, _, port = target.rpartition(":")
        return _name(host), int(port) if port.isdigit() else 443, True
    if "://" not in target:
        stated = _HOST.findall(data)
        host = stated[-1].decode("latin-1") if stated else ""
        return _name(host.partition(":")[0]), 80, False
    authority = target.partition("://")[2].partition("/")[0]
    found = re.fullmatch(r"(.*?)(?::([0-9]+))?", authority)
    host, port = (found[1], found[2]) if found else (authority, None)
    return _name(host), int(port or urlsplit(target.replace("\0", "")).port or 80), False


def _name(text: str) -> str:
    return text.rpartition("@")[2].partition("\0")[0].strip("[]/").rstrip(".").lower()


class NaiveProxy:
    """Listens on one Unix socket and leads to the open world's, whatever is asked."""

    def __init__(self, world: Path) -> None:
        self._world = world
        self._server: asyncio.Server | None = None

    async def open(self, path: Path) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, path=path)

    async def close(self) -> None:
        """Stop."""
        if self._server:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_SECONDS):
                data = b""
                while b"\n\r\n" not in data and b"\n\n" not in data and len(data) < _MOST:
                    more = await reader.read(65_536)
                    if not more:
                        break
                    data += more
                host, port, connects = bound_for(data)
                back, out = await asyncio.open_unix_connection(self._world)
                out.write(json.dumps({"kind": "tcp", "to": host, "port": port}).encode() + b"\n")
                if connects:
                    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    out.write(data)
                async with asyncio.TaskGroup() as both:
                    both.create_task(_copy(reader, out))
                    both.create_task(_copy(back, writer))
        except (OSError, TimeoutError):
            return
        finally:
            for end in (writer, out):
                if end is not None:
                    end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
