"""`harness replay TRACE --policy NEW`."""

import json
import shutil
from pathlib import Path

import pytest
from harness.cli import rejudge
from tests.cli.commands import Command, Place

EXAMPLE = Path(__file__).resolve().parents[2] / "traces" / "examples" / "buy-a-mug"


@pytest.fixture
def traces(place: Place) -> Path:
    folder = place.folder / "traces"
    for name in ("a", "b"):
        shutil.copytree(EXAMPLE, folder / name)
    return folder


@pytest.mark.usefixtures("traces")
def test_a_trace_is_judged_by_another_policy_and_differences_are_no_failure(command: Command) -> None:
    told = command("replay", "traces/a", "--policy", "locked-down")
    assert told.code == 0
    assert "43 effects of 1 trace, judged by locked-down" in told.out
    assert "15  happened, and would now be refused or wait for a person" in told.out


@pytest.mark.usefixtures("traces")
def test_a_folder_is_taken_together_and_json_has_it_all(command: Command) -> None:
    told = command("replay", "traces", "--policy", "permissive", "--json")
    found = json.loads(told.out)
    assert (told.code, found["traces"], found["effects"]) == (0, 2, 86)
    assert len(found["asked_in_vain"]) == 4
    assert found["problems"] == []


@pytest.mark.usefixtures("traces")
def test_expect_same_fails_where_an_effect_changes_or_cannot_be_told(command: Command) -> None:
    assert command("replay", "traces/a", "--policy", "permissive", "--expect", "same").code == 5
    own = json.loads((EXAMPLE / "events.jsonl").read_bytes().split(b"\n")[0])["policy"]
    Path("own.yaml").write_text(json.dumps(own))
    assert command("replay", "traces/a", "--policy", "own.yaml", "--expect", "same").code == 0


def test_a_broken_trace_is_told_and_the_rest_is_judged(command: Command, traces: Path) -> None:
    events = traces / "b" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b"Full name", b"Full nome"))
    told = command("replay", "traces", "--policy", "permissive")
    assert told.code == 5
    assert "43 effects of 1 trace" in told.out
    assert "traces/b/events.jsonl: line" in told.err


@pytest.mark.usefixtures("traces")
def test_wrong_words_are_one_line(command: Command) -> None:
    for arguments in (("nowhere", "--policy", "shopping"), ("traces", "--policy", "shoping"), ("traces",)):
        told = command("replay", *arguments)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1


def test_several_processes_find_the_same(
    command: Command, traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(EXAMPLE, traces / "c")
    alone = json.loads(command("replay", "traces", "--policy", "research", "--json").out)
    monkeypatch.setattr(rejudge, "_LARGE", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert json.loads(command("replay", "traces", "--policy", "research", "--json").out) == alone
