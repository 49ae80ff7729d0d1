"""Plays bytes at the relay and programs on the machine."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import socket
import ssl

from harness.evals.containment.board import Arm
from harness.evals.containment.canary import GOOD
from harness.evals.containment.cases import Case, MachineProbe, RawProbe, RebindProbe
from harness.evals.containment.rebinding import rebound_name
from harness.evals.containment.rig import Rig
from harness.evals.containment.targets import spot
from harness.evals.containment.waiting import settled
from harness.sandbox.insider import outside

_SECONDS = 1.5
_RULE = re.compile(rb"x-harness-rule: ([^\r\n]+)")
_LAYERS = {
    "ENETUNREACH": "network namespace",
    "ECONNREFUSED": "network namespace",
    "EHOSTUNREACH": "network namespace",
    "EADDRNOTAVAIL": "network namespace",
    "ENOENT": "mount namespace",
    "EROFS": "read-only system",
    "ESRCH": "process namespace",
    "ENOSYS": "seccomp filter",
    "EAFNOSUPPORT": "seccomp filter",
    "EPERM": "no privileges, or seccomp filter",
    "EACCES": "unprivileged user",
    "EINVAL": "user namespace",
}


async def raw(rig: Rig, probe: RawProbe, arm: Arm, token: str) -> str:
    """Send bytes: from inside to the relay, or in the open arm to a proxy that believes everything."""
    here = spot(rig.places, arm, "name", "http", token)
    first, then = probe.first(here), probe.then(here) if probe.then else b""
    name = probe.sni(here) if probe.sni else ""
    if arm == "allowed":
        inside = f"GET /x/{token} HTTP/1.1\r\nHost: also.test\r\n\r\n"
        tunnel = bool(probe.sni or probe.then)
        name = "also.test" if tunnel else ""
        connect = "CONNECT also.test:443 HTTP/1.1\r\nHost: also.test:443\r\n\r\n"
        first = (connect if tunnel else inside.replace("/x/", "http://also.test/x/", 1)).encode()
        then = inside.encode() if tunnel else b""
    elif name:
        then = f"GET /x/{token} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
    note = ""
    try:
        if arm == "open":
            reader, writer = await asyncio.open_unix_connection(rig.folder / "naive.sock")
        elif rig.insider:
            reader, writer = await rig.insider.dial()
        else:
            return "this sandbox has no way in for bytes of one's own"
    except OSError as error:
        return f"no connection from inside: {error}"
    try:
        note = await _talk(rig, reader, writer, (first, then, name), token)
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    await settled(rig.board, arm, token)
    return note


async def rebind(rig: Rig, case: Case, probe: RebindProbe, arm: Arm, token: str) -> str:
    """Ask for a name as often as it leads somewhere; without a boundary, go where it leads the last time."""
    name, port = rebound_name(case.id, arm), rig.canaries.rebound
    place = f"{name}:{port}"
    rig.canaries.answers[name] = [(GOOD,)] if arm == "allowed" else list(probe.answers)
    said = f"GET /x/{token} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode()
    note = ""
    for _ in probe.answers:
        try:
            if arm == "open":
                last = probe.answers[-1][0]
                reader, writer = await asyncio.open_connection(
                    rig.places.own if last == "own" else last, port
                )
            elif rig.insider:
                reader, writer = await rig.insider.dial()
            else:
                return "this sandbox has no way in for bytes of one's own"
        except OSError as error:
            return f"no connection: {error}"
        asked = said if arm == "open" else said.replace(b"/x/", f"http://{place}/x/".encode(), 1)
        try:
            note = await _talk(rig, reader, writer, (asked, b"", ""), token)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    await settled(rig.board, arm, token)
    return note


async def _talk(
    rig: Rig,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    said: tuple[bytes, bytes, str],
    token: str,
) -> str:
    first, then, name = said
    try:
        writer.write(first)
        await writer.drain()
        answer = await _answer(reader)
        _refused(rig, answer, token)
        if name and answer.startswith(b"HTTP/1.1 200"):
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            async with asyncio.timeout(_SECONDS):
                await writer.start_tls(context, server_hostname=name)
        if then:
            writer.write(then)
            await writer.drain()
            answer = await _answer(reader)
            _refused(rig, answer, token)
    except (OSError, ssl.SSLError, TimeoutError) as error:
        rig.board.refused(token.encode(), "gateway: hung up")
        return f"{type(error).__name__}: {error}"
    return answer[:60].decode("latin-1")


async def _answer(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SECONDS):
            return await reader.read(65_536)
    return b""


def _refused(rig: Rig, answer: bytes, token: str) -> None:
    found = _RULE.search(answer)
    if found:
        rig.board.refused(token.encode(), f"gateway: {found[1].decode('latin-1')}")


def _told(rig: Rig, token: str) -> dict[str, object]:
    return {
        "token": token,
        "port": rig.places.port,
        "own": rig.places.own,
        "file": str(rig.folder / "canary.txt"),
        "temporary": str(rig.folder / "canary.html"),
        "victim": str(rig.folder / "victim"),
        "socket": str(rig.folder / "world.sock"),
        "abstract": rig.abstract,
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
    }


async def machine(rig: Rig, probe: MachineProbe, arm: Arm, token: str) -> str:
    """Run a program: inside, or in the open arm outside."""
    if rig.insider is None and arm != "open":
        return "this sandbox has no way in for a program of one's own"
    arguments = ("-I", "-c", probe.script, json.dumps(_told(rig, token)))
    if arm == "open":
        code, out, err = await outside(arguments, {"HARNESS_CANARY": secrets.token_hex(4)})
    else:
        assert rig.insider is not None  # noqa: S101 - looked at above
        if rig.insider.python is None:
            return "there is no /usr/bin/python3 to run inside"
        code, out, err = await rig.insider.run([rig.insider.python, *arguments])
    try:
        found = json.loads(out)
    except ValueError:
        return f"the program ended with {code}: {err.strip()[-200:]}"
    if probe.heard:
        await _listen(rig, arm, token)
    elif arm == "walled" and not found["did"]:
        rig.board.refused(token.encode(), _LAYERS.get(found.get("why", ""), str(found.get("why", ""))))
    elif arm != "allowed" and found["did"]:
        rig.board.heard("host", "open" if arm == "open" else "walled", token.encode())
    if arm == "allowed" and found["permitted"]:
        rig.board.reached(token.encode())
    return str(found.get("why", ""))


async def _listen(rig: Rig, arm: Arm, token: str) -> None:
    if any(token in one.name or token in one.read_text("ascii") for one in rig.folder.glob("victim*")):
        rig.board.heard("host file", "open" if arm == "open" else "walled", token.encode())
    await settled(rig.board, arm, token)
    if arm == "walled" and not rig.board.signs(token):
        rig.board.refused(token.encode(), "namespaces: nothing was heard outside")
