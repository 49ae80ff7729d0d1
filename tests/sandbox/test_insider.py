"""A program behind the walls: it reaches the relay and nothing else; outside, the same program does."""

import asyncio
import json
from pathlib import Path

from harness.sandbox.insider import BubblewrapInsider, beside, outside
from harness.sandbox.rundir import RunFolder

SEES = (
    "import json, os, socket; print(json.dumps([n for _, n in socket.if_nameindex()] + sorted(os.environ)))"
)


async def test_bytes_dialled_inside_come_out_at_the_gateways_socket() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.readline())
        await writer.drain()
        writer.close()

    with RunFolder.create() as run:
        place = run.path / "insider"
        place.mkdir()
        place.chmod(0o711)
        server = await asyncio.start_unix_server(echo, path=run.path / "gateway.sock")
        insider = BubblewrapInsider(place, run.path / "gateway.sock")
        try:
            await insider.open()
            reader, writer = await insider.dial()
            writer.write(b"hello\n")
            assert await reader.read() == b"heard hello\n"
            writer.close()
            if insider.python:
                _, out, _ = await insider.run([insider.python, "-I", "-c", SEES])
                assert "lo" in json.loads(out)
                assert "HARNESS_X" not in json.loads(out)
        finally:
            await insider.close()
            await insider.close()
            server.close()


async def test_outside_a_program_sees_what_it_is_given() -> None:
    code, out, _ = await outside(["-I", "-c", SEES], {"HARNESS_X": "1"})
    assert code == 0
    assert "HARNESS_X" in json.loads(out)


def test_what_has_no_walls_has_no_insider(tmp_path: Path) -> None:
    assert beside("process", tmp_path, tmp_path / "gateway.sock") is None
    assert isinstance(beside("bubblewrap", tmp_path, tmp_path / "gateway.sock"), BubblewrapInsider)
    assert type(beside("docker", tmp_path, tmp_path / "gateway.sock")).__name__ == "DockerInsider"
