"""What is odd about a policy that can be read; and its examples."""

from typing import Any

import pytest
from harness.clearance import Act, Request
from harness.policy.check import check, run_examples
from harness.policy.examples import Example
from harness.policy.schema import Policy
from pydantic import ValidationError


def policy(**fields: Any) -> Policy:
    return Policy.model_validate({"name": "x", "domains": {"navigate": ["shop.test"]}} | fields)


def rule(name: str, verdict: str = "deny", on: Any = "action", **when: Any) -> dict[str, Any]:
    return {"name": name, "on": on, "when": when, "verdict": verdict}


def findings(**fields: Any) -> list[tuple[str, str]]:
    return [(one.rule, one.message) for one in check(policy(**fields))]


def test_a_sound_policy_has_nothing_odd() -> None:
    assert (
        findings(
            domains={"navigate": ["shop.test"], "load": ["*.cdn.test"]},
            default={"action": "allow", "request": "allow"},
            rules=[
                rule("a", "ask", kind="click", target={"name": "Pay"}),
                rule("b", "deny", on="request", url="https://shop.test/orders*"),
                rule("c", "deny", kind=["type", "press"], keys="Enter"),
            ],
            secrets={"pw": {"from": "env:PW", "hosts": ["shop.test"]}},
        )
        == []
    )


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ({"kind": "click", "text": "a"}, "text is a thing of type"),
        ({"kind": "click", "keys": "Enter"}, "keys is a thing of press"),
        ({"kind": "wait", "target": {"role": "button"}}, "target.role is a thing of"),
        ({"kind": ["goto", "back"], "page": "*"}, "page is a thing of"),
        ({"kind": "type", "button": "left"}, "button is a thing of click"),
        ({"kind": "press", "files": "*"}, "files is a thing of upload"),
        ({"kind": "click", "url": "*"}, "url is a thing of goto"),
        ({"text": "a", "button": "left"}, "is a thing of"),
    ],
)
def test_a_rule_that_can_never_match_is_named(when: dict[str, Any], says: str) -> None:
    ((name, message),) = findings(rules=[rule("odd", **when)])
    assert name == "odd"
    assert message.startswith("it can never match")
    assert says in message


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (rule("wide"), rule("narrow", "ask", kind="click")),
        (rule("wide", kind=["click", "type"]), rule("narrow", "ask", kind="click", button="right")),
        (rule("wide", on=["action", "navigate"]), rule("narrow", "allow", on="navigate", host="shop.test")),
        (
            rule("wide", on="request", url="https://shop.test/*"),
            rule("narrow", "ask", "request", url="https://shop.test/a"),
        ),
        (
            rule("wide", on="request", host="*.test"),
            rule("narrow", "ask", "request", host="shop.test", method="POST"),
        ),
        (rule("wide", "ask", kind="click"), rule("narrow", "ask", kind="click", button="left")),
    ],
)
def test_a_rule_in_the_shadow_of_another_is_named(wide: dict[str, Any], narrow: dict[str, Any]) -> None:
    ((name, message),) = findings(rules=[wide, narrow])
    assert name == "narrow"
    assert "'wide' speaks wherever it does" in message


@pytest.mark.parametrize(
    "rules",
    [
        [rule("a", "ask"), rule("b", "deny", kind="click")],
        [rule("a", "deny", kind="click"), rule("b", "ask", kind="type")],
        [rule("a", "deny", kind="click", button="right"), rule("b", "ask", kind="click")],
        [rule("a", "deny", on="request"), rule("b", "ask")],
        [rule("a", "deny", on="request", body_size="> 5"), rule("b", "ask", on="request", body_size="> 6")],
    ],
)
def test_a_rule_that_has_a_say_is_not_named(rules: list[dict[str, Any]]) -> None:
    assert findings(rules=rules) == []


def test_a_rule_about_hosts_that_are_refused_anyway_is_named() -> None:
    odd = rule("odd", "ask", on="request", url="https://evil.test/*")
    kept = rule("kept", "ask", on="request", url="https://shop.test/a*")
    anywhere = rule("anywhere", "ask", on="request", url=["https://*.evil.test/*", "re:x"])
    assert [name for name, _ in findings(rules=[odd, kept, anywhere])] == ["odd"]
    ending = odd | {"verdict": "stop"}
    assert findings(rules=[ending]) == []
    assert findings(rules=[odd | {"on": "navigate", "verdict": "deny"}], default={"navigate": "ask"}) == []


def test_an_allow_that_allows_what_is_allowed_is_named() -> None:
    useless = rule("useless", "allow", kind="click")
    assert [name for name, _ in findings(rules=[useless], default={"action": "allow"})] == ["useless"]
    assert findings(rules=[useless], default={"action": "deny"}) == []


def test_hosts_that_add_nothing_are_named() -> None:
    assert [name for name, _ in findings(domains={})] == ["domains.navigate"]
    twice = findings(domains={"navigate": ["*.shop.test", "a.shop.test"], "load": ["b.shop.test"]})
    assert twice == [
        ("domains.navigate", "a.shop.test lies within *.shop.test; leave it out"),
        ("domains.load", "b.shop.test lies within *.shop.test; leave it out"),
    ]
    again = findings(domains={"navigate": ["a.test", "a.test"]})
    assert again == [("domains.navigate", "a.test stands there twice; leave it out")]


