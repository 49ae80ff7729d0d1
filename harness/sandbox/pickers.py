"""What opens from a field: select menus, calendars, clocks, colours, suggestions.

A headless Chromium shows its own select menus, calendars and colour pickers, each in a window of its own,
and sends mouse events through them to the page. So whichever is open is closed before the page is looked at,
drawn instead, and its choice is set as Playwright does it: the field's value, then `input` and `change`.
"""

from datetime import date
from typing import Final, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.action import Action, Click, Drag, Hold, MouseDown, MouseUp, Press, Scroll, Type
from harness.clearance import Box
from harness.errors import SandboxError
from harness.sandbox.base import ActOutcome
from harness.sandbox.chrome import Pieces, hit
from harness.sandbox.ground_frames import LostError, bounds
from harness.sandbox.picker_color import ColorPicker
from harness.sandbox.picker_date import DatePicker
from harness.sandbox.picker_list import ROW, Change, ListPicker, Option
from harness.sandbox.tab import OpenTab
from harness.sandbox.words import clean
from harness.sandbox.worlds import Found, ask, call, find

_SUGGESTIONS: Final = 8

_FIND: Final = """() => {
  const own = e => getComputedStyle(e).appearance === 'base-select';
  const open = document.querySelector('select:open, input:open');
  if (open && !own(open)) return open;
  let e = document.activeElement;
  while (e && e.shadowRoot && e.shadowRoot.activeElement) e = e.shadowRoot.activeElement;
  if (!e) return null;
  if (e.matches('iframe, frame, object, embed')) return e;
  if (e.matches('select:open, input:open') && !own(e)) return e;
  return e.matches('input[list]:not([readonly])') && e.list ? e : null;
}"""

_DESCRIBE: Final = """function() {
  const now = new Date(), two = n => String(n).padStart(2, '0');
  const today = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const text = o => (o.label || o.text || o.value || '').slice(0, 200);
  const out = {kind: this.type, open: this.matches(':open'), value: String(this.value).slice(0, 200), today,
    low: this.min || '', high: this.max || '', options: []};
  if (this.localName === 'select') {
    out.kind = 'select';
    const options = [...this.options];
    let group = null;
    options.slice(0, 1000).forEach((o, at) => {
      const above = o.parentNode.localName === 'optgroup' ? o.parentNode : null;
      if (above && above !== group) out.options.push([above.label.slice(0, 200), '', true]);
      group = above;
      if (!o.hidden) out.options.push([text(o), String(at), o.disabled || !!(above && above.disabled)]);
    });
    out.value = String(this.selectedIndex);
  } else if (this.list) {
    if (!out.open) out.kind = 'list';
    const typed = this.value.toLowerCase();
    for (const o of [...this.list.options].slice(0, 1000)) {
      const label = o.label && o.label !== o.value ? `${o.value}  ${o.label}` : o.value;
      if (o.value && o.value !== this.value && label.toLowerCase().includes(typed))
        out.options.push([label.slice(0, 200), o.value, false]);
    }
  }
  return out;
}"""

_SET: Final = """function(value) {
  if (!this.isConnected || this.disabled) return false;
  if (this.localName === 'select') {
    if (this.selectedIndex === Number(value)) return true;
    this.selectedIndex = Number(value);
  } else {
    if (this.value === value) return true;
    this.value = value;
    if (this.value !== value) return false;
  }
  this.dispatchEvent(new Event('input', {bubbles: true, composed: true}));
  this.dispatchEvent(new Event('change', {bubbles: true}));
  return true;
}"""


