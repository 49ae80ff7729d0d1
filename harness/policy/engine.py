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

5. A body that cannot be read as text might say anything: it meets every condition on `body` of a rule that
   restricts, and none of a rule that allows. `foresee` says what a head rules out before the body is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple, assert_never, get_args

from harness.action import Goto
from harness.clearance import (
    Act,
    Effect,
    FileOffer,
    Outcome,
    Plan,
    Request,
    SafetySignal,
    Sight,
    Verdict,
    digest,
)
from harness.policy.conditions import read_size
from harness.policy.deeds import deeds
from harness.policy.domains import Reach
from harness.policy.history import History
from harness.policy.load import ready_made
from harness.policy.match import RuleFailedError
from harness.policy.rules import STRICTNESS, On, Rule
from harness.policy.schema import Policy
from harness.policy.table import NO_NUMBERS, Table
from harness.policy.urls import Address, parse, refused
from harness.policy.values import (
    Read,
    action_values,
    answers,
    dialog_values,
    download_values,
    leads_to,
    page_values,
    plan_values,
    request_values,
    signal_values,
    upload_values,
    uploads,
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


class Part(NamedTuple):
    """One of the things that an effect comes to."""

    effect: Effect
    """It, as an effect of its own."""
    unknown: frozenset[str] = frozenset()
    """Fields of an action that cannot be known."""
    how: str = ""
    """Why the effect comes to it; empty for the effect itself."""


def parts(effect: Effect) -> Iterator[Part]:
    """Give everything that an effect comes to, itself first."""
    if isinstance(effect, Act):
        for deed in deeds(effect):
            yield Part(deed.act, deed.unknown, deed.how)
    else:
        yield Part(effect)


class Engine:
    """A `harness.clearance.Witness`.

    Its only state is what `happened` and `saw` told it. Only rules with `seen`, `tab`, `after`, `before`,
    `count` or `once` look at that: without such rules the same effect always gets the same verdict.
    """

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
        self._history = History(policy.rules)
        self._tab: int | None = None
        self._tables = {on: self._table(on) for on in get_args(On)}
        tracked = self._history.tracked
        self._tracked = {
            on: [self._table(on, tracked, sure=sure) for sure in (True, False)]
            for on in get_args(On)
            if tracked & self._tables[on].all
        }
        self._head = _heads(policy.rules)
        self._open = Table(_without_bodies(policy.rules))

    def _table(self, on: On, among: int = -1, *, sure: bool | None = None) -> Table:
        rules = ((1 << place, rule) for place, rule in enumerate(self._rules) if on in rule.on)
        return Table([(bit, rule) for bit, rule in rules if bit & among], sure=sure)

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

    def happened(self, effect: Effect) -> None:
        """Remember an effect that was cleared. Never raises: what cannot be told apart may have matched."""
        self.count(self.matched(effect))

    def count(self, matched: tuple[int, int]) -> None:
        """Remember an effect that was cleared, given what `matched` says of it."""
        self._history.happened(*matched)

    def recall(self, effect: Effect) -> None:
        """Remember an effect that was cleared in a run that this one goes on with. Never raises.

        It may count against what is judged now, as it does for `count`, and never in its favour: what was
        granted to a run ends with it.
        """
        sure, maybe = self.matched(effect)
        self._history.happened(0, sure | maybe)

    def matched(self, effect: Effect) -> tuple[int, int]:
        """Give the rules whose own conditions an effect meets, where that matters: surely, and perhaps.

        What has happened so far is not looked at. Never raises.
        """
        if not self._tracked:
            return 0, 0
        sure = maybe = 0
        for on, read, numbers in (kind for part in parts(effect) for kind in self.kinds(part)):
            if on not in self._tracked or (on == "navigate" and isinstance(effect, Act)):
                continue
            surely, perhaps = self._tracked[on]
            try:
                sure |= surely.speaking(read, numbers)
                maybe |= perhaps.speaking(read, numbers)
            except RuleFailedError:
                maybe |= perhaps.all
        return sure, maybe

    def saw(self, sight: Sight) -> None:
        """Remember what the screen shows now. Never raises."""
        self._tab = sight.tab
        with suppress(RuleFailedError):
            self._history.saw(sight)

    def restart(self) -> None:
        """Begin a new run: nothing has happened, and nothing was seen."""
        self._tab = None
        self._history.restart()

    def foresee(self, request: Request) -> Verdict | None:
        """Refuse on a request's head alone what no body could change; nothing if the body may decide."""
        said = self.decide(request, head=True)
        if said.outcome not in ("deny", "stop") or (said.rule == "default" and self._may_speak(request)):
            return None
        return self._verdict(said, digest(request))

    def _may_speak(self, request: Request) -> bool:
        """Whether a rule that the head leaves open could speak instead of the default."""
        try:
            return bool(self._open.speaking(request_values(request), {"url_size": len(request.url)}))
        except RuleFailedError:
            return True

    def may_start(self, url: str) -> Verdict:
        """Say whether a task may begin at a URL: `domains` and rules on `navigate` decide, as for any page.

        The verdict is given for `Act(action=Goto(url=url))`; defaults for actions are not asked, for it was a
        person who chose the URL.
        """
        try:
            effect = Act(action=Goto(url=url))
            address = parse(url)
            said = self._outside(address, self._visited, "navigate")
            table, audible = self._tables["navigate"], ~self._history.silent
            said += self._spoken(table.speaking(page_values(url, address), among=audible))
            said = [*said, Said("allow", "domains.navigate", "it lies within domains.navigate")]
            return self._verdict(min(said, key=lambda one: one.rank), digest(effect))
        except RuleFailedError as error:
            return self._verdict(self._rule_failed(error), "")
        except Exception as error:  # noqa: BLE001 - fail closed
            return self._verdict(_failed("engine", error), "")

    @property
    def reads_text(self) -> bool:
        """Whether any rule asks what text the screen shows."""
        return any(rule.when.seen is not None and rule.when.seen.text is not None for rule in self._rules)

    @property
    def tab(self) -> int | None:
        """The number of the active tab; with `silent`, all of the run that is looked at for an action."""
        return self._tab

    @property
    def silent(self) -> int:
        """The rules that cannot speak now, whatever the effect, as bits by their place in the policy.

        What is said of a request hangs on it and on this alone.
        """
        return self._history.silent

    def names_address(self, ip: str) -> bool:
        """Whether the policy's domains name this IP address itself, and not only a host that leads to it."""
        return self._loaded.names(ip)

    def _verdict(self, said: Said, effect: str) -> Verdict:
        return Verdict(
            outcome=said.outcome, rule=said.rule, reason=said.reason, policy=self._sha256, effect=effect
        )

    def decide(self, effect: Effect, *, head: bool = False) -> Said:
        """Say what the policy says of an effect, without the digest that makes it a verdict. Never raises.

        Args:
            effect: what would happen.
            head: whether only the head of a request was read; then an *allow* means nothing.
        """
        try:
            if isinstance(effect, Request) and effect.leaks:
                what = ", ".join(effect.leaks)
                return Said("deny", "secrets", f"it carries {what}, which may not go to {effect.url[:200]}")
            said, part = min(
                [(self._part(part, head=head), part) for part in parts(effect)], key=lambda one: one[0].rank
            )
            if not part.how:
                return said
            return said._replace(reason=f"{said.reason} This would {describe(part.effect)}: {part.how}.")
        except RuleFailedError as error:
            return self._rule_failed(error)
        except Exception as error:  # noqa: BLE001 - fail closed
            return _failed("engine", error)

    def _rule_failed(self, error: RuleFailedError) -> Said:
        return _failed(self._rules[(error.bit & -error.bit).bit_length() - 1].name, error)

    def _part(self, part: Part, *, head: bool) -> Said:
        said = [*self._spoken(self.speaking(part, head=head)), *self.boundaries(part.effect)]
        return strictest(said, self.default(part.effect))

    def kinds(self, part: Part) -> Iterator[tuple[On, Read, Mapping[str, int | None]]]:
        """Give what rules may speak of it, with how its fields are read."""
        effect = part.effect
        match effect:
            case Act(action=action):
                yield "action", action_values(effect, self._tab, part.unknown), NO_NUMBERS
                if uploads(effect):
                    yield "upload", upload_values(effect), NO_NUMBERS
                if answers(effect):
                    yield "dialog", dialog_values(effect), NO_NUMBERS
                url = leads_to(action)
                if url is not None:
                    yield "navigate", page_values(url, parse(url)), NO_NUMBERS
            case Request():
                numbers = {"body_size": effect.body_size, "url_size": len(effect.url)}
                yield "request", request_values(effect), numbers
                if effect.resource == "document":
                    yield "navigate", page_values(effect.url, parse(effect.url)), NO_NUMBERS
            case FileOffer():
                yield "download", download_values(effect), NO_NUMBERS
            case Plan():
                yield "plan", plan_values(effect), NO_NUMBERS
            case SafetySignal():
                yield "signal", signal_values(effect), NO_NUMBERS
            case _:
                assert_never(effect)

    def speaking(self, part: Part, *, head: bool = False, ever: bool = False) -> int:
        """Give the rules that speak of an effect, as bits by their place in the policy.

        Args:
            part: an effect, or one of the things it comes to.
            head: whether only the head of a request was read.
            ever: whether to leave out what has happened so far and what the screen shows.

        Raises:
            RuleFailedError: if a pattern cannot be tried.
        """
        found, audible = 0, -1 if ever else ~self._history.silent
        for on, read, numbers in self.kinds(part):
            table = self._head if head and on == "request" and self._head is not None else self._tables[on]
            found |= table.speaking(read, numbers, audible)
        return found

    def boundaries(self, effect: Effect) -> list[Said]:
        """Say what `domains` says of an effect; nothing where it lies within them."""
        match effect:
            case Act(action=action):
                url = leads_to(action)
                return [] if url is None else self._outside(parse(url), self._visited, "navigate")
            case Request(url=url, resource="document"):
                return self._outside(parse(url), self._visited, "navigate")
            case Request(url=url):
                return self._outside(parse(url), self._loaded, "load")
            case FileOffer() | Plan() | SafetySignal():
                return []
            case _:
                assert_never(effect)

    def default(self, effect: Effect) -> Said:
        """Say what holds of an effect where no rule speaks."""
        default = self.policy.default
        match effect:
            case Act(action=action):
                return _default("action", default.action, f"this {action.kind}")
            case Request(method=method):
                return _default("request", default.request, f"this {method[:20]} request")
            case FileOffer():
                field = "request" if default.download is None else "download"
                return _default(field, default.download or default.request, "this download")
            case Plan():
                return _default("plan", default.plan, "this plan")
            case SafetySignal():
                return _default("signal", default.signal, "this warning")
            case _:
                assert_never(effect)

    def _spoken(self, speaking: int) -> list[Said]:
        for outcome, rules in self._by_outcome:
            found = speaking & rules
            if found:
                rule = self._rules[(found & -found).bit_length() - 1]
                return [Said(outcome, rule.name, rule.reason)]
        return []

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


def strictest(said: list[Said], default: Said) -> Said:
    """Give what counts. A boundary is not a rule that speaks: it restricts, and the default is asked too."""
    spoken = any(not one.rule.startswith("domains.") for one in said)
    return min(said if spoken else [*said, default], key=lambda one: one.rank)


def _default(field: str, outcome: Outcome, what: str) -> Said:
    return Said(outcome, "default", f"no rule speaks of {what}, and default.{field} is {outcome}")


def _failed(rule: str, error: Exception) -> Said:
    return Said("deny", rule, f"rule failed: {type(error).__name__}: {str(error)[:200]}")


def _heads(rules: Sequence[Rule]) -> Table | None:
    """Give the rules on requests as far as a head can tell; nothing if no rule asks for a body.

    Those that restrict speak by what the head says, those that allow as if the body were what they ask for.
    """
    bare = dict(_without_bodies(rules))
    kept: list[tuple[int, Rule]] = []
    for place, rule in enumerate(rules):
        bit = 1 << place
        if "request" not in rule.on or rule.verdict == "note":
            continue
        if bit in bare and rule.verdict == "allow":
            kept.append((bit, bare[bit]))
        elif bit not in bare or _only_grows(rule):
            kept.append((bit, rule))
    return Table(kept) if bare else None


def _without_bodies(rules: Sequence[Rule]) -> list[tuple[int, Rule]]:
    """Give the rules on requests that ask for a body, as if it were what they ask for."""
    return [
        (
            1 << place,
            rule.model_copy(update={"when": rule.when.model_copy(update={"body": None, "body_size": None})}),
        )
        for place, rule in enumerate(rules)
        if "request" in rule.on
        and rule.verdict != "note"
        and (rule.when.body is not None or rule.when.body_size is not None)
    ]


def _only_grows(rule: Rule) -> bool:
    return rule.when.body is None and all(
        read_size(text).sign in (">", ">=") for text in rule.when.body_size or ()
    )
