"""Sandboxes that are strict and cheap: ready, taken from a pool, and many at once.

A place is measured as a run uses it, from nothing to the first still screen, in turns with a plain Playwright
launch of the same Chromium. A pooled one is measured from the moment it is taken. Of many at once, the figure
is when the last has its first screen. Containers are measured where a Docker engine has the image.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.bench_ready import Nobody, ours, plain
from benchmarks.figures import Figure, Figures, main, median, percentile
from harness.errors import SandboxError
from harness.gateway.door import Door
from harness.gateway.proxy import ProxyGateway
from harness.sandbox.base import SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.docker import DockerSandbox
from harness.sandbox.engine import Engine, Image
from harness.sandbox.hosted import HostedSandbox
from harness.sandbox.pool import Warm, WarmPool
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE
from harness.sandbox.rundir import RunFolder

ROUNDS = 12
CROWDS = (1, 5, 10, 20)
BARS = {"bubblewrap": 1.1, "docker": 1.5}
POOLED = 0.1
MIB = 1024**2

Make = Callable[[SandboxOptions], HostedSandbox]


def image() -> Image | None:
    """Give the browser's image, if an engine has it."""
    try:
        with contextlib.closing(Engine(engine_socket())) as engine:
            return engine.image(IMAGE)
    except SandboxError:
        return None


def gateway(door: Door | None = None) -> ProxyGateway:
    numbers = itertools.count()
    return ProxyGateway({}, None, ids=lambda: f"r{next(numbers)}", clock=time.monotonic, door=door)


async def pooled(make: Make, rounds: int) -> list[float]:
    """Seconds from taking a sandbox to its first screen, its gateway's opening among them."""

    def told(folder: Path) -> SandboxOptions:
        return SandboxOptions(downloads=folder / "downloads", runtime=folder)

    async def used(one: Warm[Door]) -> None:
        exit_ = gateway(one.door)
        try:
            await exit_.open(one.socket, Nobody())
            one.sandbox.bind(told(one.folder.path))
            await one.sandbox.open(one.socket, exit_.spki)
            await one.sandbox.observe()
            times.append(time.perf_counter() - begun)
        finally:
            await exit_.close()
            await one.close()

    times: list[float] = []
    for _ in range(rounds):
        # Another one being started beside it would be measured too.
        pool = WarmPool(lambda folder: make(told(folder)), Door, size=1, most_memory=1024 * MIB, pause=600)
        async with pool:
            await pool.ready()
            begun = time.perf_counter()
            one = await pool.take()
            if one is None:
                raise SandboxError("the pool had nothing to take")
            await used(one)
    return times


async def crowd(make: Make, count: int) -> tuple[float, int, Sequence[int]]:
    """Seconds until so many started at once are all ready, how many failed, and the bytes of each."""
    async with contextlib.AsyncExitStack() as stack:

        async def one() -> HostedSandbox:
            folder = stack.enter_context(RunFolder.create())
            exit_ = gateway()
            stack.push_async_callback(exit_.close)
            sandbox = make(SandboxOptions(downloads=folder.path / "downloads", runtime=folder.path))
            stack.push_async_callback(sandbox.close)
            socket = folder.path / "gateway.sock"
            await exit_.open(socket, Nobody())
            await sandbox.open(socket, exit_.spki)
            await sandbox.observe()
            return sandbox

        begun = time.perf_counter()
        ended = await asyncio.gather(*(one() for _ in range(count)), return_exceptions=True)
        taken = time.perf_counter() - begun
        up = [one for one in ended if isinstance(one, HostedSandbox)]
        for wrong in ended:
            if isinstance(wrong, BaseException) and not isinstance(wrong, SandboxError):
                raise wrong
        return taken, count - len(up), [await sandbox.memory() for sandbox in up]


async def readiness(places: Mapping[str, Make], rounds: int) -> Figures:
    """Each place over a plain launch, in turns."""
    times: dict[str, list[float]] = {name: [] for name in ("plain", *places)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            # Whoever comes first finds the files of the browser less warm.
            for name in [*times] if number % 2 else [*reversed(times)]:
                kept = Path(folder) / f"{name}-{number}"
                times[name].append(await plain() if name == "plain" else await ours(places[name], kept))
    return {
        f"sandbox_ready_{name}_seconds": Figure(
            f"{name} ready, to the first screenshot",
            "s",
            median(times[name]),
            median(times["plain"]),
            "plain Playwright launch to the first screenshot",
            BARS[name],
            "ratio",
            {"p90_s": percentile(times[name], 90), "plain_p90_s": percentile(times["plain"], 90)},
        )
        for name in places
    }


async def crowds(name: str, make: Make, counts: Sequence[int]) -> Figures:
    """Many at once: when all are ready, what each takes, and whether any failed."""
    figures: Figures = {}
    alone, failures = 0.0, 0
    for count in counts:
        seconds, failed, memory = await crowd(make, count)
        failures += failed
        alone = alone or seconds
        figures[f"sandbox_{count}_at_once_{name}_seconds"] = Figure(
            f"{count} {name} at once, all ready",
            "s",
            seconds,
            alone * count,
            "as many, one after another",
            detail={
                "failed": failed,
                "memory_each_mib": median(memory) / MIB if memory else 0.0,
                "memory_most_mib": max(memory, default=0) / MIB,
            },
        )
    figures[f"sandbox_failed_starts_{name}"] = Figure(
        f"{name} starts that failed, of {sum(counts)}", "starts", failures, bar=0
    )
    return figures


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    built = await asyncio.to_thread(image)
    places: Mapping[str, Make] = {
        "bubblewrap": BubblewrapSandbox,
        **({"docker": DockerSandbox} if built else {}),
    }
    rounds, counts = (1, (1, 2)) if quick else (ROUNDS, CROWDS)
    if not quick:
        await plain()
    figures = await readiness(places, rounds)
    for name, make in places.items():
        times = await pooled(make, rounds)
        figures[f"sandbox_pooled_{name}_seconds"] = Figure(
            f"{name} from a pool, to the first screenshot",
            "s",
            median(times),
            figures[f"sandbox_ready_{name}_seconds"].reference,
            "plain Playwright launch to the first screenshot",
            POOLED,
            detail={"p90_s": percentile(times, 90), "most_s": max(times)},
        )
    for name, make in places.items():
        figures |= await crowds(name, make, counts)
    if built:
        figures["sandbox_image_mb"] = Figure("the browser's image", "MB", built.size / 1e6)
    return figures


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
