"""Made-up policies and effects: the engine never raises, and allows only what a naive reading allows too.

The naive reading knows literals alone, and goes through the rules one by one as the README words them.
"""

from typing import Any

from harness.action import Click, Press, Type
from harness.clearance import Act, Effect, FileOffer, Plan, Request, SafetySignal, Sight, Target
from harness.policy.engine import Engine
from harness.policy.examples import Situation
from harness.policy.explain import explain_effects
from harness.policy.schema import Policy
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = ("a", "b", "c")
OUTCOMES = ("stop", "deny", "ask", "allow")
HOSTS = ("shop.test", "evil.test")


def _some(values: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


_SO_FAR: dict[str, st.SearchStrategy[Any]] = {
    "after": st.lists(st.integers(0, 2), min_size=1, max_size=2),
    "before": st.lists(st.integers(0, 2), min_size=1, max_size=2),
    "count": st.sampled_from(["> 1", "= 2", "< 2", "<= 3"]),
    "seen": st.fixed_dictionaries({"title": _some(WORDS)}),
}
_ACTION: dict[str, st.SearchStrategy[Any]] = {
    "kind": _some(("click", "type", "press")),
    "name": _some(WORDS),
    "text": _some(WORDS),
}
_REQUEST: dict[str, st.SearchStrategy[Any]] = {
    "method": _some(("GET", "POST")),
    "body": _some(WORDS),
    "resource": _some(("document", "image")),
}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    rules = []
    for place in range(draw(st.integers(0, 5))):
        on = draw(st.sampled_from(["action", "request", "plan"]))
        fields = {"action": _ACTION, "request": _REQUEST, "plan": {"text": _some(WORDS)}}[on]
        when = draw(st.fixed_dictionaries({}, optional=fields))
        when |= draw(st.fixed_dictionaries({}, optional=_SO_FAR))
        for field in ("after", "before"):
            # Only rules that stand earlier, so that no circle comes about.
            named = [f"r{one}" for one in when.pop(field, []) if one < place]
            when |= {field: named} if named else {}
        verdict = draw(st.sampled_from([*OUTCOMES, "note"]))
        rules.append({"name": f"r{place}", "on": on, "when": when, "verdict": verdict})
    return {
        "name": "x",
        "domains": {"navigate": ["shop.test"]},
        "default": {"action": draw(st.sampled_from(OUTCOMES)), "request": draw(st.sampled_from(OUTCOMES))},
        "rules": rules,
    }


_TARGETS = st.none() | st.builds(Target, name=st.sampled_from(WORDS))
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Act, action=st.just(Click(x=1, y=1)), target=_TARGETS),
    st.builds(Act, action=st.builds(Type, text=st.sampled_from(WORDS)), target=_TARGETS),
    st.builds(Act, action=st.just(Press(keys=("F5",))), target=_TARGETS),
    st.builds(
        Request,
        id=st.just("r"),
        method=st.sampled_from(["GET", "POST"]),
        url=st.sampled_from([f"https://{host}/" for host in HOSTS]),
        resource=st.sampled_from(["document", "image"]),
        body_size=st.just(1),
        body_text=st.none() | st.sampled_from(WORDS),
    ),
    st.builds(Plan, text=st.sampled_from(WORDS)),
)
SIGHTS = st.builds(Sight, title=st.sampled_from(WORDS))


