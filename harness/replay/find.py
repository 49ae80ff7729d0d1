"""Where the target of a recorded action is now.

    under the recorded point, the same ───────────────▶ same place
    one element of the page, all the same but its place ▶ fingerprint
    one with its role and name, that does the same ────▶ role and name
    its words, read on the screen, on what does the same ▶ text on the screen

What was found twice is not guessed at, and what has its name or its place but does another thing is never
acted on: both are a `Lost`, with why.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from harness.action import (
    Action,
    Click,
    Drag,
    Hold,
    MouseDown,
    MouseUp,
    Move,
    Point,
    Press,
    Scroll,
    Type,
)
from harness.clearance import Box, Target
from harness.replay.compare import compare
from harness.replay.recording import Deed
from harness.replay.targets import carried, difference, does, mark, means, overlap
from harness.sandbox.base import Finds, Sandbox
from harness.screen import Screenshot

How = Literal["same place", "fingerprint", "role and name", "text on the screen"]
"""How a target was found again."""
_HOWS: Final[tuple[How, ...]] = get_args(How)
Category = Literal[
    "target missing",
    "target ambiguous",
    "target changed",
    "page differs",
    "refused",
    "approval denied",
    "failed",
    "extra/missing step",
]
"""What a divergence is."""

STILL: Final = 2.0
"""Pixels by which a box may be off and still be in the same place."""
PLACE: Final = 0.3
"""Of the common area of two boxes, the part that both cover where one has taken the other's place."""
_PATCH: Final = 48
"""Pixels across what is looked at around a point of an element without a name."""
_PLAIN: Final = ("", "generic", "document", "none", "RootWebArea")


class SeenText(Protocol):
    """A line of text on the screen."""

    @property
    def text(self) -> str:
        """What it says."""
        ...

    @property
    def box(self) -> Box:
        """Where it is."""
        ...


class Reads(Protocol):
    """Whatever reads text from a picture, such as `harness.models.local.ocr.Reader`."""

    def read(self, screenshot: Screenshot) -> Sequence[SeenText]:
        """Give the lines, in reading order."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A target that was found again."""

    how: How
    """By which means."""
    action: Action
    """The action, at its place now."""
    moved: tuple[int, int] = (0, 0)
    """Pixels to the right and down."""


@dataclass(frozen=True, slots=True)
class Away:
    """A target that is on the page and not on the screen."""

    dy: int
    """Pixels to scroll down, so that it is in the middle."""
    dx: int = 0
    """Pixels to scroll to the right."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A target that cannot be acted on."""

    category: Category
    """What is wrong."""
    detail: str
    """In words."""
    label: str = ""
    """What may be read for it further down the page."""


Answer = Found | Away | Lost


