"""Listeners on this machine that write down whatever touches them, in the order it came."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator


class Canary(asyncio.DatagramProtocol):
    """One TCP and one UDP port of the same number, on every address of this machine."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.port = 0
        self.dns = False
        self._news = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        del addr
        self.note(f"UDP {data[:40]!r}")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Note the connection, then what it says first, and answer as a permissive web server."""
        self.note("TCP")
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(5):
                said = await reader.read(4096)
            first = said.split(b"\r\n")[0].decode(errors="replace")
            self.note(f"HTTP {first}" if first.endswith("HTTP/1.1") else f"SAID {first[:60]!r}")
            writer.write(
                b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 2\r\n"
                b"Connection: close\r\n\r\nok"
            )
            await writer.drain()
        writer.close()
        self._writers.discard(writer)

    def note(self, what: str) -> None:
        self.seen.append(what)
        self._news.set()

    async def sees(self, sign: str, seconds: float = 15.0) -> None:
        """Wait until something was noted that holds a sign."""
        async with asyncio.timeout(seconds):
            while not any(sign in one for one in self.seen):
                self._news.clear()
                await self._news.wait()

    async def touched(self) -> list[str]:
        """Touch it once over TCP and once over UDP, and give what came before."""
        before = len(self.seen)
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"fence", ("127.0.0.1", self.port))
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /fence HTTP/1.1\r\n\r\n")
        writer.close()
        await self.sees("/fence")
        await self.sees("UDP b'fence'")
        assert loop.is_running()
        return self.seen[:before]


@contextlib.asynccontextmanager
async def canary() -> AsyncIterator[Canary]:
    """Listen over TCP and UDP on one port, and as a name server where that is allowed."""
    bird = Canary()
    loop = asyncio.get_running_loop()
    server = await asyncio.start_server(bird.connected, "0.0.0.0", 0)  # noqa: S104 - reached by raw IP too
    bird.port = server.sockets[0].getsockname()[1]
    ends = [
        (await loop.create_datagram_endpoint(lambda: bird, local_addr=("0.0.0.0", bird.port)))[0]  # noqa: S104
    ]
    with contextlib.suppress(OSError):
        names, _ = await loop.create_datagram_endpoint(lambda: bird, local_addr=("127.0.0.1", 53))
        ends.append(names)
        bird.dns = True
    try:
        yield bird
    finally:
        for end in ends:
            end.close()
        server.close()
        for writer in tuple(bird._writers):
            writer.close()
        await server.wait_closed()


def own_address() -> str:
    """Give an address of this machine that is not its loopback, or its loopback if it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"
