"""What is odd about a policy, such as rules that never decide, and whether its examples hold."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from harness.action import KINDS
from harness.clearance import Outcome
from harness.policy.conditions import NUMBERS, RUN, read_condition
from harness.policy.domains import HostPattern, Reach, read_host_pattern
from harness.policy.engine import Engine
from harness.policy.match import TextIndex
from harness.policy.rules import STRICTNESS, On, Rule, rank
from harness.policy.schema import Policy
from harness.policy.urls import parse

_TOUCHING = ("click", "move", "mouse_down", "mouse_up", "drag", "scroll", "type", "press", "hold", "upload")
_KINDS_WITH = {
    "keys": ("press", "hold", "type"),
    "text": ("type", "ask_user", "answer", "give_up"),
    "url": ("goto", "new_tab"),
    "button": ("click", "mouse_down", "mouse_up", "drag"),
    "files": ("upload",),
    "modifiers": ("click", "drag", "scroll"),
    "page": _TOUCHING,
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Finding(_Part):
    """Something that cannot be meant, or does nothing."""

    rule: str
    """The rule's name, or the field such as `domains.load`."""
    message: str
    """What is odd, and what to do."""


class ExampleResult(_Part):
    """What a policy said to one of its examples."""

    index: int
    """The example's place, from 1."""
    expected: Outcome
    """What it should say."""
    outcome: Outcome
    """What it says."""
    rule: str
    """The rule that decided."""
    passed: bool
    """Whether both agree."""
    message: str
    """What was judged and said, in one line."""


def run_examples(policy: Policy) -> tuple[ExampleResult, ...]:
    """Judge each example of a policy; of several effects the strictest verdict counts."""
    engine = Engine(policy)
    results = []
    for index, example in enumerate(policy.examples, 1):
        engine.restart()
        for past in example.after:
            for effect in past.effects():
                engine.happened(effect)
        if example.seen is not None:
            engine.saw(example.seen)
        verdicts = [engine.judge(effect) for effect in example.effects()]
        verdict = min(verdicts, key=lambda one: STRICTNESS.index(one.outcome))
        wanted = f"{example.expect} by {example.rule!r}" if example.rule else example.expect
        results.append(
            ExampleResult(
                index=index,
                expected=example.expect,
                outcome=verdict.outcome,
                rule=verdict.rule,
                passed=verdict.outcome == example.expect and example.rule in (None, verdict.rule),
                message=f"example {index}, {example.summary}: expected {wanted}, "
                f"got {verdict.outcome} by {verdict.rule!r}: {verdict.reason}",
            )
        )
    return tuple(results)


def check(policy: Policy) -> tuple[Finding, ...]:
    """Name what is odd: rules that can never match or decide, and domains that nothing reaches."""
    return (*_domains(policy), *_rules(policy))


def _domains(policy: Policy) -> Iterator[Finding]:
    visit = [read_host_pattern(text) for text in policy.domains.navigate]
    load = [read_host_pattern(text) for text in policy.domains.load or ()]
    if not visit:
        yield Finding(rule="domains.navigate", message="no host is named, so no page can be visited")
    for field, patterns, others in (("navigate", visit, visit), ("load", load, [*visit, *load])):
        for place, pattern in enumerate(patterns):
            wider = next((one for one in others if one is not pattern and _says_more(one, pattern)), None)
            again = pattern in patterns[:place]
            if wider or again:
                within = f"lies within {wider.text}" if wider else "stands there twice"
                yield Finding(rule=f"domains.{field}", message=f"{pattern.text} {within}; leave it out")
    reach = Reach([*visit, *load])
    for name, secret in policy.secrets.items():
        for text in secret.hosts:
            if not any(one.covers(read_host_pattern(text)) for one in reach.patterns):
                message = f"{text} is not within domains, so the secret is never typed there"
                yield Finding(rule=f"secrets.{name}", message=message)


def _says_more(wide: HostPattern, narrow: HostPattern) -> bool:
    return wide.covers(narrow) and not narrow.covers(wide)


class _Read(NamedTuple):
    rule: Rule
    place: int
    rank: int
    on: frozenset[On]
    conditions: dict[str, tuple[str, ...]]


