"""A trace as one file, and the files that only pretend to be one."""

import os
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace.pack import opened, pack, unpack
from harness.trace.verify import verify


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_pack_gives_back_every_byte_and_is_the_same_every_time(run: Path, tmp_path: Path) -> None:
    (run / "report.html").write_text("<p>")
    (run / "downloads" / "deep").mkdir(parents=True)
    (run / "downloads" / "deep" / "bé.pdf").write_bytes(bytes(9))
    assert pack(run, tmp_path / "a.zip") == ()
    for path in run.rglob("*"):
        os.utime(path, (7, 7))
    shutil.copytree(run, tmp_path / "other" / "run-1")
    pack(tmp_path / "other" / "run-1" / "events.jsonl", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    folder = unpack(tmp_path / "a.zip", tmp_path / "out")
    assert folder == tmp_path / "out" / "run-1"
    assert tree(folder) == tree(run)
    assert verify(folder) == verify(run)._replace(beside=())
    with pytest.raises(TraceError, match="is there already"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(TraceError, match="is there already"):
        pack(run, tmp_path / "a.zip")


def test_what_is_no_part_of_a_trace_is_left_out_and_said(run: Path, tmp_path: Path) -> None:
    (run / "notes.txt").touch()
    (run / "more").mkdir()
    (run / "more" / "x").touch()
    (run / "signature.json").symlink_to("/etc/passwd")
    (run / "blobs" / "zz").symlink_to("/etc")
    os.mkfifo(run / "report.html")
    assert pack(run, tmp_path / "a.zip") == ("blobs/zz", "more", "notes.txt", "report.html", "signature.json")
    assert verify(unpack(tmp_path / "a.zip", tmp_path / "out")).ok


def test_a_pack_is_open_for_as_long_as_it_is_looked_at(run: Path, tmp_path: Path) -> None:
    pack(run, tmp_path / "a.zip")
    with opened(tmp_path / "a.zip") as folder:
        assert verify(folder).ok
    assert not folder.exists()
    with opened(run) as folder:
        assert folder == run


def hostile(tmp_path: Path, write: Callable[[zipfile.ZipFile], object]) -> Path:
    file = tmp_path / "hostile.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("run-1/events.jsonl", b"{}\n")
        write(made)
    return file


def refused(file: Path, tmp_path: Path, why: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TraceError, match=why):
        unpack(file, tmp_path / "out")
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before] in ([], [tmp_path / "out"])


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "run-1/../evil",
        "run-1/blobs/../../../evil",
        "/etc/evil",
        "run-1/blobs//evil",
        "run-1/blobs/./evil",
        "run-1/blobs/..\\evil",
        "run-1/evil",
        "run-1/evil/blobs/ab",
        "run-1",
        "run-2/events.jsonl",
        "../run-1/events.jsonl",
        "run-1/blobs/" + "x" * 300,
        "run-1/report.html/x",
    ],
)
def test_names_that_no_trace_has_are_refused(tmp_path: Path, name: str) -> None:
    refused(hostile(tmp_path, lambda made: made.writestr(name, b"x")), tmp_path, "refused|no single trace")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_links_devices_doubles_and_passwords_are_refused(tmp_path: Path) -> None:
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR):
        info = zipfile.ZipInfo("run-1/blobs/ab/cd")
        info.external_attr = (kind | 0o777) << 16

        def write(made: zipfile.ZipFile, info: zipfile.ZipInfo = info) -> None:
            made.writestr(info, b"/etc")

        refused(hostile(tmp_path, write), tmp_path, "refused")
    refused(hostile(tmp_path, lambda made: made.writestr("run-1/events.jsonl", b"x")), tmp_path, "refused")
    file = hostile(tmp_path, lambda made: made.writestr("run-1/blobs/ab", b"x"))
    data = bytearray(file.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(data)
    refused(file, tmp_path, "refused")


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(made: zipfile.ZipFile) -> None:
        for number in range(40):
            made.writestr(f"run-1/blobs/ab/{number}", bytes(4 << 20))

    refused(hostile(tmp_path, write), tmp_path, "far more than a trace does")
    monkeypatch.setattr("harness.trace.pack.MOST_BYTES", 1 << 20)
    refused(hostile(tmp_path, write), tmp_path, "more than a trace has")
    monkeypatch.undo()
    monkeypatch.setattr("harness.trace.pack.MOST_FILES", 20)
    refused(hostile(tmp_path, write), tmp_path, "more than a trace has")


def test_a_file_that_is_longer_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    file = hostile(tmp_path, lambda made: made.writestr("run-1/blobs/ab", b"x" * 5000))
    data = bytearray(file.read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24
    assert struct.unpack_from("<I", data, place) == (5000,)
    struct.pack_into("<I", data, place, 10)
    file.write_bytes(data)
    refused(file, tmp_path, "no pack of a trace, or damaged|longer than it says")


def test_what_is_no_zip_or_damaged_is_said(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    file.write_bytes(b"no zip")
    refused(file, tmp_path, "is no pack of a trace, or damaged")
    file.unlink()
    pack(run, file)
    whole = file.read_bytes()
    place = whole.index(b"IHDR")
    file.write_bytes(whole[:place] + b"XXXX" + whole[place + 4 :])
    refused(file, tmp_path, "Bad CRC-32")
    file.write_bytes(whole[: len(whole) // 2])
    refused(file, tmp_path, "is no pack of a trace, or damaged")
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("run-1/report.html", b"x")
    refused(file, tmp_path, "holds no single trace")
    with pytest.raises(TraceError, match="cannot be written"):
        pack(run, tmp_path / "gone" / "a.zip")
