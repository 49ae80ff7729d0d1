"""A trace as one zip file, and back, byte for byte.

A pack has the files of a run's folder under the run's name, in order, with one fixed time, so that the same
trace always gives the same bytes. A pack that comes from elsewhere is hostile until it is read: only names
that a trace has are taken, and no more bytes than it says and than a trace may have.
"""

import os
import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import TraceError
from harness.trace.files import regular
from harness.trace.folder import FILES, FOLDERS
from harness.trace.lines import FILE, events_file

SUFFIX = ".zip"
"""How a pack's name ends."""
MOST_FILES = 200_000
"""Files that a pack may have."""
MOST_BYTES = 16 * 1024**3
"""Bytes that the files of a pack may have together."""
MOST_RATIO = 200
"""How many times larger than the pack its files may be together, beyond the first 64 MB."""
_FREE = 64 * 1024 * 1024
_TIME = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_PART = re.compile(r"[^/\\\0:]{1,255}")


def pack(trace: Path, out: Path) -> tuple[str, ...]:
    """Write a trace as one file, whole or not at all, and say what of the folder was left out.

    Args:
        trace: the run's folder.
        out: the zip file, which must not be there.

    Raises:
        TraceError: if there is no trace, or it cannot be read or written.
    """
    folder = events_file(trace).parent
    if os.path.lexists(out):
        raise TraceError(f"{out}: is there already; name another file with --out")
    files, left = _files(folder)
    name = folder.resolve().name
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "x", allowZip64=True) as opened:
            for path in files:
                _add(opened, f"{name}/{path.relative_to(folder).as_posix()}", path)
        partial.rename(out)
    except OSError as error:
        raise TraceError(
            f"{out}: the pack cannot be written: {error.strerror or error}; name another file with --out"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return tuple(left)


def unpack(file: Path, out: Path) -> Path:
    """Write the files of a pack into a new folder, and give the run's folder in it.

    Args:
        file: the zip file.
        out: a folder, in which the run's folder is made.

    Raises:
        TraceError: if it is no pack or a hostile one, and nothing is left of it; or if it cannot be written.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            name, members = _members(file, opened)
            folder = out / name
            if os.path.lexists(folder):
                raise TraceError(f"{folder}: is there already; name another folder with --out")
            folder.mkdir(parents=True)
            try:
                for path, info in members:
                    _extract(file, opened, info, folder / path)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise TraceError(f"{file}: is no pack of a trace, or damaged: {error}") from error
    except OSError as error:
        raise TraceError(f"{file}: cannot be unpacked: {error.strerror or error}") from error
    return folder


@contextmanager
def opened(trace: Path) -> Iterator[Path]:
    """Give the folder of a trace, or of one in a pack, which is unpacked for as long as it is looked at.

    Raises:
        TraceError: if it is a pack and cannot be unpacked.
    """
    if trace.is_dir() or trace.suffix != SUFFIX:
        yield trace
        return
    with tempfile.TemporaryDirectory(prefix="harness-pack-") as place:
        yield unpack(trace, Path(place))


def _files(folder: Path) -> tuple[list[Path], list[str]]:
    """Give the files of a trace in a folder, in order, and what in it is none."""
    files: list[Path] = []
    left: list[str] = []
    for place, folders, names in os.walk(folder):
        here = Path(place)
        for name in sorted((*folders, *names)):
            path = here / name
            known = here != folder or name in (*FILES, *FOLDERS)
            if known and path.is_file() and not path.is_symlink():
                files.append(path)
            elif not (known and path.is_dir() and not path.is_symlink()):
                left.append(str(path.relative_to(folder)))
        if here == folder:
            folders[:] = [name for name in folders if name in FOLDERS]
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix()), sorted(left)


def _add(pack: zipfile.ZipFile, name: str, path: Path) -> None:
    info = zipfile.ZipInfo(name, _TIME)
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.create_system = 3
    # Pictures are compressed already; to do it again takes long and gains nothing.
    is_text = path.suffix in (".jsonl", ".json", ".html")
    info.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    with regular(path) as source, pack.open(info, "w", force_zip64=path.stat().st_size > 1 << 31) as target:
        shutil.copyfileobj(source, target, _CHUNK)


def _members(file: Path, pack: zipfile.ZipFile) -> tuple[str, list[tuple[Path, zipfile.ZipInfo]]]:
    """Give a pack's run and its files with their places, if all of them are those of a trace."""
    infos = [info for info in pack.infolist() if not info.is_dir()]
    total = sum(info.file_size for info in infos)
    if len(infos) > MOST_FILES or total > MOST_BYTES:
        raise TraceError(f"{file}: holds {len(infos):,} files of {total:,} bytes, more than a trace has")
    if total > _FREE + MOST_RATIO * file.stat().st_size:
        raise TraceError(f"{file}: would unpack to {total:,} bytes, far more than a trace does; refused")
    members: list[tuple[Path, zipfile.ZipInfo]] = []
    seen: set[str] = set()
    runs: set[str] = set()
    for info in infos:
        parts = info.filename.split("/")
        known = len(parts) == 2 and parts[1] in FILES
        known = known or (len(parts) > 2 and parts[1] in FOLDERS)
        plain = all(_PART.fullmatch(part) and part not in (".", "..") for part in parts)
        mode = info.external_attr >> 16
        is_file = not mode or stat.S_IFMT(mode) in (0, stat.S_IFREG)
        if not (known and plain and is_file) or info.filename in seen or info.flag_bits & 1:
            raise TraceError(f"{file}: {info.filename[:100]!r} is no file of a trace; refused")
        seen.add(info.filename)
        runs.add(parts[0])
        members.append((Path(*parts[1:]), info))
    if len(runs) != 1 or f"{next(iter(runs))}/{FILE}" not in seen:
        raise TraceError(f"{file}: holds no single trace, so it is no pack")
    return runs.pop(), members


def _extract(file: Path, pack: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    left = info.file_size
    with pack.open(info) as source, path.open("xb") as target:
        while piece := source.read(_CHUNK):
            left -= len(piece)
            if left < 0:
                raise TraceError(f"{file}: {info.filename[:100]!r} is longer than it says; refused")
            target.write(piece)
