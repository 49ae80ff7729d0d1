"""A session for code without asyncio: the run lives on an event loop in a thread of its own."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Self

from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import JsonValue

from harness.action import Action
from harness.clearance import SafetySignal
from harness.integrations.session import Seen, Session, SessionOverError
from harness.result import Result
from harness.screen import Observation


class BlockingSession:
    """A `Session` whose calls wait; a context manager.

        with BlockingSession(lambda: harness.session("shop/find-a-tea")) as session:
            seen = session.do(Click(x=100, y=200))

    Args:
        make: makes the session.

    Raises:
        SessionOverError: from every call, if the run is over.
    """

    def __init__(self, make: Callable[[], Session]) -> None:
        self._session = make()
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    @property
    def result(self) -> Result | None:
        """What the run came to; nothing while it goes on."""
        return self._session.result

    @property
    def latest(self) -> Observation:
        """The last screen that was seen."""
        return self._session.latest

    def do(self, *actions: Action, thought: str = "", signals: tuple[SafetySignal, ...] = ()) -> Seen:
        """Do some actions in order and look; see `Session.do`."""
        return self._open().call(partial(self._session.do, *actions, thought=thought, signals=signals))

    def look(self) -> Seen:
        """See the screen as it is now."""
        return self._open().call(self._session.look)

    def finish(self, text: str = "", data: Mapping[str, JsonValue] | None = None) -> Result:
        """End the run with an answer."""
        return self._open().call(self._session.finish, text, data)

    def give_up(self, reason: str = "") -> Result:
        """End the run without having done the task."""
        return self._open().call(self._session.give_up, reason)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal("asyncio"))
            stack.enter_context(self._portal.wrap_async_context_manager(self._session))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, where)
        self._portal = None

    def _open(self) -> BlockingPortal:
        if self._portal is None:
            raise SessionOverError("the session is not open; write `with session:`", self.result)
        return self._portal
