"""What pages gave: kept in the run's folder, under names that the harness chose.

The browser writes into a folder of its own, and what it left there is copied. Whoever has taken the browser
over can put anything there, so only a plain file is copied: a link would lead to a file of this machine.
"""

import asyncio
import errno
import os
import shutil
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from playwright.async_api import Download as PageDownload
from playwright.async_api import Error as PlaywrightError

from harness.clearance import Cleared, FileOffer, Refusal, redeem
from harness.sandbox.tab import OpenTab, first_line
from harness.sandbox.words import clean, file_name
from harness.screen import Download

DOWNLOADS: Final = 100
"""Downloads of a run; later ones are cancelled."""


class Downloads:
    """Every download of a run, kept under names that the harness chose."""

    def __init__(
        self,
        folder: Path,
        note: Callable[[str], None],
        keep: Callable[[FileOffer], Awaitable[Cleared | Refusal]] | None = None,
        take: Callable[[Path, Path], int] | None = None,
    ) -> None:
        """Keep nothing yet.

        Args:
            folder: where files are kept; made when the first one comes.
            note: told about each, in words for the model.
            keep: decides about each; without it all are kept.
            take: copies a file that the browser wrote, and gives its size; without it, any that it names.
        """
        self._keep = keep
        self._take = take or copy
        self._folder = folder
        self._note = note
        self._all: list[Download] = []
        self._saving: set[asyncio.Task[None]] = set()

    @property
    def all(self) -> tuple[Download, ...]:
        """Every one so far, in the order in which they began."""
        return tuple(self._all)

    def watch(self, tab: OpenTab) -> None:
        """Keep what a tab downloads."""
        tab.page.on("download", self._came)

    async def close(self) -> None:
        """Give up the ones under way."""
        for task in tuple(self._saving):
            task.cancel()
        await asyncio.gather(*self._saving, return_exceptions=True)

    def _came(self, download: PageDownload) -> None:
        asked = clean(download.suggested_filename, 200)
        keep = len(self._all) < DOWNLOADS
        if keep:
            taken = frozenset(one.name.lower() for one in self._all) | {
                path.name.lower() for path in (self._folder.iterdir() if self._folder.is_dir() else ())
            }
            name = file_name(download.suggested_filename, taken)
            self._all.append(Download(name=name, suggested=asked, url=download.url[:2000], status="started"))
            self._note(f"a download began: {name}")
        elif len(self._all) == DOWNLOADS:
            self._note(f"a page began more than {DOWNLOADS} downloads; further ones are cancelled")
        task = asyncio.get_running_loop().create_task(self._save(download, len(self._all) - 1, keep=keep))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save(self, download: PageDownload, at: int, *, keep: bool) -> None:
        try:
            if not keep:
                await download.cancel()
                return
            why = await self._refused(download, self._all[at]) or await download.failure()
            if why is None:
                path = self._folder / self._all[at].name
                self._folder.mkdir(parents=True, exist_ok=True)
                size = await asyncio.to_thread(self._take, Path(await download.path()), path)
                self._set(at, status="completed", size=size)
                self._note(f"a download is complete: {self._all[at].name}, {size} bytes")
                return
        except PlaywrightError as error:
            why = first_line(error)
        except OSError as error:
            why = f"it cannot be kept: {error.strerror}"
        if keep:
            self._set(at, status="failed", why=why)
            self._note(f"a download failed: {self._all[at].name}: {why}")

    async def _refused(self, download: PageDownload, given: Download) -> str | None:
        if self._keep is None:
            return None
        offer = FileOffer(name=given.suggested, url=given.url, page=download.page.url[:2000])
        try:
            answer: object = await self._keep(offer)
            if isinstance(answer, Cleared) and redeem(answer) == offer:
                return None
            why = f"{answer.rule}: {answer.reason}" if isinstance(answer, Refusal) else "it was not cleared"
        except Exception as error:  # noqa: BLE001 - what cannot be decided is not kept
            why = f"it could not be judged: {type(error).__name__}: {error}"
        await download.cancel()
        return f"refused by {why}"

    def _set(self, at: int, **changes: object) -> None:
        self._all[at] = self._all[at].model_copy(update=changes)


def copy(source: Path, target: Path, folder: Path | None = None) -> int:
    """Copy a plain file that another user may have put there, and give its size.

    Args:
        source: what is copied.
        target: a file that is not there yet.
        folder: where the source must be, itself and not below; anywhere if not given.

    Raises:
        OSError: if it is a link, a pipe, a device or a folder, or has a second name.
    """
    if folder is not None and source.parent != folder:
        raise OSError(errno.EPERM, f"the browser names a file outside its folder: {source.name[:80]!r}")
    try:
        number = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "the browser put a link in its place") from None
        raise
    with os.fdopen(number, "rb") as file:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.EINVAL, "the browser put something in its place that is not a plain file")
        with target.open("xb") as kept:
            shutil.copyfileobj(file, kept)
            return kept.tell()
