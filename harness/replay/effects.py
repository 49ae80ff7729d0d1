"""Remembers what lines said: runs of one task do the same things again and again, in the same words."""

import hashlib
from typing import Final, NamedTuple

from pydantic import JsonValue

from harness.clearance import Effect, Outcome

_REMEMBERED: Final = 20_000
"""Lines that are remembered."""
_PREV: Final = b',"prev":"'
_END: Final = -94
"""Where `prev` begins, counted from the end of a line, newline included."""


class Heard(NamedTuple):
    """A policy gave its verdict."""

    seq: int
    """The line's place, from 0."""
    step: int
    """The step in flight."""
    effect: Effect
    """On what."""
    outcome: Outcome
    """What it said."""
    rule: str
    """What decided."""
    reason: str
    """Why."""
    body: str | None
    """Names the blob with a request's body; nothing if there is none."""


class Effects:
    """What lines said, of all runs that were read with it."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: dict[object, tuple[int, Effect, Outcome, str, str, str | None]] = {}

    def find(self, key: object, seq: int) -> Heard | None:
        """Give what a line says, with its own place; nothing if none like it was read."""
        known = self._known.get(key)
        return None if known is None else Heard(seq, *known)

    def keep(self, key: object, heard: Heard) -> None:
        """Remember what a line says."""
        if len(self._known) < _REMEMBERED:
            self._known[key] = heard[1:]


class Context:
    """What the meaning of a line of one run hangs on beside its own words."""

    def __init__(self) -> None:
        """Begin a run."""
        self._headers = b""
        self._url = ""
        self._replied = ""

    def taught(self, headers: list[JsonValue]) -> None:
        """Take in that headers were numbered."""
        self._headers = hashlib.sha256(self._headers + repr(headers).encode()).digest()

    def saw(self, url: str) -> None:
        """Take in where the screen is."""
        self._url = url

    def replied(self, actions: JsonValue) -> None:
        """Take in what the model wants."""
        self._replied = repr(actions)

    def key(self, kind: bytes, start: int, raw: bytes) -> object:
        """Give what decides what a line says; nothing where that is not told from its shape.

        Args:
            kind: what it is.
            start: where what follows its kind begins.
            raw: the line, newline included.
        """
        if not raw.startswith(_PREV, _END):
            return None
        match kind:
            case b"requested":
                return self._headers, raw[start:_END]
            case b"judged":
                return self._headers, self._url, self._replied, raw[start:_END]
            case _:
                return None
