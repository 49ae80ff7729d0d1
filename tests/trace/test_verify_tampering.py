"""Whatever is done to a finished trace, `verify` names it, and the line where it begins."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.errors import TraceError
from harness.trace.lines import seal
from harness.trace.reader import Trace
from harness.trace.verify import Verification, references, verify

EXAMPLE = Path(__file__).parents[2] / "traces" / "examples" / "buy-a-mug"
Change = Callable[[random.Random, bytes], bytes]


def lines_of(whole: bytes) -> list[bytes]:
    return whole.splitlines(keepends=True)


def byte(chance: random.Random, whole: bytes) -> bytes:
    place = chance.randrange(len(whole))
    return whole[:place] + bytes([whole[place] ^ chance.randrange(1, 256)]) + whole[place + 1 :]


def gone(chance: random.Random, whole: bytes) -> bytes:
    place = chance.randrange(len(whole))
    return whole[:place] + whole[place + chance.choice([1, 1, 7, 4000]) :]


def added(chance: random.Random, whole: bytes) -> bytes:
    place = chance.choice([chance.randrange(len(whole)), len(whole)])
    return whole[:place] + chance.randbytes(chance.choice([1, 1, 9])) + whole[place:]


def line_gone(chance: random.Random, whole: bytes) -> bytes:
    found = lines_of(whole)
    del found[chance.randrange(len(found))]
    return b"".join(found)


def swapped(chance: random.Random, whole: bytes) -> bytes:
    found = lines_of(whole)
    one, other = chance.sample(range(len(found)), 2)
    found[one], found[other] = found[other], found[one]
    return b"".join(found)


def doubled(chance: random.Random, whole: bytes) -> bytes:
    found = lines_of(whole)
    found.insert(chance.randrange(len(found) + 1), chance.choice(found))
    return b"".join(found)


def forged(chance: random.Random, whole: bytes) -> bytes:
    found = lines_of(whole)
    place = chance.randrange(1, len(found) + 1)
    before = found[place - 1][-67:-3].decode()
    line, _ = seal(place, "2026-01-02T03:04:05.678Z", {"kind": "noted", "text": "x"}, before)
    found.insert(place, line)
    return b"".join(found)


def cut(chance: random.Random, whole: bytes) -> bytes:
    return whole[: chance.randrange(1, len(whole))]


def cut_at_a_line(chance: random.Random, whole: bytes) -> bytes:
    found = lines_of(whole)
    return b"".join(found[: chance.randrange(1, len(found))])


CHANGES: tuple[Change, ...] = (byte, gone, added, line_gone, swapped, doubled, forged, cut, cut_at_a_line)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "buy-a-mug"))


def named(found: Verification, old: list[bytes], new: list[bytes], chain_holds: int) -> None:
    """Assert that the first line that differs is the one that is named."""
    same = next((n for n, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    first = (min(len(old), len(new)) if same is None else same) + 1
    if len(new) < first:
        assert (found.ok, found.complete, found.lines, found.recovered) == (True, False, len(new), None)
    elif first == len(new) and old[first - 1 : first] and old[first - 1].startswith(new[-1]):
        assert (found.ok, found.complete, found.lines) == (True, False, first - 1)
        assert found.recovered
        assert found.recovered.startswith(f"line {first} was torn off after")
    else:
        assert not found.ok
        assert found.first == first + chain_holds, found.problems
        assert found.problems[0].startswith(f"line {found.first}: ")


def tampered(folder: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same changes every time
    change = CHANGES[seed % len(CHANGES)]
    file = folder / "events.jsonl"
    whole = file.read_bytes()
    other = change(chance, whole)
    if other == whole:
        return
    file.write_bytes(other)
    found, said = None, ""
    try:
        found = verify(folder)
    except TraceError as error:
        said = str(error)
    finally:
        file.write_bytes(whole)
    if found is None:
        assert lines_of(other)[:1] != lines_of(whole)[:1], "only the first line makes a trace unreadable"
        assert "first line" in said or "no whole line" in said
    else:
        # A line that was made to fit its place is found where the line after it no longer fits.
        fits = change is forged and len(lines_of(other)) - 1 > lines_of(other).index(
            next(a for a, b in zip(lines_of(other), [*lines_of(whole), b""], strict=True) if a != b)
        )
        named(found, lines_of(whole), lines_of(other), int(fits))


def test_200_random_changes_of_a_recorded_run_are_named_with_their_line(example: Path) -> None:
    for seed in range(200):
        tampered(example, seed)
    assert verify(example).ok


def test_random_changes_of_a_run_with_something_of_everything_are_named(run: Path) -> None:
    for seed in range(1000, 1090):
        tampered(run, seed)
    assert verify(run).ok


def test_100_random_changes_of_blobs_are_named_with_the_first_line_that_names_the_blob(example: Path) -> None:
    lines: dict[str, int] = {}
    for number, one in enumerate(Trace.open(example).events, 1):
        for digest in references(one.event):
            lines.setdefault(digest, number)
    blobs = sorted(path for path in (example / "blobs").rglob("*") if path.is_file())
    for seed in range(100):
        chance = random.Random(seed)  # noqa: S311 - the same changes every time
        path = chance.choice(blobs)
        data = path.read_bytes()
        place = chance.randrange(len(data))
        match seed % 4:
            case 0:
                path.write_bytes(
                    data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]
                )
            case 1:
                path.write_bytes(data[:place] + chance.randbytes(1) + data[place:])
            case 2:
                path.write_bytes(data[:place])
            case _:
                path.unlink()
        found = verify(example)
        path.write_bytes(data)
        assert not found.ok
        assert found.first == lines[path.parent.name + path.name]
        assert found.problems == (found.problems[0],)
        assert found.problems[0].startswith(f"line {found.first}: {path}: the blob ")
    assert verify(example).ok


def test_a_blob_that_no_line_names_is_found_in_a_run_that_ended(example: Path) -> None:
    extra = example / "blobs" / "ab" / ("0" * 62)
    extra.parent.mkdir()
    for path in (extra, extra.with_suffix(".partial"), example / "blobs" / "note"):
        path.write_bytes(b"x")
        assert verify(example).problems == (
            f"{path}: no line names it; it was added, or the run was cut off before one did",
        )
        assert verify(example).first is None
        path.unlink()


def test_a_blob_that_was_put_just_before_the_run_was_cut_off_is_told_but_no_fault(example: Path) -> None:
    file = example / "events.jsonl"
    file.write_bytes(b"".join(lines_of(file.read_bytes())[:60]))
    found = verify(example)
    assert found.ok
    assert not found.complete
    assert len(found.beside) == 9
    assert all(": no line names it" in one for one in found.beside)


def test_links_in_a_record_are_found(example: Path, tmp_path: Path) -> None:
    blob = next(path for path in sorted((example / "blobs").rglob("*")) if path.is_file())
    for path in (blob, blob.parent, example / "blobs", example / "events.jsonl"):
        away = path.rename(tmp_path / "away")
        path.symlink_to(away)
        assert verify(example).problems == (
            f"{path}: is a link to another place; a record's bytes are in its own folder",
        )
        path.unlink()
        away.rename(path)
    assert verify(example).ok


def test_what_else_is_in_the_folder_is_told_and_what_belongs_there_is_not(example: Path) -> None:
    for name in ("questions", "screens", "downloads"):
        (example / name).mkdir()
        (example / name / "a").write_bytes(b"a")
    for name in ("report.html", "signature.json", "anchor.tsr", "anchor.json", "redaction.json"):
        (example / name).write_bytes(b"a")
    assert verify(example).beside == ()
    (example / "notes.txt").write_bytes(b"a")
    (example / "more").mkdir()
    (example / "link").symlink_to("/")
    (example / "report.html").unlink()
    os.mkfifo(example / "report.html")
    found = verify(example)
    assert found.ok
    assert [one.removeprefix(f"{example}/") for one in found.beside] == [
        "link: is a link to another place",
        "more: is no part of a trace; nothing vouches for it",
        "notes.txt: is no part of a trace; nothing vouches for it",
        "report.html: is not a file",
    ]


def test_a_tail_of_zeros_that_a_power_cut_leaves_is_recovered(example: Path) -> None:
    file = example / "events.jsonl"
    whole = lines_of(file.read_bytes())
    start = b"".join(whole[:60])
    for tail in (bytes(50), whole[60][:40] + bytes(9)):
        file.write_bytes(start + tail)
        assert verify(example).ok
        assert verify(example).recovered == f"line 61 was torn off after {len(tail)} bytes and is left out"
    for tail in (b"\0" + whole[60][:40], whole[61][:40], b"x", whole[60][:-1] + b"x"):
        file.write_bytes(start + tail)
        assert verify(example).first == 61
