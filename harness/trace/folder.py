"""What a run's folder holds: the record, which lines and names vouch for, and what lies beside it."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from harness.errors import TraceError
from harness.trace.blobs import FOLDER
from harness.trace.lines import FILE

SIGNATURE = "signature.json"
"""Who signed the record's head."""
STAMP = "anchor.tsr"
"""What a time-stamping authority said of the record's head, as it came."""
STAMPED = "anchor.json"
"""What was stamped."""
REDACTION = "redaction.json"
"""What was removed from the record this one was made of."""
REPORT = "report.html"
"""The page a person reads."""
FILES = (FILE, SIGNATURE, STAMP, STAMPED, REDACTION, REPORT)
"""Files that are known in a run's folder."""
FOLDERS = (FOLDER, "questions", "screens", "downloads")
"""Folders that are known in a run's folder."""


def beside(folder: Path) -> Iterator[str]:
    """Say what is in a run's folder and is no part of a trace, in order."""
    for entry in _entries(folder):
        if entry.is_symlink():
            if entry.name not in (FILE, FOLDER):
                yield f"{entry.path}: is a link to another place"
        elif entry.name in FOLDERS and not entry.is_dir():
            yield f"{entry.path}: is not a folder"
        elif entry.name not in (*FILES, *FOLDERS):
            yield f"{entry.path}: is no part of a trace; nothing vouches for it"
        elif entry.name in FILES and not entry.is_file():
            yield f"{entry.path}: is not a file"


def links(events: Path) -> Iterator[str]:
    """Say which parts of a record are links, so that their bytes are kept elsewhere, in order."""
    blobs = events.parent / FOLDER
    inside = [entry for entry in _entries(blobs) if not blobs.is_symlink()]
    deeper = [one for entry in inside if not entry.is_symlink() for one in _entries(Path(entry.path))]
    for path in (events, blobs, *map(Path, inside), *map(Path, deeper)):
        if path.is_symlink():
            yield f"{path}: is a link to another place; a record's bytes are in its own folder"


def extra_blobs(folder: Path, named: Collection[str]) -> Iterator[str]:
    """Say which files in a folder of blobs no line names, in order."""
    for entry in _entries(folder):
        inside = [] if entry.is_symlink() else _entries(Path(entry.path))
        for one in inside if entry.is_dir() else [entry]:
            if not one.is_symlink() and (one is entry or entry.name + one.name not in named):
                yield f"{one.path}: no line names it; it was added, or the run was cut off before one did"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise TraceError(f"{folder}: cannot be read: {error.strerror or error}") from error
