import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest
from harness.errors import SandboxError
from harness.sandbox import rundir
from harness.sandbox.rundir import SOCKET_PATH_MAX, RunFolder, base_folder, reachable, sweep


def test_a_folder_lives_as_long_as_its_block(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        assert stat.S_IMODE(run.path.stat().st_mode) == 0o711
        (run.path / "profile").mkdir()
        (run.path / "profile" / "cookies").write_text("x")
    assert list(tmp_path.iterdir()) == []
    run.remove()


def test_a_live_run_is_never_swept(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        assert sweep(tmp_path) == ()
        assert run.path.is_dir()


def test_a_dead_run_is_swept_and_a_live_one_beside_it_stays(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as alive:
        dead = tmp_path / "run-dead"
        (dead / "deep" / "er").mkdir(parents=True)
        (dead / "lock").touch()
        assert sweep(tmp_path) == (dead,)
        assert list(tmp_path.iterdir()) == [alive.path]


def test_making_a_run_sweeps_up_after_dead_ones(tmp_path: Path) -> None:
    dead = tmp_path / "run-dead"
    dead.mkdir()
    (dead / "lock").touch()
    with RunFolder.create(tmp_path):
        assert not dead.exists()


def test_what_is_no_run_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "run-link").symlink_to(elsewhere)
    (tmp_path / "run-unlocked").mkdir()
    (tmp_path / "notes").mkdir()
    assert sweep(tmp_path) == ()
    assert (elsewhere / "lock").exists()


def test_the_lock_is_not_passed_on_to_children(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        assert not os.get_inheritable(run._lock)


def test_a_socket_fits_into_the_folder() -> None:
    with RunFolder.create() as run, socket.socket(socket.AF_UNIX) as listener:
        path = run.path / "sandbox-12345678" / "gateway.sock"
        assert len(os.fsencode(path)) <= SOCKET_PATH_MAX
        listener.bind(str(run.path / "gateway.sock"))


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "run-taken").mkdir()
    (tmp_path / "base" / "run-taken" / "full").touch()
    with pytest.raises(SandboxError, match="run-taken cannot be made"):
        RunFolder.create(tmp_path / "base", token=lambda: "taken")
    assert not (tmp_path / "base" / "new-taken").exists()


def test_the_base_is_among_the_temporary_files_where_no_runtime_folder_is() -> None:
    base = base_folder({})
    assert base.name == f"harness-{os.geteuid()}"
    assert stat.S_IMODE(base.stat().st_mode) == 0o711


def test_a_runtime_folder_that_the_browsers_user_cannot_enter_is_passed_over() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        chosen = base_folder({"XDG_RUNTIME_DIR": short})
        assert (chosen.parent == Path(short)) == (os.geteuid() != 0)


def test_a_runtime_folder_that_others_can_write_to_is_refused() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        Path(short).chmod(0o711)
        assert base_folder({"XDG_RUNTIME_DIR": short}).parent == Path(short)
        Path(short, "harness").chmod(0o777)
        assert base_folder({"XDG_RUNTIME_DIR": short}).parent != Path(short)


def test_a_runtime_folder_with_a_long_name_is_passed_over(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    assert base_folder({"XDG_RUNTIME_DIR": str(long)}).parent != long


def test_reachable_looks_at_every_folder_above(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir(mode=0o755)
    tmp_path.chmod(0o700)
    assert not reachable(inner)
    assert reachable(Path("/usr/bin"))


def test_a_folder_is_held_until_it_is_gone_or_its_lock_free(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path) as run:
        assert rundir.holds(run.path)
        assert rundir.live(tmp_path) == (run.path,)
    assert not rundir.holds(run.path)
    free = tmp_path / "run-free"
    free.mkdir()
    assert rundir.holds(free), "nobody knows whose it is"
    (free / "lock").touch()
    assert not rundir.holds(free)
    assert rundir.live(tmp_path) == ()


def test_a_folder_that_is_kept_is_swept_by_nobody_and_discarded_when_asked(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, token=lambda: "a") as run:
        (run.path / "file").touch()
        kept = run.keep()
    assert kept == tmp_path / "kept-a"
    assert sweep(tmp_path) == ()
    assert (rundir.kept(tmp_path), rundir.live(tmp_path)) == ((kept,), ())
    assert rundir.discard(tmp_path) == (kept,)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    (tmp_path / "kept-a").mkdir()
    (tmp_path / "kept-a" / "full").touch()
    with RunFolder.create(tmp_path, token=lambda: "a") as run:
        with pytest.raises(SandboxError, match="run-a cannot be kept"):
            run.keep()
        assert rundir.holds(run.path)


def test_folders_of_one_path_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    before = rundir.identity(tmp_path / "a")
    assert before == rundir.identity(tmp_path / "." / "a")
    assert rundir.identity(tmp_path) != before
    assert rundir.identity(tmp_path / "nowhere") == ""
