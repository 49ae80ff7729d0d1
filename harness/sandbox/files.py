"""Files that may be given to a page, and the file chooser that is drawn."""

import asyncio
import mimetypes
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import FileChooser, FilePayload

from harness.errors import ActionError
from harness.sandbox.base import ActOutcome
from harness.sandbox.chrome import Piece, Pieces, clip
from harness.sandbox.tab import CALL, first_line
from harness.sandbox.words import clean

UPLOAD: Final = 48_000_000
"""Bytes that may be given to a page at once: Playwright's own limit is 50 MB."""
ROWS: Final = 10
"""Files on one page of the chooser."""
_LISTED: Final = 1000


def listing(folder: Path | None) -> tuple[str, ...]:
    """The names of the plain files in the upload folder, sorted; nothing if there is no folder."""
    if folder is None or not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    return tuple(sorted(names)[:_LISTED])


def payloads(folder: Path | None, names: tuple[str, ...]) -> list[FilePayload]:
    """Read files of the upload folder.

    Raises:
        ActionError: if there is no folder, or a name is a path, a link, missing, or too large.
    """
    if folder is None:
        raise ActionError("this task has no upload folder, so no file can be given to a page")
    out: list[FilePayload] = []
    left = UPLOAD
    for name in names:
        data = _read(folder, name, left)
        left -= len(data)
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        out.append(FilePayload(name=name, mimeType=kind, buffer=data))
    return out


def _read(folder: Path, name: str, limit: int) -> bytes:
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise ActionError(f"an upload is the name of a file in the upload folder, not a path: {name[:200]!r}")
    try:
        number = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        known = ", ".join(listing(folder)[:20]) or "no files"
        why = error.strerror or "it cannot be opened"
        raise ActionError(
            f"no file {name[:200]!r} can be uploaded ({why}); the folder has {known}"
        ) from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ActionError(f"{name[:200]!r} is not a plain file, so it is not uploaded")
    with os.fdopen(number, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ActionError(
            f"{name[:200]!r} makes more than {UPLOAD // 1_000_000} MB; upload fewer or smaller files"
        )
    return data


class FileDialog:
    """The file chooser: rows to click, Open and Cancel."""

    def __init__(self, chooser: FileChooser, folder: Path | None, closed: Callable[[], None]) -> None:
        self._chooser = chooser
        self._folder = folder
        self._closed = closed
        self._names = listing(folder)
        self._chosen: tuple[str, ...] = ()
        self._page = 0

    @property
    def title(self) -> str:
        """What it asks for."""
        return (
            "a file chooser for several files"
            if self._chooser.is_multiple()
            else "a file chooser for one file"
        )

    def pieces(self, width: int, height: int) -> Pieces:
        """A box in the middle: files, Open, Cancel, and arrows where there are many."""
        rows = max(1, min(ROWS, (height - 150) // 28))
        pages = max(1, -(-len(self._names) // rows))
        self._page = min(self._page, pages - 1)
        shown = self._names[self._page * rows : (self._page + 1) * rows]
        wide, tall = min(width - 16, 480), 64 + 28 * max(1, len(shown)) + 60
        left, top = (width - wide) // 2, max(4, (height - tall) // 2)
        several = self._chooser.is_multiple()
        heading = "Choose files to upload" if several else "Choose a file to upload"
        out = [Piece("panel", left, top, wide, tall, text=heading, role="dialog")]
        out.append(Piece("title", left + 20, top + 14, wide - 40, 24, text=heading))
        y = top + 48
        for name in shown:
            chosen = name in self._chosen
            text = clean(name, 120)
            out.append(
                Piece("row", left + 20, y, wide - 40, 28, text, f"file:{name}", on=chosen, role="option")
            )
            y += 28
        if not shown:
            out.append(Piece("label", left + 28, y, wide - 56, 28, "There are no files to upload.", off=True))
            y += 28
        y += 14
        if pages > 1:
            out.append(
                Piece("button", left + 20, y, 60, 32, "Prev", "prev", off=self._page == 0, role="button")
            )
            more = self._page + 1 < pages
            out.append(Piece("button", left + 86, y, 60, 32, "Next", "next", off=not more, role="button"))
            out.append(Piece("label", left + 156, y, 80, 32, clip(f"{self._page + 1} of {pages}", 80)))
        right = left + wide - 20
        out.append(Piece("button", right - 90, y, 90, 32, "Cancel", "cancel", role="button"))
        ready = bool(self._chosen)
        out.append(
            Piece("button", right - 196, y, 90, 32, "Open", "open", on=ready, off=not ready, role="button")
        )
        return tuple(out)

    async def click(self, key: str) -> ActOutcome:
        """Choose a file, or press a button."""
        match key.partition(":"):
            case ("file", _, name):
                if not self._chooser.is_multiple():
                    self._chosen = (name,)
                elif name in self._chosen:
                    self._chosen = tuple(one for one in self._chosen if one != name)
                else:
                    self._chosen = (*self._chosen, name)
                return ActOutcome(ok=True)
            case ("prev", _, _):
                self._page = max(0, self._page - 1)
                return ActOutcome(ok=True)
            case ("next", _, _):
                self._page += 1
                return ActOutcome(ok=True)
            case ("cancel", _, _):
                self._closed()
                return ActOutcome(ok=True, message="the file chooser was closed without a file")
            case ("open", _, _):
                if not self._chosen:
                    return ActOutcome(ok=False, message="no file is chosen; click a file first")
                return await self.give(self._chosen)
            case _:
                return ActOutcome(ok=True, message=f"nothing there takes a click; {self.title} is open")

    async def press(self, keys: tuple[str, ...]) -> ActOutcome:
        """Enter opens, Escape cancels, arrows choose."""
        match keys:
            case ("Enter",):
                return await self.click("open")
            case ("Escape",):
                return await self.click("cancel")
            case ("ArrowDown" | "ArrowUp" as key,) if self._names:
                at = self._names.index(self._chosen[-1]) if self._chosen else -1
                step = at + 1 if key == "ArrowDown" else max(0, at - 1)
                at = min(step, len(self._names) - 1)
                self._chosen, self._page = (self._names[at],), at // ROWS
                return ActOutcome(ok=True)
            case _:
                return ActOutcome(ok=False, message=f"{self.title} is open; choose a file, or press Escape")

    async def type(self, text: str) -> ActOutcome:
        """Choose a file by its name; a newline opens it."""
        name, newline, _ = text.partition("\n")
        if name not in self._names:
            known = ", ".join(self._names[:20]) or "no files"
            return ActOutcome(ok=False, message=f"no file is called {name[:200]!r}; the folder has {known}")
        self._chosen = (name,)
        return await self.click("open") if newline else ActOutcome(ok=True)

    async def give(self, names: tuple[str, ...]) -> ActOutcome:
        """Give files to the page and close the chooser."""
        if len(names) > 1 and not self._chooser.is_multiple():
            return ActOutcome(ok=False, message=f"the page takes one file, not {len(names)}")
        try:
            files = payloads(self._folder, names)
            async with asyncio.timeout(4 * CALL):
                await self._chooser.set_files(files)
        except ActionError as error:
            return ActOutcome(ok=False, message=str(error))
        except (TimeoutError, PlaywrightError) as error:
            self._closed()
            return ActOutcome(ok=False, message=f"the page did not take the files: {first_line(error)}")
        self._closed()
        return ActOutcome(ok=True, message=f"gave the page {', '.join(names)}")
