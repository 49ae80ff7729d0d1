"""The same hostile pages and URLs at peers and at us: contained over tried, by class.

    python -m benchmarks.bench_peers [--quick] [--peer NAME …] [--json FILE]

Every system runs the same Chromium, is given the same allow-list of two hosts, opens the same pages and is
sent to the same URLs. Peers run in a network of their own in which every name and address leads to canaries;
ours runs in its sandbox behind its gateway, and canaries listen on this machine and at the gateway. A case
counts if a canary hears it without any boundary. The peers are installed from PyPI and npm, beside this
file, in folders of their own.
docs/peers.md says how to read the table.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Figure, Figures, machine
from benchmarks.peers import install
from benchmarks.peers.browser_use_peer import BrowserUsePeer
from benchmarks.peers.contest import KINDS, Contender, Told, contest
from benchmarks.peers.mcp import McpPeer
from benchmarks.peers.peer import Peer, PlaywrightPeer
from benchmarks.peers.table import Contest, System, markdown, remarks, rendered
from harness import __version__
from harness.errors import HarnessError
from harness.evals.containment.cases import Case
from harness.evals.containment.catalogue import catalogue
from playwright.async_api import Playwright, async_playwright
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_EVERY_SECONDS = 20.0
NAMES = ("playwright", "mcp", "browser-use")
RESULTS = Path(__file__).parent / "peers.json"
OURS = System(
    "this harness",
    f"harness {__version__}, bubblewrap",
    "domains.navigate with the two hosts, gateway and sandbox",
    "the network namespace and the gateway are the boundary",
)
_PLAYWRIGHT = System(
    "plain Playwright",
    f"playwright {install.playwright_version()}",
    "context.route('**/*') and route_web_socket that abort what is not listed, service_workers='block'",
    "routing is for mocking and modifying traffic; nothing is promised of it as a boundary",
)
_MCP = System(
    "Playwright MCP",
    f"@playwright/mcp {install.MCP}",
    "--allowed-origins with the two hosts over http and https, --block-service-workers, --isolated",
    "the origin lists are no security boundary and do not affect redirects",
)
_BROWSER_USE = System(
    "browser-use",
    f"browser-use {install.BROWSER_USE}",
    "allowed_domains with http*:// and the two hosts, block_ip_addresses=True",
    "its lists restrict navigation; they are navigation guards and no sandbox",
)


def cases(*, quick: bool = False) -> tuple[Case, ...]:
    """What is tried: everything that a browser alone can be tried with, or the suite's quick subset of it."""
    return tuple(one for one in catalogue() if one.kind in KINDS and (not quick or "quick" in one.tags))


def _contender(name: str, playwright: Playwright) -> Contender:
    async def plain() -> Callable[[], Peer]:
        return lambda: PlaywrightPeer(playwright)

    async def served() -> Callable[[], Peer]:
        node, server = await install.mcp()
        return lambda: McpPeer(node, server)

    async def used() -> Callable[[], Peer]:
        python = await install.browser_use()
        return lambda: BrowserUsePeer(python)

    match name:
        case "playwright":
            return Contender(_PLAYWRIGHT, plain)
        case "mcp":
            return Contender(_MCP, served)
        case "browser-use":
            return Contender(_BROWSER_USE, used)
        case _:
            raise ValueError(f"no peer is called {name!r}; there are: {', '.join(NAMES)}")


async def run(names: Sequence[str] = NAMES, *, quick: bool = False) -> Contest:
    """Hold the contest, and show how far it is."""
    tried = cases(quick=quick)
    async with AsyncExitStack() as stack:
        playwright = await stack.enter_async_context(async_playwright())
        contenders = [_contender(name, playwright) for name in names]
        everyone = ("no boundary", *(one.system.name for one in contenders), OURS.name)
        told = stack.enter_context(progress(everyone, len(tried)))
        return await contest(tried, OURS, contenders, told)


@contextmanager
def progress(names: Sequence[str], of: int) -> Iterator[Told]:
    """Show how far everyone is: bars on a terminal, else a line now and then."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks = {name: bars.add_task(name, total=of) for name in names}
        done = dict.fromkeys(names, 0)
        said = time.monotonic()

        def told(name: str, count: int) -> None:
            nonlocal said
            done[name] = count
            bars.update(tasks[name], completed=count)
            if not console.is_terminal and time.monotonic() - said > _EVERY_SECONDS:
                said = time.monotonic()
                line = ", ".join(f"{one} {number}" for one, number in done.items())
                console.print(f"of {of}: {line}", soft_wrap=True, highlight=False)

        yield told


def figures(found: Contest) -> Figures:
    """Give what the table of all benchmarks shows: escapes of ours, over those of the best peer."""
    ours = found.tally(OURS.name)
    peers = {one.name: found.tally(one.name) for one in found.systems if one.name != OURS.name}
    best = min(
        (name for name in peers if peers[name].tried), key=lambda name: peers[name].escaped, default=""
    )
    return {
        "peers_escaped": Figure(
            f"escapes, of {ours.tried} hostile pages and URLs",
            "escapes",
            ours.escaped,
            peers[best].escaped if best else None,
            f"the best of the peers, {best}" if best else "",
            0,
            detail={
                f"{name} {what}": number
                for name, one in {**peers, OURS.name: ours}.items()
                for what, number in (("contained", one.contained), ("tried", one.tried))
            },
        )
    }


async def measure(*, quick: bool = False) -> Figures:
    """Take the figures.

    Raises:
        RuntimeError: if a peer could not be measured.
    """
    found = await run(quick=quick)
    show(found)
    if missing := [f"{one.name}: {one.missing}" for one in found.systems if one.missing]:
        raise RuntimeError(f"not every peer could be measured: {'; '.join(missing)}")
    return figures(found)


def show(found: Contest) -> None:
    """Print the table and what stands under it."""
    console = Console(width=150)
    console.print(rendered(found))
    for line in remarks(found):
        console.print(line, markup=False, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if ours let something out, 4 if something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few cases, to see that it works")
    parser.add_argument("--peer", action="append", choices=NAMES, help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write what was found")
    parser.add_argument("--markdown", type=Path, help="where to write the table for a document")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(run(options.peer or NAMES, quick=options.quick))
    except HarnessError as error:
        print(f"the contest could not be held: {error}", file=sys.stderr)
        return 4
    except KeyboardInterrupt:
        print("interrupted; every browser was ended", file=sys.stderr)
        return 130
    show(found)
    head = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": options.quick,
        "machine": machine(),
    }
    options.json.write_text(json.dumps(head | found.as_json(), indent=2) + "\n", "utf-8")
    if options.markdown:
        options.markdown.write_text(markdown(found), "utf-8")
    return found.exit_code


if __name__ == "__main__":
    sys.exit(main())
