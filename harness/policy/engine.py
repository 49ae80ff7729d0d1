"""The judge: one policy, compiled, that answers for every effect.

How an outcome comes about:

0. An action is judged as itself and as everything it comes to (`deeds`), and the strictest verdict counts.
1. Every rule whose conditions all hold speaks; of what they say the most restrictive wins (`stop` > `deny` >
   `ask` > `allow`), and of two equal ones the first. If none speaks, `default` does.
2. A page in a tab (a `goto`, a `new_tab` with a URL, a request for a document) must lie within
   `domains.navigate`, any other request within `domains.navigate` or `domains.load`. Outside,
   `default.navigate` or *deny* is added to what the rules say: no rule opens a host that `domains` omits.
3. A URL that does not parse, has another scheme than http, https, ws or wss, carries a user name, or names a
   host with a trailing dot is denied whatever the policy says. `about:blank` is allowed for new tabs alone.
4. What goes wrong while judging is a denial.

Every condition is compiled once. Rules are bits of an integer: each field gives the set of rules it satisfies
and the sets are intersected, so a verdict costs about the same with ten rules as with a thousand.
"""

from collections.abc import Sequence
from typing import NamedTuple, assert_never

from harness.action import Goto
from harness.clearance import Act, Effect, Outcome, Plan, Request, SafetySignal, Verdict, digest
from harness.policy.deeds import Deed, deeds
from harness.policy.domains import Reach
from harness.policy.load import ready_made
from harness.policy.match import NumberIndex, RuleFailedError, TextIndex
from harness.policy.rules import STRICTNESS, On, Rule, read_condition, read_size
from harness.policy.schema import Policy
from harness.policy.urls import Address, parse, refused
from harness.policy.values import (
    Read,
    action_values,
    leads_to,
    page_values,
    plan_values,
    request_values,
    signal_values,
)
from harness.words import describe

__all__ = ["Engine", "ready_made"]


class Said(NamedTuple):
    """What a rule, a default or a boundary says of an effect."""

    outcome: Outcome
    """What may happen."""
    rule: str
    """What says so."""
    reason: str
    """Why, in words."""

    @property
    def rank(self) -> int:
        """0 for the most restrictive."""
        return STRICTNESS.index(self.outcome)


class _Table:
    """The rules on one kind of effect, by field."""

    def __init__(self, rules: Sequence[tuple[int, Rule]]) -> None:
        self.all = 0
        self.allowing = 0
        texts: dict[str, list[tuple[int, str]]] = {}
        for bit, rule in rules:
            self.all |= bit
            self.allowing |= bit if rule.verdict == "allow" else 0
            for field, values in rule.when.conditions():
                texts.setdefault(field, []).extend((bit, value) for value in values)
        sizes = texts.pop("body_size", [])
        self.size = NumberIndex([(bit, read_size(value)) for bit, value in sizes])
        indexes = {
            field: TextIndex([(bit, read_condition(field, value)) for bit, value in conditions])
            for field, conditions in texts.items()
        }
        self.fields = sorted(indexes.items(), key=lambda item: item[1].by_regex.bit_count())

    def speaking(self, read: Read, size: int = 0) -> int:
        """Give the rules whose conditions all hold."""
        alive = self.all
        if self.size.conditioned:
            alive &= self.size.matching(size, alive) | ~self.size.conditioned
        for field, index in self.fields:
            wanted = alive & index.conditioned
            if wanted:
                alive &= self._matching(index, read(field), wanted) | ~index.conditioned
        return alive

    def _matching(self, index: TextIndex, values: tuple[str, ...] | None, wanted: int) -> int:
        if values is None:
            return wanted & ~self.allowing
        some, every = 0, wanted if values else 0
        for value in values:
            found = index.matching(value, wanted)
            some |= found
            every &= found
        return (some & ~self.allowing) | (every & self.allowing)


