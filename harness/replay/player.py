"""The model of a run that is done again: it gives the recorded actions, each at its place on the live page.

look ─▶ compare with the recorded screen ─▶ find the target of the next action ─▶ give the action
                                                  └─ lost: look again, scroll to it, else stop and say why

Whatever it gives is judged, asked about and performed like the answer of any model: what a person let pass
in the recording is asked again.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal

from harness.action import (
    Action,
    Answer,
    Click,
    GiveUp,
    Hold,
    Move,
    Press,
    Scroll,
    TakeScreenshot,
    Type,
    Wait,
    Zoom,
)
from harness.clearance import Act, Box, Reply
from harness.errors import SandboxError
from harness.replay.compare import CLOCKS, Comparison, compare, moving
from harness.replay.find import Away, Category, Finder, Found, Lost, Reads
from harness.replay.recording import Deed, Look, Recording
from harness.replay.targets import mark
from harness.replay.verdict import Did, Divergence, Picture, Played
from harness.sandbox.base import Sandbox
from harness.screen import ActionResult, Observation, Screenshot
from harness.trace.events import ApprovalGiven, Event
from harness.words import describe

LOOKS: Final = 3
"""How often a page is looked at again before a target is lost."""
PAUSE: Final = 0.5
"""Seconds between those looks."""
SCROLLS: Final = 12
"""How often a page is scrolled for one target at most."""
STALE: Final = 3
"""How often an action is given again whose target changed while it was judged."""

_FAR: Final = 100_000
_LOOKING: Final = (Wait, TakeScreenshot, Zoom)
_HARMLESS: Final = (Wait, TakeScreenshot, Zoom, Scroll, Move)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two screens at which the runs part."""

    recorded: bytes | None
    """A PNG file; nothing if none was kept."""
    live: bytes
    """A PNG file."""
    boxes: tuple[Box, ...] = ()
    """Where they differ."""


@dataclass(slots=True)
class _Step:
    look: Look
    live: int | None = None
    comparison: Comparison | None = None
    shots: tuple[str, str] = ("", "")
    url: tuple[str, str] | None = None
    did: list[Did] = field(default_factory=list)


@dataclass(slots=True)
class _Search:
    """What was tried for the action in hand."""

    looks: int = 0
    scrolls: int = 0
    stale: int = 0
    last: str = ""


