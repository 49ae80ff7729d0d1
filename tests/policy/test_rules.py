"""One rule: its conditions by field, and every field that `on` promises."""

from typing import Any, get_args

import pytest
from harness.action import KINDS, parse_action
from harness.clearance import Act, FileOffer, Plan, Request, SafetySignal, Target
from harness.policy.conditions import NUMBERS, RUN, TargetWhen, When, located, read_size
from harness.policy.match import Comparison
from harness.policy.rules import FIELDS, STRICTNESS, On, Rule
from harness.policy.values import (
    action_values,
    dialog_values,
    download_values,
    page_values,
    plan_values,
    request_values,
    signal_values,
    upload_values,
)
from pydantic import ValidationError

VALUES: dict[str, Any] = {
    "kind": "click",
    "keys": "Enter",
    "button": "left",
    "resource": "image",
    "body_size": "> 5",
    "url_size": "> 5",
    "header": {"X-A": "b"},
    "modifiers": "Shift",
    "tab": 1,
    "dialog": "confirm",
    "answer": "accept",
    "seen": {"title": "x"},
    "count": "> 3",
    "once": True,
    "url": "https://a.test/*",
    "page": "https://a.test/*",
    "target": {
        name: True if name in ("editable", "password", "submits") else "https://a.test/*"
        for name in TargetWhen.model_fields
    },
}


def test_every_condition_belongs_to_something_a_rule_can_speak_of() -> None:
    assert set(FIELDS) == set(get_args(On))
    assert {field for fields in FIELDS.values() for field in fields} == set(When.model_fields)


@pytest.mark.parametrize(("on", "field"), [(on, field) for on, fields in FIELDS.items() for field in fields])
def test_every_condition_has_a_value_to_be_compared_with(on: On, field: str) -> None:
    rule = Rule.model_validate(
        {"name": "a", "on": on, "when": {field: VALUES.get(field, "x")}, "verdict": "ask"}
    )
    act = Act(action=parse_action({"kind": "click", "x": 1, "y": 1}), target=Target())
    read = {
        "action": action_values(act, 1),
        "request": request_values(Request(id="r", method="GET", url="https://a.test/")),
        "navigate": page_values("https://a.test/", None),
        "download": download_values(FileOffer(name="a", url="https://a.test/a")),
        "upload": upload_values(Act(action=parse_action({"kind": "upload", "files": ["a"]}))),
        "dialog": dialog_values(act),
        "plan": plan_values(Plan(text="a")),
        "signal": signal_values(SafetySignal(provider="a", code="b")),
    }[on]
    conditions = dict(rule.when.conditions())
    assert conditions
    for name in conditions:
        if name not in (*NUMBERS, *RUN) and not name.startswith("seen."):
            assert isinstance(read(name), tuple)


def test_conditions_are_given_by_field() -> None:
    when = When.model_validate(
        {
            "kind": ["click", "type"],
            "target": {"role": "button", "submits": False},
            "header": {"X-A": ["b", "c"]},
        }
    )
    assert dict(when.conditions()) == {
        "kind": ("click", "type"),
        "target.role": ("button",),
        "target.submits": ("false",),
        "header.x-a": ("b", "c"),
    }


def test_a_rule_is_written_back_as_it_was_meant() -> None:
    data = {"name": "a", "on": "action", "when": {"target": {"role": "button"}}, "verdict": "ask"}
    rule = Rule.model_validate(data)
    dumped = rule.model_dump(mode="json")
    assert dumped["when"] == {"target": {"role": ["button"]}}
    assert Rule.model_validate(dumped) == rule


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_action_can_be_named(kind: str) -> None:
    assert When.model_validate({"kind": kind}).kind == (kind,)


@pytest.mark.parametrize("verdict", STRICTNESS)
def test_a_reason_is_what_was_written_or_a_sentence(verdict: str) -> None:
    rule = Rule.model_validate({"name": "a rule", "on": "plan", "when": {}, "verdict": verdict})
    assert "'a rule'" in rule.reason
    assert rule.model_copy(update={"why": "It spends money."}).reason == "It spends money."


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("> 10kB", Comparison(">", 10_000)),
        (">=1MiB", Comparison(">=", 1_048_576)),
        ("<5", Comparison("<", 5)),
        ("<= 5 kB", Comparison("<=", 5_000)),
        ("= 0", Comparison("=", 0)),
        ("7", Comparison("=", 7)),
    ],
)
def test_sizes(text: str, comparison: Comparison) -> None:
    assert read_size(text) == comparison


@pytest.mark.parametrize("text", ["", ">", "> ten", "=> 5", "> 5 parsecs", "-1", "> -1", "5 > 4"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="write a size like"):
        read_size(text)


def test_an_error_can_point_further_inside() -> None:
    error = located(("when", "kind"), "braces {stay} as they are", "x")
    assert isinstance(error, ValidationError)
    assert error.errors()[0]["loc"] == ("when", "kind")
    assert error.errors()[0]["msg"] == "braces {stay} as they are"