class _Field(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["select", "list", "date", "datetime-local", "month", "week", "time", "color"]
    open: bool
    value: str
    today: date
    low: str
    high: str
    options: tuple[tuple[str, str, bool], ...]


class Picker(Protocol):
    """One drawn picker: it says what changes, and `Pickers` changes it."""

    @property
    def title(self) -> str:
        """What is open."""
        ...

    def pieces(self, width: int, height: int) -> Pieces:
        """Lay it out for a viewport."""
        ...

    def click(self, key: str) -> Change:
        """Take a click on the piece with a key."""
        ...

    def press(self, keys: tuple[str, ...]) -> Change | None:
        """Take a chord; nothing if it is the page's."""
        ...

    def type(self, text: str) -> Change | None:
        """Take text; nothing if it is the page's."""
        ...

    def scroll(self, rows: int) -> None:
        """Take the wheel."""
        ...


class _Open(NamedTuple):
    tab: OpenTab
    document: int
    found: Found
    picker: Picker
    anchor: Box

    def on_menu(self, x: int, y: int) -> bool:
        """Whether a point is on the select menu's own button, which closes the list again."""
        box = self.anchor
        inside = box.x <= x < box.x + box.width and box.y <= y < box.y + box.height
        return inside and isinstance(self.picker, ListPicker) and self.picker.keyed


class Pickers:
    """The picker that is open in the active tab, if any."""

    def __init__(self) -> None:
        self._open: _Open | None = None
        self._stale = True

    def current(self, tab: OpenTab) -> Picker | None:
        """The picker that is drawn over a tab."""
        found = self._found(tab)
        return found.picker if found else None

    async def look(self, tab: OpenTab) -> bool:
        """Find out what is open; say whether the browser's own picker was closed, so the picture is old.

        Raises:
            SandboxError: if the page crashed or does not answer.
        """
        if not self._stale or tab.leaving or self.current(tab) is not None:
            return False
        self._stale = False
        self._open = None
        try:
            found = await find(tab, _FIND)
            if found is None:
                return False
            field = _Field.model_validate(await call(tab, found, _DESCRIBE))
            model = await ask(tab, found.session, "DOM.getBoxModel", {"objectId": found.handle})
        except (SandboxError, LostError, ValidationError):
            if tab.gone is not None:
                raise
            return False
        box = bounds(model["model"]["border"])
        anchor = box.model_copy(update={"x": box.x + found.x, "y": box.y + found.y})
        picker = self._made(field, anchor)
        if picker is None:
            return False
        self._open = _Open(tab, tab.documents, found, picker, anchor)
        if field.open:
            await tab.call(tab.page.keyboard.press("Escape"), "close the browser's own picker")
        return field.open

    async def take(  # noqa: C901  - one case a kind of action
        self, action: Action, tab: OpenTab, size: tuple[int, int]
    ) -> ActOutcome | None:
        """Let the open picker have an action; nothing if the action is the page's."""
        self._stale = self._stale or isinstance(
            action, Click | MouseDown | MouseUp | Drag | Press | Hold | Type
        )
        opened = self._found(tab)
        if opened is None:
            return None
        picker = opened.picker
        change: Change | None = None
        match action:
            case Click() | MouseDown() | MouseUp() | Drag() | Scroll():
                x, y = _start(action, tab)
                piece = hit(picker.pieces(*size), x, y)
                if piece is not None:
                    change = Change()
                    if isinstance(action, Scroll):
                        picker.scroll(_rows(action.dy))
                    elif isinstance(action, Click | MouseUp) and action.button == "left":
                        change = picker.click(piece.key)
                elif isinstance(action, MouseUp):
                    return None
                elif opened.on_menu(x, y) and isinstance(action, Click):
                    change = Change(close=True)
            case Press():
                change = picker.press(action.keys)
            case Type():
                change = picker.type(action.text)
            case Hold():
                pass
            case _:
                return None
        if change is None:
            self._open = None
            return None
        return await self._changed(opened, change)

    def _found(self, tab: OpenTab) -> "_Open | None":
        opened = self._open
        if (
            opened is None
            or opened.tab is not tab
            or tab.gone is not None
            or opened.document != tab.documents
        ):
            return None
        return opened

    async def _changed(self, opened: "_Open", change: Change) -> ActOutcome:
        self._stale = False
        if change.close:
            self._open = None
        if change.value is not None and await call(opened.tab, opened.found, _SET, change.value) is not True:
            return ActOutcome(ok=False, message=f"the field did not take {clean(change.value, 80)!r}")
        return ActOutcome(ok=True)

    def _made(self, field: _Field, anchor: Box) -> Picker | None:
        options = tuple(Option(clean(text, 120) or " ", value, off) for text, value, off in field.options)
        match field.kind:
            case "select":
                at = next((at for at, one in enumerate(options) if one.value == field.value), -1)
                return ListPicker(anchor, options, at, keyed=True) if options else None
            case "list":
                shown = options[:_SUGGESTIONS]
                return ListPicker(anchor, shown, -1, keyed=False) if shown else None
            case "color":
                return ColorPicker(anchor, field.value) if field.open else None
            case "date" | "datetime-local" | "month" | "week" | "time" as kind:
                if not field.open:
                    return None
                return DatePicker(
                    kind, anchor, field.value, today=field.today, low=field.low, high=field.high
                )


def _start(action: Click | MouseDown | MouseUp | Drag | Scroll, tab: OpenTab) -> tuple[int, int]:
    match action:
        case Click() | Scroll():
            return action.x, action.y
        case Drag():
            return action.path[0].x, action.path[0].y
        case MouseDown() | MouseUp():
            x, y = tab.pointer
            return x if action.x is None else action.x, y if action.y is None else action.y


def _rows(dy: int) -> int:
    return max(1, dy // ROW) if dy > 0 else min(-1, -(-dy // ROW)) if dy < 0 else 0