class Player:
    """Does a recording again. A `Model` that is `Attached`.

    Args:
        recording: what is done again.
        reader: reads the screen, for targets that the browser cannot find and for `hidden`.
        masks: parts of the screen, in pixels, that are not compared.
        hidden: patterns of text on the screen that is not compared.
        whole: whether each recorded answer is given whole, instead of one target at a time; then the
            targets after its first are not looked for beforehand.
        waits: whether recorded waits are waited again.
        strict: whether it stops at the first picture that differs.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        reader: Reads | None = None,
        masks: Sequence[Box] = (),
        hidden: Sequence[re.Pattern[str]] = (),
        whole: bool = False,
        waits: bool = True,
        strict: bool = False,
    ) -> None:
        self._recording = recording
        self._reader = reader
        self._masks = tuple(masks)
        self._hidden = tuple(hidden)
        self._whole, self._waits, self._strict = whole, waits, strict
        self._finder: Finder | None = None
        self._steps = [_Step(look) for look in recording.looks]
        self._at = 0
        self._next = 0
        self._given: list[tuple[Deed, Found]] = []
        self._extra = False
        self._before: Screenshot | None = None
        self._search = _Search()
        self._twice: set[str] = set()
        self._denied = ""
        self._moving = _clocks(recording)
        self.divergence: Divergence | None = None
        """Where the runs parted, if they did."""
        self.differs: Divergence | None = None
        """The first picture that differs."""
        self.pairs: dict[Literal["divergence", "differs"], Pair] = {}
        """The screens of those two."""

    def attach(self, sandbox: Sandbox) -> None:
        """Take the run's sandbox, once it is open."""
        self._finder = Finder(sandbox, self._reader)

    def heard(self, event: Event) -> None:
        """Take what the run records: who was asked, and said no."""
        if isinstance(event, ApprovalGiven) and event.approval.decision in ("deny", "stop"):
            self._denied = f"{event.approval.by} did not approve it"
        elif isinstance(event, ApprovalGiven):
            self._denied = ""

    @property
    def finished(self) -> bool:
        """Whether every recorded step was done again."""
        return self._at >= len(self._steps)

    @property
    def reached(self) -> int:
        """The recorded step in hand, or the last."""
        return self._steps[min(self._at, len(self._steps) - 1)].look.step

    @property
    def steps(self) -> tuple[Played, ...]:
        """Every recorded step, and what became of it."""
        return tuple(_played(step) for step in self._steps)

    def end(self) -> None:
        """Take it that the run is over: what ends a run has no result."""
        given, self._given = self._given, []
        for deed, found in given:
            last = isinstance(deed.action, Answer | GiveUp)
            self._did(deed, found, "done" if last else "not_reached")
            if not last:
                self._next = min(self._next, deed.index)
        while not self.finished and not self._due(self._steps[self._at]):
            self._at, self._next = self._at + 1, 0

    async def reply(self, observation: Observation) -> Reply:
        """Give what was done next, at its place on this screen; give up where the runs part.

        Raises:
            SandboxError: if the page does not answer.
            TraceError: if a recorded screenshot is missing or was changed.
        """
        if trouble := self._outcome(observation.results):
            return self._stop(observation, *trouble)
        while not self.finished:
            step = self._steps[self._at]
            if step.live is None and (first := await self._compare(step, observation)) is not None:
                return first
            deeds = self._due(step)
            if deeds:
                return await self._give(step, deeds, observation)
            self._at, self._next = self._at + 1, 0
        return Reply(actions=(GiveUp(reason="the recording ends here"),), thought="All was done again.")

    def _due(self, step: _Step) -> list[Deed]:
        """Give what is done next in a step; what was not done in the recording is left out."""
        deeds = step.look.deeds
        while self._next < len(deeds) and not deeds[self._next].again:
            left = deeds[self._next]
            step.did.append(Did(action=_words(left), status="left_out", message=f"{left.status} then too"))
            self._next += 1
        group = list(deeds[self._next : self._next + 1])
        for deed in deeds[self._next + 1 :]:
            if not deed.again or not (self._whole or _goes_with(group[-1], deed)):
                break
            group.append(deed)
        return group

    async def _compare(self, step: _Step, observation: Observation) -> Reply | None:
        """Compare a recorded screen with the live one; nothing, unless it must be looked at again first."""
        recorded, shot = self._recording.png(step.look), observation.screenshot
        before, self._before = self._before, None
        if before is not None:
            self._moving[observation.url] = (
                *self._moving.get(observation.url, ()),
                *await asyncio.to_thread(moving, before.png, shot.png),
            )
        if recorded is None or step.look.seen is None:
            step.live = observation.step
            return None
        masks = (*self._masks, *self._moving.get(observation.url, ()))
        masks += await self._hidden_in(Screenshot.of(recorded)) + await self._hidden_in(shot)
        found = await asyncio.to_thread(compare, recorded, shot.png, masks)
        doubt = observation.url not in self._twice and not self._whole
        if found.verdict == "differs" and found.share <= CLOCKS and before is None and doubt:
            self._twice.add(observation.url)
            # A clock that was never still in the recording shows itself when it is looked at twice.
            self._before, self._extra = shot, True
            return Reply(actions=(TakeScreenshot(),), thought="Looking twice: is it something that moves?")
        step.live, step.comparison = observation.step, found
        step.shots = (step.look.seen.screenshot, shot.sha256)
        if step.look.seen.url != observation.url:
            step.url = (step.look.seen.url, observation.url)
        if found.verdict != "differs" or self.differs is not None:
            return None
        self.differs = Divergence(
            category="page differs",
            recorded=step.look.step,
            live=observation.step,
            detail=f"{found.share:.2%} of the pixels differ, in {_count(len(found.boxes), 'place')}",
        )
        self.pairs["differs"] = Pair(recorded, shot.png, found.boxes)
        return self._stop(observation, "page differs", self.differs.detail) if self._strict else None

    async def _hidden_in(self, shot: Screenshot) -> tuple[Box, ...]:
        if not self._hidden or self._reader is None:
            return ()
        lines = await asyncio.to_thread(self._reader.read, shot)
        return tuple(line.box for line in lines if any(one.search(line.text) for one in self._hidden))

    async def _give(self, step: _Step, deeds: list[Deed], observation: Observation) -> Reply:
        first, shot = deeds[0], observation.screenshot
        if self._finder is None:
            raise SandboxError(
                "the player was not given the sandbox of its run; start it with harness replay"
            )
        begins = all(deed.index >= first.index or not deed.again for deed in step.look.deeds)
        recorded = self._recording.png(step.look) if begins else None
        compared = step.comparison is not None and step.shots[1] == shot.sha256
        same = begins and compared and step.comparison is not None and step.comparison.verdict == "same"
        try:
            answer = await self._finder.find(first, shot, recorded, same=same)
        except SandboxError as error:
            if self._search.looks >= LOOKS:
                raise
            answer = Lost("target missing", str(error))
        if isinstance(answer, Lost) and isinstance(first.action, _HARMLESS):
            answer = Found("same place", first.action)
        match answer:
            case Away(dy=dy, dx=dx):
                return self._towards(observation, first, dx, dy)
            case Lost():
                return self._patience(observation, answer)
            case Found():
                pass
        self._search = _Search(stale=self._search.stale)
        self._denied = ""
        self._next = deeds[-1].index + 1
        self._given = [(first, answer), *((deed, Found("same place", deed.action)) for deed in deeds[1:])]
        actions = tuple(self._quick(found.action) for _, found in self._given)
        return Reply(actions=actions, thought=_thought(step.look.step, first, answer))

    def _quick(self, action: Action) -> Action:
        return Wait(seconds=0) if isinstance(action, Wait) and not self._waits else action

    def _towards(self, observation: Observation, deed: Deed, dx: int, dy: int) -> Reply:
        search, shot = self._search, observation.screenshot
        search.scrolls += 1
        if search.scrolls > SCROLLS or search.last == shot.sha256:
            what = describe(Act(action=deed.action, target=deed.target))
            return self._stop(observation, "target missing", f"{what}: it cannot be scrolled into view")
        search.last = shot.sha256
        return self._scroll(shot, dx, dy, "Scrolling to it.")

    def _patience(self, observation: Observation, lost: Lost) -> Reply:
        search, shot = self._search, observation.screenshot
        if search.looks < LOOKS and not self._whole:
            search.looks += 1
            self._extra = True
            return Reply(actions=(Wait(seconds=PAUSE),), thought=f"Looking again: {lost.detail}")
        hunted = lost.category != "target missing" or not lost.label or self._reader is None or self._whole
        if hunted or search.scrolls >= SCROLLS or (search.scrolls > 1 and search.last == shot.sha256):
            return self._stop(observation, lost.category, lost.detail)
        search.scrolls += 1
        search.last = shot.sha256
        dy = -_FAR if search.scrolls == 1 else round(0.75 * shot.height)
        return self._scroll(shot, 0, dy, f"Scrolling for it: {lost.detail}")

    def _scroll(self, shot: Screenshot, dx: int, dy: int, thought: str) -> Reply:
        self._extra = True
        dx, dy = (max(-_FAR, min(_FAR, by)) for by in (dx, dy))
        return Reply(actions=(Scroll(x=shot.width // 2, y=shot.height // 2, dx=dx, dy=dy),), thought=thought)

    def _outcome(self, results: Sequence[ActionResult]) -> tuple[Category, str] | None:
        given, self._given = self._given, []
        if self._extra:
            self._extra = False
            bad = next((one for one in results if one.status == "refused"), None)
            return None if bad is None else ("refused", f"{bad.action.kind}: {bad.message}")
        for position, (deed, found) in enumerate(given):
            result = results[position] if position < len(results) else None
            if result is None or result.status == "not_executed":
                # The page went on while it was looked at: the rest is looked for on the new one.
                self._next = deed.index
                return None
            if result.status == "refused" and result.rule == "stale" and self._search.stale < STALE:
                self._search.stale += 1
                self._next = deed.index
                return None
            self._did(deed, found, result.status, result.message)
            if result.status == "refused":
                category: Category = "approval denied" if self._denied else "refused"
                return category, f"{_words(deed)}: {result.rule}: {result.message}"
            if result.status == "failed" and deed.status != "failed":
                return "failed", f"{_words(deed)}: {result.message}"
            self._search = _Search()
        return None

    def _did(
        self,
        deed: Deed,
        found: Found,
        status: Literal["done", "refused", "failed", "not_executed", "not_reached"],
        message: str = "",
    ) -> None:
        step = next(one for one in self._steps if one.look.step == deed.step)
        how = found.how if deed.target is not None else None
        step.did.append(
            Did(action=_words(deed), found=how, moved=found.moved, status=status, message=message[:500])
        )

    def _stop(self, observation: Observation, category: Category, detail: str) -> Reply:
        step = self._steps[min(self._at, len(self._steps) - 1)]
        seen = step.look.seen
        if category == "target missing" and seen is not None and _path(seen.url) != _path(observation.url):
            category = "extra/missing step"
            detail = f"the page is {observation.url}, and was {seen.url}: {detail}"
        self.divergence = Divergence(
            category=category, recorded=step.look.step, live=observation.step, detail=detail
        )
        boxes = step.comparison.boxes if step.comparison else ()
        self.pairs["divergence"] = Pair(self._recording.png(step.look), observation.screenshot.png, boxes)
        reason = f"the replay parts from the recording at its step {step.look.step}: {category}: {detail}"
        return Reply(actions=(GiveUp(reason=reason[:9000]),), thought=reason)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _path(url: str) -> str:
    """Give an address without query, fragment and numbers: another order is the same page."""
    return re.sub(r"[0-9]+", "#", re.split(r"[?#]", url, maxsplit=1)[0])


def _goes_with(before: Deed, deed: Deed) -> bool:
    """Whether keys go where the action before them has put, or found, the focus."""
    if not isinstance(deed.action, Type | Press | Hold) or before.target is None or deed.target is None:
        return False
    if not isinstance(before.action, Type | Press | Hold | Click):
        return False
    fields = [one.target.model_copy(update={"submitter": None}) for one in (before, deed) if one.target]
    return fields[0].editable and mark(fields[0]) == mark(fields[1])


def _clocks(recording: Recording) -> dict[str, tuple[Box, ...]]:
    """Give, by address, what moved by itself in a recording: between two looks with nothing done."""
    found: dict[str, tuple[Box, ...]] = {}
    for before, after in pairwise(recording.looks):
        if before.seen is None or after.seen is None or before.seen.url != after.seen.url:
            continue
        if not all(isinstance(deed.action, _LOOKING) for deed in before.deeds):
            continue
        if before.seen.screenshot == after.seen.screenshot:
            continue
        one, other = recording.png(before), recording.png(after)
        if one is not None and other is not None:
            found[before.seen.url] = (*found.get(before.seen.url, ()), *moving(one, other))
    return found


def _played(step: _Step) -> Played:
    compared = step.comparison
    done = len([one for one in step.did if one.status != "not_reached"])
    rest = [
        Did(action=_words(deed), status="not_reached" if deed.again else "left_out")
        for deed in step.look.deeds[done:]
    ]
    return Played(
        recorded=step.look.step,
        live=step.live,
        picture=Picture.of(compared, *step.shots) if compared else None,
        url=step.url,
        did=(*step.did[:done], *rest),
    )


def _words(deed: Deed) -> str:
    return describe(Act(action=deed.action, target=deed.target))


def _thought(step: int, deed: Deed, found: Found) -> str:
    if deed.target is None:
        return f"Recorded step {step}: {deed.action.kind}."
    dx, dy = found.moved
    moved = f", moved by {dx:+d}, {dy:+d}" if (dx, dy) != (0, 0) else ""
    return f"Recorded step {step}: found by {found.how}{moved}."
