"""Asks an engine once about what many runs do alike: runs of one task do the same things again and again."""

from dataclasses import dataclass, field
from typing import Final

from harness.clearance import Act, Effect, Request
from harness.policy.engine import Engine, Said

_REMEMBERED: Final = 20_000
"""Effects that are remembered."""


@dataclass(slots=True)
class _Entry:
    """What is known of one effect."""

    said: dict[int, Said] = field(default_factory=dict)
    """What the engine says of it, by the rules that are silent then."""
    matched: tuple[int, int] | None = None
    """The rules whose own conditions it meets, once that was asked."""


class Known:
    """Answers as an engine does.

    Args:
        engine: answers for a policy, and is told by the caller of what the screen shows.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._entries: dict[object, _Entry] = {}
        self._last: tuple[Effect, int | None, _Entry] | None = None

    def decide(self, effect: Effect) -> Said:
        """Say what the engine's `decide` says."""
        entry, silent = self._entry(effect), self._engine.silent
        said = entry.said.get(silent)
        if said is None:
            said = entry.said[silent] = self._engine.decide(effect)
        return said

    def happened(self, effect: Effect) -> None:
        """Do what the engine's `happened` does."""
        entry = self._entry(effect)
        if entry.matched is None:
            entry.matched = self._engine.matched(effect)
        self._engine.count(entry.matched)

    def _entry(self, effect: Effect) -> _Entry:
        last, tab = self._last, self._engine.tab
        if last is not None and last[0] is effect and last[1] == tab:
            return last[2]
        key = self._key(effect)
        entry = self._entries.get(key)
        if entry is None:
            entry = _Entry()
            if len(self._entries) < _REMEMBERED:
                self._entries[key] = entry
        self._last = effect, tab, entry
        return entry

    def _key(self, effect: Effect) -> object:
        """Give all that the engine's answer hangs on, but for which rules are silent."""
        match effect:
            case Request():
                # Not its name, which is new in every run; its hash stands for what its body says.
                return (
                    *(effect.method, effect.url, effect.headers, effect.resource, effect.initiator),
                    *(effect.leaks, effect.body_sha256, effect.body_size, effect.body_text is None),
                )
            case Act():
                return effect, self._engine.tab
            case _:
                return effect
