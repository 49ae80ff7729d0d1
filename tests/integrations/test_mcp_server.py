"""MCP's own Python client drives our sandbox through the real command, and what is denied is denied."""

import base64
import os
import sys
from pathlib import Path
from typing import Any

from harness.action import KINDS
from harness.integrations.vocabulary import OBSERVE
from harness.trace.verify import verify
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult, ImageContent, TextContent
from tests.integrations.guests import HOME, SEARCH, clicked_in, shop_files

COMMAND = str(Path(sys.executable).with_name("harness"))


def text(result: CallToolResult) -> str:
    return " ".join(one.text for one in result.content if isinstance(one, TextContent))


async def test_the_official_client_does_two_steps_and_a_denied_action_is_an_error(tmp_path: Path) -> None:
    task, rules = shop_files(tmp_path)
    words = [
        "mcp",
        str(task),
        "--policy",
        str(rules),
        "--sandbox",
        "bubblewrap",
        "--traces",
        str(tmp_path / "t"),
    ]
    said = tmp_path / "stderr"
    server = StdioServerParameters(command=COMMAND, args=words, env=dict(os.environ), cwd=tmp_path)
    with said.open("w") as err:
        async with Client(stdio_client(server, errlog=err)) as client:
            assert "Search for tea." in (client.instructions or "")
            offered = {one.name: one for one in (await client.list_tools()).tools}
            assert tuple(offered) == (OBSERVE, *KINDS)
            assert offered["click"].input_schema["required"] == ["x", "y"]

            async def call(name: str, **arguments: Any) -> CallToolResult:
                return await client.call_tool(name, arguments)

            first = await call(OBSERVE)
            (image,) = (one for one in first.content if isinstance(one, ImageContent))
            assert (image.mime_type, base64.b64decode(image.data)[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
            assert "click: done" in text(await call("click", x=SEARCH[0], y=SEARCH[1]))
            typed = await call("type", text="tea\n")
            assert (typed.is_error, "address: https://shop.test/search?q=tea" in text(typed)) == (False, True)
            denied = await call("click", x=HOME[0], y=HOME[1])
            assert (denied.is_error, len(denied.content)) == (True, 2)
            assert text(denied).startswith("click: refused by 'stay here': There is no way back.")
            assert (await call("clik")).is_error
            ended = await call("answer", text="Found.")
            assert (ended.is_error, text(ended)) == (False, "the run is over: done: Found.")
    (trace,) = (tmp_path / "t").iterdir()
    found = verify(trace)
    assert (found.ok, found.complete) == (True, True)
    assert clicked_in(trace) == [("click", "done"), ("type", "done"), ("click", "refused")]
    assert "done after" in said.read_text()
