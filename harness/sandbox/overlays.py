"""What lies over the page: dialogs and file choosers, which stop all else, and pickers, which do not."""

import asyncio
from collections.abc import Callable

from playwright.async_api import FileChooser

from harness.action import Action, Click, Move, Press, TakeScreenshot, Type, Upload, Wait, Zoom
from harness.clearance import Target
from harness.sandbox.base import ActOutcome, DialogAnswer, SandboxOptions
from harness.sandbox.chrome import Pieces, answering, blank, draw, hit, target
from harness.sandbox.dialogs import Dialogs, Overlay
from harness.sandbox.files import FileDialog
from harness.sandbox.ground_target import joined
from harness.sandbox.look import tooltip_at, zoom
from harness.sandbox.pickers import Picker, Pickers
from harness.sandbox.tab import OpenTab
from harness.secrets import named


class Overlays:
    """Everything that the harness draws over the pages of one run."""

    def __init__(
        self,
        options: SandboxOptions,
        note: Callable[[str], None],
        answered: Callable[[DialogAnswer], None],
    ) -> None:
        self._uploads = options.uploads
        self._secrets = options.secrets
        self._size = (options.viewport.width, options.viewport.height)
        self._note = note
        self._dialogs = Dialogs(
            options.dialogs, note, lambda tab: tab.interrupt(), options.secrets.hide, answered
        )
        self._pickers = Pickers()
        self._chooser: tuple[OpenTab, FileDialog] | None = None

    @property
    def modal(self) -> Overlay | None:
        """What must be answered before anything else can be done."""
        if self._chooser is not None and self._chooser[0].gone is not None:
            self._chooser = None
        return self._dialogs.current or (self._chooser[1] if self._chooser else None)

    def blocks(self, tab: OpenTab) -> bool:
        """Whether a dialog keeps a tab from drawing and from taking input."""
        return self._dialogs.blocks(tab)

    def watch(self, tab: OpenTab) -> None:
        """Take the dialogs and file choosers of a tab."""
        self._dialogs.watch(tab)
        tab.page.on("filechooser", lambda chooser: self._choose(tab, chooser))

    async def close(self) -> None:
        """Wait for answers under way."""
        await self._dialogs.close()

    def last(self, tab: OpenTab) -> bytes:
        """The last picture of a tab, without overlays; white if there is none."""
        return tab.last or blank(*self._size)

    def drawn(self, tab: OpenTab) -> bytes | None:
        """The last picture of a tab with what lies over it; nothing if nothing does."""
        over = self._over(tab)
        return draw(self.last(tab), self._shown(over.pieces(*self._size))) if over else None

    def _shown(self, pieces: Pieces) -> Pieces:
        return tuple(piece._replace(text=self._secrets.hide(piece.text)) for piece in pieces)

    async def look(self, tab: OpenTab) -> bool:
        """Find what a page has opened; say whether the picture is old now."""
        return self.modal is None and await self._pickers.look(tab)

    async def finish(self, tab: OpenTab) -> bytes:
        """Give the last picture with everything that belongs over it.

        Raises:
            SandboxError: if the page crashed or does not answer.
        """
        drawn = self.drawn(tab)
        if drawn is not None:
            return drawn
        tip = await tooltip_at(tab, self._size) if tab.hovering and not tab.leaving else ()
        return draw(self.last(tab), self._shown(tip)) if tip else self.last(tab)

    def ground(self, action: Action, tab: OpenTab, point: tuple[int, int] | None) -> Target | None:
        """Say what of it an action would touch; nothing if it would touch the page."""
        over = self._over(tab)
        if over is None:
            return None
        pieces = over.pieces(*self._size)
        piece = hit(pieces, *point) if point else answering(pieces, action)
        if piece is None and self.modal is not None:
            piece = pieces[0]
        if piece is None:
            return None
        accepts = answering(pieces, Press(keys=("Enter",)))
        found = target(piece, tab.page.url)
        if point or accepts == piece or accepts.kind not in ("button", "row"):
            return found
        return joined(found, submitter=target(accepts, tab.page.url))

    def find(self, like: Target, tab: OpenTab) -> tuple[Target, ...]:
        """Give the pieces that are drawn over a tab and are called what `like` is."""
        over = self._over(tab)
        pieces = over.pieces(*self._size) if over else ()
        middles = ((one, one.x + one.width // 2, one.y + one.height // 2) for one in pieces)
        named = [(one, hit(pieces, x, y)) for one, x, y in middles if one.text[:200] == like.name]
        seen = [top for one, top in named if top is not None and top.key == one.key]
        return tuple(target(one, tab.page.url) for one in seen)

    async def take(self, action: Action, tab: OpenTab) -> ActOutcome | None:
        """Let what lies over the page have an action; nothing if the action is the page's."""
        modal = self.modal
        if isinstance(action, Zoom):
            # A part drawn anew would show what is painted over in the whole.
            return await zoom(
                tab, action, self._size, self.drawn(tab) or (tab.last if self._secrets else None)
            )
        if isinstance(action, Type) and named(action.text) and (modal or self._pickers.current(tab)):
            return ActOutcome(ok=False, message="secrets are typed into fields of the page alone")
        if modal is None:
            return await self._pickers.take(action, tab, self._size)
        match action:
            case Upload() if isinstance(modal, FileDialog):
                return await modal.give(action.files)
            case Click(button="left", count=1):
                piece = hit(modal.pieces(*self._size), action.x, action.y)
                return await modal.click(piece.key if piece else "")
            case Press():
                return await modal.press(action.keys)
            case Type():
                return await modal.type(action.text)
            case Move() | Wait() | TakeScreenshot():
                await asyncio.sleep(action.seconds if isinstance(action, Wait) else 0)
                return ActOutcome(ok=True)
            case _:
                return ActOutcome(ok=False, message=f"a dialog is open: {modal.title}; answer it first")

    def _over(self, tab: OpenTab) -> Overlay | Picker | None:
        return self.modal or self._pickers.current(tab)

    def _choose(self, tab: OpenTab, chooser: FileChooser) -> None:
        dialog = FileDialog(chooser, self._uploads, self._chosen)
        self._chooser = (tab, dialog)
        self._note(f"{dialog.title} is open; click a file in it, or use upload")

    def _chosen(self) -> None:
        self._chooser = None
