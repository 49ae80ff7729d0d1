"""A run that somebody else's loop drives: the caller is the model.

    caller ── do(actions) ──▶ Guest.reply ──▶ Loop ──▶ the two doors, the trace
       ▲                                        │
       └──────── Seen: results, a fresh look ◀──┘

Nothing here acts, judges or records: the run behind a session is a run like any other, so that limits,
approvals and trace are the same. A call that acts is one step. What the caller does between two calls is its
thinking and counts on `limits.seconds`, as a model's does; a session that is left idle ends at that limit by
itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

import anyio
from pydantic import JsonValue

from harness.action import Action, Answer, GiveUp, TakeScreenshot
from harness.clearance import Reply, SafetySignal
from harness.errors import ActionError, HarnessError
from harness.models.base import Model
from harness.result import Result
from harness.screen import ActionResult, Observation

LONGEST: Final = 3600.0
"""Seconds that one call may take, with the time people take to answer; then the run is cancelled."""
_CLEANING: Final = 120.0


class Driven(Protocol):
    """A run, put together but not started."""

    result: Result | None
    """What it came to, once it is over."""
    ending: bool
    """Whether only cleaning up is left; then it is not to be cancelled."""

    async def go(self) -> Result:
        """Run to the end."""
        ...


class SessionOverError(HarnessError):
    """The run behind a session is over: at a limit, by a verdict, or because something failed.

    Attributes:
        result: what the run came to; nothing if not even a trace was begun.
    """

    def __init__(self, message: str, result: Result | None = None) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
class Seen:
    """What a call came to."""

    results: tuple[ActionResult, ...]
    """What became of each action of the call, in order."""
    observation: Observation
    """The screen after it."""

    @property
    def trouble(self) -> ActionResult | None:
        """The first action that was not done; those after it were not executed."""
        return next((one for one in self.results if one.status != "done"), None)


def said(result: ActionResult) -> str:
    """Say in one line what became of an action, with the rule that refused it."""
    rule = f" by {result.rule!r}" if result.rule else ""
    words = {
        "done": "done",
        "refused": f"refused{rule}",
        "failed": "failed",
        "not_executed": "not executed",
    }[result.status]
    why = result.message.removeprefix("not executed: ")
    return f"{result.action.kind}: {words}{': ' if why else ''}{why}"


class Guest:
    """The model of a run behind a session: hands the screen to the caller, and waits for what it says."""

    def __init__(self) -> None:
        self.latest: Observation | None = None
        self.asked = asyncio.Event()
        """Whether an observation waits for its answer."""
        self._words: asyncio.Queue[Reply] = asyncio.Queue()

    async def reply(self, observation: Observation) -> Reply:
        """Wait for the caller's answer; the loop bounds the wait by what is left of `limits.seconds`."""
        self.latest = observation
        self.asked.set()
        return await self._words.get()

    def say(self, reply: Reply) -> None:
        """Answer the observation that waits."""
        self.asked.clear()
        self._words.put_nowait(reply)


