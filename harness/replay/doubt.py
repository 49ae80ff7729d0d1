"""Tells where a verdict hangs on what a trace does not have, so that it is never guessed.

A trace may lack the text of a request's body, the text of a screen, and the values of headers that carry
credentials. A rule that asks for one of these might speak or not. So the engine is asked what it would say
either way; where the outcomes differ, it cannot be told. What such an effect may have been counted for
(`count`, `once`, `after`, `before`) is in doubt from then on, too.
"""

from collections.abc import Iterator
from typing import Final

from harness.clearance import Effect, Request, Sight
from harness.policy.conditions import When
from harness.policy.engine import Engine, Part, Said, parts, strictest
from harness.policy.match import RuleFailedError
from harness.policy.rules import Rule
from harness.policy.schema import Policy
from harness.replay.known import Known
from harness.trace.redact import credential

SCREEN: Final = "seen.text"
"""The field that is the text of a screen."""
BODY: Final = "body"
"""The field that is the text of a body."""
_NOTHING: Final[frozenset[str]] = frozenset()
_RUN: Final = {"after": None, "before": None, "count": None, "once": None}


class Doubt:
    """What cannot be told of one run under one policy.

    Args:
        engine: answers for the policy; it is told of the run here.
    """

    def __init__(self, engine: Engine) -> None:
        rules = engine.policy.rules
        self._engine = engine
        self._known = Known(engine)
        self._asking: dict[str, int] = {}
        """Fields that a trace may lack, each with the rules that ask for it."""
        for place, rule in enumerate(rules):
            for name, _ in rule.when.conditions():
                if name in (BODY, SCREEN) or (name.startswith("header.") and credential(name[7:])):
                    self._asking[name] = self._asking.get(name, 0) | 1 << place
        self._fields = frozenset(self._asking)
        self._headers = frozenset(name for name in self._fields if name.startswith("header."))
        bits = {rule.name: 1 << place for place, rule in enumerate(rules)}
        self._refer = {
            bits[rule.name]: _either(bits, (*(rule.when.after or ()), *(rule.when.before or ())))
            | (bits[rule.name] if rule.when.count or rule.when.once else 0)
            for rule in rules
            if any(value is not None for name, value in rule.when if name in _RUN)
        }
        self._tracked = 0
        for wanted in self._refer.values():
            self._tracked |= wanted
        self._open = Engine(_opened(engine.policy)) if self._asking or self._refer else None
        self._unsure = 0

    @property
    def asks(self) -> frozenset[str]:
        """The fields that rules ask for and that a trace may lack."""
        return self._fields

    def restart(self) -> None:
        """Begin a new run."""
        self._unsure = 0
        self._engine.restart()
        if self._open is not None:
            self._open.restart()

    def forget(self) -> None:
        """Take in that what happened before is not known."""
        self._unsure = self._tracked

    def saw(self, sight: Sight) -> None:
        """Take in what the screen shows now."""
        self._engine.saw(sight)
        if self._open is not None:
            self._open.saw(sight)

    def lacks(self, effect: Effect, *, body: bool, text: bool) -> frozenset[str]:
        """Say which fields that rules ask for are not known.

        Args:
            effect: what was judged.
            body: whether its body is not known.
            text: whether the text of the screen is not known.
        """
        if not (body or text or self._headers):
            return _NOTHING
        found = {BODY} if body else set()
        found |= {SCREEN} if text else set()
        if self._headers and isinstance(effect, Request):
            found |= {f"header.{name}" for name, _ in effect.headers if credential(name)}
        return self._fields & found

    def happened(self, effect: Effect, lacking: frozenset[str]) -> None:
        """Take in that an effect was cleared of which some fields are not known."""
        self._known.happened(effect)
        if not lacking and not self._unsure:
            return
        for part in parts(effect):
            self._unsure |= self._maybe(part, lacking) & self._tracked

    def range(self, effect: Effect, lacking: frozenset[str]) -> tuple[Said, Said]:
        """Say the strictest and the mildest that the policy may say of an effect.

        Args:
            effect: what was judged.
            lacking: fields of it that are not known.
        """
        said = self._known.decide(effect)
        if not lacking and not self._unsure:
            return said, said
        if isinstance(effect, Request) and effect.leaks:
            return said, said
        try:
            found = [self._part(part, lacking) for part in parts(effect)]
        except RuleFailedError:
            return said, said
        if not any(len(options) > 1 for options in found):
            return said, said
        strict = min((min(options, key=_rank) for options in found), key=_rank)
        mild = min((max(options, key=_rank) for options in found), key=_rank)
        return strict, mild

    def _part(self, part: Part, lacking: frozenset[str]) -> list[Said]:
        """Give what may be said of one of the things that an effect comes to; what is certain comes first."""
        maybe = self._maybe(part, lacking)
        sure = self._engine.speaking(part) & ~maybe
        options = [self._said(part, sure)]
        while maybe:
            bit = maybe & -maybe
            options.append(self._said(part, sure | bit))
            maybe ^= bit
        return options

    def _said(self, part: Part, speaking: int) -> Said:
        rules = self._engine.policy.rules
        spoken = [
            Said(rule.verdict, rule.name, rule.reason)
            for rule in _rules(rules, speaking)
            if rule.verdict != "note"
        ]
        return strictest([*spoken, *self._engine.boundaries(part.effect)], self._engine.default(part.effect))

    def _maybe(self, part: Part, lacking: frozenset[str]) -> int:
        """Give the rules that may speak or not, as bits by their place in the policy."""
        doubtful = 0
        for name in lacking:
            doubtful |= self._asking[name]
        for bit, wanted in self._refer.items():
            doubtful |= bit if wanted & self._unsure else 0
        if not doubtful or self._open is None:
            return 0
        return self._open.speaking(part) & doubtful


def _rank(said: Said) -> int:
    return said.rank


def _opened(policy: Policy) -> Policy:
    """Give a policy whose rules ask neither for what a trace may lack nor for the run so far."""
    rules = tuple(rule.model_copy(update={"when": _without(rule.when)}) for rule in policy.rules)
    return policy.model_copy(update={"rules": rules})


def _without(when: When) -> When:
    header = {name: values for name, values in (when.header or {}).items() if not credential(name)}
    seen = when.seen.model_copy(update={"text": None}) if when.seen else None
    if seen is not None and all(value is None for _, value in seen):
        seen = None
    return when.model_copy(update={**_RUN, "body": None, "header": header or None, "seen": seen})


def _rules(rules: tuple[Rule, ...], bits: int) -> Iterator[Rule]:
    while bits:
        lowest = bits & -bits
        yield rules[lowest.bit_length() - 1]
        bits ^= lowest


def _either(bits: dict[str, int], names: tuple[str, ...]) -> int:
    found = 0
    for name in names:
        found |= bits[name]
    return found
