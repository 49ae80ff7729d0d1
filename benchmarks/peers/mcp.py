"""Playwright MCP with its origin list, spoken to as a client does: JSON-RPC, line by line."""

import base64
import binascii
import contextlib
import re
from pathlib import Path
from typing import Any

from benchmarks.peers.peer import LOADED, PeerError, World
from benchmarks.peers.talk import Talk
from harness.evals.containment.site import ALLOWED
from harness.sandbox.chromium import find_chromium

ORIGINS = ";".join(f"{scheme}://{host}" for host in ALLOWED for scheme in ("https", "http"))
_START, _TOOL = 30.0, 20.0
_RESULT = re.compile(r'### Result\n"(.*)"')
_BLANK = (
    "async (page) => { for (const other of page.context().pages()) if (other !== page) await other.close();"
    " await page.goto('about:blank'); }"
)


class McpPeer:
    """The server in its own process.

    Args:
        node: the program that runs it.
        server: its `cli.js`.
    """

    def __init__(self, node: str, server: Path) -> None:
        self._program = (
            *(node, str(server), "--headless", "--isolated", "--no-sandbox", "--ignore-https-errors"),
            *("--allowed-origins", ORIGINS, "--block-service-workers", "--snapshot-mode", "none"),
            *("--executable-path", str(find_chromium()), "--timeout-navigation", "8000"),
        )
        self._talk = Talk()

    async def open(self, world: World) -> None:
        await self._talk.start(world, (*self._program, "--output-dir", str(world.folder / "out")), {})
        client = {"name": "bench", "version": "1"}
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}
        await self._call("initialize", hello, _START)
        await self._talk.tell({"jsonrpc": "2.0", "method": "notifications/initialized", "params": {}})
        text, failed = await self._tool("browser_navigate", {"url": "about:blank"}, _START)
        if failed:
            raise PeerError(f"its browser does not start: {text}")

    async def goto(self, url: str, *, tab: bool = False) -> str:
        if tab:
            return await self._note("browser_tabs", {"action": "new", "url": url})
        return await self._note("browser_navigate", {"url": url})

    async def click(self) -> str:
        return await self._note("browser_click", {"element": "go", "target": "#go"})

    async def loaded(self) -> str:
        return await self._note("browser_evaluate", {"function": f"() => {LOADED}"})

    async def shown(self) -> tuple[str, int]:
        script = "() => location.href + ' ' + document.documentElement.outerHTML.length"
        text, _ = await self._tool("browser_evaluate", {"function": script})
        found = _RESULT.search(text)
        url, _, size = found[1].rpartition(" ") if found else ("", "", "0")
        return url, int(size) if size.isdigit() else 0

    async def picture(self) -> bytes:
        answer = await self._call(
            "tools/call", {"name": "browser_take_screenshot", "arguments": {"type": "png"}}, _TOOL
        )
        for part in answer.get("content", []):
            if part.get("type") == "image":
                with contextlib.suppress(binascii.Error):
                    return base64.b64decode(part["data"])
        return b""

    async def blank(self) -> None:
        text, failed = await self._tool("browser_run_code_unsafe", {"code": _BLANK})
        if failed:
            raise PeerError(f"its page cannot be left: {text}")

    async def close(self) -> None:
        await self._talk.close()

    async def _note(self, name: str, arguments: dict[str, Any]) -> str:
        text, failed = await self._tool(name, arguments)
        return (text or "refused without a word") if failed else ""

    async def _tool(self, name: str, arguments: dict[str, Any], seconds: float = _TOOL) -> tuple[str, bool]:
        answer = await self._call("tools/call", {"name": name, "arguments": arguments}, seconds)
        text = "\n".join(part.get("text", "") for part in answer.get("content", []))
        failed = bool(answer.get("isError")) or text.startswith("### Error")
        return (text.removeprefix("### Error\n")[:300] if failed else text), failed

    async def _call(self, method: str, params: dict[str, Any], seconds: float) -> dict[str, Any]:
        answer = await self._talk.ask({"jsonrpc": "2.0", "method": method, "params": params}, seconds)
        if "error" in answer:
            return {"isError": True, "content": [{"text": str(answer["error"].get("message", ""))}]}
        result = answer.get("result")
        if not isinstance(result, dict):
            raise PeerError(f"its answer to {method} is none: {str(answer)[:200]}")
        return result
