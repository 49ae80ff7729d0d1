"""When everything happened in a recorded run, and a sandbox whose pages see it happen then."""

import itertools
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from harness.action import Action, Click, Press, Scroll, Type
from harness.clearance import Act, Cleared, Target
from harness.errors import TraceError
from harness.sandbox.base import ActOutcome, Sandbox, SandboxInfo
from harness.screen import Screen
from harness.trace.events import Acted, Acting, Messaged, Observed, Requested, Responded
from harness.trace.reader import Trace


class Course:
    """The time of a recorded run, as a replay goes through it: it stands still but for what is done.

    Args:
        trace: the recorded run.

    Raises:
        TraceError: if nothing was done in it.
    """

    def __init__(self, trace: Trace) -> None:
        self._seen = {one.event.step: one.time for one in trace.events if isinstance(one.event, Observed)}
        self._still = {
            one.event.step: one.event.screenshot
            for one in trace.events
            if isinstance(one.event, Observed) and one.event.settled
        }
        self._deeds = [(one.event, one.time) for one in trace.events if isinstance(one.event, Acting)]
        if not self._deeds:
            raise TraceError(f"{trace.folder}: nothing was done in this run, so there is nothing to do again")
        self.start = self._deeds[0][1]
        """When the first thing was done."""
        self._sure = _at_once(trace)
        moved = Requested | Responded | Messaged
        self._moved = sorted(one.time for one in trace.events if isinstance(one.event, moved))
        self._now = self.start
        self._step = 0
        self._same = False
        self._done = 0

    def now(self) -> datetime:
        """What time it was then."""
        return self._now

    def elapsed(self) -> float:
        """Seconds since the first thing was done, then."""
        return (self._now - self.start).total_seconds()

    def still(self) -> str | None:
        """The SHA-256 of the picture that was seen at the step that is looked at, if the screen was still."""
        return self._still.get(self._step)

    def sure(self) -> bool:
        """Whether the action that is next was done then as soon as it was cleared."""
        return self._done < len(self._sure) and self._sure[self._done]

    def quiet(self, since: datetime, until: datetime) -> bool:
        """Whether nothing was asked for, and nothing came, after one time and until another."""
        return bisect_right(self._moved, since) == bisect_right(self._moved, until)

    def touched(self, action: Action) -> Act | None:
        """What an action touched then: it touches the same if the screen is the same, byte for byte.

        Nothing where that is not known, or where what it touches is looked at again while it is done.
        """
        if not self._same or not self.sure():
            return None
        deed = self._deeds[self._done][0]
        match action:
            case Click(count=1) | Press() | Scroll():
                known = True
            case Type(text=text):
                known = "\n" not in text
            case _:
                known = False
        return Act(action=action, target=deed.target) if known and deed.action == action else None

    def saw(self, sha256: str) -> None:
        """Say which picture the screen gave now."""
        self._same = sha256 == self.still()

    def looks(self, step: int) -> None:
        """Say that the screen of a step is looked at now."""
        self._step = step
        self._to(self._seen.get(step))

    def aims(self, step: int, action: Action) -> None:
        """Say that an action of a step is about to be done."""
        # What was tried twice then, as its target had moved, may be done at once now.
        while self._done < len(self._deeds) and self._deeds[self._done][0].step < step:
            self._done += 1
        ahead = range(self._done, len(self._deeds))
        of_step = itertools.takewhile(lambda at: self._deeds[at][0].step == step, ahead)
        self._done = next((at for at in of_step if self._deeds[at][0].action == action), self._done)
        if self._done < len(self._deeds) and self._deeds[self._done][0].step == step:
            self._to(self._deeds[self._done][1])

    def acts(self) -> None:
        """Say that an action was done."""
        self._done += 1

    def _to(self, time: datetime | None) -> None:
        if time is not None and time > self._now:
            self._now = time


def _at_once(trace: Trace) -> list[bool]:
    """Say of each deed whether it was done at its first try, and nothing came between."""
    found: list[bool] = []
    last: tuple[int, int] | None = None
    for one in trace.events:
        match one.event:
            case Acting(step=step, index=index):
                if (step, index) == last and found:
                    found[-1] = False
                found.append(False)
                last = step, index
            case Acted(step=step, index=index, status="done", message="") if (step, index) == last:
                found[-1] = True
            case Acted():
                last = None
            case _:
                pass
    return found


class OnCourse:
    """A sandbox that keeps a course: it says how far the run is before anything is looked at or done.

    Args:
        sandbox: where it happens.
        course: when it happened.
        step: the step that the run is at.
        reached: told of the step.
    """

    def __init__(
        self, sandbox: Sandbox, course: Course, step: Callable[[], int], reached: Callable[[int], None]
    ) -> None:
        self._sandbox, self._course = sandbox, course
        self._step, self._reached = step, reached
        self._looked: str | None = None

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        return self._sandbox.info

    async def open(self, socket: Path, spki: str) -> None:
        """Start the browser."""
        await self._sandbox.open(socket, spki)

    async def observe(self) -> Screen:
        """Give the screen as it is at the recorded time."""
        self._course.looks(self._step())
        self._reached(self._step())
        self._looked = None
        screen = await self._sandbox.observe()
        self._course.saw(screen.screenshot.sha256)
        return screen

    async def ground(self, action: Action) -> Target | None:
        """Say what an action would touch at the recorded time."""
        self._course.aims(self._step(), action)
        self._reached(self._step())
        self._looked = None
        return await self._sandbox.ground(action)

    async def place(self) -> str:
        """Name what is looked at; it stays where it is as long as no time passes there."""
        self._reached(self._step())
        if self._looked is None:
            self._looked = await self._sandbox.place()
        return self._looked

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Perform an action whose ticket is good."""
        self._looked = None
        outcome = await self._sandbox.act(cleared)
        self._course.acts()
        return outcome

    async def close(self) -> None:
        """End the browser."""
        await self._sandbox.close()
