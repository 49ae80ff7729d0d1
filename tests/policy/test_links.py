"""Rules that name other rules."""

from pathlib import Path
from typing import Any

import pytest
from harness.errors import PolicyError
from harness.policy.schema import Policy
from pydantic import ValidationError


def rules(*given: tuple[str, dict[str, Any]]) -> Policy:
    made = [{"name": name, "on": "plan", "when": when, "verdict": "deny"} for name, when in given]
    return Policy.model_validate({"name": "x", "rules": made})


@pytest.mark.parametrize("field", ["after", "before"])
def test_a_rule_that_is_named_must_exist(field: str) -> None:
    with pytest.raises(ValidationError, match=r"no rule has this name; did you mean 'orders'\?"):
        rules(("orders", {}), ("b", {field: "order"}))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((("a", {"after": "a"}),), "waits for itself"),
        ((("a", {"after": "b"}), ("b", {"after": "a"})), "a → b → a"),
        ((("a", {"after": "b"}), ("b", {"after": "c"}), ("c", {"after": "a"})), "a → b → c → a"),
    ],
)
def test_rules_that_wait_for_one_another(given: tuple[tuple[str, dict[str, Any]], ...], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        rules(*given)


def test_a_way_out_of_the_circle_is_enough() -> None:
    assert len(rules(("a", {"after": ["b", "c"]}), ("b", {"after": "a"}), ("c", {})).rules) == 3
    assert len(rules(("a", {"before": "b"}), ("b", {"after": "a"})).rules) == 2


def test_a_rule_of_a_parent_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text(
        "name: p\nrules:\n  - {name: first, on: plan, when: {}, verdict: note}\n"
    )
    child = tmp_path / "child.yaml"
    child.write_text(
        "name: c\nextends: parent\nrules:\n  - {name: b, on: plan, when: {before: first}, verdict: deny}\n"
    )
    assert [rule.name for rule in Policy.load(child).rules] == ["first", "b"]
    child.write_text(
        "name: c\nextends: parent\nrules:\n  - {name: b, on: plan, when: {before: frist}, verdict: deny}\n"
    )
    with pytest.raises(PolicyError, match=r"child.yaml:4:32: rules.0.when.before.*did you mean 'first'"):
        Policy.load(child)
