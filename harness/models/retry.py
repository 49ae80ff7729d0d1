"""Asks again where that may help, and keeps a record of it.

A model's answer does nothing by itself, so that asking twice performs nothing twice: actions are judged and
done when an answer has come whole, and only those of that answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from harness.clearance import Incident
from harness.models.dialect import Trouble

LONGEST_MESSAGE: Final = 2_000
_FIRST, _DOUBLED, _LONGEST = 0.5, 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking."""

    answer: JsonValue
    """The answer; nothing if there is a trouble."""
    incidents: tuple[Incident, ...]
    """What went wrong, in order."""
    trouble: Trouble | None = None
    """Why there is no answer."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long to ask again."""

    sleep: Callable[[float], Awaitable[object]]
    """Waits so many seconds."""
    jitter: Callable[[], float]
    """A number between 0 and 1, so that many who wait do not come back at once."""
    attempts: int = 6
    """How often a question is asked at most."""
    patience: float = 120.0
    """Seconds that are waited at most, over all attempts; a vendor that wants more is not asked again."""

    async def ask(self, send: Callable[[], Awaitable[JsonValue]]) -> Asked:
        """Ask until there is an answer or no sense in going on."""
        incidents: list[Incident] = []
        waited = 0.0
        for attempt in range(1, self.attempts + 1):
            try:
                return Asked(await send(), tuple(incidents))
            except Trouble as trouble:
                message = str(trouble)[:LONGEST_MESSAGE]
                pause = self._pause(attempt, trouble.after)
                again = trouble.again and attempt < self.attempts and waited + pause <= self.patience
                incidents.append(
                    Incident(fault=trouble.fault, message=message, waited=round(pause, 3) if again else None)
                )
                if not again:
                    return Asked(None, tuple(incidents), trouble)
            await self.sleep(pause)
            waited += pause
        raise AssertionError("the last attempt returns")

    def _pause(self, attempt: int, after: float | None) -> float:
        """A vendor's own word is a lower bound; without one the wait doubles, half of it by chance."""
        if after is not None:
            return max(0.0, after) + self.jitter()
        longest = min(_LONGEST, _FIRST * _DOUBLED ** (attempt - 1))
        return longest * (0.5 + self.jitter() / 2)
