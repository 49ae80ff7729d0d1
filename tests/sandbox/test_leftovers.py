import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import needs_docker
from harness.errors import SandboxError
from harness.sandbox import ends, leftovers
from harness.sandbox.bubblewrap import BubblewrapSandbox
from harness.sandbox.docker import DockerSandbox
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.sandbox.recipe import IMAGE
from harness.sandbox.rundir import RunFolder, identity
from tests.sandbox.places import opened

MINE = "harness.test"


class Own(Engine):
    """The real engine, of which only this test's containers are seen: others may be at work beside it."""

    def __init__(self, token: str) -> None:
        super().__init__(engine_socket())
        self.token = token

    def containers(self, label: str) -> list[dict[str, Any]]:
        ours = super().containers(f"{MINE}={self.token}")
        return [one for one in ours if label in one["Labels"]]

    def make(self, folder: Path, *, run: bool = False, kept: bool = False, place: str = "") -> str:
        said = {MINE: self.token, ends.LABEL: "run-x/sandbox-y", ends.FOLDER: str(folder)}
        said |= {ends.PLACE: place or identity(folder.parent)}
        said |= {ends.KEPT: "yes"} if kept else {}
        made = self.create(
            IMAGE,
            {"network_mode": "none", "log_config": {"type": "none"}},
            entrypoint=["/bin/sh", "-c", "read line"],
            stdin_open=True,
            labels=said,
        )
        if run:
            self._ask("to start it", lambda api: api.start(made))
        return made

    @property
    def ids(self) -> set[str]:
        return {one["Id"] for one in self.containers(ends.LABEL)}


@pytest.fixture
def engine() -> Iterator[Own]:
    own = Own(secrets.token_hex(8))
    yield own
    for one in own.ids:
        own.remove(one)
    own.close()


@needs_docker
def test_a_dead_runs_containers_go_and_a_live_ones_stay(engine: Own, tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        alive = {engine.make(run.path), engine.make(run.path, run=True)}
        dead = {engine.make(tmp_path / "run-gone"), engine.make(tmp_path / "run-gone", run=True)}
        cleaned = leftovers.clean(engine, tmp_path)
        assert set(cleaned.containers) == dead
        assert engine.ids == alive
        leftovers.sweep(engine)
        assert engine.ids == alive
    leftovers.sweep(engine)
    assert engine.ids == set()


@needs_docker
async def test_a_new_container_sweeps_up_before_it(engine: Own, tmp_path: Path) -> None:
    engine.make(tmp_path / "run-gone")
    async with opened(DockerSandbox) as (sandbox, _, _asked):
        assert engine.ids == set()
        found = {one["Id"] for one in Engine.containers(engine, ends.LABEL)}
        assert sandbox.container in found
    assert sandbox.container not in {one["Id"] for one in Engine.containers(engine, ends.LABEL)}


@needs_docker
def test_what_is_kept_goes_only_when_that_is_asked_for(engine: Own, tmp_path: Path) -> None:
    kept = engine.make(tmp_path / "run-gone", kept=True)
    with RunFolder.create(tmp_path) as run:
        folder = run.keep()
    leftovers.sweep(engine)
    assert leftovers.clean(engine, tmp_path) == leftovers.Cleaned(containers=(), folders=())
    assert [one.kind for one in leftovers.found(engine, time.time(), tmp_path)] == ["docker", "folder"]
    assert all(one.kept for one in leftovers.found(engine, time.time(), tmp_path))
    cleaned = leftovers.clean(engine, tmp_path, kept=True)
    assert cleaned == leftovers.Cleaned(containers=(kept,), folders=(str(folder),))
    assert leftovers.found(engine, time.time(), tmp_path) == ()


@needs_docker
def test_a_container_is_listed_with_its_memory_and_whose_it_is(engine: Own, tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        running = engine.make(run.path, run=True)
        waiting = engine.make(tmp_path / "run-gone")
        found = {one.id: one for one in leftovers.found(engine, time.time(), tmp_path)}
    assert found.keys() == {running, waiting}
    assert (found[running].state, found[running].alive) == ("running", True)
    assert 0 < (found[running].memory or 0) < 100_000_000
    assert 0 <= found[running].age < 120
    assert (found[waiting].state, found[waiting].alive, found[waiting].memory) == ("created", False, None)


@needs_docker
def test_what_cannot_be_told_is_left_alone(engine: Own, tmp_path: Path) -> None:
    unlocked = tmp_path / "run-unlocked"
    unlocked.mkdir()
    engine.make(unlocked)
    engine.make(Path())
    engine.make(tmp_path / "run-gone", place="another:1")
    assert leftovers.clean(engine, tmp_path).containers == ()
    leftovers.sweep(engine)
    assert len(engine.ids) == 3


def test_folders_of_dead_runs_go_without_an_engine(tmp_path: Path) -> None:
    dead = tmp_path / "run-dead"
    dead.mkdir()
    (dead / "lock").touch()
    with RunFolder.create(tmp_path, token=lambda: "alive") as run:
        (dead / "sandbox-x").mkdir(parents=True)
        (dead / "lock").touch()
        assert leftovers.clean(None, tmp_path).folders == (str(dead),)
        assert run.path.is_dir()


async def test_a_browser_behind_bubblewrap_is_listed_with_its_memory() -> None:
    async with opened(BubblewrapSandbox) as (_, run, _asked):
        base = run.path.parent
        (found,) = [one for one in leftovers.found(None, time.time(), base) if one.folder == str(run.path)]
        assert (found.kind, found.state, found.alive, found.kept) == ("bubblewrap", "running", True, False)
        assert found.run.startswith(f"{run.path.name}/sandbox-")
        # One process of it alone has some tens of megabytes.
        assert 20_000_000 < (found.memory or 0) < 3_000_000_000
    assert [one for one in leftovers.found(None, time.time(), base) if one.folder == str(run.path)] == []


async def test_a_place_that_is_kept_outlives_its_run() -> None:
    async with opened(BubblewrapSandbox, leave=True) as (sandbox, run, _):
        await sandbox.close()
        kept = run.keep()
    try:
        (place,) = kept.glob("sandbox-*")
        assert {"browser.log", "wrapper"} <= {one.name for one in place.iterdir()}
        assert str(kept) not in leftovers.clean(None, kept.parent).folders
        assert kept.is_dir()
    finally:
        ours = [one for one in leftovers.found(None, time.time(), kept.parent) if one.folder == str(kept)]
        shutil.rmtree(kept)
    assert [(one.kind, one.state, one.alive, one.kept) for one in ours] == [("folder", "kept", False, True)]


def test_an_engine_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="for its containers and does not answer"):
        leftovers.found(Engine(tmp_path / "docker.sock"), time.time(), tmp_path)


def test_a_folder_of_somebody_else_counts_as_held(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    tmp_path.chmod(0o700)
    code = (
        "import sys; from pathlib import Path; from harness.sandbox import rundir;"
        f"import os; os.setuid(65534); print(rundir.holds(Path({str(tmp_path / 'run-x')!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
