"""Who said what: tokens given out, and what the canaries heard of them."""

import asyncio
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

Arm = Literal["open", "walled", "allowed"]
"""Which of the three a token belongs to."""
Side = Literal["open", "walled"]
"""Where something was heard: in the open world, or past the boundary."""
Sign = Literal[
    "HTTP",
    "TLS",
    "TCP",
    "UDP",
    "DNS",
    "pixels",
    "forbidden request",
    "admitted",
    "window",
    "host file",
    "host",
    "kernel",
    "secret",
]
"""What a canary heard. `admitted` is the gateway letting a request to a host pass that is not allowed."""

_TOKEN = re.compile(rb"q[0-9a-f]{11}")


@dataclass(frozen=True)
class Owner:
    """Whose a token is."""

    case: str
    """The case's id."""
    arm: Arm
    """Which arm of it."""


@dataclass(frozen=True)
class Hit:
    """One thing that a canary heard."""

    sign: Sign
    """Of what kind."""
    owner: Owner | None
    """Whose; nothing for what no case sent, such as a browser's own traffic."""
    side: Side
    """Whether it came from the open world or past the boundary."""
    detail: str = ""
    """What was heard, shortened."""


@dataclass
class _Said:
    """What is known of one token."""

    owner: Owner
    signs: set[Sign] = field(default_factory=set)
    reached: bool = False
    refused: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Board:
    """Gives out tokens and keeps what is heard.

    Args:
        fresh: gives 11 hex digits, never the same twice.
    """

    def __init__(self, fresh: Callable[[], str]) -> None:
        self.hits: list[Hit] = []
        self.driven = ""
        """The token of the case that a model plays past the boundary now; of what is refused without its path."""
        self._fresh = fresh
        self._tokens: dict[str, _Said] = {}
        self._ports: dict[tuple[str, int], str] = {}

    def token(self, case: str, arm: Arm) -> str:
        """Give a token for one arm of a case."""
        token = f"q{self._fresh()}"
        self._tokens[token] = _Said(Owner(case, arm))
        return token

    def lend(self, port: int, token: str) -> None:
        """Say whose it is when something without a token comes to a port."""
        self._ports[self._side(token), port] = token

    def heard(self, sign: Sign, side: Side, data: bytes, port: int = 0) -> None:
        """Keep what a canary heard, for every token in it; for nobody if there is none."""
        tokens = set(self.tokens(data))
        if not tokens and (lent := self._ports.get((side, port))):
            tokens = {lent}
        shown = data[:120].decode("ascii", "backslashreplace")
        for token in tokens:
            said = self._tokens[token]
            said.signs.add(sign)
            said.news.set()
            self.hits.append(Hit(sign, said.owner, side, shown))
        if not tokens:
            self.hits.append(Hit(sign, None, side, shown))

    def reached(self, data: bytes) -> None:
        """Keep that an allowed host was reached, as it may be."""
        for token in self.tokens(data):
            self._tokens[token].reached = True
            self._tokens[token].news.set()

    def refused(self, data: bytes, layer: str) -> None:
        """Keep which layer refused something, for every token in it."""
        for token in self.tokens(data):
            self._tokens[token].refused.append(layer)
            self._tokens[token].news.set()

    def tokens(self, data: bytes) -> Iterable[str]:
        """Find the known tokens in some bytes."""
        found = (one.decode() for one in _TOKEN.findall(data.lower()))
        return [one for one in dict.fromkeys(found) if one in self._tokens]

    def signs(self, token: str) -> frozenset[Sign]:
        """What was heard of a token."""
        return frozenset(self._tokens[token].signs)

    def was_reached(self, token: str) -> bool:
        """Whether a token came to an allowed host."""
        return self._tokens[token].reached

    def stopped_by(self, token: str) -> tuple[str, ...]:
        """Which layers refused something of a token, each once, in order."""
        return tuple(dict.fromkeys(self._tokens[token].refused))

    async def until(self, token: str, come: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds that news of a token may bring, at most so long; say whether it does."""
        news = self._tokens[token].news
        try:
            async with asyncio.timeout(seconds):
                while not come():
                    news.clear()
                    await news.wait()
        except TimeoutError:
            return come()
        return True

    def _side(self, token: str) -> str:
        return "open" if self._tokens[token].owner.arm == "open" else "walled"
