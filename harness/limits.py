"""How much a run may use, and how much it has used."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from harness.clearance import Usage
from harness.task import Limits

DEFAULTS = Limits(steps=200, seconds=3600, messages=100_000, message=16_777_216)
"""What holds where neither task nor policy says anything: no run is endless."""


def tightest(*all_limits: Limits) -> Limits:
    """Give the smaller of each limit; one that nobody sets is taken from `DEFAULTS`."""
    fields = Limits.model_fields
    found: dict[str, float] = {}
    for name in fields:
        said = [one.model_dump()[name] for one in all_limits if one.model_dump()[name] is not None]
        if said:
            found[name] = min(said)
    return Limits.model_validate(DEFAULTS.model_dump(exclude_none=True) | found)


class Used(NamedTuple):
    """What a run has used so far."""

    steps: int = 0
    """Questions to the model."""
    seconds: float = 0.0
    """Without the time people took to answer."""
    requests: int = 0
    """Those that left the sandbox."""
    uploaded: int = 0
    """Bytes that left the sandbox."""
    downloaded: int = 0
    """Bytes that came into it."""
    messages: int = 0
    """WebSocket messages, out and in."""
    usage: Usage = Usage()
    """What the model cost."""


class Budget:
    """Counts what a run uses and says which limit is reached.

    Args:
        limits: what may be used.
        clock: seconds, monotonic.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.steps = 0
        self.requests = 0
        self.uploaded = 0
        self.downloaded = 0
        self.messages = 0
        self.waited = 0.0
        self.usage = Usage()
        self._clock = clock
        self._started = clock()
        self._recent: deque[float] = deque()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    @property
    def left(self) -> float | None:
        """Seconds left, not counting those people took to answer; nothing if there is no limit."""
        return None if self.limits.seconds is None else self.limits.seconds - (self.elapsed - self.waited)

    def carry(self, used: "Used") -> None:
        """Count what a run used that this one goes on with, before anything else is counted."""
        self.steps, self.requests, self.messages = used.steps, used.requests, used.messages
        self.uploaded, self.downloaded, self.usage = used.uploaded, used.downloaded, used.usage
        self._started -= used.seconds

    def act(self) -> None:
        """Count one action."""
        self._recent.append(self._clock())

    def spend(self, usage: Usage) -> None:
        """Count what one answer of the model cost. What is unknown stays unknown."""
        self.usage = together(self.usage, usage)

    def would_pass(self, usage: Usage) -> str | None:
        """Say which limit one more answer of such usage would pass, or nothing; count nothing.

        What is unknown of it counts as nothing, so an unknown cost stops a run only after it was paid.
        """
        for name, limit, used in (
            ("tokens", self.limits.tokens, _tokens(self.usage) + _tokens(usage)),
            ("cost", self.limits.cost, (self.usage.cost_usd or 0.0) + (usage.cost_usd or 0.0)),
        ):
            if limit is not None and used > limit:
                return f"limit reached: {name} ({limit:g})"
        return None

    def sends(self, size: int) -> str | None:
        """Say that the limit on uploads would be passed by so many bytes more, or nothing."""
        limit = self.limits.upload
        if limit is None or self.uploaded + size <= limit:
            return None
        return f"limit reached: upload ({limit:g})"

    def downloads(self, size: int) -> str | None:
        """Count bytes of an answer; say that the limit on downloads is passed, or nothing."""
        self.downloaded += size
        limit = self.limits.download
        if limit is None or self.downloaded <= limit:
            return None
        return f"limit reached: download ({limit:g})"

    def passes(self, size: int, *, out: bool) -> str | None:
        """Count a WebSocket message; or say which limit it would pass, and count nothing."""
        limits = self.limits
        moved = (self.uploaded if out else self.downloaded) + size
        for name, limit, used in (
            ("message", limits.message, size),
            ("messages", limits.messages, self.messages + 1),
            ("upload" if out else "download", limits.upload if out else limits.download, moved),
        ):
            if limit is not None and used > limit:
                return f"limit reached: {name} ({limit:g})"
        self.messages += 1
        if out:
            self.uploaded = moved
        else:
            self.downloaded = moved
        return None

    def reached(self, *names: str) -> str | None:
        """Say which of the named limits is used up, or nothing; without names, any of them."""
        now = self._clock()
        while self._recent and self._recent[0] <= now - 60:
            self._recent.popleft()
        limits, usage = self.limits, self.usage
        for name, limit, used in (
            ("steps", limits.steps, self.steps),
            ("seconds", limits.seconds, self.elapsed - self.waited),
            ("actions_per_minute", limits.actions_per_minute, len(self._recent)),
            ("requests", limits.requests, self.requests),
            ("download", limits.download, self.downloaded),
            ("tokens", limits.tokens, _tokens(usage)),
            ("cost", limits.cost, usage.cost_usd or 0.0),
        ):
            if limit is not None and used >= limit and (not names or name in names):
                return f"limit reached: {name} ({limit:g})"
        return self.sends(0) if not names or "upload" in names else None


def together(one: Usage, other: Usage) -> Usage:
    """Add up what answers of the model cost. What is unknown of both stays unknown."""

    def total(a: float | None, b: float | None) -> float | None:
        return b if a is None else a if b is None else a + b

    return Usage.model_validate(
        {name: total(so_far, other.__dict__[name]) for name, so_far in one.__dict__.items()}
    )


def _tokens(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.output_tokens or 0)
