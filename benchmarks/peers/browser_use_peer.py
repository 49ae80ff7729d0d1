"""browser-use with its list of allowed domains, driven by a small program in its own virtual environment."""

import base64
from pathlib import Path
from typing import Any

from benchmarks.peers import browser_use_driver
from benchmarks.peers.peer import PeerError, World
from benchmarks.peers.talk import Talk
from harness.evals.containment.site import ALLOWED
from harness.sandbox.chromium import find_chromium

DOMAINS = tuple(f"http*://{host}" for host in ALLOWED)
_START, _ASK = 90.0, 25.0


class BrowserUsePeer:
    """One `BrowserSession` in a process of its own.

    Args:
        python: the interpreter of the virtual environment it is installed in.
    """

    def __init__(self, python: Path) -> None:
        self._python = python
        self._talk = Talk()

    async def open(self, world: World) -> None:
        env = {
            "ANONYMIZED_TELEMETRY": "false",
            "BROWSER_USE_CLOUD_SYNC": "false",
            "BROWSER_USE_CONFIG_DIR": str(world.folder / "config"),
            "BROWSER_USE_LOGGING_LEVEL": "error",
            "SKIP_LLM_API_KEY_VERIFICATION": "true",
            "TMPDIR": str(world.folder),
        }
        program = (str(self._python), "-I", str(browser_use_driver.__file__), str(find_chromium()), *DOMAINS)
        await self._talk.start(world, program, env)
        if note := (await self._talk.ask({"do": "open"}, _START)).get("note"):
            raise PeerError(f"its browser does not start: {note}")

    async def goto(self, url: str, *, tab: bool = False) -> str:
        return await self._note({"do": "goto", "url": url, "tab": tab})

    async def click(self) -> str:
        return await self._note({"do": "click"})

    async def loaded(self) -> str:
        return await self._note({"do": "loaded"})

    async def shown(self) -> tuple[str, int]:
        answer = await self._talk.ask({"do": "shown"}, _ASK)
        return str(answer.get("url", "")), int(answer.get("length", 0))

    async def picture(self) -> bytes:
        return base64.b64decode(str((await self._talk.ask({"do": "picture"}, _ASK)).get("png", "")))

    async def blank(self) -> None:
        if note := await self._note({"do": "blank"}):
            raise PeerError(f"its page cannot be left: {note}")

    async def close(self) -> None:
        await self._talk.close()

    async def _note(self, message: dict[str, Any]) -> str:
        return str((await self._talk.ask(message, _ASK)).get("note", ""))
