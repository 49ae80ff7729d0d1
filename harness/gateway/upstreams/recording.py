"""A recorded run in the place of the internet: what it was answered then is answered again.

    the same method, URL and body, in the recorded order ─▶ its answer
    asked more often than recorded ───────────────────────▶ the last answer again, told
    the same method and URL, another body ────────────────▶ its answer, told
    the same but for numbers that change each time ───────▶ its answer, told
    nothing of the kind ──────────────────────────────────▶ 504 `not recorded`, listed

Nothing is dialled here, and there is nothing to dial with.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple

from harness.clearance import Cleared, Request, redeem
from harness.errors import NotClearedError
from harness.gateway.base import Answer, Body, Headers, Socket, UpstreamError
from harness.gateway.upstreams.playback import Message, Playback
from harness.gateway.upstreams.shifted import shifted

RULE: Final = "not recorded"
"""The name in `x-harness-rule` of what the recording has no answer to."""
PATIENCE: Final = 3.0
"""Seconds at most that an answer is held back until the run is at the step in which it came."""
_CHUNK: Final = 65_536
_VOLATILE: Final = re.compile(r"\d{6,}(?:\.\d+)?|0\.\d{6,}|[0-9a-fA-F]{8,}|[0-9a-fA-F-]{32,36}")
_CONDITIONS: Final = frozenset({"if-none-match", "if-modified-since", "if-range"})
_BODYLESS: Final = frozenset({204, 304})


@dataclass(frozen=True)
class Recorded:
    """One request of a recorded run, and what was answered."""

    method: str
    """In upper case."""
    url: str
    """Whole, as the gateway writes it."""
    sha256: str | None = None
    """Hex SHA-256 of the request's body; nothing if that is not known."""
    range: str | None = None
    """Its `range` header."""
    step: int = 0
    """The step in which the answer was over."""
    status: int | None = None
    """HTTP status; nothing if no answer ever came."""
    headers: tuple[tuple[str, str], ...] = ()
    """The answer's, in order, names in lower case."""
    body: Callable[[], bytes] | None = field(default=None, repr=False)
    """Reads the answer's body, as it came; nothing if there is none, or it was not kept."""
    lost: bool = False
    """Whether there was a body that was not kept."""
    error: str | None = None
    """What went wrong on the way."""
    cut: bool = False
    """Whether the browser itself hung up before the end, or the run ended."""
    messages: tuple[Message, ...] = ()
    """A WebSocket's, in order."""


class Told(NamedTuple):
    """Something about one request that is not as in the recording."""

    method: str
    """Its method."""
    url: str
    """Its URL."""
    what: str
    """What is different, in words."""


