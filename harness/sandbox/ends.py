"""Two small programs beside a container, which import little so that they start at once.

    python -I -S ends.py join  ENGINE CONTAINER LOG SWITCH …
    python -I -S ends.py guard ENGINE RUN FOLDER

`join` is what Playwright starts in place of a browser: it joins the debugging pipe, its open files 3 and 4,
to the container's standard input and output. When it ends, however it ends, the container's input ends too,
and with it all that runs there. `guard` waits for the harness: if that dies without a word, it removes the
containers of its run, one that was only just asked for among them, and then the run's folder.

Both speak to the engine's Unix socket themselves.
"""

import fcntl
import json
import os
import shutil
import socket
import sys
import threading
from urllib.parse import quote

LONGEST_NOISE = 1_000_000
"""Bytes of the container's messages that are kept."""
LAST_WORD = b"done\n"
"""What a guard hears from a harness that has cleaned up itself."""
LABEL = "harness.run"
"""The label that holds a run's id."""
FOLDER = "harness.folder"
"""The label that holds the folder of the run, whose lock says whether it lives."""
PLACE = "harness.place"
"""The label that tells that folder's folder from one of the same name elsewhere, as in another container."""
KEPT = "harness.kept"
"""The label of what is left on purpose, for a look inside."""

_CHUNK = 262_144
_FRAME = 8
_QUIET = 3.0
_MOST = 1_000


def join(engine: str, container: str, log: str, switches: list[str]) -> int:
    """Join the debugging pipe to a container, started or not, until one end is gone."""
    pipe = connected(engine)
    path = f"/containers/{container}/attach?stream=1&stdin=1&stdout=1&stderr=1"
    _, held = asked(pipe, "POST", path, "Connection: Upgrade\r\nUpgrade: tcp\r\n")
    with connected(engine) as other:
        status, body = asked(other, "POST", f"/containers/{container}/start")
        if status not in (204, 304):
            raise SystemExit(_message(body))
    pipe.sendall("".join(f"{one}\n" for one in (*switches, "")).encode())
    threading.Thread(target=_outward, args=(pipe,), daemon=True).start()
    with open(log, "ab", buffering=0) as noise:  # noqa: PTH123 - pathlib is slow to import
        _inward(pipe, bytearray(held), noise.fileno())
    return 0


def guard(engine: str, run: str, folder: str) -> int:
    """Wait for the last word or the end of the harness; after an end without it, remove what it left."""
    if sys.stdin.buffer.readline() == LAST_WORD:
        return 0
    wanted = quote(json.dumps({"label": [f"{LABEL}={run}"]}))
    with connected(engine) as news:
        _send(news, "GET", f"/events?filters={wanted}", "")
        news.settimeout(_QUIET)
        # What the harness had just asked for may be made only now: it is over when no more is heard.
        for _ in range(_MOST):
            with connected(engine) as asking:
                _, body = asked(asking, "GET", f"/containers/json?all=1&filters={wanted}")
            for one in json.loads(body):
                with connected(engine) as asking:
                    asked(asking, "DELETE", f"/containers/{one['Id']}?force=1&v=1")
            try:
                if not news.recv(_CHUNK):
                    break
            except TimeoutError:
                break
    _sweep(folder)
    return 0


def _sweep(folder: str) -> None:
    """Remove a run's folder whose lock nobody holds any more."""
    try:
        lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_NOFOLLOW)  # noqa: PTH118 - see above
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)


def connected(engine: str, seconds: float | None = None) -> socket.socket:
    """Connect to an engine; with `seconds`, no single answer is waited for longer.

    Raises:
        OSError: if nobody listens there, or this user may not ask.
    """
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(seconds)
    try:
        one.connect(engine)
    except OSError:
        one.close()
        raise
    return one


def asked(engine: socket.socket, method: str, path: str, headers: str = "") -> tuple[int, bytes]:
    """Ask, and give the status and the body; of an upgrade, what came of the stream already.

    Raises:
        OSError: if the engine is gone or silent.
        ValueError: if what answers is no engine.
    """
    _send(engine, method, path, headers)
    data = b""
    while b"\r\n\r\n" not in data and (more := engine.recv(_CHUNK)):
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.count(b" ") > 1 else 0
    if headers and status == 101:
        return status, body
    while more := engine.recv(_CHUNK):
        body += more
    if headers:
        raise SystemExit(_message(body))
    return status, body


def _send(engine: socket.socket, method: str, path: str, headers: str) -> None:
    # HTTP/1.0 has no chunks, but no upgrade either.
    version = "1.1" if headers else "1.0"
    head = f"{method} {path} HTTP/{version}\r\nHost: docker\r\nContent-Length: 0\r\n{headers}\r\n"
    engine.sendall(head.encode())


def _message(body: bytes) -> str:
    try:
        return f"the engine says: {json.loads(body)['message']}"
    except (ValueError, KeyError, TypeError):
        return f"the engine says: {body[:300].decode(errors='replace').strip()}"


def _outward(pipe: socket.socket) -> None:
    while data := os.read(3, _CHUNK):
        pipe.sendall(data)
    pipe.shutdown(socket.SHUT_WR)


def _inward(pipe: socket.socket, buffer: bytearray, log: int) -> None:
    noise = 0
    while True:
        while len(buffer) >= _FRAME:
            end = _FRAME + int.from_bytes(buffer[4:_FRAME], "big")
            if len(buffer) < end:
                break
            stream, data = buffer[0], bytes(buffer[_FRAME:end])
            del buffer[:end]
            if stream == 1:
                _write(4, data)
            elif noise < LONGEST_NOISE:
                noise += len(data)
                _write(log, data)
        data = pipe.recv(_CHUNK)
        if not data:
            return
        buffer += data


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


if __name__ == "__main__":
    what, engine, subject, place = sys.argv[1:5]
    if what == "join":
        raise SystemExit(join(engine, subject, place, sys.argv[5:]))
    raise SystemExit(guard(engine, subject, place))