def test_a_secret_for_a_host_that_cannot_be_reached_is_named() -> None:
    odd = findings(secrets={"pw": {"from": "env:PW", "hosts": ["shop.test", "bank.test"]}})
    assert odd == [("secrets.pw", "bank.test is not within domains, so the secret is never typed there")]


def test_examples_say_what_holds_and_what_does_not() -> None:
    results = run_examples(
        policy(
            default={"action": "allow"},
            rules=[rule("paying", "ask", kind="click", target={"name": "Pay now"})],
            examples=[
                {
                    "action": {"kind": "click", "target": {"role": "button", "name": "Pay now"}},
                    "expect": "ask",
                },
                {
                    "action": {"kind": "click", "target": {"name": "Pay now"}},
                    "expect": "ask",
                    "rule": "paying",
                },
                {
                    "action": {"kind": "click", "target": {"name": "Pay now"}},
                    "expect": "ask",
                    "rule": "other",
                },
                {"action": {"kind": "click", "target": {"name": "Cancel"}}, "expect": "deny"},
                {"navigate": "https://evil.test/", "expect": "deny"},
                {"request": {"url": "https://shop.test/"}, "expect": "deny"},
            ],
        )
    )
    assert [one.passed for one in results] == [True, True, False, False, True, True]
    assert results[2].message.startswith("example 3, click on 'Pay now': expected ask by 'other', got ask by")
    assert (results[3].expected, results[3].outcome, results[3].rule) == ("deny", "allow", "default")


def test_of_a_navigation_both_the_action_and_the_request_count() -> None:
    shut_at_the_wire = policy(
        default={"action": "allow", "request": "deny"},
        examples=[{"navigate": "https://shop.test/", "expect": "deny"}],
    )
    assert run_examples(shut_at_the_wire)[0].passed


@pytest.mark.parametrize(
    "fields",
    [
        {"action": {"kind": "click"}},
        {"action": {"kind": "drag"}},
        {"action": {"kind": "scroll", "dy": 5}},
        {"action": {"kind": "hold", "keys": "a"}},
        {"action": {"kind": "zoom"}},
        {"action": {"kind": "switch_tab"}},
        {"action": {"kind": "click", "target": {}}},
        {"request": {"url": "https://shop.test/", "headers": {"X-A": "b"}}},
        {"plan": "look"},
        {"signal": {"provider": "a", "code": "b"}},
    ],
)
def test_an_example_needs_no_more_than_matters(fields: dict[str, Any]) -> None:
    example = Example.model_validate(fields | {"expect": "ask"})
    assert len(example.effects()) == 1
    assert example.summary
    assert Example.model_validate(example.model_dump(mode="json")) == example


def test_an_example_is_read_as_an_effect() -> None:
    act, document = Example.model_validate({"navigate": "https://a.test/", "expect": "ask"}).effects()
    assert isinstance(act, Act)
    assert act.action.kind == "goto"
    assert isinstance(document, Request)
    assert document.resource == "document"
    (request,) = Example.model_validate(
        {"request": {"url": "https://a.test/", "headers": {"X-A": "b"}}, "expect": "ask"}
    ).effects()
    assert isinstance(request, Request)
    assert request.headers == (("x-a", "b"),)


@pytest.mark.parametrize("fields", [{}, {"plan": "a", "navigate": "b"}, {"action": 5}, {"request": "x"}])
def test_an_example_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(fields | {"expect": "ask"})


def test_a_contradiction_is_named() -> None:
    rules = [rule("yes", "allow", kind="click"), rule("no", "deny", kind="click")]
    ((name, message),) = findings(rules=rules)
    assert (name, message) == (
        "yes",
        "a contradiction: 'no' says deny of the same, so this allow never counts",
    )


def test_a_note_that_nobody_reads_is_named_and_one_that_is_read_is_not() -> None:
    note = rule("seen it", "note", kind="click")
    ((name, message),) = findings(rules=[note])
    assert (name, message) == ("seen it", "it says nothing, and no rule names it in after or before")
    assert findings(rules=[note, rule("b", "deny", kind="type", after="seen it")]) == []


@pytest.mark.parametrize(
    ("on", "when"),
    [
        ("request", {"body": "*a*", "body_size": "0"}),
        ("action", {"kind": "type", "target": {"password": True, "editable": False}}),
        ("action", {"kind": "type", "modifiers": "Shift"}),
    ],
)
def test_more_that_can_never_match(on: str, when: dict[str, Any]) -> None:
    ((_, message),) = findings(rules=[rule("odd", on=on, **when)])
    assert message.startswith("it can never match")


def test_what_happened_before_an_example_counts() -> None:
    click = {"action": {"kind": "click"}}
    found = run_examples(
        policy(
            rules=[rule("one", "allow", kind="click", once=True)],
            examples=[
                click | {"expect": "allow"},
                click | {"after": click, "expect": "deny"},
                click | {"expect": "allow"},
            ],
        )
    )
    assert [one.passed for one in found] == [True, True, True]
