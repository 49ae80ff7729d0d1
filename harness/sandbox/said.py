"""What pages say besides what they show, for the record: consoles, errors nobody caught, dialogs.

Nobody acts on it. A page that writes without end is not listened to any more, so that it holds nothing up.
"""

import re
from collections.abc import Callable
from typing import Final

from playwright.async_api import ConsoleMessage, Page
from playwright.async_api import Error as PlaywrightError

from harness.sandbox.base import ConsoleLine, DialogAnswer, PageWord, SandboxOptions
from harness.sandbox.tab import OpenTab

LONGEST: Final = 2000
"""Characters of one line or message that are told."""
MOST: Final = 4_000_000
"""Characters that pages may say before they are not listened to any more."""
_URL: Final = 2000
_PLACE = re.compile(r"\bat (?:.*?\()?([a-z][a-z-]*:[^\s()]*?):(\d{1,9}):\d+\)?$", re.MULTILINE)


class Said:
    """Listens to the tabs of one run.

    Args:
        options: who is told.
        note: says something to the model.
    """

    def __init__(self, options: SandboxOptions, note: Callable[[str], None]) -> None:
        self._told = options.told
        self._note = note
        self._heard = 0
        self._pages: set[Page] = set()

    def watch(self, tab: OpenTab) -> None:
        """Listen to a tab."""
        if self._told is None:
            return
        page = tab.page
        self._pages.add(page)
        page.on("console", self._console)
        page.on("pageerror", self._error)
        page.on("close", self._closed)

    def answered(self, dialog: DialogAnswer) -> None:
        """Tell of a dialog that is being answered."""
        cut = {"message": dialog.message[:LONGEST], "answer": dialog.answer and dialog.answer[:LONGEST]}
        self._tell(dialog.model_copy(update=cut), len(dialog.message))

    def _closed(self, page: Page) -> None:
        self._pages.discard(page)

    def _console(self, message: ConsoleMessage) -> None:
        text, place = message.text, message.location
        match message.type:
            case "debug" | "verbose":
                line = ConsoleLine(level="debug", text=text[:LONGEST])
            case "warning":
                line = ConsoleLine(level="warning", text=text[:LONGEST])
            case "error" | "assert":
                line = ConsoleLine(level="error", text=text[:LONGEST])
            case _:
                line = ConsoleLine(level="info", text=text[:LONGEST])
        if url := place.get("url"):
            line = line.model_copy(update={"url": url[:_URL], "line": place.get("lineNumber", 0) + 1})
        self._tell(line, len(text))

    def _error(self, error: PlaywrightError) -> None:
        text, stack = error.message, error.stack or ""
        place = _PLACE.search(stack[:10_000])
        url, number = (place[1][:_URL], int(place[2])) if place else ("", None)
        self._tell(
            ConsoleLine(level="uncaught", text=text[:LONGEST], url=url, line=number), len(text) + len(stack)
        )

    def _tell(self, word: PageWord, size: int) -> None:
        if self._told is None:
            return
        self._heard += size
        try:
            more = self._told(word)
        except Exception as error:  # noqa: BLE001 - a record that fails ends the run by itself, not a page's handler
            self._note(f"what pages say is not recorded any more: {type(error).__name__}: {error}")
            more = False
        if not more or self._heard > MOST:
            self._stop()

    def _stop(self) -> None:
        self._told = None
        for page in self._pages:
            page.remove_listener("console", self._console)
            page.remove_listener("pageerror", self._error)
        self._pages.clear()
