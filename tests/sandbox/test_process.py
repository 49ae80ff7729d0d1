"""The place without walls: marked so, and through the gateway all the same."""

import asyncio
import os
from pathlib import Path

import pytest
from harness.action import Goto
from harness.sandbox.process import ProcessSandbox, Relay
from tests.sandbox.places import (
    command,
    content,
    descendants,
    do,
    newcomers,
    opened,
    running,
    stand_in,
    until,
)


async def test_it_goes_through_the_gateway_and_says_that_it_is_not_isolated() -> None:
    before = set(descendants(os.getpid()))
    async with opened(ProcessSandbox) as (sandbox, run, asked):
        outcome = await do(sandbox, Goto(url="http://shop.test/"))
        assert outcome.ok, outcome.message
        assert (await sandbox.observe()).title == "Here"
        assert "GET http://shop.test/ HTTP/1.1" in asked
        assert (sandbox.info.kind, sandbox.info.isolated) == ("process", False)
        assert sandbox.info.browser.startswith("Chromium ")
        ours = newcomers(before)
        assert not any("bwrap" in command(pid) for pid in ours)
        profile = next(
            word.partition("=")[2]
            for pid in ours
            for word in reversed(command(pid).split())
            if word.startswith("--user-data-dir=") and "--type=" not in command(pid)
        )
        assert Path(profile).is_relative_to(run.path)
    await until(lambda: not any(map(running, ours)))
    assert not run.path.exists()


async def test_nothing_of_the_hosts_environment_comes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    before = set(descendants(os.getpid()))
    async with opened(ProcessSandbox):
        ours = newcomers(before)
        environments = [content(pid, "environ") for pid in ours if "--remote-debugging-pipe" in command(pid)]
        assert any(environments)
        assert not any("sk-secret" in environment for environment in environments)


async def test_the_relay_carries_both_ways_and_ends(tmp_path: Path) -> None:
    async with stand_in(tmp_path / "g.sock") as asked:
        relay = Relay(tmp_path / "g.sock")
        port = await relay.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET http://shop.test/ HTTP/1.1\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert asked == ["GET http://shop.test/ HTTP/1.1"]
        _, idle = await asyncio.open_connection("127.0.0.1", port)
        await relay.close()
        await relay.close()
        idle.close()
        await idle.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_the_relay_hangs_up_where_no_gateway_is(tmp_path: Path) -> None:
    relay = Relay(tmp_path / "none.sock")
    reader, writer = await asyncio.open_connection("127.0.0.1", await relay.open())
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    await relay.close()
