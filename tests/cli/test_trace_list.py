"""`harness trace ls|index`."""

import json
import shutil
from pathlib import Path

import pytest
from tests.cli.commands import Command, Place

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


@pytest.fixture
def traces(place: Place) -> Path:
    for name in ("a", "b"):
        shutil.copytree(EXAMPLE, place.folder / "traces" / name)
    return place.folder / "traces"


def listed(command: Command, *options: str) -> list[str]:
    return [one["run_id"] for one in json.loads(command("trace", "ls", "--json", *options).out)]


@pytest.mark.usefixtures("traces")
def test_runs_are_filtered(command: Command) -> None:
    assert listed(command) == ["a", "b"]
    assert listed(command, "--outcome", "done", "--task", "buy-*", "--model", "local") == ["a", "b"]
    assert listed(command, "--rule", "spending*", "--policy", "shopping") == ["a", "b"]
    assert listed(command, "--since", "2026-11-21", "--until", "2026-11-22T00:00") == ["a", "b"]
    assert listed(command, "--since", "2100-01-01") == []
    assert listed(command, "--outcome", "failed") == []
    assert listed(command, "--min-cost", "0.5") == []
    told = command("trace", "ls", "--outcome", "failed")
    assert told.out == "no traces like this in traces\n"


def test_a_broken_run_and_a_pinned_one_are_said(command: Command, traces: Path) -> None:
    (traces / "a" / "events.jsonl").write_text("nothing\n")
    command("trace", "pin", "traces/b")
    told = command("trace", "ls")
    assert told.code == 0
    assert "broken" in told.out
    assert told.out.splitlines()[1].endswith("pinned")


def test_the_index_is_told_and_made_anew(command: Command, traces: Path) -> None:
    assert command("trace", "index").out == "traces: 2 runs in the index\n"
    (traces / "index.sqlite").write_bytes(b"nonsense")
    assert json.loads(command("trace", "index", "--rebuild", "--json").out)["runs"] == 2
    assert listed(command) == ["a", "b"]


@pytest.mark.usefixtures("traces")
def test_wrong_words_are_one_line(command: Command) -> None:
    for arguments in (("ls", "--since", "soon"), ("ls", "--outcome", "well"), ("ls", "no"), ("index", "no")):
        told = command("trace", *arguments)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1
