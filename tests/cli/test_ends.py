"""Runs that end before their time: each leaves one message, the right exit code and a trace that verifies."""

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest
from engines import needs_docker
from harness.sandbox import chromium
from harness.sandbox.ends import FOLDER
from harness.sandbox.engine import Engine
from harness.sandbox.present import engine_socket
from harness.trace.verify import verify
from tests.cli.commands import ASKING, POLICY, SECONDS, Place, processes

NEVER = "wait 60 seconds"
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")


def in_mounts(script: str) -> tuple[str, ...]:
    """Run a command after a shell script, where what the script mounts is seen by nobody else."""
    return ("unshare", "-m", "--propagation", "private", "sh", "-ec", script, "sh")


def begun(traces: Path) -> list[Path]:
    """Give the traces that have at least their first whole line; with none, a trace was not begun."""
    found = list(traces.iterdir()) if traces.exists() else []
    return [one for one in found if (file := one / "events.jsonl").exists() and b"\n" in file.read_bytes()]


def assert_gone(place: Place) -> None:
    """Wait until no process of the place is left; each dies by itself once its harness is dead."""
    deadline = time.monotonic() + SECONDS
    while (left := processes(place.folder.as_posix())) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                gone = os.pidfd_open(process)
                select.select([gone], [], [], SECONDS)
                os.close(gone)
    assert left == []


def assert_ended(place: Place, outcome: str) -> None:
    found = place.verified()
    assert found.ok, found.problems
    assert found.complete
    last = json.loads((place.trace() / "events.jsonl").read_text().splitlines()[-1])
    assert last["outcome"] == outcome
    assert place.left() == []
    assert_gone(place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_in_order(place: Place, number: signal.Signals) -> None:
    one = place.start("run", place.task(NEVER), "--json")
    one.wait_for("step  1")
    code, out, said = one.end(number)
    assert code == 130
    assert json.loads(out)["outcome"] == "interrupted"
    assert json.loads(out)["exit_code"] == 130
    assert said.count("harness: interrupted") == 1
    assert "Traceback" not in said
    assert_ended(place, "interrupted")


def test_a_second_and_third_signal_do_not_cut_the_end_off(place: Place) -> None:
    one = place.start("run", place.task(NEVER))
    one.wait_for("step  1")
    one.process.send_signal(signal.SIGINT)
    one.wait_for("harness: interrupted")
    one.process.send_signal(signal.SIGINT)
    code, _, said = one.end(signal.SIGTERM)
    assert code == 130
    assert "Traceback" not in said
    assert_ended(place, "interrupted")


def test_a_signal_while_a_person_is_asked(place: Place) -> None:
    (place.folder / "policy.yaml").write_text(POLICY + ASKING)
    one = place.start("run", place.task('click "Press me"'), stdin=subprocess.PIPE)
    one.wait_for("a person must decide")
    code, out, said = one.end(signal.SIGINT)
    assert code == 130
    assert out.startswith("interrupted after")
    assert "Traceback" not in said
    assert_ended(place, "interrupted")


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.3, 0.6, 0.9, 1.2])
def test_sigterm_during_start_up(place: Place, moment: float) -> None:
    one = place.start("run", place.task(NEVER), "--json")
    with contextlib.suppress(subprocess.TimeoutExpired):
        one.process.wait(moment)
    code, out, said = one.end(signal.SIGTERM)
    assert "Traceback" not in said
    # Before Python has read its first lines nobody can answer a signal but the system itself.
    assert code in {130, -signal.SIGTERM}
    if out:
        assert json.loads(out)["exit_code"] == 130
    if (place.folder / "traces").exists():
        assert_ended(place, "interrupted")
    assert place.left() == []
    assert_gone(place)


