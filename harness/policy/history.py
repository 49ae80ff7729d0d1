"""What has happened so far, as far as a policy's rules ask.

Only what was *cleared* counts: allowed, or approved by a person. A page in a tab counts when the request for
it is cleared, not when a `goto` is. Where it is not known whether a rule matched, because a target or a text
is not known, doubt never grants: a rule that restricts takes whichever answer makes it speak, one that allows
whichever keeps it silent.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.clearance import Sight
from harness.policy.conditions import read_count
from harness.policy.match import Comparison
from harness.policy.rules import Rule
from harness.policy.table import Table
from harness.policy.values import screen_numbers, screen_values


class _Clause(NamedTuple):
    """What one rule asks of the run so far."""

    bit: int
    after: int
    before: int
    counts: tuple[Comparison, ...]
    strict: bool


class History:
    """The state of one run, for one policy. Rules are bits, by their place in the policy.

    Args:
        rules: all rules of the policy, in order.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        bits = {rule.name: 1 << place for place, rule in enumerate(rules)}
        self._clauses = tuple(
            _Clause(
                bit=bits[rule.name],
                after=_either(bits[name] for name in rule.when.after or ()),
                before=_either(bits[name] for name in rule.when.before or ()),
                counts=_counts(rule),
                strict=rule.verdict == "allow",
            )
            for rule in rules
            if rule.when.after or rule.when.before or rule.when.count or rule.when.once
        )
        named = _either(one.after | one.before for one in self._clauses)
        self.tracked = named | _either(one.bit for one in self._clauses if one.counts)
        """The rules of which it matters whether they matched."""
        placed = [(1 << place, rule) for place, rule in enumerate(rules)]
        looking = [(bit, rule) for bit, rule in placed if rule.when.seen is not None]
        self.looks = bool(looking)
        """Whether any rule asks what the screen shows."""
        self._screen = Table(looking, seen=True)
        watched = [(bit, rule) for bit, rule in looking if bit & self.tracked]
        self._screen_sure = Table(watched, sure=True, seen=True)
        self._screen_maybe = Table(watched, sure=False, seen=True)
        self.restart()

    def restart(self) -> None:
        """Begin a new run: nothing has happened, and the screen shows nothing."""
        self._sure: dict[int, int] = {}
        self._maybe: dict[int, int] = {}
        self._surely = self._perhaps = 0
        self._dark = self._screen.all
        self._dark_sure = self._dark_maybe = self._screen_sure.all
        self._count()

    def saw(self, sight: Sight) -> None:
        """Take in what the screen shows now."""
        if not self.looks:
            return
        # If a pattern fails below, all rules on the screen that restrict speak, and none that allow.
        self._dark, self._dark_sure, self._dark_maybe = self._screen.strict, self._screen_sure.all, 0
        read, numbers = screen_values(sight), screen_numbers(sight)
        try:
            dark = self._screen.all & ~self._screen.speaking(read, numbers)
            sure = self._screen_sure.all & ~self._screen_sure.speaking(read, numbers)
            maybe = self._screen_maybe.all & ~self._screen_maybe.speaking(read, numbers)
            self._dark, self._dark_sure, self._dark_maybe = dark, sure, maybe
        finally:
            self._count()

    def happened(self, sure: int, maybe: int) -> None:
        """Take in which tracked rules' own conditions something cleared has met, surely and perhaps."""
        if not (sure | maybe) & self.tracked:
            return
        sure &= self.tracked & ~self._unmet(strict=True) & ~self._dark_sure
        maybe &= self.tracked & ~self._unmet(strict=False) & ~self._dark_maybe
        for seen, counts in ((sure, self._sure), (maybe | sure, self._maybe)):
            left = seen
            while left:
                bit = left & -left
                counts[bit] = counts.get(bit, 0) + 1
                left ^= bit
        if sure or maybe:
            self._surely |= sure
            self._perhaps |= maybe | sure
            self._count()

    def _count(self) -> None:
        self.silent = self._dark | _either(
            one.bit
            for one in self._clauses
            if not (self._placed(one, strict=one.strict) and self._numbered(one))
        )
        """The rules that cannot speak now, whatever the effect."""

    def _unmet(self, *, strict: bool) -> int:
        return _either(one.bit for one in self._clauses if not self._placed(one, strict=strict))

    def _placed(self, one: _Clause, *, strict: bool) -> bool:
        done, undone = (self._surely, self._perhaps) if strict else (self._perhaps, self._surely)
        return (not one.after or bool(one.after & done)) and (not one.before or bool(one.before & ~undone))

    def _numbered(self, one: _Clause) -> bool:
        if not one.counts:
            return True
        least, most = self._sure.get(one.bit, 0) + 1, self._maybe.get(one.bit, 0) + 1
        if one.strict:
            return any(each.holds(least) and each.holds(most) for each in one.counts)
        return any(_may_hold(each, least, most) for each in one.counts)


def _may_hold(compared: Comparison, least: int, most: int) -> bool:
    if compared.sign == "=":
        return least <= compared.number <= most
    return compared.holds(least) or compared.holds(most)


def _counts(rule: Rule) -> tuple[Comparison, ...]:
    once = (Comparison("=", 1),) if rule.when.once else ()
    return (*once, *(read_count(text) for text in rule.when.count or ()))


def _either(bits: Iterable[int]) -> int:
    found = 0
    for bit in bits:
        found |= bit
    return found
