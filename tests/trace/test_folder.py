"""What belongs in a run's folder; `test_verify_tampering` goes through it as `verify` uses it."""

from pathlib import Path

from harness.trace.folder import beside, extra_blobs, links


def test_a_folder_that_is_not_there_or_is_a_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "gone", tmp_path / "file"):
        assert list(beside(path)) == []
        assert list(extra_blobs(path, ())) == []
        assert list(links(path / "events.jsonl")) == []


def test_blobs_are_named_by_folder_and_file_together(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    for name in ("cd", "ef"):
        (tmp_path / "ab" / name).touch()
    assert [one.split(":")[0] for one in extra_blobs(tmp_path, {"abcd"})] == [f"{tmp_path}/ab/ef"]


def test_a_known_name_that_is_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    (tmp_path / "redaction.json").mkdir()
    assert [one.removeprefix(f"{tmp_path}/") for one in beside(tmp_path)] == [
        "blobs: is not a folder",
        "redaction.json: is not a file",
    ]