def _rules(policy: Policy) -> Iterator[Finding]:
    named = {name for rule in policy.rules for name in (*(rule.when.after or ()), *(rule.when.before or ()))}
    read = [
        _Read(rule, place, rank(rule.verdict), frozenset(rule.on), dict(rule.when.conditions()))
        for place, rule in enumerate(policy.rules)
    ]
    for one in read:
        problem = (
            _impossible(one.rule, one.conditions)
            or _unreachable(one.rule, one.conditions, policy)
            or _unread(one.rule, named)
            or _shadowed(one, read, named)
            or _idle(one.rule, policy, named)
        )
        if problem:
            yield Finding(rule=one.rule.name, message=problem)


def _impossible(rule: Rule, conditions: dict[str, tuple[str, ...]]) -> str | None:
    possible = set(conditions.get("kind", KINDS))
    for field in conditions:
        having = _TOUCHING if field.startswith("target.") else _KINDS_WITH.get(field)
        if rule.on == ("action",) and having:
            possible &= set(having)
            if not possible:
                return f"it can never match: {field} is a thing of {', '.join(having)} alone"
    if set(conditions.get("target.password", ())) == {"true"} and conditions.get("target.editable") == (
        "false",
    ):
        return "it can never match: a field for a password can be typed into"
    if conditions.get("body") and set(conditions.get("body_size", ())) == {"0"}:
        return "it can never match: a body of no bytes says nothing"
    for field in ("method", "target.form_method"):
        words = conditions.get(field, ())
        if words and all(any(char.isspace() for char in word) for word in words):
            return f"it can never match: {field} is one word"
    return None


def _unreachable(rule: Rule, conditions: dict[str, tuple[str, ...]], policy: Policy) -> str | None:
    urls = conditions.get("url", ())
    adds = rule.verdict == "stop" or policy.default.navigate == "ask"
    if "action" in rule.on or not urls or adds:
        return None
    reach = policy.domains.loaded
    for url in urls:
        address = None if url.startswith("re:") else parse(url.replace("*", "x").replace("?", "x"))
        host = url.partition("://")[2].partition("/")[0]
        if address is None or "*" in host or "?" in host:
            return None
        named = [one for one in reach.patterns if one._replace(path=None).admits(address)]
        if named:
            return None
    return "it decides nothing: domains already refuses every address it names"


def _unread(rule: Rule, named: set[str]) -> str | None:
    if rule.verdict == "note" and rule.name not in named:
        return "it says nothing, and no rule names it in after or before"
    return None


def _shadowed(one: _Read, read: list[_Read], named: set[str]) -> str | None:
    if one.rule.name in named:
        return None
    for other in read:
        if other.rank > one.rank or (other.rank == one.rank and other.place >= one.place):
            continue
        if one.on <= other.on and _covers(other.conditions, one.conditions):
            if one.rule.verdict != other.rule.verdict and _covers(one.conditions, other.conditions):
                both = f"{other.rule.name!r} says {other.rule.verdict} of the same"
                return f"a contradiction: {both}, so this {one.rule.verdict} never counts"
            said = f"{other.rule.name!r} speaks wherever it does, and says {other.rule.verdict}"
            return f"it decides nothing: {said}"
    return None


def _covers(wide: dict[str, tuple[str, ...]], narrow: dict[str, tuple[str, ...]]) -> bool:
    return wide.keys() <= narrow.keys() and all(
        value in values or _holds(field, values, value)
        for field, values in wide.items()
        for value in narrow[field]
    )


def _holds(field: str, patterns: tuple[str, ...], value: str) -> bool:
    if field in (*NUMBERS, *RUN) or all(
        not set("*?") & set(one) and not one.startswith("re:") for one in patterns
    ):
        return False
    literal = read_condition(field, value).literal
    if literal is None:
        return False
    return TextIndex([(1, read_condition(field, one)) for one in patterns]).matching(literal, 1) == 1


def _idle(rule: Rule, policy: Policy, named: set[str]) -> str | None:
    if rule.name in named:
        return None
    defaults = policy.default
    said = {
        "action": defaults.action,
        "request": defaults.request,
        "navigate": "allow" if defaults.action == defaults.request == "allow" else "",
        "download": defaults.download or defaults.request,
        "upload": defaults.action,
        "dialog": defaults.action,
        "plan": defaults.plan,
        "signal": defaults.signal,
    }
    if rule.verdict == "allow" and all(said[on] == "allow" for on in rule.on):
        return "it decides nothing: what no rule speaks of is allowed, and a stricter rule wins over it"
    return None
