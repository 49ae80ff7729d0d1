"""Why a policy says what it says of one effect, in words for whoever answers for it."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.action import KINDS
from harness.clearance import Effect, Outcome
from harness.errors import PolicyError
from harness.policy.conditions import NUMBERS, RUN
from harness.policy.engine import Engine, Part, Said, parts, strictest
from harness.policy.examples import Situation
from harness.policy.rules import STRICTNESS, Rule, Says
from harness.policy.schema import Policy
from harness.words import describe
from harness.yamlfile import Marks, explain

_MEANS: dict[Outcome, str] = {
    "allow": "It may happen.",
    "ask": "A person decides.",
    "deny": "It is refused, and the run goes on.",
    "stop": "It is refused, and the run ends.",
}
_LONGEST = 100


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Voice(_Part):
    """What one rule, default or boundary says."""

    rule: str
    """Its name, or `default`, `domains.navigate`, `domains.load`."""
    says: Says
    """Its verdict."""
    reason: str
    """Why, in the policy's words."""
    because: tuple[str, ...] = ()
    """Which conditions hold, one a line."""
    decides: bool = False
    """Whether its word counts."""


class Explanation(_Part):
    """Why one effect gets its outcome."""

    effect: str
    """What would happen."""
    outcome: Outcome
    """What the policy says."""
    means: str
    """That in words."""
    rule: str
    """What decides."""
    reason: str
    """Why."""
    voices: tuple[Voice, ...]
    """All that speak, the strictest first."""
    silent: tuple[Voice, ...] = ()
    """Rules that would speak, were it not for what has happened so far or what the screen shows."""

    def lines(self) -> tuple[str, ...]:
        """The whole explanation for people."""
        out = [f"{self.effect}", f"→ {self.outcome}. {self.means}"]
        for voice in self.voices:
            if voice.decides:
                out.append(f"  {_name(voice.rule)} decides: {voice.reason}")
            elif voice.says == "note":
                out.append(f"  {_name(voice.rule)} only remembers it.")
            else:
                said = f"{_name(voice.rule)} says {voice.says}, {_overruled(voice, self)}"
                out.append(f"  {said}: {voice.reason}")
            out += [f"      {line}" for line in voice.because]
        for voice in self.silent:
            out.append(f"  {_name(voice.rule)} would say {voice.says}, but not now:")
            out += [f"      {line}" for line in voice.because]
        return tuple(out)


def replay(engine: Engine, situation: Situation) -> None:
    """Put an engine where a situation is: a new run in which that has happened, and that is seen."""
    engine.restart()
    for past in situation.after:
        for effect in past.effects():
            engine.happened(effect)
    if situation.seen is not None:
        engine.saw(situation.seen)


def read_situation(data: dict[str, Any], marks: Marks, name: str) -> Situation:
    """Read a situation as people write it: like an example, or an effect or action in its JSON form alone.

    Raises:
        PolicyError: with one line that says what is wrong.
    """
    kind = data.get("kind")
    if kind in KINDS or kind == "action":
        data = {"action": data}
    elif kind in ("request", "download", "signal"):
        data = {kind: data}
    elif kind == "plan":
        data = {"plan": data.get("text")}
    data = {key: value for key, value in data.items() if key not in ("expect", "rule")}
    try:
        return Situation.model_validate(data)
    except ValidationError as error:
        raise PolicyError(explain(error, name, marks, Situation)) from error


def explain_effects(policy: Policy, situation: Situation) -> tuple[Explanation, ...]:
    """Explain each effect of a situation; of several, such as a `navigate`, the strictest counts."""
    engine = Engine(policy)
    replay(engine, situation)
    return tuple(_explained(engine, effect) for effect in situation.effects())


def _explained(engine: Engine, effect: Effect) -> Explanation:
    decided = engine.decide(effect)
    now = ever = 0
    for part in parts(effect):
        now |= engine.speaking(part)
        ever |= engine.speaking(part, ever=True)
    rules = engine.policy.rules
    voices = [
        Voice(rule=rule.name, says=rule.verdict, reason=rule.reason, because=_because(engine, effect, place))
        for place, rule in enumerate(rules)
        if now >> place & 1
    ]
    others = list(engine.boundaries(effect))
    spoken = [Said(one.says, one.rule, one.reason) for one in voices if one.says != "note"]
    if strictest([*spoken, *others], default := engine.default(effect)) == default or not spoken:
        others.append(default)
    voices += [Voice(rule=one.rule, says=one.outcome, reason=one.reason) for one in others]
    if not any(_is(one, decided) for one in voices):
        voices.append(Voice(rule=decided.rule, says=decided.outcome, reason=decided.reason))
    counts = next((at for at, one in enumerate(voices) if _is(one, decided)), None)
    voices = [one.model_copy(update={"decides": at == counts}) for at, one in enumerate(voices)]
    order = (*STRICTNESS, "note")
    return Explanation(
        effect=describe(effect),
        outcome=decided.outcome,
        means=_MEANS[decided.outcome],
        rule=decided.rule,
        reason=decided.reason,
        voices=tuple(sorted(voices, key=lambda one: (not one.decides, order.index(one.says)))),
        silent=tuple(
            Voice(rule=rule.name, says=rule.verdict, reason=rule.reason, because=_missing(rule))
            for place, rule in enumerate(rules)
            if (ever & ~now) >> place & 1
        ),
    )


def _is(voice: Voice, said: Said) -> bool:
    return (voice.says, voice.rule) == said[:2]


def _because(engine: Engine, effect: Effect, place: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for part in parts(effect):
        if engine.speaking(part) >> place & 1:
            held = dict.fromkeys(_held(engine, part, engine.policy.rules[place]))
            if part.how and held.keys() - found.keys():
                found[f"it would {describe(part.effect)}: {part.how}"] = None
            found |= held
    return tuple(found) or ("it speaks of everything of its kind",)


def _held(engine: Engine, part: Part, rule: Rule) -> Iterator[str]:
    for on, read, numbers in engine.kinds(part):
        if on not in rule.on:
            continue
        for field, wanted in rule.when.conditions():
            patterns = _listed(wanted)
            if field in RUN:
                yield f"{field}: {patterns}, in this run so far"
            elif field.startswith("seen."):
                yield f"the screen's {field[5:]} is, or might be, {patterns}"
            elif field in NUMBERS:
                yield f"{field} is {numbers.get(field):,}, which is {patterns}"
            else:
                yield _compared(field, read(field), wanted)


def _compared(field: str, values: tuple[str, ...] | None, wanted: tuple[str, ...]) -> str:
    if values is None:
        return f"{field} is not known, so it might be {_listed(wanted)}"
    shown = _short(values[0]) if values else "nothing"
    if values and values[0] in wanted:
        return f"{field} is {shown}"
    return f"{field} is {shown}, which matches {_listed(wanted)}"


def _missing(rule: Rule) -> tuple[str, ...]:
    return tuple(
        f"{field} is not {_listed(wanted)} at this point of the run"
        for field, wanted in rule.when.conditions()
        if field in RUN or field.startswith("seen.")
    )


def _overruled(voice: Voice, whole: Explanation) -> str:
    if voice.says == whole.outcome:
        return "as well"
    return f"and is overruled, for {whole.outcome} is stricter"


def _name(rule: str) -> str:
    return rule if rule == "default" or rule.startswith("domains.") else f"the rule {rule!r}"


def _listed(patterns: tuple[str, ...]) -> str:
    shown = " or ".join(_short(one) for one in patterns[:3])
    return shown if len(patterns) <= 3 else f"{shown} or {len(patterns) - 3} more"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
