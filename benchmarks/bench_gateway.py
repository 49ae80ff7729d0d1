"""A page of 50 subresources through the gateway, over a blind CONNECT tunnel to the same server.

The server speaks TLS in a process of its own; the page is loaded by Chromium, each time in a fresh context,
the ways in turn. The gateway judges by a real policy and every request goes into a real trace.
"""

import asyncio
import base64
import contextlib
import hashlib
import ipaddress
import itertools
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import trustme
from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.origin import SUBRESOURCES, content, serve
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from harness.approval.auto import DenyApprover
from harness.checkpoint import Checkpoint
from harness.clearance import Cleared, Refusal, Request
from harness.gateway.base import Body, Exchange, Keeper, SocketMessage
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.asgi import AsgiUpstream
from harness.gateway.upstreams.internet import InternetUpstream
from harness.limits import Budget
from harness.policy import Engine, Policy
from harness.sandbox.chromium import find_chromium
from harness.task import Limits
from harness.trace.writer import TraceWriter
from playwright.async_api import Browser, async_playwright

ROUNDS: Final = 30
DOWNLOAD: Final = 1024 * 1024 * 1024
REQUESTS: Final = 4_000
CONNECTIONS: Final = 8


def keeper(port: int, writer: TraceWriter) -> Checkpoint:
    """Judges by a policy and records, as in a run."""
    policy = Policy.model_validate(
        {
            "name": "bench",
            "domains": {"navigate": ["bench.test", f"real.test:{port}", "http://bench.test"]},
            "default": {"action": "allow", "request": "allow", "navigate": "deny"},
            "rules": [
                {
                    "name": "orders are confirmed on the wire",
                    "on": "request",
                    "when": {"method": ["POST", "PUT"], "url": "https://bench.test/orders*"},
                    "verdict": "ask",
                }
            ],
        }
    )
    checkpoint = Checkpoint(
        Engine(policy),
        DenyApprover(),
        writer,
        Budget(Limits(), time.monotonic),
        goal="bench",
        timeout=1,
        otherwise="deny",
        clock=time.monotonic,
        now=lambda: datetime.now(UTC),
        ids=lambda: "q",
    )
    checkpoint.begin()
    return checkpoint


