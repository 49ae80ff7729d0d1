"""What one sentence makes of one screen: actions, a value, patience, or a reason to give up. No I/O."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from pydantic import JsonValue
from rapidfuzz import fuzz

from harness.action import (
    Action,
    AskUser,
    Back,
    Click,
    CloseTab,
    Drag,
    Forward,
    Goto,
    Move,
    NewTab,
    Point,
    Press,
    Reload,
    Scroll,
    SwitchTab,
    Type,
    Upload,
    Wait,
)
from harness.clearance import Box
from harness.models.local.layout import beside, field_of, locate, menus, table_below, toggle_of, value_of
from harness.models.local.matching import FUZZY_PART, Ambiguous, Match, Missing, matches, resolve
from harness.models.local.ocr import Line, View
from harness.models.local.sentences import (
    AskPerson,
    At,
    Browse,
    ClearField,
    ClickOn,
    DragTo,
    Expect,
    Find,
    GoTo,
    HoverOver,
    OpenTab,
    PressKeys,
    ReadBeside,
    ReadTable,
    ReadValue,
    SayAnswer,
    ScrollBy,
    ScrollUntil,
    SelectOption,
    Sentence,
    SetToggle,
    SwitchTo,
    TypeInto,
    UploadFiles,
    WaitFor,
    WaitSeconds,
)
from harness.screen import Observation

PATIENCE = 5.0
"""Seconds to wait for a text that a sentence needs."""
_MOST_SCROLLS = 60
_DATE = r"(?i)\b(?:[mdyhs]+|am|pm)\b|\d"


@dataclass(frozen=True)
class Do:
    """Perform these actions."""

    actions: tuple[Action, ...]
    thought: str
    again: bool = False
    """Whether the same sentence goes on with the next screen."""


@dataclass(frozen=True)
class Done:
    """Nothing is to be done; perhaps something was read."""

    thought: str
    name: str | None = None
    value: JsonValue = None


@dataclass(frozen=True)
class NotYet:
    """What is needed does not show; it may after a while."""

    reason: str
    seconds: float = PATIENCE


@dataclass(frozen=True)
class Fail:
    """It cannot be done."""

    reason: str


Outcome = Do | Done | NotYet | Fail


@dataclass
class Progress:
    """How far one sentence is."""

    phase: int = 0
    """How many times it has acted."""
    lines: tuple[Line, ...] = ()
    """What was read before it acted last."""
    spot: tuple[int, int] = (0, 0)
    """Where it acted last."""
    still: int = field(default=0)
    """How many times nothing moved."""


def needs_eyes(sentence: Sentence) -> bool:
    """Whether a sentence needs the screen to be read."""
    match sentence:
        case ClickOn(place=At()) | HoverOver(place=At()) | DragTo(start=At(), end=At()):
            return False
        case TypeInto(label=None) | ScrollBy(over=None):
            return False
        case PressKeys() | GoTo() | Browse() | OpenTab() | SwitchTo() | WaitSeconds() | UploadFiles():
            return False
        case SayAnswer() | AskPerson():
            return False
        case _:
            return True


def follow(  # noqa: C901, PLR0912
    sentence: Sentence,
    view: View,
    observation: Observation,
    progress: Progress,
    known: Mapping[str, JsonValue],
) -> Outcome:
    """Say what a sentence wants done on this screen, given the values that are known so far."""
    match sentence:
        case ClickOn(place, button, count):
            return _at(view, place, lambda x, y: (Click(x=x, y=y, button=button, count=count),))
        case HoverOver(place):
            return _at(view, place, lambda x, y: (Move(x=x, y=y),))
        case TypeInto(text, label, read):
            return _type(view, known.get(text) if read else text, label)
        case ClearField(label):
            return _clear(view, label)
        case SelectOption(option, label):
            return _select(view, option, label, progress)
        case SetToggle(label, on):
            return _toggle(view, label, on=on, progress=progress)
        case PressKeys(keys, times):
            return Do((Press(keys=keys),) * times, f"The sentence says to press {'+'.join(keys)}.")
        case ScrollBy():
            return _scroll(view, sentence)
        case ScrollUntil():
            return _scroll_until(view, sentence, progress)
        case DragTo(start, end):
            return _drag(view, start, end)
        case GoTo(url):
            return Do((Goto(url=url),), f"The sentence says to go to {url}.")
        case Browse(what):
            return Do((_browse(what),), f"The sentence says {what.replace('_', ' ')}.")
        case OpenTab(url):
            return Do((NewTab(url=url),), "The sentence says to open a new tab.")
        case SwitchTo(tab):
            return _switch(observation, tab)
        case WaitFor(target, gone, seconds):
            return _wait(view, target, gone=gone, seconds=seconds)
        case WaitSeconds(seconds):
            return Do((Wait(seconds=seconds),), f"The sentence says to wait {seconds:g} s.")
        case ReadValue(label, name):
            return _read(view, label, name, "value after", lambda match: value_of(view, match))
        case ReadBeside(side, anchor, name):
            return _read(
                view, anchor, name, f"text {side}", lambda match: _text(beside(view, match.box, side))
            )
        case ReadTable(heading, name):
            return _read(view, heading, name, "table below", lambda match: table_below(view, match.box))
        case Expect(target, present):
            return _expect(view, target, present=present)
        case UploadFiles(files):
            return Do((Upload(files=files),), f"The sentence says to upload {', '.join(files)}.")
        case SayAnswer(text):
            return Done(f"The answer is {text!r}.")
        case AskPerson(question, _):
            return Do((AskUser(question=question),), "The sentence says to ask the person.")
        case _:
            assert_never(sentence)


def _seen(match: Match, find: Find) -> str:
    x, y = match.centre
    return f"{find.text!r} is at {x}, {y} (read as {match.text!r}, {match.score:.2f})"


def _unresolved(found: Missing | Ambiguous) -> NotYet | Fail:
    match found:
        case Missing(text, nearest):
            seen = "; ".join(repr(one) for one in nearest) or "no text at all"
            return NotYet(f"{text!r} is not on the screen; the nearest texts are: {seen}")
        case Ambiguous(text, places):
            where = "; ".join(str(place) for place in places[:6])
            return Fail(
                f"{text!r} is on the screen in {len(places)} places, none better than the others: {where}. "
                f'Say which: the 2nd "{text}", or add near "…", below "…", right of "…" or in the row of "…"'
            )


def _inside(view: View, x: int, y: int) -> bool:
    return 0 <= x < view.width and 0 <= y < view.height


def _place(view: View, place: Find | At) -> tuple[tuple[int, int], str] | NotYet | Fail:
    if isinstance(place, At):
        if _inside(view, place.x, place.y):
            return (place.x, place.y), f"The sentence says {place.x}, {place.y}"
        return Fail(f"{place.x}, {place.y} is outside the screen of {view.width} x {view.height}")
    found = locate(view, place)
    if isinstance(found, Match):
        return found.centre, _seen(found, place)
    return _unresolved(found)


def _at(view: View, place: Find | At, act: Callable[[int, int], tuple[Action, ...]]) -> Do | NotYet | Fail:
    found = _place(view, place)
    if isinstance(found, NotYet | Fail):
        return found
    (x, y), thought = found
    return Do(act(x, y), f"{thought}.")


def _label(view: View, label: Find) -> tuple[Match, tuple[int, int], str | None] | NotYet | Fail:
    found = locate(view, label, lambda match: field_of(view, match) is not None)
    if isinstance(found, Ambiguous):
        # A label and the hint inside its field may say the same: there is still only one field.
        fields = {field_of(view, match) for match in found.places}
        found = found.places[0] if len(fields) == 1 else found
    if isinstance(found, Missing):
        found = locate(view, label)
    if not isinstance(found, Match):
        return _unresolved(found)
    place = field_of(view, found)
    if place is None:
        return found, found.centre, None
    return found, place.centre, place.text


def _type(view: View, value: JsonValue, label: Find | None) -> Do | NotYet | Fail:
    if value is None:
        return Fail("nothing was read under that name before")
    text = str(value)
    if label is None:
        return Do((Type(text=text),), "The sentence says to type where the focus is.")
    found = _label(view, label)
    if isinstance(found, NotYet | Fail):
        return found
    match, (x, y), inside = found
    where = (
        "no field shows beside it, so the label is clicked" if inside is None else f"its field is at {x}, {y}"
    )
    end = (Press(keys=("End",)),) if inside and re.search(r"\w", re.sub(_DATE, "", inside)) else ()
    return Do((Click(x=x, y=y), *end, Type(text=text)), f"{_seen(match, label)}; {where}.")


def _clear(view: View, label: Find) -> Do | NotYet | Fail:
    found = _label(view, label)
    if isinstance(found, NotYet | Fail):
        return found
    match, (x, y), _ = found
    return Do(
        (Click(x=x, y=y), Press(keys=("Control", "a")), Press(keys=("Delete",))),
        f"{_seen(match, label)}; its field is at {x}, {y}.",
    )


def _select(view: View, option: str, label: Find | None, progress: Progress) -> Outcome:
    if progress.phase == 0:
        return _open_menu(view, option, label, progress)
    x, y = progress.spot
    typed = (Type(text=option), Press(keys=("Enter",)))
    if progress.phase == 1:
        found = _in_open_menu(view, option, progress)
        match found:
            case Match():
                click = Click(x=found.centre[0], y=found.centre[1])
                return Do((click,), f"The menu is open; {_seen(found, Find(option))}.", again=True)
            case Ambiguous():
                return _unresolved(found)
            case Missing():
                progress.still = 1
                thought = f"{option!r} is not in the part of the menu that shows; typing it brings it up."
                return Do(typed, thought, again=True)
    there = _at_height(view.lines, y)
    # A value that the page cut short may be the beginning of another option.
    whole = [line for line in there if not line.text.endswith(("...", "…"))]
    chosen = [match for match in matches(whole, option) if match.level < FUZZY_PART]
    if chosen:
        return Done(f"The menu now shows {chosen[0].text!r}.")
    cut_off = [line for line in there if len(line.text) > 8 and matches([line], option[: len(line.text) - 2])]
    if cut_off:
        return Done(f"The menu now shows {cut_off[0].text!r}, the beginning of {option!r}.")
    shown = "; ".join(repr(line.text) for line in sorted(there, key=lambda one: abs(one.box.x - x))[:2])
    if progress.still:
        return NotYet(
            f"the menu has no option {option!r}; beside it the screen shows {shown or 'nothing'}", 1.0
        )
    if [line.text for line in there] != [line.text for line in _at_height(progress.lines, y)]:
        return Done(f"The menu is closed; there the screen shows {shown or 'nothing'}.")
    progress.still = 1
    return Do((Click(x=x, y=y), *typed), "The click chose nothing; typing into the menu may.", again=True)


def _in_open_menu(view: View, option: str, progress: Progress) -> Match | Missing | Ambiguous:
    before = {(line.text, line.box) for line in progress.lines}
    menu = [line for line in view.lines if (line.text, line.box) not in before]
    found = resolve(menu, Find(option))
    if not isinstance(found, Ambiguous):
        return found
    # The closed menu itself may look new, because its focus shows.
    y = progress.spot[1]
    return resolve([one for one in menu if not one.box.y <= y <= one.box.y + one.box.height], Find(option))


def _at_height(lines: Sequence[Line], y: int) -> list[Line]:
    return [line for line in lines if abs(line.box.y + line.box.height / 2 - y) <= line.box.height]


def _open_menu(view: View, option: str, label: Find | None, progress: Progress) -> Outcome:
    if label is None:
        return _only_menu(view, progress)
    found = _label(view, label)
    if isinstance(found, NotYet | Fail):
        return found
    match, (x, y), inside = found
    place = field_of(view, match)
    if place is not None and inside:
        shown = [line for line in view.lines if line.text in inside and _within(place.box, line)]
        hit = resolve(shown, Find(option, exactly=True))
        if isinstance(hit, Match):
            if len(shown) == 1:
                return Done(f"{_seen(match, label)}; its menu already shows {hit.text!r}.")
            return Do(
                (Click(x=hit.centre[0], y=hit.centre[1]),),
                f"{_seen(match, label)}; in its list, {_seen(hit, Find(option))}.",
            )
    progress.spot, progress.lines = (x, y), view.lines
    return Do((Click(x=x, y=y),), f"{_seen(match, label)}; its menu is at {x}, {y}.", again=True)


def _only_menu(view: View, progress: Progress) -> Outcome:
    found = menus(view)
    if len(found) != 1:
        many = "; ".join(repr(menu.text) for menu in found[:6]) or "none"
        problem = f"the screen shows {len(found)} menus, not one ({many}): say from which label to choose"
        return Fail(problem) if found else NotYet(problem, 2.0)
    menu = found[0]
    x, y = menu.centre
    progress.spot, progress.lines = (x, y), view.lines
    return Do((Click(x=x, y=y),), f"The only menu is at {x}, {y} and shows {menu.text!r}.", again=True)


def _within(box: Box, line: Line) -> bool:
    x, y = line.box.x + line.box.width / 2, line.box.y + line.box.height / 2
    return box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height


def _toggle(view: View, label: Find, *, on: bool, progress: Progress) -> Outcome:
    states = {True: "checked", False: "not checked"}
    found = locate(view, label, lambda match: toggle_of(view, match) is not None)
    if isinstance(found, Missing):
        bare = locate(view, label)
        if isinstance(bare, Match):
            return NotYet(f"{_seen(bare, label)}, but no tick box shows beside it")
    if not isinstance(found, Match):
        return _unresolved(found)
    toggle = toggle_of(view, found)
    if toggle is None:
        return NotYet(f"{_seen(found, label)}, but no tick box shows beside it")
    x, y = (toggle.box.left + toggle.box.right) // 2, (toggle.box.top + toggle.box.bottom) // 2
    if toggle.checked == on:
        return Done(f"{_seen(found, label)}; its box at {x}, {y} is {states[on]}.")
    if progress.phase > 0:
        still = f"its box at {x}, {y} was clicked and is still {states[not on]}"
        return NotYet(f"{_seen(found, label)}; {still}", 1.0)
    thought = f"{_seen(found, label)}; its box at {x}, {y} is {states[not on]}."
    return Do((Click(x=x, y=y),), thought, again=True)


def _scroll(view: View, sentence: ScrollBy) -> Do | NotYet | Fail:
    across = sentence.direction in ("left", "right")
    size = view.width if across else view.height
    amount = sentence.pixels if sentence.pixels is not None else round(sentence.pages * size)
    amount = min(100_000, amount) * (-1 if sentence.direction in ("up", "left") else 1)
    return _at(
        view,
        sentence.over or At(view.width // 2, view.height // 2),
        lambda x, y: (Scroll(x=x, y=y, dx=amount if across else 0, dy=0 if across else amount),),
    )


def _scroll_until(view: View, sentence: ScrollUntil, progress: Progress) -> Outcome:
    found = locate(view, sentence.target)
    match found:
        case Match():
            return Done(f"{_seen(found, sentence.target)}.")
        case Ambiguous(text, places):
            return Done(f"{text!r} shows in {len(places)} places.")
        case Missing():
            pass
    if progress.phase and progress.lines == view.lines:
        progress.still += 1
        if progress.still > 1:
            return Fail(f"{_unresolved(found).reason}, and the screen no longer moves when scrolled")
        return Do((Wait(seconds=0.5),), "The screen did not move; more may still be loading.", again=True)
    if progress.phase >= _MOST_SCROLLS:
        return Fail(f"{_unresolved(found).reason}, after scrolling {_MOST_SCROLLS} times")
    progress.still = 0
    progress.lines = view.lines
    place = sentence.over or At(view.width // 2, view.height // 2)
    dy = round(0.6 * view.height) * (-1 if sentence.up else 1)
    done = _at(view, place, lambda x, y: (Scroll(x=x, y=y, dy=dy),))
    if isinstance(done, Do):
        return Do(done.actions, f"{sentence.target.text!r} does not show yet.", again=True)
    return done


def _drag(view: View, start: Find | At, end: Find | At) -> Do | NotYet | Fail:
    one, other = _place(view, start), _place(view, end)
    if isinstance(one, NotYet | Fail):
        return one
    if isinstance(other, NotYet | Fail):
        return other
    (x, y), (to_x, to_y) = one[0], other[0]
    steps = 10
    path = tuple(
        Point(x=round(x + (to_x - x) * step / steps), y=round(y + (to_y - y) * step / steps))
        for step in range(steps + 1)
    )
    return Do((Drag(path=path),), f"{one[1]}; {other[1]}.")


def _browse(what: str) -> Action:
    match what:
        case "back":
            return Back()
        case "forward":
            return Forward()
        case "reload":
            return Reload()
        case _:
            return CloseTab()


def _switch(observation: Observation, tab: int | str) -> Do | NotYet:
    titles = "; ".join(f"{place} {one.title!r}" for place, one in enumerate(observation.tabs, 1))
    if isinstance(tab, int):
        if 1 <= tab <= len(observation.tabs):
            chosen = observation.tabs[tab - 1]
            return Do((SwitchTab(tab=chosen.id),), f"Tab {tab} is {chosen.title!r}.")
        return NotYet(f"there is no tab {tab}; the open tabs are: {titles}")
    wanted = tab.casefold()
    fits = [one for one in observation.tabs if wanted in one.title.casefold()]
    if not fits:
        fits = [one for one in observation.tabs if fuzz.ratio(wanted, one.title.casefold()) >= 85]
    if len(fits) == 1:
        return Do((SwitchTab(tab=fits[0].id),), f"The tab {fits[0].title!r} is open.")
    return NotYet(f"{len(fits)} tabs are called {tab!r}, not one; the open tabs are: {titles}")


def _wait(view: View, target: Find, *, gone: bool, seconds: float) -> Done | NotYet:
    found = locate(view, target)
    shows = not isinstance(found, Missing)
    if shows != gone:
        return Done(f"{target.text!r} {'is gone' if gone else 'shows'}.")
    if isinstance(found, Missing):
        return NotYet(_unresolved(found).reason, seconds)
    return NotYet(f"{target.text!r} is still on the screen", seconds)


def _expect(view: View, target: Find, *, present: bool) -> Done | NotYet:
    outcome = _wait(view, target, gone=not present, seconds=PATIENCE)
    return (
        NotYet(f"expected otherwise: {outcome.reason}", PATIENCE) if isinstance(outcome, NotYet) else outcome
    )


def _text(line: Line | None) -> str | None:
    return line.text if line is not None else None


def _read(
    view: View, label: Find, name: str, what: str, take: Callable[[Match], JsonValue]
) -> Done | NotYet | Fail:
    found = locate(view, label, lambda match: take(match) is not None)
    if isinstance(found, Match):
        value = take(found)
        return Done(f"{_seen(found, label)}; the {what} it is {str(value)[:200]!r}.", name, value)
    if isinstance(found, Missing) and isinstance(bare := locate(view, label), Match):
        return NotYet(f"{_seen(bare, label)}, but there is no {what} it")
    return _unresolved(found)
