"""From nothing to the first screenshot: each place, over a plain Playwright launch of the same Chromium.

A place is measured as a run uses it: gateway, Playwright's driver, browser, a tab, and a still first screen.
The plain script starts the driver and the browser, opens a tab and takes one screenshot. All take turns.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.figures import Figure, Figures, main, median, percentile
from benchmarks.rigs import HEIGHT, WIDTH, launched, pictured
from harness.clearance import Refusal, Request
from harness.gateway.base import Body, Exchange, SocketMessage
from harness.gateway.proxy import ProxyGateway
from harness.sandbox.base import Sandbox, SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.process import ProcessSandbox
from harness.sandbox.rundir import RunFolder
from playwright.async_api import async_playwright

ROUNDS = 12
BARS = {"bubblewrap": 1.1, "process": None}


class Nobody:
    """A keeper that lets nothing through: a blank tab asks for nothing."""

    def preview(self, request: Request) -> Refusal | None:
        return Refusal(rule="bench", reason=f"{request.url} is not asked for here")

    async def admit(self, request: Request, body: Body) -> Refusal:
        del body
        return Refusal(rule="bench", reason=f"{request.url} is not asked for here")

    def arrived(self, size: int) -> Refusal:
        return Refusal(rule="bench", reason=f"{size} bytes were not asked for here")

    def message(self, message: SocketMessage) -> Refusal:
        return Refusal(rule="bench", reason=f"{message.request} opened no socket")

    def finished(self, exchange: Exchange) -> None:
        pass


async def plain() -> float:
    """Seconds from nothing to a screenshot by a plain script."""
    begun = time.perf_counter()
    async with async_playwright() as playwright:
        browser = await launched(playwright)
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await pictured(page)
        taken = time.perf_counter() - begun
        await browser.close()
    return taken


async def ours(make: Callable[[SandboxOptions], Sandbox], folder: Path) -> float:
    """Seconds from nothing to a screenshot in a place of ours."""
    begun = time.perf_counter()
    numbers = itertools.count()
    with RunFolder.create() as runtime:
        gateway = ProxyGateway({}, None, ids=lambda: f"r{next(numbers)}", clock=time.monotonic)
        sandbox = make(SandboxOptions(downloads=folder, runtime=runtime.path))
        socket = runtime.path / "gateway.sock"
        await gateway.open(socket, Nobody())
        try:
            await sandbox.open(socket, gateway.spki)
            await sandbox.observe()
            taken = time.perf_counter() - begun
        finally:
            await sandbox.close()
            await gateway.close()
    return taken


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    rounds = 1 if quick else ROUNDS
    places: Mapping[str, Callable[[SandboxOptions], Sandbox]] = {
        "bubblewrap": BubblewrapSandbox,
        "process": ProcessSandbox,
    }
    times: dict[str, list[float]] = {name: [] for name in ("plain", *places)}
    with tempfile.TemporaryDirectory() as place:
        if not quick:
            await plain()
        for number in range(rounds):
            # Whoever comes first finds the files of the browser less warm.
            turns = [*times] if number % 2 else [*reversed(times)]
            for name in turns:
                folder = Path(place) / f"{name}-{number}"
                times[name].append(await plain() if name == "plain" else await ours(places[name], folder))
    return {
        f"ready_{name}_seconds": Figure(
            f"{name} ready, to the first screenshot",
            "s",
            median(times[name]),
            median(times["plain"]),
            "plain Playwright launch to the first screenshot",
            BARS[name],
            "ratio",
            {
                "p90_s": percentile(times[name], 90),
                "plain_p90_s": percentile(times["plain"], 90),
                "median_of_ratios": median(
                    mine / other for mine, other in zip(times[name], times["plain"], strict=True)
                ),
                "rounds": rounds,
            },
        )
        for name in places
    }


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
