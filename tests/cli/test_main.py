"""What can be typed, what is wrong with it, and what a broken command says."""

import argparse

import pytest
from harness.cli import doctor
from tests.cli.commands import Command, Place


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ((), "COMMAND; type 'harness --help'"),
        (("rnu", "task.yaml"), "did you mean 'run'?"),
        (("run",), "name a TASK, such as shop/buy-a-mug"),
        (("run", "task.yaml", "--jsn"), "did you mean '--json'?"),
        (("run", "task.yaml", "--sandb", "process"), "did you mean '--sandbox'?"),
        (("run", "task.yaml", "--sandbox", "bubble"), "did you mean 'bubblewrap'?"),
        (("run", "task.yaml", "--traces"), "--traces: expected one argument"),
        (("trace",), "COMMAND; type 'harness trace --help'"),
        (("trace", "verfy", "x"), "did you mean 'verify'?"),
        (("policy", "check"), "POLICY; type 'harness policy check --help'"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_type(
    command: Command, typed: tuple[str, ...], words: str
) -> None:
    told = command(*typed)
    assert (told.code, told.out) == (2, "")
    assert words in told.err
    assert told.err.startswith("harness: ")
    assert told.err.count("\n") == 1


def test_help_and_version_are_results(capsys: pytest.CaptureFixture[str], command: Command) -> None:
    for option in ("--help", "--version"):
        with pytest.raises(SystemExit) as end:
            command(option)
        assert end.value.code == 0
        assert "harness" in capsys.readouterr().out


def test_an_error_of_the_harness_itself_is_a_line_and_no_traceback(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(options: argparse.Namespace) -> int:
        raise LookupError(f"nothing at all {options.json}")

    monkeypatch.setattr(doctor, "run", broken)
    told = command("doctor")
    assert told.code == 4
    assert "LookupError: nothing at all False (at " in told.err
    assert "please report it" in told.err
    assert told.err.count("\n") == 1


def test_a_folder_that_is_gone_is_no_traceback(place: Place) -> None:
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$@"'
    told = place.harness("run", "shop/find-a-tea", prefix=("sh", "-c", script, "sh"))
    assert told.returncode == 4
    assert "No such file or directory" in told.stderr
    assert "Traceback" not in told.stderr