class RecordingUpstream:
    """Answers from a record. One run, one of these.

    Args:
        recorded: everything that was asked and let out, in the order in which it was asked.
        shift: how long ago the record was made: what it says of dates in answers is moved up to now, so that
            cookies and cached answers grow old as they did then.
    """

    def __init__(self, recorded: Iterable[Recorded], shift: timedelta = timedelta(0)) -> None:
        self._all = tuple(recorded)
        self._shift = shift
        self._used = [False] * len(self._all)
        self._exact: dict[tuple[str, str, str | None, str | None], list[int]] = {}
        self._plain: dict[tuple[str, str], list[int]] = {}
        self._paths: dict[tuple[str, str], list[int]] = {}
        for at, one in enumerate(self._all):
            self._exact.setdefault((one.method, one.url, one.sha256, one.range), []).append(at)
            self._plain.setdefault((one.method, one.url), []).append(at)
            self._paths.setdefault((one.method, one.url.partition("?")[0]), []).append(at)
        self._step = 0
        self._moved = asyncio.Event()
        self._closed = asyncio.Event()
        self.misses: list[Told] = []
        """What the recording had no answer to; it was refused."""
        self.loose: list[Told] = []
        """What was answered though it was not asked in this way."""
        self.served = 0
        """Requests that were answered."""

    @property
    def unused(self) -> tuple[Recorded, ...]:
        """What was asked for in the record and not now."""
        return tuple(one for one, used in zip(self._all, self._used, strict=True) if not used)

    def reach(self, step: int) -> None:
        """Say that the run is at a step; what came in it may come now."""
        self._step = max(self._step, step)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def send(self, cleared: Cleared, body: Body) -> Answer:  # noqa: ARG002 - the ticket has its SHA-256
        """Spend the ticket and answer from the record.

        Raises:
            UpstreamError: 504 if it is not in the record; or what went wrong then.
        """
        asked = _request(cleared)
        found = self._find(asked)
        await self._wait(found.step)
        if found.status is None or (found.error is not None and not found.headers and not found.cut):
            raise await self._failure(found)
        if found.lost and asked.method != "HEAD":
            raise self._missing(asked, "its answer was too long to be kept")
        data = found.body() if found.body else b""
        self.served += 1
        return Answer(found.status, b"", self._headers(found, asked, data), self._body(found, data))

    async def connect(self, cleared: Cleared) -> Socket:
        """Spend the ticket and open a WebSocket that says what the recorded one said.

        Raises:
            UpstreamError: 504 if it is not in the record; or what went wrong then.
        """
        asked = _request(cleared)
        found = self._find(asked)
        if found.status != 101:
            raise await self._failure(found)
        self.served += 1
        headers = self._headers(found, asked, b"")
        offered = next((value for name, value in asked.headers if name == "sec-websocket-protocol"), "")
        # Which was agreed on is not among the headers that a record has; a server takes the first it knows.
        agreed = offered.partition(",")[0].strip() or None
        return Playback(found.messages, headers, agreed, self._wait, lambda what: self._tell(asked, what))

    async def close(self) -> None:
        """End what waits."""
        self._closed.set()
        self._moved.set()

    async def _failure(self, found: Recorded) -> UpstreamError:
        if found.cut or found.error is None:
            # Nobody ever answered this; whoever asked waits until the browser or the run goes away.
            await self._closed.wait()
        status = found.status if found.status is not None and found.status >= 400 else 502
        why = found.error or "the run ended"
        return UpstreamError(why, status=status, rule=_rule(status, why))

    async def _wait(self, step: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while self._step < step and not self._closed.is_set():
                    await self._moved.wait()
        except TimeoutError:
            # What was slow then may be what the page is waiting for now.
            return

    def _find(self, asked: Request) -> Recorded:
        wanted = next((value for name, value in asked.headers if name == "range"), None)
        exact = self._exact.get((asked.method, asked.url, asked.body_sha256, wanted), [])
        plain = [at for at in self._plain.get((asked.method, asked.url), []) if self._fits(at, wanted)]
        alike = [
            at
            for at in self._paths.get((asked.method, asked.url.partition("?")[0]), [])
            if self._fits(at, wanted) and _alike(asked.url, self._all[at].url)
        ]
        conditional = any(name in _CONDITIONS for name, _ in asked.headers)
        for rows, what in (
            (exact, ""),
            (plain, "another body than in the recording"),
            (alike, "another number in the address than in the recording"),
        ):
            usable = [at for at in rows if conditional or self._all[at].status != 304]
            fresh = next((at for at in usable if not self._used[at]), None)
            at = fresh if fresh is not None else usable[-1] if usable else None
            if at is None:
                continue
            again = "asked more often than in the recording" if fresh is None else ""
            said = "; ".join(filter(None, (what, again)))
            if said:
                self._tell(asked, said)
            self._used[at] = True
            return self._all[at]
        raise self._missing(asked, "the recorded run never asked for it")

    def _fits(self, at: int, wanted: str | None) -> bool:
        one = self._all[at]
        return one.range == wanted or one.status != 206

    def _missing(self, asked: Request, why: str) -> UpstreamError:
        self.misses.append(Told(asked.method, asked.url, why))
        return UpstreamError(f"{why}, and nothing leaves a hermetic replay", status=504, rule=RULE)

    def _tell(self, asked: Request, what: str) -> None:
        self.loose.append(Told(asked.method, asked.url, what))

    def _headers(self, found: Recorded, asked: Request, data: bytes) -> Headers:
        whole = asked.method != "HEAD" and found.error is None and not found.cut
        kept = tuple(
            (name.encode("ascii"), value.encode("latin-1", "replace"))
            for name, value in shifted(found.headers, self._shift)
            if not (whole and name == "content-length")
        )
        if not whole or found.status in _BODYLESS or found.status == 101:
            return kept
        return (*kept, (b"content-length", str(len(data)).encode()))

    async def _body(self, found: Recorded, data: bytes) -> AsyncGenerator[bytes]:
        for start in range(0, len(data), _CHUNK):
            yield data[start : start + _CHUNK]
        if found.cut:
            await self._closed.wait()
        if found.error is not None or found.cut:
            raise UpstreamError(found.error or "the run ended")


def _request(cleared: Cleared) -> Request:
    effect = redeem(cleared)
    if not isinstance(effect, Request):
        raise NotClearedError(f"a ticket for {effect.kind!r} came to the gateway, which takes requests only")
    return effect


def _rule(status: int, why: str) -> str:
    # A trace has the words of a failure and not the name of its rule; these are the names that go with them.
    if why.endswith("the run has no internet"):
        return "no internet"
    return {403: "private address", 500: "app"}.get(status, "upstream")


def _alike(one: str, other: str) -> bool:
    """Whether two URLs of one path differ only in values that are new each time: times, random numbers."""
    left, right = (url.partition("?")[2].split("&") for url in (one, other))
    return len(left) == len(right) and all(map(_same_or_volatile, left, right))


def _same_or_volatile(one: str, other: str) -> bool:
    if one == other:
        return True
    (name, _, value), (name_then, _, value_then) = one.rpartition("="), other.rpartition("=")
    return name == name_then and all(_VOLATILE.fullmatch(each) for each in (value, value_then))
