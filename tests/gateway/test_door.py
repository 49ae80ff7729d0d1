"""A door is there before its gateway, and is the gateway's afterwards."""

import asyncio
import itertools
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.gateway.door import Door
from harness.gateway.proxy import ProxyGateway
from tests.gateway.support import Bookkeeper

CA = b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


def gateway(door: Door | None) -> ProxyGateway:
    numbers = itertools.count()
    return ProxyGateway({}, None, ids=lambda: f"r{next(numbers)}", clock=time.monotonic, door=door)


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="door-") as folder:
        yield Path(folder, "g.sock")


async def test_what_came_before_the_gateway_waits_and_is_judged_by_it(socket: Path) -> None:
    door = Door(socket)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(CA)
    await writer.drain()
    keeper, one = Bookkeeper(), gateway(door)
    assert one.spki == door.spki
    assert one.ca_pem == door.authority.pem
    await one.open(socket, keeper)
    try:
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert [request.url for request in keeper.asked] == ["http://a.test/"]
    finally:
        writer.close()
        await one.close()
    assert not socket.exists()
    door.close()


async def test_a_door_that_nobody_took_leaves_nothing(socket: Path) -> None:
    door = Door(socket)
    door.close()
    door.close()
    assert not socket.exists()
    with pytest.raises(SandboxError, match="every run has its own"):
        await gateway(door).open(socket, Bookkeeper())


async def test_a_door_is_for_one_gateway_at_one_place(socket: Path) -> None:
    door = Door(socket)
    other = gateway(door)
    with pytest.raises(SandboxError, match="and not at"):
        await other.open(socket.with_name("x.sock"), Bookkeeper())
    await other.open(socket, Bookkeeper())
    try:
        with pytest.raises(SandboxError, match="every run has its own"):
            await gateway(door).open(socket, Bookkeeper())
        door.close()
        assert socket.exists()
    finally:
        await other.close()


def test_every_door_has_an_authority_of_its_own(socket: Path) -> None:
    first = Door(socket)
    first.close()
    second = Door(socket)
    assert first.spki != second.spki
    second.close()


def test_a_place_where_no_socket_can_be_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot make the gateway's socket"):
        Door(tmp_path / "none" / "g.sock")