class TimedKeeper:
    """A keeper that notes how long judging and recording took."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self.spent = 0.0
        self.requests = 0

    def preview(self, request: Request) -> Refusal | None:
        begun = time.perf_counter()
        found = self._keeper.preview(request)
        self.spent += time.perf_counter() - begun
        return found

    async def admit(self, request: Request, body: Body) -> Cleared | Refusal:
        begun = time.perf_counter()
        found = await self._keeper.admit(request, body)
        self.spent += time.perf_counter() - begun
        return found

    def arrived(self, size: int) -> Refusal | None:
        return self._keeper.arrived(size)

    def message(self, message: SocketMessage) -> Refusal | None:
        return self._keeper.message(message)

    def finished(self, exchange: Exchange) -> None:
        begun = time.perf_counter()
        self._keeper.finished(exchange)
        self.spent += time.perf_counter() - begun
        self.requests += 1


async def app(scope: Any, _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"].startswith("/download/"):
        size = int(scope["path"].removeprefix("/download/"))
        head = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for _ in range(size // 262_144):
            await send({"type": "http.response.body", "body": bytes(262_144), "more_body": True})
        await send({"type": "http.response.body"})
        return
    kind, body = content(scope["path"])
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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
            executable_path=find_chromium(),
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


async def download(socket: Path, size: int) -> float:
    """Megabytes a second of one download in the clear, through the gateway."""
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=1_048_576)
    writer.write(b"GET http://bench.test/download/%d HTTP/1.1\r\nHost: bench.test\r\n\r\n" % size)
    begun, got = time.perf_counter(), 0
    while got < size:
        got += len(await reader.read(1_048_576))
    took = time.perf_counter() - begun
    writer.close()
    return size / took / 1_048_576


async def requests(socket: Path, count: int) -> float:
    """Requests a second, each judged and recorded, over connections that are kept, to an app here."""

    async def many(share: int) -> None:
        reader, writer = await asyncio.open_unix_connection(str(socket))
        for _ in range(share):
            writer.write(b"GET http://bench.test/download/0 HTTP/1.1\r\nHost: bench.test\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"a request was not answered: {head[:100]!r}")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(many(count // CONNECTIONS) for _ in range(CONNECTIONS)))
    return count // CONNECTIONS * CONNECTIONS / (time.perf_counter() - begun)


class Amount(NamedTuple):
    """How much is measured."""

    rounds: int
    requests: int
    download: int


async def pages(amount: Amount, port: int, authority: trustme.CA, folder: Path) -> Figures:
    """Load the page each way in turn; before, ask for nothing very often, and for very much once."""
    rounds, count, size = amount
    numbers = itertools.count()

    async def loopback(_name: str) -> list[ipaddress.IPv4Address]:
        return [ipaddress.IPv4Address("127.0.0.1")]

    internet = InternetUpstream(
        may_dial=lambda _address: True, resolver=loopback, ca_pem=authority.cert_pem.bytes().decode()
    )
    gateway = ProxyGateway(
        {"bench.test": AsgiUpstream(app)}, internet, ids=lambda: f"r{next(numbers)}", clock=time.monotonic
    )
    writer = TraceWriter.create(folder / "trace", now=lambda: datetime.now(UTC))
    judging = TimedKeeper(keeper(port, writer))
    await gateway.open(folder / "gateway.sock", judging)
    blind = await asyncio.start_unix_server(tunnel(port), str(folder / "tunnel.sock"))
    pins = f"{pin(authority)},{gateway.spki}"
    times: dict[str, list[float]] = {"tunnel": [], "gateway": [], "app": []}
    try:
        await requests(folder / "gateway.sock", CONNECTIONS)
        rate = await requests(folder / "gateway.sock", count)
        await download(folder / "gateway.sock", 4 * 1024 * 1024)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        speed = await download(folder / "gateway.sock", size)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        judging.spent, judging.requests = 0.0, 0
        async with (
            browser(folder / "tunnel.sock", pins) as direct,
            browser(folder / "gateway.sock", pins) as judged,
        ):
            for number in range(-1 if rounds > 1 else 0, rounds):
                turns = [
                    ("tunnel", direct, f"real.test:{port}"),
                    ("gateway", judged, f"real.test:{port}"),
                    ("app", judged, "bench.test"),
                ]
                # Whoever follows another pays for closing the other's context.
                for way, chromium, host in turns if number % 2 else reversed(turns):
                    took = await load(chromium, f"https://{host}/")
                    if number >= 0:
                        times[way].append(took)
    finally:
        await gateway.close()
        blind.close()
        writer.close()
    reference = median(times["tunnel"])
    ratios = [mine / other for mine, other in zip(times["gateway"], times["tunnel"], strict=True)]
    return {
        "gateway_page_ms": Figure(
            f"page of {SUBRESOURCES} subresources through the gateway",
            "ms",
            median(times["gateway"]),
            reference,
            "a blind CONNECT tunnel to the same server",
            1.3,
            "ratio",
            {
                "p90_ms": percentile(times["gateway"], 90),
                "tunnel_p90_ms": percentile(times["tunnel"], 90),
                "median_of_ratios": median(ratios),
                "judge_and_record_us_a_request": judging.spent / judging.requests * 1e6,
                "loads": rounds,
            },
        ),
        "gateway_request_us": Figure(
            f"one request of {CONNECTIONS} at a time, judged and recorded",
            "µs",
            1e6 / rate,
            detail={"requests_s": rate, "requests": count},
        ),
        "gateway_download_memory_kB": Figure(
            f"memory that a download of {size // 1_048_576} MiB adds",
            "kB",
            grown,
            bar=16_384,
            detail={"MB_s": speed},
        ),
        "gateway_app_page_ms": Figure(
            f"page of {SUBRESOURCES} subresources of an app in this process",
            "ms",
            median(times["app"]),
            reference,
            "a blind CONNECT tunnel to a server",
        ),
    }


def pin(authority: trustme.CA) -> str:
    """What Chromium trusts the server's authority by."""
    key = x509.load_pem_x509_certificate(authority.cert_pem.bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    amount = Amount(1, 80, DOWNLOAD // 64) if quick else Amount(ROUNDS, REQUESTS, DOWNLOAD)
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
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return asyncio.run(pages(amount, ours.recv(), authority, Path(folder)))
    finally:
        server.terminate()
        server.join(10)
        ours.close()
        theirs.close()


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
