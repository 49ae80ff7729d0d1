import hashlib
import os
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace import blobs
from harness.trace.blobs import BlobStore
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(data=st.binary())
def test_bytes_come_back_by_their_name(tmp_path: Path, data: bytes) -> None:
    store = BlobStore(tmp_path / "blobs")
    digest = store.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert store.path(digest) == tmp_path / "blobs" / digest[:2] / digest[2:]
    assert store.get(digest) == data


def test_the_same_bytes_are_kept_once_and_nothing_else_is_left(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put(b"picture")
    written = store.path(digest).stat().st_mtime_ns
    assert store.put(b"picture") == digest
    assert store.path(digest).stat().st_mtime_ns == written
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [store.path(digest)]
    store.sync()
    store.sync()


def test_a_changed_blob_is_not_given(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest = store.put(b"picture")
    store.path(digest).write_bytes(b"pictore")
    with pytest.raises(TraceError, match="was changed"):
        store.get(digest)
    store.path(digest).unlink()
    with pytest.raises(TraceError, match="is missing"):
        store.get(digest)
    os.mkfifo(store.path(digest))
    with pytest.raises(TraceError, match="is not a regular file"):
        store.get(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, "ab" * 32 + "\n"])
def test_a_name_is_a_digest_and_nothing_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(TraceError, match="64 hex digits"):
        BlobStore(tmp_path).get(name)


def test_every_blob_and_its_folder_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[Path] = []
    monkeypatch.setattr(blobs, "sync", waited.append)
    store = BlobStore(tmp_path)
    paths = [store.path(store.put(str(number).encode())) for number in range(20)]
    store.sync()
    assert sorted(waited) == sorted([*paths, *{path.parent for path in paths}, tmp_path])
    store.sync()
    assert len(waited) == len(set(waited))


def test_a_medium_that_fails_is_an_error(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    store.path(store.put(b"gone")).unlink()
    with pytest.raises(FileNotFoundError):
        store.sync()
