"""`harness trace clean|rm|pin|unpin|dedup`."""

import json
import os
import shutil
from pathlib import Path

import pytest
from tests.cli.commands import Command, Place

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


@pytest.fixture
def traces(place: Place) -> Path:
    folder = place.folder / "traces"
    for name in ("a", "b", "c"):
        shutil.copytree(EXAMPLE, folder / name)
    os.utime(folder / "a" / "events.jsonl", (1_000_000_000, 1_000_000_000))
    os.utime(folder / "b" / "events.jsonl", (1_100_000_000, 1_100_000_000))
    return folder


def runs(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if (one / "events.jsonl").exists())


def test_old_runs_are_deleted_and_a_dry_run_only_says_so(command: Command, traces: Path) -> None:
    dry = command("trace", "clean", "--older-than", "3650d", "--dry-run")
    assert dry.code == 0
    assert "would delete 2 of 3 runs, would free" in dry.out
    assert runs(traces) == ["a", "b", "c"]
    assert command("trace", "pin", "traces/a").out == "traces/a: pinned\n"
    told = command("trace", "clean", "--older-than", "3650d")
    assert runs(traces) == ["a", "c"]
    assert "kept  a" in told.out
    assert "deleted 1 of 3 runs, freed" in told.out
    command("trace", "unpin", "traces/a")
    found = json.loads(command("trace", "clean", "--max-size", "1kB", "--json").out)
    assert [Path(one["path"]).name for one in found["deleted"]] == ["a", "c"]
    assert found["bytes_freed"] == found["bytes_before"] > 0
    assert runs(traces) == []


def test_one_run_is_deleted_after_the_others_shared_its_blobs(command: Command, traces: Path) -> None:
    told = command("trace", "dedup")
    assert told.code == 0
    assert "linked now, freed" in told.out
    assert command("trace", "rm", "traces/a").code == 0
    assert runs(traces) == ["b", "c"]
    assert command("trace", "verify", "traces/b").code == 0
    command("trace", "rm", "traces/b", "traces/c")
    assert not [one for one in (traces / ".blobs").rglob("*") if one.is_file()]


def test_a_pinned_run_is_not_removed_and_a_damaged_blob_is_told(command: Command, traces: Path) -> None:
    command("trace", "pin", "traces/a")
    told = command("trace", "rm", "traces/a")
    assert told.code == 5
    assert "is pinned" in told.err
    next(one for one in (traces / "b" / "blobs").rglob("*") if one.is_file()).write_bytes(b"x")
    damaged = command("trace", "dedup")
    assert damaged.code == 5
    assert "left alone" in damaged.err


@pytest.mark.usefixtures("traces")
def test_wrong_words_are_one_line(command: Command) -> None:
    for arguments in (
        ("clean", "--older-than", "a month"),
        ("clean", "--max-size", "much"),
        ("clean", "nowhere"),
        ("rm", "nowhere"),
        ("pin", "nowhere"),
    ):
        told = command("trace", *arguments)
        assert (told.code, told.out) == (2, ""), arguments
        assert told.err.count("\n") == 1