def killed(place: Place, seed: int, sandbox: str = "bubblewrap") -> None:
    """Kill a run with -9 at a random moment, and look at what is left."""
    one = place.start("run", place.task(NEVER), "--sandbox", sandbox)
    with contextlib.suppress(subprocess.TimeoutExpired):
        one.process.wait(random.Random(seed).uniform(0.2, 4.0))  # noqa: S311 - a moment, not a secret
    one.process.kill()
    assert one.end()[0] == -signal.SIGKILL
    assert_gone(place)
    traces = place.folder / "traces"
    for trace in begun(traces):
        found = verify(trace)
        assert found.ok, found.problems
        assert not found.complete
    dead = place.left()
    assert place.harness("run", place.task(), "--traces", "after", "--sandbox", sandbox).returncode == 0
    assert not set(dead) & set(place.left())
    assert place.left() == []
    assert not [file for file in place.runtime.iterdir() if file.name.startswith("playwright")]


@pytest.mark.parametrize("seed", range(1))
def test_nothing_is_left_after_kill_9(place: Place, seed: int) -> None:
    killed(place, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 20))
def test_nothing_is_left_after_kill_9_at_many_moments(place: Place, seed: int) -> None:
    killed(place, seed)


def killed_in_docker(place: Place, seed: int) -> None:
    place.engine = f"unix://{engine_socket()}"
    killed(place, seed, "docker")
    engine = Engine(engine_socket())
    try:
        folders = [one["Labels"][FOLDER] for one in engine.containers(FOLDER)]
    finally:
        engine.close()
    assert [one for one in folders if one.startswith(place.folder.as_posix())] == []


@pytest.mark.long
@needs_docker
@pytest.mark.parametrize("seed", range(1))
def test_no_container_is_left_after_kill_9(place: Place, seed: int) -> None:
    killed_in_docker(place, seed)


@needs_docker
@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 20))
def test_no_container_is_left_after_kill_9_at_many_moments(place: Place, seed: int) -> None:
    killed_in_docker(place, seed)


@root
@pytest.mark.parametrize("size", ["0", "20k"])
def test_a_full_disk_is_one_message_and_what_was_written_verifies(place: Place, size: str) -> None:
    (place.folder / "traces").mkdir()
    filler = "dd if=/dev/zero of=traces/filler bs=1k 2>/dev/null || true" if size == "0" else "true"
    script = (
        f"mount -t tmpfs -o size={'16k' if size == '0' else size} none traces; {filler}; "
        '"$@" && code=0 || code=$?; rm -f traces/filler; cp -r traces kept; exit $code'
    )
    done = place.harness("run", place.task(NEVER), "--json", prefix=in_mounts(script))
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads(done.stdout)
    assert result["exit_code"] == 4
    assert result["reason"].count("No space left on device") == 1
    assert "--traces" in result["reason"]
    for trace in begun(place.folder / "kept"):
        assert verify(trace).ok
    assert place.left() == []
    assert_gone(place)


@root
def test_a_browser_that_is_not_installed_says_what_to_install(place: Place) -> None:
    found = chromium.find_chromium()
    hide = (
        f"mount --bind /dev/null {found}; "
        "for one in chromium chromium-browser google-chrome google-chrome-stable; do "
        'if path=$(command -v $one); then mount --bind /dev/null "$(readlink -f "$path")"; fi; done; '
        'exec "$@"'
    )
    done = place.harness("run", place.task(), "--json", prefix=in_mounts(hide))
    assert done.returncode == 4
    assert "apt-get install chromium" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout)["outcome"] == "error"
    assert_ended(place, "error")
    doctor = place.harness("doctor", prefix=in_mounts(hide))
    assert doctor.returncode == 4
    assert "apt-get install chromium" in doctor.stdout


def test_two_runs_at_once_in_one_folder_do_not_meet(place: Place) -> None:
    task = place.task()
    runs = [place.start("run", task) for _ in range(2)]
    assert [one.end()[0] for one in runs] == [0, 0]
    traces = list((place.folder / "traces").iterdir())
    assert len(traces) == 2
    assert all(verify(trace).ok for trace in traces)
    assert place.left() == []


def test_a_reader_of_standard_output_that_leaves_is_no_error(place: Place) -> None:
    one = place.start("run", place.task(), "--json")
    assert one.process.stdout is not None
    one.process.stdout.close()
    assert one.process.wait(SECONDS) == 0
    assert_ended(place, "done")
    assert "Traceback" not in "".join(one.said)
