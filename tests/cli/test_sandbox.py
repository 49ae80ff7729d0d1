"""`harness sandbox`, and the options of `harness run` that are about containers."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from engines import WHY, needs_docker, socket
from harness.cli.compose import Kept
from harness.cli.run import kept_lines
from harness.sandbox import image, present
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.sandbox.rundir import RunFolder
from tests.cli.commands import Command, Place

HOST = "" if WHY else f"unix://{socket()}"


@pytest.fixture
def base(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of this test's own runs."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place.runtime))
    return place.runtime / "harness"


def test_without_an_engine_nothing_is_built(command: Command) -> None:
    told = command("sandbox", "build")
    assert (told.code, told.out) == (4, "")
    assert "no Docker engine: /nowhere/docker.sock is not there; start one" in told.err


def test_an_engine_elsewhere_is_refused(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    told = command("sandbox", "build")
    assert told.code == 4
    assert "the engine must be on this machine" in told.err


def test_what_was_built_is_told_with_size_and_packages(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = image.Built(
        name="i",
        digest="sha256:abc",
        size=455_000_000,
        chromium="156.0",
        released="2026-11-02",
        fetched="2026-11-21T19:05:53+00:00",
        packages=("chromium 156.0", "dash 0.5"),
    )

    def build(_: Engine, tell: Callable[[str], object], *, cache: bool) -> image.Built:
        tell(f"Step 1/9 : cache {cache}\x1b[31m")
        return made

    path = tmp_path / "docker.sock"
    monkeypatch.setattr(present, "engine_socket", lambda: path)
    monkeypatch.setattr(image, "build", build)
    told = command("sandbox", "build", "--no-cache")
    assert told.code == 0
    assert "Step 1/9 : cache False" in told.err
    assert "\x1b" not in told.err
    assert told.out.splitlines() == [
        "chromium 156.0",
        "dash 0.5",
        "image     i",
        "digest    sha256:abc",
        "size      455 MB, 2 packages",
        "chromium  156.0, released 2026-11-02; packages fetched 2026-11-21T19:05:53+00:00",
    ]
    told = command("sandbox", "build", "--json")
    assert json.loads(told.out) == json.loads(made.model_dump_json())


def test_a_dead_runs_folder_goes_and_a_live_one_is_listed(command: Command, base: Path) -> None:
    with RunFolder.create() as run:
        assert run.path.parent == base
        (run.path / "sandbox-x").mkdir()
        dead = base / "run-dead"
        dead.mkdir()
        (dead / "lock").touch()
        told = command("sandbox", "ls", "--json")
        found = json.loads(told.out)
        assert (told.code, [one["run"] for one in found["sandboxes"]]) == (0, [f"{run.path.name}/sandbox-x"])
        assert "no Docker engine" in found["engine"]
        told = command("sandbox", "ls")
        assert run.path.name in told.out
        assert "run lives" in told.out
        assert "without containers: no Docker engine" in told.err
        assert command("sandbox", "clean").out == f"removed folder {dead}\n"
        assert run.path.is_dir()
        told = command("sandbox", "clean", "--json")
        assert json.loads(told.out)["folders"] == []
    assert command("sandbox", "ls").out == "no sandboxes\n"
    assert command("sandbox", "clean").out == "nothing was left\n"


def test_a_run_that_is_kept_says_where_and_goes_when_asked(
    command: Command, base: Path, place: Place
) -> None:
    told = command("run", place.task(), "--sandbox", "bubblewrap", "--keep", "--json")
    assert told.code == 0, told.err
    (kept,) = base.iterdir()
    assert kept.name.startswith("kept-")
    assert f"kept: the run's files in {kept}" in told.err
    assert "`harness sandbox clean --kept` removes" in told.err
    assert list(kept.glob("sandbox-*/browser.log"))
    assert command("sandbox", "clean").out == "nothing was left\n"
    assert "kept" in command("sandbox", "ls").out
    assert command("sandbox", "clean", "--kept").out == f"removed folder {kept}\n"
    assert list(base.iterdir()) == []


def test_how_to_look_into_a_container_is_said() -> None:
    said = kept_lines(Kept(Path("/tmp/kept-1"), "abcdef0123456789"))
    assert "docker exec -it abcdef012345 sh" in said
    assert "docker inspect -f '{{.State.Pid}}' abcdef012345" in said
    assert "docker" not in kept_lines(Kept(Path("/tmp/kept-1"), None))


@pytest.mark.parametrize("place_name", ["bubblewrap", "process", "auto"])
def test_a_runtime_without_a_container_is_wrong_usage(
    command: Command, place: Place, place_name: str
) -> None:
    told = command("run", place.task(), "--sandbox", place_name, "--runtime", "runsc")
    assert (told.code, told.out) == (2, "")
    assert "--runtime runsc: only a container has one; add --sandbox docker" in told.err
    assert not (place.folder / "traces").exists()


@needs_docker
def test_a_runtime_that_the_engine_has_not_is_said_with_those_it_has(
    command: Command, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", HOST)
    told = command("run", place.task(), "--sandbox", "docker", "--runtime", "runsk", "--json")
    assert told.code == 4
    assert "--runtime runsk: this engine has" in told.err
    assert "runc" in told.err


@pytest.mark.long
@needs_docker
def test_a_container_that_is_kept_is_there_after_the_run(
    command: Command, base: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", HOST)
    engine = Engine(engine_socket())
    told = command("run", place.task(), "--sandbox", "docker", "--keep", "--json")
    name = told.err.partition("kept: container ")[2].partition(";")[0]
    try:
        assert told.code == 0, told.err
        found = json.loads(command("sandbox", "ls", "--json").out)["sandboxes"]
        (ours,) = [one for one in found if name and one["id"].startswith(name)]
        assert (ours["kind"], ours["state"], ours["kept"]) == ("docker", "running", True)
        assert [one.name.partition("-")[0] for one in base.iterdir()] == ["kept"]
    finally:
        for one in engine.containers("harness.kept"):
            if name and one["Id"].startswith(name):
                engine.remove(one["Id"])
        engine.close()


@needs_docker
def test_a_build_that_is_interrupted_ends_at_once(place: Place) -> None:
    place.engine = HOST
    one = place.start("sandbox", "build", "--no-cache")
    one.wait_for("Step ")
    code, out, said = one.end(signal.SIGINT)
    assert (code, out) == (130, "")
    assert "interrupted" in said
    assert "Traceback" not in said
    assert place.left() == []