class Finder:
    """Finds targets on one live page.

    Args:
        sandbox: where the page is.
        reader: reads the screen, for what the browser cannot find.
    """

    def __init__(self, sandbox: Sandbox, reader: Reads | None) -> None:
        self._sandbox = sandbox
        self._reader = reader

    async def find(
        self, deed: Deed, live: Screenshot, recorded: bytes | None = None, *, same: bool = False
    ) -> Answer:
        """Find a recorded action's target.

        Args:
            deed: what was done.
            live: the screen now.
            recorded: the screen as it was when the action was done, if it is known.
            same: whether the two are the same.

        Raises:
            SandboxError: if the page does not answer.
        """
        target = deed.target
        if target is None:
            return Found("same place", deed.action)
        if isinstance(deed.action, Drag) and target.end is not None:
            return await self._dragged(deed, deed.action, live)
        here = await self._sandbox.ground(deed.action)
        if (other := _interrupted(target, here)) is not None:
            return other
        if isinstance(deed.action, Type | Press | Hold):
            return _focused(deed.action, target, here)
        point = place(deed.action)
        if point is None or target.box is None:
            still = here is not None and means(target, here)
            return Found("same place", deed.action) if still else _elsewhere(target, here)
        if same and here is not None and mark(here) == mark(target):
            return await self._in_place(deed, here, live, recorded, same=same)
        candidates = await self._candidates(target, here)
        twins = [one for one in candidates if mark(one) == mark(target)]
        if here is not None and mark(here) == mark(target):
            # Of rows of equal buttons, the one in the same place may be another row's.
            if len(twins) <= 1 or _as_it_was(live, recorded, _row(target.box, live)):
                return await self._in_place(deed, here, live, recorded, same=same)
            return Lost("target ambiguous", f"{_called(target)}: {len(twins)} on the page are the same")
        return await self._moved(deed, target, here, candidates, live)

    async def _dragged(self, deed: Deed, drag: Drag, live: Screenshot) -> Answer:
        """Find both ends of a drag; what lies between them is carried along."""
        here = await self._sandbox.ground(drag)
        if deed.target is not None and here is not None and mark(here) == mark(deed.target):
            return Found("same place", drag)
        shifts: list[tuple[int, int]] = []
        how: How = "same place"
        first = deed.target.model_copy(update={"end": None}) if deed.target is not None else None
        last = deed.target.end if deed.target is not None else None
        for point, target in ((drag.path[0], first), (drag.path[-1], last)):
            move = Deed(deed.step, deed.index, Move(x=point.x, y=point.y), target, deed.status)
            found = await self.find(move, live)
            if not isinstance(found, Found):
                return found
            onto = place(found.action)
            assert onto is not None  # noqa: S101 - a move has a place
            shifts.append((onto[0] - point.x, onto[1] - point.y))
            how = max(how, found.how, key=_HOWS.index)
        parts = len(drag.path) - 1
        path = tuple(
            Point(
                x=one.x + round(shifts[0][0] + (shifts[1][0] - shifts[0][0]) * number / parts),
                y=one.y + round(shifts[0][1] + (shifts[1][1] - shifts[0][1]) * number / parts),
            )
            for number, one in enumerate(drag.path)
        )
        return Found(how, drag.model_copy(update={"path": path}), shifts[0])

    async def _candidates(self, target: Target, here: Target | None) -> tuple[Target, ...]:
        found = await self._sandbox.find(target) if isinstance(self._sandbox, Finds) else ()
        known = {one.fingerprint for one in found}
        fits = here is not None and here.box is not None and here.fingerprint not in known
        return (*found, here) if here is not None and fits and means(target, here) else found

    async def _in_place(
        self, deed: Deed, here: Target, live: Screenshot, recorded: bytes | None, *, same: bool
    ) -> Answer:
        target, point = deed.target, place(deed.action)
        assert target is not None and point is not None  # noqa: S101, PT018 - `find` saw them
        moved = (0, 0)
        if here.box is not None and target.box is not None:
            moved = (round(here.box.x - target.box.x), round(here.box.y - target.box.y))
        if same or recorded is None or _label(target) or _as_it_was(live, recorded, _around(point)):
            return Found("same place", deed.action, moved)
        # A canvas is one element: what is drawn at the point tells more than the element does.
        words = await self._words(Screenshot.of(recorded), point)
        if not words:
            why = f"{_called(target)} has no name, and what is drawn at {point} is not what was"
            return Lost("page differs", why)
        return await self._by_text(deed, here, words, live)

    async def _moved(
        self,
        deed: Deed,
        target: Target,
        here: Target | None,
        candidates: Sequence[Target],
        live: Screenshot,
    ) -> Answer:
        equal = [one for one in candidates if mark(one) == mark(target)]
        like = [one for one in candidates if means(target, one)]
        found: tuple[tuple[How, list[Target]], ...] = (("fingerprint", equal), ("role and name", like))
        for how, ones in found:
            if len(ones) > 1:
                return Lost(
                    "target ambiguous", f"{_called(target)}: {len(ones)} on the page are equally good"
                )
            if ones:
                return await self._onto(deed, ones[0], how, live)
        if target.name and target.role not in _PLAIN:
            for one in candidates:
                if (one.role, one.name) == (target.role, target.name):
                    return Lost("target changed", f"{_called(target)}: {difference(target, one)}")
        if here is not None and _took_place(target, here):
            return Lost("target changed", f"{_called(target)}: {difference(target, here)}")
        label = _label(target)
        missing = Lost("target missing", f"{_called(target)} is nowhere on the page", label)
        if not label or self._reader is None:
            return missing
        return await self._by_text(deed, target, label, live, otherwise=missing)

    async def _onto(self, deed: Deed, now: Target, how: How, live: Screenshot) -> Answer:
        target, point = deed.target, place(deed.action)
        assert target is not None and target.box is not None  # noqa: S101, PT018 - `find` saw them
        assert now.box is not None and point is not None  # noqa: S101, PT018 - as above
        middle = (round(now.box.x + now.box.width / 2), round(now.box.y + now.box.height / 2))
        tries = [carried(point, target.box, now.box), middle]
        if not any(_inside(one, live) for one in tries):
            return Away(
                middle[1] - live.height // 2,
                0 if 0 <= middle[0] < live.width else middle[0] - live.width // 2,
            )
        over: Target | None = None
        for onto in tries:
            if not _inside(onto, live):
                continue
            shift = (onto[0] - point[0], onto[1] - point[1])
            action = shifted(deed.action, shift)
            over = await self._sandbox.ground(action)
            if over is not None and mark(over) == mark(now):
                return Found(how, action, shift)
        top = _called(over) if over is not None else "nothing that can be clicked"
        return Lost("target missing", f"{_called(target)} is at {middle}, but {top} lies over it")

    async def _by_text(
        self,
        deed: Deed,
        target: Target,
        label: str,
        live: Screenshot,
        *,
        otherwise: Lost | None = None,
    ) -> Answer:
        nowhere = otherwise or Lost("target missing", f"{label!r} cannot be read on the screen", label)
        point = place(deed.action)
        if self._reader is None or point is None:
            return nowhere
        lines = await asyncio.to_thread(self._reader.read, live)
        hits: dict[str, Found] = {}
        wrong: Target | None = None
        for line in lines:
            if _plain(line.text) != _plain(label):
                continue
            onto = (round(line.box.x + line.box.width / 2), round(line.box.y + line.box.height / 2))
            shift = (onto[0] - point[0], onto[1] - point[1])
            action = shifted(deed.action, shift)
            there = await self._sandbox.ground(action)
            if there is None or (there.role != target.role and target.role not in _PLAIN):
                continue
            if not does(target, there):
                wrong = there
                continue
            key = f"{there.fingerprint} {onto if not _label(there) else ''}"
            hits[key] = Found("text on the screen", action, shift)
        if len(hits) > 1:
            return Lost("target ambiguous", f"{label!r} is {len(hits)} times on the screen")
        if hits:
            return next(iter(hits.values()))
        if wrong is not None:
            return Lost("target changed", f"{_called(target)}: {difference(target, wrong)}")
        return nowhere

    async def _words(self, seen: Screenshot, point: tuple[int, int]) -> str:
        if self._reader is None:
            return ""
        lines = await asyncio.to_thread(self._reader.read, seen)
        x, y = point
        return next(
            (
                line.text
                for line in lines
                if line.box.x - 6 <= x <= line.box.x + line.box.width + 6
                and line.box.y - 6 <= y <= line.box.y + line.box.height + 6
            ),
            "",
        )


