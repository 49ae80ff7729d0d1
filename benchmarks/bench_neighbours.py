"""A run's steps while another run beside it does its worst, over the same steps alone.

A step is an observation and a click. The neighbour is a page that burns every core, starts workers without
end, takes all the memory there is, or fills its disk; then a program behind the same walls that does the like
without a browser. Bubblewrap has no limit on memory and cores but the machine's own, so that only the
container has a bar.
"""

import asyncio
import contextlib
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

from benchmarks.figures import Figure, Figures, main, median, percentile
from harness.action import Action, Click, Goto
from harness.clearance import Act, Cleared, Refusal, Request, Verdict, clear, digest
from harness.errors import SandboxError
from harness.gateway.base import Body, Exchange, SocketMessage
from harness.gateway.proxy import ProxyGateway
from harness.gateway.upstreams.static import StaticUpstream
from harness.sandbox.base import ActOutcome, Sandbox, SandboxOptions
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.docker import DockerSandbox
from harness.sandbox.engine import Engine
from harness.sandbox.insider import beside as insider_beside
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE
from harness.sandbox.rundir import RunFolder

STEPS = 25
BAR = 2.0
_GROWN_SECONDS = 2.0
"""How long a program is given to take what it can, before the victim's steps are timed."""
FILE = 100_000_000
"""Bytes of each file that the neighbour downloads: some of them are more than its disk holds."""
QUIET = """<!doctype html><title>A page</title>
<button style="font-size:40px" onclick="this.textContent = ++n">Press</button><script>let n = 0</script>"""
WORK = "URL.createObjectURL(new Blob(['for (;;);'], {type: 'text/javascript'}))"
ATTACKS: Mapping[str, str] = {
    "cores": f"for (let i = 0; i < 8; i++) new Worker({WORK});",
    "workers": f"setInterval(() => {{ for (let i = 0; i < 20; i++) new Worker({WORK}); }}, 20);",
    "memory": """const held = [];
        setInterval(() => {
            const one = new Uint8Array(3e7);
            one.fill(held.length + 1);
            held.push(one);
        }, 5);""",
    "disk": """let n = 0;
        setInterval(() => {
            document.body.append(Object.assign(document.createElement('iframe'), {src: '/file.bin?' + n++}));
        }, 300);""",
}

PROGRAMS: Mapping[str, str] = {
    "cores": """
import os
for _ in range(7):
    os.fork()
while True:
    pass
""",
    "processes": """
import os, time
while True:
    try:
        os.fork()
    except OSError:
        time.sleep(0.001)
""",
    "memory": """
import os
while True:
    if os.fork():
        os.wait()
    else:
        held = []
        while True:
            held.append(bytearray(os.urandom(4096) * 4096))
""",
    "disk": """
while True:
    with open("/tmp/full", "wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 20)):
                pass
        except OSError:
            pass
""",
}


class Anybody:
    """A keeper that lets everything through: what is asked for is served from a folder."""

    def preview(self, request: Request) -> Refusal | None:
        del request
        return None

    async def admit(self, request: Request, body: Body) -> Cleared:
        del body
        return clear(request, allowed(request))

    def arrived(self, size: int) -> Refusal | None:
        del size
        return None

    def message(self, message: SocketMessage) -> Refusal:
        return Refusal(rule="bench", reason=f"{message.request} opened no socket")

    def finished(self, exchange: Exchange) -> None:
        pass


def allowed(effect: Act | Request) -> Verdict:
    return Verdict(outcome="allow", rule="bench", reason="", policy="0" * 64, effect=digest(effect))


async def do(sandbox: Sandbox, action: Action) -> ActOutcome:
    effect = Act(action=action, target=await sandbox.ground(action))
    return await sandbox.act(clear(effect, allowed(effect)))


@contextlib.asynccontextmanager
async def opened(make: Callable[[SandboxOptions], Sandbox], site: Path) -> AsyncGenerator[Sandbox]:
    """A sandbox whose web is one folder."""
    numbers = itertools.count()
    with RunFolder.create() as run:
        gateway = ProxyGateway(
            {"bench.test": StaticUpstream(site)}, None, ids=lambda: f"r{next(numbers)}", clock=time.monotonic
        )
        sandbox = make(SandboxOptions(downloads=run.path / "kept", runtime=run.path, settle_cap=1.0))
        await gateway.open(run.path / "gateway.sock", Anybody())
        try:
            await sandbox.open(run.path / "gateway.sock", gateway.spki)
            yield sandbox
        finally:
            await sandbox.close()
            await gateway.close()


