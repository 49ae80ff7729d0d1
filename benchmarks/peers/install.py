"""Installs the peers, each in a folder of its own: nothing of theirs comes among what the harness needs."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.peers.peer import PeerError

HOME = Path(__file__).parent.parent / ".peers"
BROWSER_USE = "0.13.14"
MCP = "0.0.83"
_SECONDS = 900.0


def playwright_version() -> str:
    """Give the version of Playwright that the harness itself has."""
    return version("playwright")


async def browser_use() -> Path:
    """Install browser-use in a virtual environment, and give its interpreter.

    Raises:
        PeerError: with the end of what pip said.
    """
    place = HOME / f"browser-use-{BROWSER_USE}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        await _run("a virtual environment", sys.executable, "-m", "venv", "--clear", str(place))
        await _run("pip", str(python), "-m", "pip", "install", "--quiet", f"browser-use=={BROWSER_USE}")
        (place / "complete").touch()
    return python


async def mcp() -> tuple[str, Path]:
    """Install Playwright MCP, and give the program that runs it and what it runs.

    Raises:
        PeerError: with the end of what npm said.
    """
    place = HOME / f"mcp-{MCP}"
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise PeerError("node and npm are not installed")
    server = place / "node_modules" / "@playwright" / "mcp" / "cli.js"
    if not server.exists():
        place.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts")
        await _run("npm", npm, "install", *quiet, "--prefix", str(place), f"@playwright/mcp@{MCP}")
    return node, server


async def _run(what: str, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError as error:
        raise PeerError(f"{what} did not end within {_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        tail = " ".join(said.decode("utf-8", "replace").split())[-400:]
        raise PeerError(f"{what} failed with {process.returncode}: {tail}")
