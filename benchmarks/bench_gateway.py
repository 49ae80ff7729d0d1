"""A page of 50 subresources through the gateway, over a blind CONNECT tunnel to the same server.

The server speaks TLS in a process of its own; the page is loaded by Chromium, each time in a fresh context,
the ways in turn in one run. Run it with `python benchmarks/bench_gateway.py`; `--json` prints the figures
alone.
"""

import argparse
import asyncio
import contextlib
import ipaddress
import itertools
import json
import multiprocessing
import resource
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import trustme
from harness.clearance import Cleared, Refusal, Request, Verdict, clear, digest
from harness.gateway.base import Exchange
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.gateway.upstreams.internet import InternetUpstream
from playwright.async_api import Browser, async_playwright

SUBRESOURCES = 50
SIZE = 10_000
ROUNDS = 15
LIMIT = 1.3
CHROMIUM = "/usr/lib/chromium/chromium"
DOWNLOAD = 256 * 1024 * 1024


class Allow:
    """A keeper that allows everything, at the price of a digest and a ticket."""

    def preview(self, request: Request) -> Refusal | None:
        return None if request.method else Refusal(rule="", reason="")

    async def admit(self, request: Request) -> Cleared | Refusal:
        verdict = Verdict(outcome="allow", rule="bench", reason="", policy="", effect=digest(request))
        return clear(request, verdict)

    def finished(self, exchange: Exchange) -> None:
        pass


def content(path: str) -> tuple[bytes, bytes]:
    """The page, or one of its images' worth of bytes."""
    if path != "/":
        return b"text/javascript", b"/*" + b"x" * SIZE + b"*/"
    links = "".join(f"<script src=/{number}.js></script>" for number in range(SUBRESOURCES))
    return b"text/html", f"<!doctype html><title>bench</title>{links}".encode()