class Naive:
    """The same policy, read word by word. Each answer is yes, no, or not known."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.sight: Sight | None = None
        self.sure = {rule["name"]: 0 for rule in data["rules"]}
        self.maybe = dict(self.sure)

    def field(self, field: str, effect: Effect) -> tuple[str | None, bool]:
        """Its value, and whether it is known."""
        match effect:
            case Act(action=action, target=target):
                if field == "name":
                    return (target.name if target else None), target is not None
                text = action.text if isinstance(action, Type) else None
                return (action.kind if field == "kind" else text), True
            case Request():
                if field == "body":
                    return effect.body_text, effect.body_text is not None
                return (effect.method if field == "method" else effect.resource), True
            case Plan(text=text):
                return text, True
            case _:
                return None, True

    def meets(self, rule: dict[str, Any], effect: Effect, *, lenient: bool, counting: bool) -> bool:
        if rule["on"] != effect.kind:
            return False
        done, other = (self.maybe, self.sure) if lenient else (self.sure, self.maybe)
        for field, wanted in rule["when"].items():
            match field:
                case "after":
                    held = any(done[name] for name in wanted)
                case "before":
                    held = any(not other[name] for name in wanted)
                case "seen":
                    held = self.sight is not None and self.sight.title in wanted["title"]
                case "count":
                    low, high = self.sure[rule["name"]] + 1, self.maybe[rule["name"]] + 1
                    sign, number = wanted.split()
                    holds = [
                        {">": one > int(number), "=": one == int(number), "<": one < int(number)}.get(
                            sign, one <= int(number)
                        )
                        for one in range(low, high + 1)
                    ]
                    held = not counting or (any(holds) if lenient else all(holds))
                case _:
                    value, known = self.field(field, effect)
                    held = value in wanted if known else lenient
            if not held:
                return False
        return True

    def judge(self, effect: Effect) -> str:
        said: list[str] = [
            rule["verdict"]
            for rule in self.data["rules"]
            if rule["verdict"] != "note"
            and self.meets(rule, effect, lenient=rule["verdict"] != "allow", counting=True)
        ]
        default = "allow" if effect.kind == "plan" else self.data["default"][effect.kind]
        said = said or [default]
        if isinstance(effect, Request) and "evil" in effect.url:
            said.append("deny")
        return min(said, key=OUTCOMES.index)

    def happened(self, effect: Effect) -> None:
        met = [
            (rule["name"], self.meets(rule, effect, lenient=False, counting=False))
            for rule in self.data["rules"]
            if self.meets(rule, effect, lenient=True, counting=False)
            or self.meets(rule, effect, lenient=False, counting=False)
        ]
        for name, surely in met:
            self.maybe[name] += 1
            self.sure[name] += surely


@settings(max_examples=400, deadline=None)
@given(policies(), st.lists(EFFECTS | SIGHTS, max_size=12))
def test_the_engine_says_what_a_naive_reading_says(data: dict[str, Any], story: list[Effect | Sight]) -> None:
    policy = _policy(data)
    engine, naive = Engine(policy), Naive(data)
    for one in story:
        if isinstance(one, Sight):
            engine.saw(one)
            naive.sight = one
            continue
        verdict = engine.judge(one)
        assert verdict.outcome == naive.judge(one), (verdict, one)
        if isinstance(one, Request):
            refused = engine.foresee(one.model_copy(update={"body_text": None}))
            assert refused is None or verdict.outcome in ("deny", "stop")
        if verdict.outcome in ("allow", "ask"):
            engine.happened(one)
            naive.happened(one)


def _policy(data: dict[str, Any]) -> Policy:
    rules = []
    for rule in data["rules"]:
        when = dict(rule["when"])
        if "name" in when:
            when["target"] = {"name": when.pop("name")}
        rules.append(rule | {"when": when})
    return Policy.model_validate(data | {"rules": rules})


TEXT = st.text(max_size=40)
TARGETS = st.builds(Target, name=TEXT, dialog=TEXT)
ANYTHING: st.SearchStrategy[Effect] = st.one_of(
    st.builds(Act, action=st.builds(Type, text=TEXT), target=st.none() | TARGETS),
    st.builds(
        Request, id=TEXT, method=TEXT, url=TEXT, body_text=st.none() | TEXT, body_size=st.integers(0, 99)
    ),
    st.builds(FileOffer, name=TEXT, url=TEXT, page=TEXT),
    st.builds(Plan, text=TEXT),
    st.builds(SafetySignal, provider=TEXT, code=TEXT, message=TEXT),
)
PATTERNS = st.text(min_size=1, max_size=20) | st.sampled_from(["re:a+", "re:(?i)x|y", "*", "?*", "re:^$"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(PATTERNS, st.sampled_from(OUTCOMES)), max_size=4), st.lists(ANYTHING, max_size=4))
def test_nothing_makes_the_engine_raise_or_allow_by_accident(
    patterns: list[tuple[str, str]], effects: list[Effect]
) -> None:
    kinds = {"action": "text", "request": "body", "download": "name", "dialog": "text", "plan": "text"}
    rules = [
        {"name": f"{place} {on}", "on": on, "when": {field: pattern}, "verdict": verdict}
        for place, (pattern, verdict) in enumerate(patterns)
        for on, field in kinds.items()
    ]
    shut = {"action": "deny", "request": "deny", "plan": "deny", "signal": "deny"}
    try:
        policy = Policy.model_validate({"name": "x", "default": shut, "rules": rules})
    except ValueError:
        return
    engine = Engine(policy)
    for effect in effects:
        verdict = engine.judge(effect)
        assert verdict.rule != "engine", verdict.reason
        if verdict.outcome == "allow":
            assert verdict.rule.endswith(("action", "download", "dialog", "plan"))
        engine.happened(effect)


@settings(max_examples=50, deadline=None)
@given(policies(), EFFECTS)
def test_an_explanation_can_be_had_of_anything(data: dict[str, Any], effect: Effect) -> None:
    given_effect = {"plan": "a"} if effect.kind == "plan" else {effect.kind: effect}
    (found,) = explain_effects(_policy(data), Situation.model_validate(given_effect))
    assert found.outcome in OUTCOMES
    assert any(one.decides for one in found.voices)