class Session:
    """A guarded browser that the caller drives; an async context manager.

        async with harness.session("shop/find-a-tea") as session:
            seen = await session.do(Click(x=100, y=200), Type(text="tea"))
            print(seen.trouble or seen.observation.url)
        print(session.result.outcome)

    Leaving the block ends the run with an answer, or gives it up if the block raised; either way the browser
    is gone and the trace complete. Calls are taken one after the other.

    Args:
        make: makes the run from its model.
        longest: seconds that one call may take.

    Raises:
        InputError: from the constructor, if the run cannot be made; nothing was started.
        SessionOverError: from every call, if the run is over; its message says why.
    """

    def __init__(self, make: Callable[[Model], Driven], *, longest: float = LONGEST) -> None:
        self._guest = Guest()
        self._run = make(self._guest)
        self._longest = longest
        self._going: asyncio.Task[Result] | None = None
        self._lock = asyncio.Lock()
        self._mine = False

    @property
    def result(self) -> Result | None:
        """What the run came to; nothing while it goes on."""
        return self._run.result if self._going is not None and self._going.done() else None

    @property
    def latest(self) -> Observation:
        """The last screen that was seen.

        Raises:
            SessionOverError: if none was.
        """
        if self._guest.latest is None:
            raise SessionOverError("the session is not open; write `async with session:`", self.result)
        return self._guest.latest

    async def do(self, *actions: Action, thought: str = "", signals: tuple[SafetySignal, ...] = ()) -> Seen:
        """Do some actions in order, each judged alone, and look; after one that is not done none is executed.

        Args:
            actions: what to do; at least one.
            thought: why, for the trace and for people who are asked.
            signals: warnings of the model's vendor, judged first; one that is refused refuses all.

        Raises:
            ActionError: if there is no action, or one that ends the run: that is `finish` and `give_up`.
            SessionOverError: if the run is over, or was over before the screen could be seen again.
        """
        if not actions:
            raise ActionError("do() needs an action; to see the screen call look()")
        for one in actions:
            if isinstance(one, Answer | GiveUp):
                raise ActionError(f"{one.kind} ends the run; call finish() or give_up()")
        async with self._lock:
            if not self._mine:
                await self._turn()
            self._say(Reply(actions=actions, thought=thought, signals=signals))
            observation = await self._turn()
            return Seen(observation.results, observation)

    async def look(self) -> Seen:
        """See the screen as it is now.

        Raises:
            SessionOverError: if the run is over.
        """
        return await self.do(TakeScreenshot())

    async def finish(self, text: str = "", data: Mapping[str, JsonValue] | None = None) -> Result:
        """End the run with an answer; the task's checks decide whether it is done.

        Args:
            text: the answer in words.
            data: values for the task's outputs, by name.
        """
        return await self._end(Answer(text=text, data=dict(data or {})))

    async def give_up(self, reason: str = "") -> Result:
        """End the run without having done the task."""
        return await self._end(GiveUp(reason=reason[:10_000]))

    async def __aenter__(self) -> Self:
        if self._going is not None:
            raise SessionOverError("a session is opened once; make another", self.result)
        self._going = asyncio.create_task(self._run.go(), name="harness-session")
        try:
            await self._turn()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        del kind, where
        try:
            if error is None:
                await self._end(Answer())
            elif isinstance(error, Exception):
                await self._end(GiveUp(reason=f"the caller failed: {type(error).__name__}: {error}"[:10_000]))
        finally:
            await self._stop()

    def _say(self, reply: Reply) -> None:
        self._mine = False
        self._guest.say(reply)

    async def _turn(self) -> Observation:
        going = self._open()
        asked = asyncio.create_task(self._guest.asked.wait())
        try:
            done, _ = await asyncio.wait(
                (asked, going), timeout=self._longest, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            asked.cancel()
        if going.done():
            raise self._over(going)
        if not done:
            await self._stop()
            raise SessionOverError(f"the run did not come back within {self._longest:g} s", self.result)
        self._mine = True
        return self.latest

    async def _end(self, last: Answer | GiveUp) -> Result:
        going = self._open()
        async with self._lock:
            try:
                if not self._mine:
                    await self._turn()
                self._say(Reply(actions=(last,)))
            except SessionOverError as error:
                if error.result is None:
                    raise
                return error.result
            await asyncio.wait((going,), timeout=self._longest)
            if not going.done():
                await self._stop()
            over = self._over(going)
        if over.result is None:
            raise over
        return over.result

    def _open(self) -> asyncio.Task[Result]:
        if self._going is None:
            raise SessionOverError("the session is not open; write `async with session:`")
        return self._going

    def _over(self, going: asyncio.Task[Result]) -> SessionOverError:
        found = self._run.result
        if found is None and not going.cancelled() and (error := going.exception()) is not None:
            raise error
        if found is None:
            return SessionOverError("the session was cancelled before its trace was begun")
        return SessionOverError(f"the session is over: {found.outcome}: {found.reason}".rstrip(": "), found)

    async def _stop(self) -> None:
        """End what still runs and wait until its browser is gone, whoever cancels meanwhile."""
        going = self._open()
        loop = asyncio.get_running_loop()
        until = loop.time() + _CLEANING
        cancelled = None
        # Cancellation by anyio comes again and again; asyncio's comes once and must be kept.
        with anyio.CancelScope(shield=True):
            while not going.done() and (left := until - loop.time()) > 0:
                if not self._run.ending and not going.cancelling():
                    going.cancel()
                try:
                    await asyncio.wait((going,), timeout=left)
                except asyncio.CancelledError as error:
                    cancelled = error
        if not going.done():
            raise HarnessError(
                f"the run did not end within {_CLEANING:g} s; `harness sandbox clean` clears up"
            )
        if not going.cancelled():
            going.exception()
        if cancelled is not None:
            raise cancelled