class Engine:
    """A `harness.clearance.Judge`. It has no state: the same effect always gets the same verdict."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._sha256 = policy.sha256
        self._rules = policy.rules
        self._visited = policy.domains.visited
        self._loaded = policy.domains.loaded
        self._by_outcome = [
            (outcome, sum(1 << place for place, rule in enumerate(policy.rules) if rule.verdict == outcome))
            for outcome in STRICTNESS
        ]
        self._action = self._table("action")
        self._request = self._table("request")
        self._navigate = self._table("navigate")
        self._plan = self._table("plan")
        self._signal = self._table("signal")

    def _table(self, on: On) -> _Table:
        return _Table([(1 << place, rule) for place, rule in enumerate(self._rules) if on in rule.on])

    @property
    def sha256(self) -> str:
        """Hex SHA-256 of the policy."""
        return self._sha256

    def judge(self, effect: Effect) -> Verdict:
        """Give the verdict on one effect. Never raises: what goes wrong is a denial."""
        try:
            seen = digest(effect)
        except Exception as error:  # noqa: BLE001 - an effect that cannot be written down is denied
            return self._verdict(_failed("engine", error), "")
        return self._verdict(self.decide(effect), seen)

    def may_start(self, url: str) -> Verdict:
        """Say whether a task may begin at a URL: `domains` and rules on `navigate` decide, as for any page.

        The verdict is given for `Act(action=Goto(url=url))`; defaults for actions are not asked, for it was a
        person who chose the URL.
        """
        try:
            effect = Act(action=Goto(url=url))
            said = [*self._page(url), Said("allow", "domains.navigate", "it lies within domains.navigate")]
            return self._verdict(min(said, key=lambda one: one.rank), digest(effect))
        except RuleFailedError as error:
            return self._verdict(self._rule_failed(error), "")
        except Exception as error:  # noqa: BLE001 - fail closed
            return self._verdict(_failed("engine", error), "")

    def names_address(self, ip: str) -> bool:
        """Whether the policy's domains name this IP address itself, and not only a host that leads to it."""
        return self._loaded.names(ip)

    def _verdict(self, said: Said, effect: str) -> Verdict:
        return Verdict(
            outcome=said.outcome, rule=said.rule, reason=said.reason, policy=self._sha256, effect=effect
        )

    def decide(self, effect: Effect) -> Said:
        """Say what the policy says of an effect, without the digest that makes it a verdict. Never raises."""
        try:
            return self._decide(effect)
        except RuleFailedError as error:
            return self._rule_failed(error)
        except Exception as error:  # noqa: BLE001 - fail closed
            return _failed("engine", error)

    def _rule_failed(self, error: RuleFailedError) -> Said:
        return _failed(self._rules[(error.bit & -error.bit).bit_length() - 1].name, error)

    def _decide(self, effect: Effect) -> Said:
        default = self.policy.default
        match effect:
            case Act():
                return min((self._done(deed) for deed in deeds(effect)), key=lambda said: said.rank)
            case Request(leaks=(_, *_)):
                what = ", ".join(effect.leaks)
                return Said("deny", "secrets", f"it carries {what}, which may not go to {effect.url[:200]}")
            case Request():
                said = self._spoken(self._request.speaking(request_values(effect), effect.body_size))
                if effect.resource == "document":
                    said += self._page(effect.url)
                else:
                    said += self._outside(parse(effect.url), self._loaded, "load")
                return _strictest(
                    said, _default("request", default.request, f"this {effect.method[:20]} request")
                )
            case Plan():
                said = self._spoken(self._plan.speaking(plan_values(effect)))
                return _strictest(said, _default("plan", default.plan, "this plan"))
            case SafetySignal():
                said = self._spoken(self._signal.speaking(signal_values(effect)))
                return _strictest(said, _default("signal", default.signal, "this warning"))
            case _:
                assert_never(effect)

    def _done(self, deed: Deed) -> Said:
        action = deed.act.action
        said = self._spoken(self._action.speaking(action_values(deed.act, deed.unknown)))
        url = leads_to(action)
        said += self._page(url) if url is not None else []
        found = _strictest(said, _default("action", self.policy.default.action, f"this {action.kind}"))
        if not deed.how:
            return found
        return found._replace(reason=f"{found.reason} This would {describe(deed.act)}: {deed.how}.")

    def _spoken(self, speaking: int) -> list[Said]:
        for outcome, rules in self._by_outcome:
            found = speaking & rules
            if found:
                rule = self._rules[(found & -found).bit_length() - 1]
                return [Said(outcome, rule.name, rule.reason)]
        return []

    def _page(self, url: str) -> list[Said]:
        address = parse(url)
        said = self._outside(address, self._visited, "navigate")
        return said + self._spoken(self._navigate.speaking(page_values(url, address)))

    def _outside(self, address: Address | None, reach: Reach, field: str) -> list[Said]:
        rule = f"domains.{field}"
        problem = refused(address)
        if address is None or problem:
            return [Said("deny", rule, f"this address is not loaded: {problem}")]
        verb = "visited" if field == "navigate" else "loaded from"
        if field == "navigate" and address.scheme not in ("http", "https"):
            return [Said("deny", rule, f"a page is loaded by http or https, not by {address.scheme}")]
        if reach.admits(address):
            return []
        outcome: Outcome = self.policy.default.navigate if field == "navigate" else "deny"
        where = f"it is not in {rule}" if reach.patterns else "the policy names no domains"
        return [Said(outcome, rule, f"{reach.sentence(verb)}, {address.shown} may not: {where}")]


def _strictest(said: list[Said], default: Said) -> Said:
    """A boundary that holds is not a rule that speaks: it restricts, and the default is asked besides."""
    spoken = any(not one.rule.startswith("domains.") for one in said)
    return min(said if spoken else [*said, default], key=lambda one: one.rank)


def _default(field: str, outcome: Outcome, what: str) -> Said:
    return Said(outcome, "default", f"no rule speaks of {what}, and default.{field} is {outcome}")


def _failed(rule: str, error: Exception) -> Said:
    return Said("deny", rule, f"rule failed: {type(error).__name__}: {str(error)[:200]}")