async def app(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/download":
        head = [(b"content-length", str(DOWNLOAD).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for _ in range(DOWNLOAD // 262_144):
            await send({"type": "http.response.body", "body": bytes(262_144), "more_body": True})
        await send({"type": "http.response.body"})
        return
    kind, body = content(scope["path"])
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve(pem: bytes, port: Connection) -> None:
    """A small TLS server with keep-alive, in its own process."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                kind, body = content(head.split(b" ", 2)[1].decode())
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"
                    % (kind, len(body), body)
                )
                await writer.drain()
        writer.close()

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(pem)
            file.flush()
            context.load_cert_chain(file.name)
        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def tunnel(port: int) -> Handler:
    """A blind CONNECT proxy: to whatever name, it carries bytes to the server."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await reader.readuntil(b"\r\n\r\n")
            there, back = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(carry(reader, back), carry(there, writer))

    return talk


async def listen(socket: Path, handler: Handler) -> asyncio.Server:
    return await asyncio.start_unix_server(handler, str(socket))


def forward(socket: Path) -> Handler:
    """From TCP, where Chromium is, to a proxy's socket: the same for both ways."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_unix_connection(str(socket))
            await asyncio.gather(carry(reader, back), carry(there, writer))

    return talk


@contextlib.asynccontextmanager
async def browser(socket: Path, pins: str) -> AsyncGenerator[Browser]:
    relay = await asyncio.start_server(forward(socket), "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                f"--proxy-server=http://127.0.0.1:{port}",
                "--proxy-bypass-list=<-loopback>",
                f"--ignore-certificate-errors-spki-list={pins}",
                "--no-sandbox",
            ],
        )
        try:
            yield chromium
        finally:
            await chromium.close()
            relay.close()


async def load(chromium: Browser, href: str) -> float:
    """Milliseconds until the page and all it names have loaded, in a context with nothing cached."""
    context = await chromium.new_context()
    page = await context.new_page()
    begun = time.perf_counter()
    answer = await page.goto(href)
    took = (time.perf_counter() - begun) * 1000
    count = await page.evaluate("performance.getEntriesByType('resource').length")
    await context.close()
    if not answer or answer.status != 200 or count < SUBRESOURCES:
        raise RuntimeError(f"the page did not load: {answer and answer.status}, {count} subresources")
    return took


async def download(socket: Path) -> float:
    """Megabytes a second of one download in the clear, through the gateway."""
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=1_048_576)
    writer.write(b"GET http://bench.test/download HTTP/1.1\r\nHost: bench.test\r\n\r\n")
    begun, got = time.perf_counter(), 0
    while got < DOWNLOAD:
        got += len(await reader.read(1_048_576))
    took = time.perf_counter() - begun
    writer.close()
    return DOWNLOAD / took / 1_048_576


async def measure(rounds: int, port: int, authority: trustme.CA, server_pin: str) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="bench-gateway-"))
    numbers = itertools.count()

    async def loopback(_name: str) -> list[ipaddress.IPv4Address]:
        return [ipaddress.IPv4Address("127.0.0.1")]

    internet = InternetUpstream(
        may_dial=lambda _address: True, resolver=loopback, ca_pem=authority.cert_pem.bytes().decode()
    )
    gateway = ProxyGateway(
        {"bench.test": AsgiUpstream(app)}, internet, ids=lambda: f"r{next(numbers)}", clock=time.monotonic
    )
    await gateway.open(folder / "gateway.sock", Allow())
    blind = await listen(folder / "tunnel.sock", tunnel(port))
    times: dict[str, list[float]] = {"tunnel": [], "gateway": [], "app": []}
    try:
        async with (
            browser(folder / "tunnel.sock", f"{server_pin},{gateway.spki}") as direct,
            browser(folder / "gateway.sock", f"{server_pin},{gateway.spki}") as judged,
        ):
            for number in range(rounds + 2):
                for way, chromium, host in (
                    ("tunnel", direct, f"real.test:{port}"),
                    ("gateway", judged, f"real.test:{port}"),
                    ("app", judged, "bench.test"),
                ):
                    took = await load(chromium, f"https://{host}/")
                    if number >= 2:
                        times[way].append(took)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        speed = await download(folder / "gateway.sock")
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    finally:
        await gateway.close()
        blind.close()
    medians = {way: statistics.median(values) for way, values in times.items()}
    return {
        "subresources": SUBRESOURCES,
        "rounds": rounds,
        "page_ms": {way: round(value, 1) for way, value in medians.items()},
        "gateway_over_tunnel": round(medians["gateway"] / medians["tunnel"], 3),
        "app_over_tunnel": round(medians["app"] / medians["tunnel"], 3),
        "limit": LIMIT,
        "download_mb_s": round(speed, 1),
        "download_memory_kb": grown,
    }


def run(rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure, and give the figures."""
    authority = trustme.CA()
    leaf = authority.issue_cert("real.test")
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    chain = leaf.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes()
    server = spawn.Process(target=serve, args=(chain, theirs), daemon=True)
    server.start()
    try:
        if not ours.poll(30):
            raise RuntimeError("the server did not start")
        return asyncio.run(measure(rounds, ours.recv(), authority, pin(authority)))
    finally:
        server.terminate()
        server.join(10)


def pin(authority: trustme.CA) -> str:
    """What Chromium trusts the server's authority by."""
    import base64  # noqa: PLC0415
    import hashlib  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    key = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures alone")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="page loads of each kind")
    options = parser.parse_args()
    figures = run(options.rounds)
    if options.json:
        print(json.dumps(figures))
        return 0
    print(f"page of {SUBRESOURCES} subresources, median of {figures['rounds']} loads")
    for way, name in (
        ("tunnel", "blind CONNECT tunnel"),
        ("gateway", "gateway, same server"),
        ("app", "gateway, app in process"),
    ):
        ratio = figures["page_ms"][way] / figures["page_ms"]["tunnel"]
        print(f"  {name:<26}{figures['page_ms'][way]:>9.1f} ms {ratio:>7.2f}x")
    print(f"  target: at most {LIMIT}x")
    print(
        f"download through the gateway: {figures['download_mb_s']} MB/s, memory +{figures['download_memory_kb']} kB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
