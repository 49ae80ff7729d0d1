"""`extends` may only narrow."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.action import parse_action
from harness.clearance import Act, Effect, Request, Target
from harness.errors import PolicyError
from harness.policy.engine import Engine
from harness.policy.extend import narrow
from harness.policy.rules import STRICTNESS
from harness.policy.schema import Policy
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError


def policy(name: str, **fields: Any) -> Policy:
    return Policy.model_validate({"name": name} | fields)


def rule(name: str, verdict: str, on: str = "action", **when: Any) -> dict[str, Any]:
    return {"name": name, "on": on, "when": when, "verdict": verdict}


def write(folder: Path, name: str, **fields: Any) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"name": name} | fields, sort_keys=False))
    return file


def test_rules_add_up_and_limits_shrink() -> None:
    parent = policy("parent", rules=[rule("a", "ask")], limits={"steps": 10, "seconds": 60})
    child = policy("child", rules=[rule("b", "deny")], limits={"steps": 20, "requests": 5})
    both = narrow(child, parent)
    assert [one.name for one in both.rules] == ["a", "b"]
    assert (both.limits.steps, both.limits.seconds, both.limits.requests) == (10, 60, 5)
    assert both.name == "child"


def test_domains_that_are_not_written_are_the_parents() -> None:
    parent = policy("parent", domains={"navigate": ["*.shop.test"], "load": ["cdn.test"]})
    assert narrow(policy("child"), parent).domains == parent.domains
    both = narrow(policy("child", domains={"navigate": ["a.shop.test"]}), parent)
    assert (both.domains.navigate, both.domains.load) == (("a.shop.test",), None)
    loads = narrow(policy("child", domains={"load": ["cdn.test"]}), parent)
    assert (loads.domains.navigate, loads.domains.load) == (("*.shop.test",), ("cdn.test",))


def test_a_parent_without_domains_leaves_them_to_the_child() -> None:
    child = policy("child", domains={"navigate": ["shop.test"]})
    assert narrow(child, policy("parent")).domains == child.domains


@pytest.mark.parametrize(
    ("domains", "place"),
    [
        ({"navigate": ["a.shop.test", "evil.test"]}, ("domains", "navigate", 1)),
        ({"navigate": ["shop.test"]}, ("domains", "navigate", 0)),
        ({"navigate": ["http://a.shop.test"]}, ("domains", "navigate", 0)),
        ({"navigate": ["cdn.test"]}, ("domains", "navigate", 0)),
        ({"load": ["evil.test"]}, ("domains", "load", 0)),
    ],
)
def test_widening_domains_is_refused_with_its_place(domains: dict[str, Any], place: tuple[Any, ...]) -> None:
    parent = policy("parent", domains={"navigate": ["*.shop.test"], "load": ["cdn.test"]})
    with pytest.raises(ValidationError, match="it would widen 'parent'") as failed:
        narrow(policy("child", domains=domains), parent)
    assert failed.value.errors()[0]["loc"] == place


def test_an_empty_list_of_the_parent_lets_nothing_in() -> None:
    parent = policy("parent", domains={"navigate": []})
    with pytest.raises(ValidationError, match="nothing may be reached"):
        narrow(policy("child", domains={"navigate": ["shop.test"]}), parent)


def test_defaults_are_the_stricter_of_what_both_wrote() -> None:
    parent = policy("parent", default={"action": "ask", "request": "allow"})
    both = narrow(policy("child", default={"action": "allow", "request": "deny"}), parent)
    assert (both.default.action, both.default.request) == ("ask", "deny")
    silent = narrow(policy("child"), parent)
    assert (silent.default.action, silent.default.request) == ("ask", "allow")
    fragment = narrow(policy("child", default={"action": "allow"}), policy("parent"))
    assert fragment.default.action == "allow"


def test_pages_outside_a_parents_domains_stay_refused() -> None:
    parent = policy("parent", domains={"navigate": ["shop.test"]})
    assert narrow(policy("child", default={"navigate": "ask"}), parent).default.navigate == "deny"


@pytest.mark.parametrize(
    ("on", "field"), [("action", "action"), ("request", "request"), ("navigate", "action")]
)
def test_a_rule_that_opens_what_the_parent_keeps_shut_is_refused(on: str, field: str) -> None:
    parent = policy("parent", default={field: "deny"})
    for verdict in ("allow", "ask"):
        with pytest.raises(ValidationError, match=f"whose default.{field} is stricter") as failed:
            narrow(policy("child", rules=[rule("a", verdict, on)]), parent)
        assert failed.value.errors()[0]["loc"] == ("rules", 0, "verdict")
    stricter = narrow(policy("child", rules=[rule("a", "stop", on)]), parent)
    assert stricter.rules[0].verdict == "stop"


def test_a_rule_of_the_parents_name_is_refused() -> None:
    with pytest.raises(ValidationError, match="'parent' has a rule of this name"):
        narrow(policy("child", rules=[rule("a", "deny")]), policy("parent", rules=[rule("a", "ask")]))


def test_secrets_add_up_and_never_change() -> None:
    mine = {"from": "env:A", "hosts": ["shop.test"]}
    parent = policy("parent", secrets={"pw": mine})
    assert set(narrow(policy("child", secrets={"pin": mine}), parent).secrets) == {"pw", "pin"}
    with pytest.raises(ValidationError, match="another secret of this name"):
        narrow(policy("child", secrets={"pw": mine | {"hosts": ["evil.test"]}}), parent)


def test_silence_and_dialogs_are_the_stricter() -> None:
    parent = policy("parent", approval={"timeout": "1m", "otherwise": "stop"}, dialogs="show")
    both = narrow(policy("child", approval={"timeout": "5m", "otherwise": "deny"}, dialogs="accept"), parent)
    assert (both.approval.timeout, both.approval.otherwise, both.dialogs) == (60, "stop", "show")
    dismissing = narrow(policy("child", dialogs="dismiss"), parent)
    assert (dismissing.dialogs, dismissing.approval.timeout) == ("dismiss", 60)
    silent = narrow(policy("child"), parent)
    assert silent.dialogs == "show"
    patient = narrow(policy("child", approval={"timeout": "5m"}, dialogs="accept"), policy("parent"))
    assert (patient.approval.timeout, patient.dialogs) == (300, "accept")


def test_files_are_found_next_to_the_one_that_names_them(tmp_path: Path) -> None:
    write(tmp_path, "grand", rules=[rule("g", "ask")], limits={"steps": 3})
    write(tmp_path, "parent", extends=["grand.yaml"], rules=[rule("p", "ask")])
    loaded = Policy.load(write(tmp_path, "child", extends="parent", rules=[rule("c", "ask")]))
    assert [one.name for one in loaded.rules] == ["g", "p", "c"]
    assert loaded.limits.steps == 3
    assert loaded.extends == ()


def test_a_resolved_policy_has_a_hash_of_all_it_means(tmp_path: Path) -> None:
    write(tmp_path, "parent", limits={"steps": 3})
    file = write(tmp_path, "child", extends=["parent"])
    before = Policy.load(file).sha256
    write(tmp_path, "parent", limits={"steps": 2})
    assert Policy.load(file).sha256 != before


def test_two_parents_must_agree(tmp_path: Path) -> None:
    write(tmp_path, "one", domains={"navigate": ["*.shop.test"]})
    write(tmp_path, "two", domains={"navigate": ["*.test"]})
    loaded = Policy.load(write(tmp_path, "child", extends=["one", "two"]))
    assert loaded.domains.navigate == ("*.shop.test",)
    with pytest.raises(PolicyError, match="it would widen 'one'"):
        Policy.load(write(tmp_path, "child", extends=["two", "one"]))


def test_a_circle_is_refused_with_its_place(tmp_path: Path) -> None:
    write(tmp_path, "a", extends=["b"])
    file = write(tmp_path, "b", extends=["a"])
    with pytest.raises(
        PolicyError, match=r"a\.yaml:3:3: .*cannot extend itself: b\.yaml → a\.yaml → b\.yaml"
    ):
        Policy.load(file)
    with pytest.raises(PolicyError, match="cannot extend itself"):
        Policy.load(write(tmp_path, "c", extends=["c"]))


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    write(tmp_path, "p0")
    for number in range(1, 15):
        write(tmp_path, f"p{number}", extends=[f"p{number - 1}"])
    assert Policy.load(tmp_path / "p9.yaml").name == "p9"
    with pytest.raises(PolicyError, match="chain"):
        Policy.load(tmp_path / "p14.yaml")


def test_an_error_in_a_parent_names_the_parents_file(tmp_path: Path) -> None:
    write(tmp_path, "parent", dialogs="shw")
    with pytest.raises(PolicyError, match=r"parent\.yaml:2:1: dialogs: did you mean 'show'"):
        Policy.load(write(tmp_path, "child", extends=["parent"]))


def test_widening_in_a_file_names_its_line(tmp_path: Path) -> None:
    write(tmp_path, "parent", domains={"navigate": ["shop.test"]})
    file = write(tmp_path, "child", extends=["parent"], domains={"navigate": ["shop.test", "evil.test"]})
    with pytest.raises(PolicyError, match=r"child\.yaml:7:5: domains\.navigate\.1: it would widen 'parent'"):
        Policy.load(file)


def test_a_dictionary_may_extend_what_is_ready_made() -> None:
    loaded = policy("mine", extends=["base"], default={"action": "allow"})
    verdict = Engine(loaded).judge(
        Act(action=parse_action({"kind": "press", "keys": "F12"}), target=Target())
    )
    assert verdict.outcome == "deny"
    with pytest.raises(ValidationError, match="no such policy"):
        policy("mine", extends=["/etc/passwd"])


OUTCOMES = st.sampled_from(STRICTNESS)
RULES = st.lists(
    st.tuples(st.sampled_from(["action", "request", "navigate"]), st.sampled_from(["", "a", "b"]), OUTCOMES),
    max_size=4,
)
HOSTS = st.lists(st.sampled_from(["a.test", "*.a.test", "*.test", "http://a.test", "a.test/x*"]), max_size=2)
DEFAULTS = st.fixed_dictionaries({}, optional={"action": OUTCOMES, "request": OUTCOMES})
PARTS = st.tuples(RULES, HOSTS, DEFAULTS)
URLS = st.sampled_from(
    ["https://a.test/", "https://a.test/x", "https://b.a.test/a", "http://a.test/", "https://c/"]
)
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(lambda url: Act(action=parse_action({"kind": "goto", "url": url})), URLS),
    st.builds(lambda url: Request(id="r", method="GET", url=url, resource="document"), URLS),
    st.builds(lambda url: Request(id="r", method="GET", url=url, resource="image"), URLS),
    st.just(Act(action=parse_action({"kind": "click", "x": 1, "y": 1}), target=Target())),
)


def made(name: str, parts: tuple[Any, Any, Any]) -> Policy:
    rules, hosts, default = parts
    listed = [
        rule(f"{name} {place}", verdict, on, **({"url": f"*{text}*"} if text else {}))
        for place, (on, text, verdict) in enumerate(rules)
    ]
    return policy(name, rules=listed, default=default, domains={"navigate": hosts})


@settings(max_examples=250, deadline=None)
@given(parent=PARTS, child=PARTS, effect=EFFECTS)
def test_no_child_allows_what_its_parent_does_not(parent: Any, child: Any, effect: Effect) -> None:
    complete = {"action": "deny", "request": "deny"} | parent[2]
    above = made("parent", (parent[0], parent[1], complete))
    try:
        both = narrow(made("child", child), above)
    except ValidationError:
        return
    strict = STRICTNESS.index(Engine(above).judge(effect).outcome)
    assert STRICTNESS.index(Engine(both).judge(effect).outcome) <= strict
