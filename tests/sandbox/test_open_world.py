"""The browser without walls reaches everything, and everything is one Unix socket."""

import asyncio
import json
import sys
from pathlib import Path

from harness.evals.containment.names import question
from harness.sandbox.base import SandboxOptions
from harness.sandbox.open_world import OpenSandbox, open_command
from harness.sandbox.probe import Probes
from harness.sandbox.rundir import RunFolder

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


async def test_every_name_and_every_address_leads_to_the_socket() -> None:
    reached: list[tuple[str, int]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = json.loads(await reader.readline())
        if head["kind"] == "udp":
            writer.write(question(await reader.read())[2])
        else:
            await reader.readuntil(b"\r\n\r\n")
            reached.append((head["to"], head["port"]))
            writer.write(ANSWER)
        await writer.drain()
        writer.close()

    with RunFolder.create() as run:
        server = await asyncio.start_unix_server(answer, path=run.path / "world.sock")
        sandbox = OpenSandbox(_options(run.path), (53, 80, 8080))
        try:
            await sandbox.open(run.path / "world.sock", "")
            assert not sandbox.info.isolated
            async with Probes(sandbox).tab() as tab:
                for url in ("http://any.evil.test/", "http://169.254.169.254/", "http://127.0.0.1:8080/"):
                    assert await tab.goto(url) == ""
        finally:
            await sandbox.close()
            server.close()
    assert {("203.0.113.5", 80), ("169.254.169.254", 80), ("127.0.0.1", 8080)} <= set(reached)


async def test_a_page_is_taken_back_blank_and_without_what_it_opened() -> None:
    with RunFolder.create() as run:
        server = await asyncio.start_unix_server(_nothing, path=run.path / "world.sock")
        sandbox = OpenSandbox(_options(run.path), (53, 80))
        try:
            await sandbox.open(run.path / "world.sock", "")
            probes = Probes(sandbox)
            async with probes.tab() as tab:
                await tab.goto(
                    "data:text/html,<button id=go onclick=\"window.open('about:blank')\">x</button>"
                )
                assert await tab.click("#go") == ""
                assert (await tab.picture()).startswith(b"\x89PNG")
            async with probes.tab() as tab:
                assert tab.urls == ("about:blank",)
        finally:
            await sandbox.close()
            server.close()


SPEAKS = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
    ear.settimeout(20)
    ear.sendto(b"hello", ("198.51.100.7", 3478))
    print(ear.recv(100).decode(), socket.if_nametoindex("lo"), sys.stdin.readline(), end="")
"""


async def test_any_program_can_be_put_there_and_is_spoken_to(tmp_path: Path) -> None:
    heard: list[tuple[str, int]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = json.loads(await reader.readline())
        heard.append((head["to"], head["port"]))
        writer.write(b"back: " + await reader.read())
        await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(answer, path=tmp_path / "world.sock")
    command = open_command(tmp_path, tmp_path / "world.sock", (3478,), (sys.executable, "-c", SPEAKS))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            said, _ = await process.communicate(b"a word\n")
    finally:
        server.close()
    assert said == b"back: hello 1 a word\n"
    assert heard == [("198.51.100.7", 3478)]


async def _nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _options(folder: Path) -> SandboxOptions:
    return SandboxOptions(downloads=folder / "downloads", runtime=folder)
