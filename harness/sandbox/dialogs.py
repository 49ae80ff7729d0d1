"""The page's own dialogs (alert, confirm, prompt, beforeunload): drawn, and answered by click or key."""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, Protocol

from playwright.async_api import Dialog
from playwright.async_api import Error as PlaywrightError

from harness.sandbox.base import ActOutcome, DialogAnswer
from harness.sandbox.chrome import Piece, Pieces, wrap
from harness.sandbox.tab import CALL, OpenTab, first_line
from harness.sandbox.words import clean

SHOWN: Final = 20
"""Dialogs of one tab that are shown; later ones are dismissed."""
_KINDS: Final[dict[str, Literal["alert", "confirm", "prompt", "beforeunload"]]] = {
    "alert": "alert",
    "confirm": "confirm",
    "prompt": "prompt",
    "beforeunload": "beforeunload",
}


class Overlay(Protocol):
    """Something the harness draws and that takes clicks and keys."""

    @property
    def title(self) -> str:
        """What is open, in a few words."""
        ...

    def pieces(self, width: int, height: int) -> Pieces:
        """Lay it out for a viewport."""
        ...

    async def click(self, key: str) -> ActOutcome:
        """Take a click on the piece with a key."""
        ...

    async def press(self, keys: tuple[str, ...]) -> ActOutcome:
        """Take a chord."""
        ...

    async def type(self, text: str) -> ActOutcome:
        """Take typed text."""
        ...


