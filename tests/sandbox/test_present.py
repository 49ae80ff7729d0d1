import json
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import present, recipe

Answers = dict[str, tuple[int, object]]
BASE = "debian:bookworm-slim"


@pytest.fixture
def engine() -> Iterator[Callable[[Answers | bytes], dict[str, str]]]:
    """Start what answers like an engine, or with some bytes; give the environment that leads there."""
    servers: list[socketserver.UnixStreamServer] = []
    with tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp") as folder:

        def start(answers: Answers | bytes) -> dict[str, str]:
            class Handler(socketserver.StreamRequestHandler):
                def handle(self) -> None:
                    path = self.rfile.readline().split()[1].decode()
                    while self.rfile.readline().strip():
                        pass
                    if isinstance(answers, bytes):
                        self.wfile.write(answers)
                        return
                    status, body = answers.get(path, (404, {"message": "no such thing"}))
                    self.wfile.write(f"HTTP/1.0 {status} x\r\n\r\n{json.dumps(body)}".encode())

            path = Path(folder) / "docker.sock"
            server = socketserver.UnixStreamServer(str(path), Handler)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            servers.append(server)
            return {"DOCKER_HOST": f"unix://{path}"}

        yield start
        for server in servers:
            server.shutdown()
            server.server_close()


def image(labels: dict[str, str] | None) -> tuple[int, object]:
    return 200, {"Id": "sha256:x", "Config": {"Labels": labels}}


def labels(base_id: str) -> dict[str, str]:
    archived = recipe.archive(recipe.folder())
    return {recipe.INPUTS: recipe.inputs(archived, base_id), recipe.BASE: base_id}


@pytest.mark.parametrize(
    ("env", "says"),
    [
        (
            {"DOCKER_HOST": "tcp://10.0.0.1:2375"},
            "DOCKER_HOST=tcp://10.0.0.1:2375: the engine must be on this",
        ),
        (
            {"DOCKER_HOST": "unix:///nowhere/d.sock"},
            r"no Docker engine: /nowhere/d.sock is not there; start one",
        ),
        ({"DOCKER_HOST": f"unix://{__file__}"}, "test_present.py is not there"),
    ],
)
def test_an_engine_that_cannot_be_had_is_said_with_what_to_do(env: dict[str, str], says: str) -> None:
    with pytest.raises(SandboxError, match=says):
        present.engine_socket(env)
    assert present.lacking(env)


def test_a_rootless_engine_is_found(engine: Callable[[Answers], dict[str, str]]) -> None:
    socket = engine({})["DOCKER_HOST"].removeprefix("unix://")
    found = present.engine_socket({"XDG_RUNTIME_DIR": str(Path(socket).parent)})
    assert str(found) in {socket, "/var/run/docker.sock"}


def test_nothing_is_lacking_where_the_image_is_fresh(engine: Callable[[Answers], dict[str, str]]) -> None:
    env = engine(
        {
            f"/images/{recipe.IMAGE}/json": image(labels("sha256:base")),
            f"/images/{BASE}/json": (200, {"Id": "sha256:base"}),
        }
    )
    assert present.lacking(env) == ""


def test_a_base_that_was_removed_makes_no_image_stale(engine: Callable[[Answers], dict[str, str]]) -> None:
    assert present.lacking(engine({f"/images/{recipe.IMAGE}/json": image(labels("sha256:base"))})) == ""


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, f"the image {recipe.IMAGE} is not there: type `harness sandbox build`"),
        ({f"/images/{recipe.IMAGE}/json": image(None)}, "made from something else"),
        (
            {
                f"/images/{recipe.IMAGE}/json": image(labels("sha256:base")),
                f"/images/{BASE}/json": (200, {"Id": "sha256:newer"}),
            },
            "made from something else than what is here: type `harness sandbox build`",
        ),
        ({f"/images/{recipe.IMAGE}/json": (500, {})}, "does not answer as one: status 500"),
        (b"", "does not answer as one"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer as one"),
        (b"HTTP/1.0 200 OK\r\n\r\n[1", "does not answer as one"),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "does not answer as one"),
    ],
)
def test_what_is_lacking_is_said_and_never_raised(
    engine: Callable[[Answers | bytes], dict[str, str]], answers: Answers | bytes, says: str
) -> None:
    assert says in present.lacking(engine(answers))


def test_asking_does_not_load_the_sdk() -> None:
    code = (
        "import sys; from harness.sandbox import present; present.lacking(); print('docker' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