def place(action: Action) -> tuple[int, int] | None:
    """Give the point that an action names, the first if it names several; nothing if it names none."""
    match action:
        case Click() | Move() | Scroll():
            return action.x, action.y
        case MouseDown(x=int(x), y=int(y)) | MouseUp(x=int(x), y=int(y)):
            return x, y
        case Drag():
            return action.path[0].x, action.path[0].y
        case _:
            return None


def shifted(action: Action, by: tuple[int, int]) -> Action:
    """Give an action at another place; one without a place as it is."""
    dx, dy = by
    match action:
        case Click() | Move() | Scroll():
            return action.model_copy(update={"x": action.x + dx, "y": action.y + dy})
        case MouseDown(x=int(x), y=int(y)) | MouseUp(x=int(x), y=int(y)):
            return action.model_copy(update={"x": x + dx, "y": y + dy})
        case Drag():
            path = tuple(Point(x=one.x + dx, y=one.y + dy) for one in action.path)
            return action.model_copy(update={"path": path})
        case _:
            return action


def _interrupted(target: Target, here: Target | None) -> Lost | None:
    """Say that a dialog is open that was not, or the other way round."""
    then, now = target.dialog, here.dialog if here is not None else None
    if now is not None and then is None:
        return Lost("extra/missing step", f"{now} is open, which was not when {_called(target)} was used")
    if then is not None and now is None:
        return Lost("extra/missing step", f"{then} was open then, and is not now")
    return None


def _focused(action: Action, target: Target, here: Target | None) -> Answer:
    if here is None:
        return Lost("target missing", f"nothing has the focus; it was in {_called(target)}")
    if mark(here) == mark(target):
        return Found("same place", action)
    if means(target, here):
        return Found("role and name", action)
    changed = (here.role, here.name) == (target.role, target.name)
    category: Category = "target changed" if changed else "target missing"
    return Lost(
        category, f"the focus was in {_called(target)} and is in {_called(here)}: {difference(target, here)}"
    )


def _elsewhere(target: Target, here: Target | None) -> Lost:
    now = f"there is {_called(here)}: {difference(target, here)}" if here else "there is nothing"
    return Lost("target changed" if here else "target missing", f"{_called(target)}: {now}")


def _took_place(target: Target, here: Target) -> bool:
    if here.box is None or target.box is None or here.role in _PLAIN:
        return False
    return overlap(here.box, target.box) >= PLACE


def _as_it_was(live: Screenshot, recorded: bytes | None, area: Box) -> bool:
    """Whether a part of the screen looks as it did."""
    if recorded is None:
        return False
    then = Screenshot.of(recorded)
    top, left = max(0.0, area.y), max(0.0, area.x)
    below, beyond = max(top, area.y + area.height), max(left, area.x + area.width)
    masks = (
        Box(x=0, y=0, width=then.width, height=top),
        Box(x=0, y=below, width=then.width, height=max(0.0, then.height - below)),
        Box(x=0, y=0, width=left, height=then.height),
        Box(x=beyond, y=0, width=max(0.0, then.width - beyond), height=then.height),
    )
    return compare(recorded, live.png, masks).verdict != "differs"


def _row(box: Box, screen: Screenshot) -> Box:
    return Box(x=0, y=box.y - 4, width=screen.width, height=box.height + 8)


def _around(point: tuple[int, int]) -> Box:
    return Box(x=point[0] - _PATCH / 2, y=point[1] - _PATCH / 2, width=_PATCH, height=_PATCH)


def _inside(point: tuple[int, int], screen: Screenshot) -> bool:
    return 0 <= point[0] < screen.width and 0 <= point[1] < screen.height


def _label(target: Target) -> str:
    return "" if target.tag in ("body", "html") else target.text or target.name


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _called(target: Target) -> str:
    name = target.name or target.text
    what = target.role or target.tag or "element"
    return f"{what} {name[:80]!r}" if name else what
