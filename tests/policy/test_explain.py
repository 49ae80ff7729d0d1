"""Why a policy says what it says."""

from typing import Any

import pytest
from harness.errors import PolicyError
from harness.policy.engine import Engine
from harness.policy.examples import Situation
from harness.policy.explain import explain_effects, read_situation, replay
from harness.policy.load import ready_made
from harness.policy.schema import Policy

RULES = [
    {"name": "clicks", "on": "action", "when": {"kind": "click"}, "verdict": "allow"},
    {
        "name": "pay",
        "on": "action",
        "when": {"target": {"name": "re:Pay"}},
        "verdict": "ask",
        "why": "Money.",
    },
    {"name": "third", "on": "action", "when": {"kind": "click", "count": "> 2"}, "verdict": "stop"},
    {"name": "mark", "on": "action", "when": {"kind": "click", "before": "third"}, "verdict": "note"},
]
POLICY = Policy.model_validate({"name": "x", "domains": {"navigate": ["shop.test"]}, "rules": RULES})
CLICK = {"kind": "click", "target": {"role": "button", "name": "Pay now"}}


def situation(**fields: Any) -> Situation:
    return Situation.model_validate(fields)


def test_every_voice_is_heard_and_the_one_that_decides_comes_first() -> None:
    (found,) = explain_effects(POLICY, situation(action=CLICK))
    assert (found.outcome, found.rule, found.reason) == ("ask", "pay", "Money.")
    assert [(one.rule, one.says, one.decides) for one in found.voices] == [
        ("pay", "ask", True),
        ("clicks", "allow", False),
        ("mark", "note", False),
    ]
    assert found.voices[0].because == ("target.name is Pay now, which matches re:Pay",)
    assert [one.rule for one in found.silent] == ["third"]
    text = "\n".join(found.lines())
    assert "→ ask. A person decides." in text
    assert "the rule 'clicks' says allow, and is overruled, for ask is stricter" in text
    assert "the rule 'third' would say stop, but not now" in text


def test_what_happened_before_is_part_of_it() -> None:
    (found,) = explain_effects(POLICY, situation(action=CLICK, after=[{"action": CLICK}] * 2))
    assert (found.outcome, found.rule) == ("stop", "third")
    assert "count: > 2, in this run so far" in found.voices[0].because


def test_a_default_and_a_boundary_speak_too() -> None:
    (found,) = explain_effects(POLICY, situation(action={"kind": "type", "text": "x", "target": {}}))
    assert [(one.rule, one.decides) for one in found.voices] == [("default", True)]
    found, document = explain_effects(POLICY, situation(navigate="https://evil.test/"))
    assert {found.rule, document.rule} == {"domains.navigate"}
    assert [one.rule for one in document.voices if one.decides] == ["domains.navigate"]


def test_what_is_not_known_is_said() -> None:
    (found,) = explain_effects(POLICY, situation(action={"kind": "click"}))
    because = next(one.because for one in found.voices if one.rule == "pay")
    assert because == ("target.name is not known, so it might be re:Pay",)


@pytest.mark.parametrize("name", ["base", "form-filling", "locked-down", "read-only", "research", "shopping"])
def test_an_explanation_agrees_with_the_verdict(name: str) -> None:
    policy = Policy.load(ready_made(name) or "")
    engine = Engine(policy)
    for example in policy.examples:
        replay(engine, example)
        for effect, found in zip(example.effects(), explain_effects(policy, example), strict=True):
            verdict = engine.judge(effect)
            assert (found.outcome, found.rule) == (verdict.outcome, verdict.rule)
            assert sum(one.decides for one in found.voices) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "click", "x": 1, "y": 2},
        {"kind": "action", "action": {"kind": "click", "x": 1, "y": 2}},
        {"kind": "request", "url": "https://a.test/"},
        {"kind": "download", "name": "a", "url": "https://a.test/"},
        {"kind": "plan", "text": "a"},
        {"kind": "signal", "provider": "a", "code": "b"},
        {"navigate": "https://a.test/", "expect": "deny"},
    ],
)
def test_an_effect_from_a_trace_or_an_example_can_be_asked_about(data: dict[str, Any]) -> None:
    assert len(read_situation(data, {}, "effect").effects()) >= 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"acton": {}}, "did you mean 'action'"),
        ({"kind": "clik"}, "unknown key 'kind'"),
        ({}, "an effect is one of"),
        ({"plan": "a", "navigate": "b"}, "navigate and plan at once"),
        ({"request": {"url": "https://a.test/", "body": 5}}, "write the body's text"),
    ],
)
def test_what_is_no_effect(data: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says) as error:
        read_situation(data, {(): (1, 1)}, "effect")
    assert "\n" not in str(error.value)
