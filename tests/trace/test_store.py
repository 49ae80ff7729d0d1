"""Runs share blobs on the disk, and nothing changes for whoever reads or writes them."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.trace.blobs import BlobStore
from harness.trace.store import STORE, drop, share
from harness.trace.verify import verify
from harness.trace.writer import TraceWriter
from tests.trace.conftest import EPOCH, Story, picture

WHITE = picture("white")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "traces"


@pytest.fixture
def begin(root: Path) -> Callable[[str], Story]:
    def tell(name: str) -> Story:
        story = Story(TraceWriter.create(root / name, now=lambda: EPOCH))
        story.start()
        story.look(1, WHITE, thought=name)
        return story

    return tell


def blob(root: Path, name: str, data: bytes = WHITE) -> Path:
    return BlobStore(root / name / "blobs").path(hashlib.sha256(data).hexdigest())


def test_the_same_bytes_are_one_file_and_every_run_still_verifies(
    root: Path, begin: Callable[[str], Story]
) -> None:
    for name in "abc":
        begin(name).finish()
    folders = tuple(root / name for name in "abc")
    found = share(root, folders)
    assert (found.blobs, found.linked, found.saved, found.problems) == (6, 2, 2 * len(WHITE), ())
    assert len({blob(root, name).stat().st_ino for name in "abc"}) == 1
    assert blob(root, "a").stat().st_nlink == 4
    assert all(verify(folder).ok for folder in folders)
    again = share(root, folders)
    assert (again.linked, again.saved) == (0, 0)


def test_a_run_that_is_being_written_goes_on_as_if_nothing_had_happened(
    root: Path, begin: Callable[[str], Story]
) -> None:
    begin("a").finish()
    live = begin("b")
    share(root, (root / "a", root / "b"))
    live.look(2, WHITE)
    live.look(3, picture("red"))
    live.finish()
    assert verify(root / "b").ok
    assert blob(root, "a").stat().st_ino == blob(root, "b").stat().st_ino


def test_a_blob_that_is_not_what_its_name_says_is_left_alone_and_spreads_nowhere(
    root: Path, begin: Callable[[str], Story]
) -> None:
    for name in "ab":
        begin(name).finish()
    blob(root, "a").write_bytes(b"another picture")
    found = share(root, (root / "a", root / "b"))
    assert len(found.problems) == 1
    assert "its SHA-256 is not its name" in found.problems[0]
    assert blob(root, "a").read_bytes() == b"another picture"
    assert verify(root / "b").ok


def test_a_damaged_file_in_the_store_is_replaced_and_not_given_to_anyone(
    root: Path, begin: Callable[[str], Story]
) -> None:
    begin("a").finish()
    kept = BlobStore(root / STORE).path(blob(root, "a").parent.name + blob(root, "a").name)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"planted")
    share(root, (root / "a",))
    assert kept.read_bytes() == WHITE
    assert verify(root / "a").ok


def test_links_to_other_places_are_left_alone(
    root: Path, begin: Callable[[str], Story], tmp_path: Path
) -> None:
    begin("a").finish()
    outside = tmp_path / "outside"
    outside.write_bytes(WHITE)
    blob(root, "a").unlink()
    blob(root, "a").symlink_to(outside)
    found = share(root, (root / "a",))
    assert len(found.problems) == 1
    assert blob(root, "a").is_symlink()
    assert outside.stat().st_nlink == 1


def test_what_a_crash_left_in_the_way_is_no_hindrance(root: Path, begin: Callable[[str], Story]) -> None:
    for name in "ab":
        begin(name).finish()
    blob(root, "b").with_suffix(".link").write_bytes(b"left")
    assert share(root, (root / "a", root / "b")).linked == 1
    assert not blob(root, "b").with_suffix(".link").exists()


def test_only_what_no_run_has_any_more_is_dropped(root: Path, begin: Callable[[str], Story]) -> None:
    for name in "ab":
        begin(name).finish()
    share(root, (root / "a", root / "b"))
    assert drop(root).files == 0
    blob(root, "a").unlink()
    assert drop(root).files == 0
    blob(root, "b").unlink()
    assert drop(root, dry_run=True) == (1, len(WHITE))
    assert drop(root) == (1, len(WHITE))
    assert drop(root).files == 0
