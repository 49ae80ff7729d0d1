"""Standard streams that are closed, full, left or narrow."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.cli.commands import COMMAND, Place


def test_a_reader_that_left_changes_no_exit_code(place: Place) -> None:
    (place.folder / "bad.yaml").write_text("name: [")
    for names, code in ((("policy.yaml",), 0), (("policy.yaml", "bad.yaml"), 2)):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [COMMAND, "policy", "check", *names],
            cwd=place.folder,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        os.close(writer)
        assert done.returncode == code
        assert "Broken" not in done.stderr
        assert "Traceback" not in done.stderr


def test_a_terminal_that_was_closed_changes_no_exit_code(place: Place) -> None:
    ours, theirs = os.openpty()
    os.close(ours)
    typed = [str(COMMAND), "policy", "check", "policy.yaml"]
    done = subprocess.run(typed, cwd=place.folder, stdout=theirs, stderr=theirs, check=False)
    os.close(theirs)
    assert done.returncode == 0


def test_nobody_at_standard_error_changes_no_exit_code(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([COMMAND, "run", "nothing.yaml"], cwd=place.folder, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this machine has no /dev/full")
@pytest.mark.parametrize(
    "typed", ["doctor --no-containment", "policy check policy.yaml --json", "trace ls ."]
)
def test_a_full_disk_behind_standard_output_is_said(place: Place, typed: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *typed.split()],
            cwd=place.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr.startswith("harness: standard output cannot be written: No space left on device")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_reason_to_stop(place: Place, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" policy check policy.yaml {closed}', str(COMMAND)],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_every_encoding(place: Place, encoding: str) -> None:
    (place.folder / "é€.yaml").write_text("nonsense: 1")
    done = subprocess.run(
        [COMMAND, "policy", "check", "é€.yaml", "--json"],
        cwd=place.folder,
        env=place.environment({"PYTHONIOENCODING": encoding, "PYTHONUTF8": "1"}),
        capture_output=True,
        check=False,
    )
    assert json.loads(done.stdout.decode(encoding))[0]["policy"] == "é€.yaml"
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_a_plain_c_locale_shows_marks_as_escapes(place: Place) -> None:
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    told = place.harness("doctor", "--no-containment", env=env)
    assert "\\u2713" in told.stdout
    assert "Traceback" not in told.stderr