class PageDialog:
    """One alert, confirm or prompt that waits for an answer."""

    def __init__(
        self,
        dialog: Dialog,
        host: str,
        closed: Callable[["PageDialog"], None],
        hide: Callable[[str], str],
        answered: Callable[[DialogAnswer], None],
    ) -> None:
        self._dialog = dialog
        self._message = hide(dialog.message)
        self._host = host
        self._closed = closed
        self._answered = answered
        self._text = dialog.default_value
        self._selected = bool(dialog.default_value)
        self._prompts = dialog.type == "prompt"
        self._asks = dialog.type != "alert"

    @property
    def title(self) -> str:
        """What kind it is and what it says."""
        return f"{self._dialog.type}: {clean(self._message, 200)!r}"

    def pieces(self, width: int, height: int) -> Pieces:
        """A box in the upper middle: host, message, field, buttons."""
        wide = min(width - 16, 448)
        line = 21
        lines = wrap(clean(self._message, 2000, lines=True), wide - 40, max(1, (height - 190) // line))
        tall = 40 + line * len(lines) + (44 if self._prompts else 0) + 64
        left, top = (width - wide) // 2, max(4, min(40, (height - tall) // 2))
        out = [Piece("panel", left, top, wide, tall, text=self.title, role="dialog")]
        out.append(Piece("title", left + 20, top + 10, wide - 40, 24, text=f"{self._host} says"))
        y = top + 40
        for text in lines:
            out.append(Piece("label", left + 20, y, wide - 40, line, text=text))
            y += line
        if self._prompts:
            out.append(
                Piece(
                    "field",
                    left + 20,
                    y + 6,
                    wide - 40,
                    32,
                    self._text,
                    "field",
                    self._selected,
                    role="textbox",
                )
            )
            y += 44
        y, right = y + 16, left + wide - 20
        if self._asks:
            out.append(Piece("button", right - 90, y, 90, 32, "Cancel", "cancel", role="button"))
            right -= 106
        out.append(Piece("button", right - 90, y, 90, 32, "OK", "ok", on=True, role="button"))
        return tuple(out)

    async def click(self, key: str) -> ActOutcome:
        """OK and Cancel answer; the field takes the focus."""
        match key:
            case "ok":
                return await self.answer(accept=True)
            case "cancel":
                return await self.answer(accept=False)
            case "field":
                self._selected = False
                return ActOutcome(ok=True)
            case _:
                return ActOutcome(
                    ok=True, message=f"nothing there takes a click; a dialog is open: {self.title}"
                )

    async def press(self, keys: tuple[str, ...]) -> ActOutcome:
        """Enter and Escape answer; the other keys edit the prompt's field."""
        match keys:
            case ("Enter",) | (" ",) if not (self._prompts and keys == (" ",)):
                return await self.answer(accept=True)
            case ("Escape",):
                return await self.answer(accept=False)
            case ("Backspace",) | ("Delete",) if self._prompts:
                self._text = "" if self._selected else self._text[:-1]
                self._selected = False
            case ("Control", "a" | "A") if self._prompts:
                self._selected = True
            case (key,) if self._prompts and len(key) == 1:
                return await self.type(key)
            case _:
                return ActOutcome(
                    ok=False, message=f"a dialog is open: {self.title}; press Enter or Escape to answer it"
                )
        return ActOutcome(ok=True)

    async def type(self, text: str) -> ActOutcome:
        """Fill the prompt's field; a newline accepts."""
        if not self._prompts:
            return ActOutcome(
                ok=False, message=f"a dialog is open and takes no text: {self.title}; answer it first"
            )
        line, newline, _ = text.partition("\n")
        self._text = line if self._selected else self._text + line
        self._selected = False
        return await self.answer(accept=True) if newline else ActOutcome(ok=True)

    async def answer(self, *, accept: bool) -> ActOutcome:
        """Answer it and take it off the screen."""
        self._closed(self)
        typed = self._text if accept and self._prompts else None
        self._answered(
            DialogAnswer(type=_KINDS[self._dialog.type], message=self._message, accepted=accept, answer=typed)
        )
        said = "accepted" if accept else "dismissed"
        try:
            async with asyncio.timeout(CALL):
                if not accept:
                    await self._dialog.dismiss()
                elif self._prompts:
                    await self._dialog.accept(self._text)
                else:
                    await self._dialog.accept()
        except (TimeoutError, PlaywrightError) as error:
            return ActOutcome(ok=False, message=f"the dialog is gone: {first_line(error)}")
        return ActOutcome(ok=True, message=f"{said} the {self.title}")


class Dialogs:
    """Every dialog that is open, in the order in which they came."""

    def __init__(
        self,
        mode: Literal["show", "accept", "dismiss"],
        note: Callable[[str], None],
        opened: Callable[[OpenTab], None],
        hide: Callable[[str], str],
        answered: Callable[[DialogAnswer], None],
    ) -> None:
        self._hide = hide
        self._answered = answered
        self._mode = mode
        self._note = note
        self._opened = opened
        self._waiting: list[tuple[OpenTab, PageDialog]] = []
        self._counts: dict[int, int] = {}
        self._answers: set[asyncio.Task[ActOutcome]] = set()

    @property
    def current(self) -> PageDialog | None:
        """The one to answer first."""
        self._waiting = [pair for pair in self._waiting if pair[0].gone is None]
        return self._waiting[0][1] if self._waiting else None

    def blocks(self, tab: OpenTab) -> bool:
        """Whether a tab waits for an answer, and so neither draws nor takes input."""
        return any(waiting is tab for waiting, _ in self._waiting)

    def watch(self, tab: OpenTab) -> None:
        """Take the dialogs of a tab."""
        tab.page.on("dialog", lambda dialog: self._came(tab, dialog))

    async def close(self) -> None:
        """Wait for the answers under way."""
        if self._answers:
            await asyncio.gather(*self._answers)

    def _came(self, tab: OpenTab, dialog: Dialog) -> None:
        count = self._counts[tab.id] = self._counts.get(tab.id, 0) + 1
        shown = PageDialog(dialog, _host(tab.page.url), self._left, self._hide, self._answered)
        if dialog.type == "beforeunload":
            self._note("the page asked whether to leave it; it was left")
            self._answer(shown, accept=True)
        elif count > SHOWN:
            if count == SHOWN + 1:
                self._note(
                    f"tab {tab.id} opened more than {SHOWN} dialogs; further ones are dismissed unseen"
                )
            self._answer(shown, accept=False)
        elif self._mode != "show":
            self._note(f"a dialog was {self._mode}ed at once: {shown.title}")
            self._answer(shown, accept=self._mode == "accept")
        else:
            self._waiting.append((tab, shown))
            self._note(f"a dialog is open: {shown.title}")
            self._opened(tab)

    def _left(self, dialog: PageDialog) -> None:
        self._waiting = [pair for pair in self._waiting if pair[1] is not dialog]

    def _answer(self, dialog: PageDialog, *, accept: bool) -> None:
        task = asyncio.get_running_loop().create_task(dialog.answer(accept=accept))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)


def _host(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return rest.partition("/")[0] if separator and scheme in ("http", "https") else "This page"