async def steps(sandbox: Sandbox, count: int) -> list[float]:
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        await sandbox.observe()
        await do(sandbox, Click(x=60, y=40))
        taken.append(time.perf_counter() - begun)
    return taken


async def beside(
    make: Callable[[SandboxOptions], Sandbox], site: Path, victim: Sandbox, attack: str, count: int
) -> tuple[list[float], bool]:
    """Give the victim's steps, and whether the neighbour was still there at the end."""
    async with opened(make, site) as neighbour:
        with contextlib.suppress(SandboxError):
            await do(neighbour, Goto(url=f"https://bench.test/{attack}.html"))
        # It has begun when its page is there; what it takes grows while the victim works.
        times = await steps(victim, count)
        try:
            async with asyncio.timeout(10):
                await neighbour.observe()
        except (SandboxError, TimeoutError):
            return times, False
    return times, True


async def beside_program(kind: str, victim: Sandbox, code: str, count: int) -> list[float]:
    """Give the victim's steps beside a program behind walls of the same kind."""
    numbers = itertools.count()
    with RunFolder.create() as run:
        gateway = ProxyGateway({}, None, ids=lambda: f"r{next(numbers)}", clock=time.monotonic)
        await gateway.open(run.path / "gateway.sock", Anybody())
        place = run.path / "insider"
        place.mkdir(mode=0o711)
        place.chmod(0o711)
        insider = insider_beside(kind, place, run.path / "gateway.sock")
        if insider is None or insider.python is None:
            raise SandboxError(f"{kind}: a program inside needs a python3 in /usr/bin")
        try:
            await insider.open()
            running = asyncio.create_task(insider.run([insider.python, "-I", "-S", "-c", code], 120))
            await asyncio.sleep(_GROWN_SECONDS)
            times = await steps(victim, count)
            if running.done():
                raise SandboxError(f"{kind}: the program inside ended by itself: {running.result()}")
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        finally:
            await insider.close()
            await gateway.close()
    return times


def places() -> dict[str, Callable[[SandboxOptions], Sandbox]]:
    """The sandboxes that this machine has."""
    found: dict[str, Callable[[SandboxOptions], Sandbox]] = {"bubblewrap": BubblewrapSandbox}
    with contextlib.suppress(SandboxError):
        engine = Engine(engine_socket())
        if engine.image(IMAGE):
            found["docker"] = DockerSandbox
        engine.close()
    return found


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures."""
    count = 2 if quick else STEPS
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        (site / "index.html").write_text(QUIET)
        with (site / "file.bin").open("wb") as file:
            file.truncate(FILE)
        for name, script in ATTACKS.items():
            (site / f"{name}.html").write_text(
                f"<!doctype html><title>{name}</title><script>{script}</script>"
            )
        for kind, make in places().items():
            async with opened(make, site) as victim:
                await do(victim, Goto(url="https://bench.test/"))
                await steps(victim, 2)
                for attack in ("cores",) if quick else ATTACKS:
                    alone = await steps(victim, count)
                    times, there = await beside(make, site, victim, attack, count)
                    figures[f"neighbour_{kind}_{attack}_ms"] = Figure(
                        f"{kind}: a step beside a neighbour that takes {attack}",
                        "ms",
                        1000 * median(times),
                        1000 * median(alone),
                        "the same steps alone",
                        BAR if kind == "docker" else None,
                        "ratio",
                        {"p90_ms": 1000 * percentile(times, 90), "neighbour_lived": float(there)},
                    )
                for attack in () if quick or kind != "docker" else PROGRAMS:
                    alone = await steps(victim, count)
                    times = await beside_program(kind, victim, PROGRAMS[attack], count)
                    figures[f"neighbour_{kind}_program_{attack}_ms"] = Figure(
                        f"{kind}: a step beside a program inside that takes {attack}",
                        "ms",
                        1000 * median(times),
                        1000 * median(alone),
                        "the same steps alone",
                        BAR,
                        "ratio",
                        {"p90_ms": 1000 * percentile(times, 90)},
                    )
    return figures


if __name__ == "__main__":
    sys.exit(main(measure, __doc__))
