"""What a policy answers, effect by effect, and what no effect and no rule can make it answer."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

from typing import Any

import pytest
from harness.action import Action, parse_action
from harness.clearance import Act, Effect, Plan, Request, SafetySignal, Target, Verdict, clear, digest
from harness.policy.engine import Engine, Said
from harness.policy.match import RuleFailedError
from harness.policy.rules import STRICTNESS
from harness.policy.schema import Policy
from hypothesis import given, settings
from hypothesis import strategies as st

OPEN = {"action": "allow", "request": "allow"}


def engine(*rules: dict[str, Any], **fields: Any) -> Engine:
    named = [{"name": f"rule {place}", "on": "action", "when": {}} | rule for place, rule in enumerate(rules)]
    base = {"name": "t", "domains": {"navigate": ["shop.test"]}, "default": OPEN}
    return Engine(Policy.model_validate(base | {"rules": named} | fields))


def act(kind: str, target: dict[str, Any] | None = None, **fields: Any) -> Act:
    place = {"x": 1, "y": 2} if kind in ("click", "move", "scroll") else {}
    action: Action = parse_action({"kind": kind} | place | fields)
    return Act(action=action, target=Target(**target) if target is not None else None)


def request(url: str = "https://shop.test/", method: str = "GET", **fields: Any) -> Request:
    return Request(id="r1", method=method, url=url, **fields)


BUTTON = {"role": "button", "name": "Pay now", "tag": "button", "url": "https://shop.test/cart"}

SPEAKS: list[tuple[str, dict[str, Any], Effect, bool]] = [
    ("action", {}, act("wait"), True),
    ("action", {"kind": "click"}, act("click", {}), True),
    ("action", {"kind": "click"}, act("wait"), False),
    ("action", {"kind": ["press", "click"]}, act("click", {}), True),
    ("action", {"target": {"role": "button"}}, act("click", BUTTON), True),
    ("action", {"target": {"role": "link"}}, act("click", BUTTON), False),
    ("action", {"target": {"role": "button", "name": "Cancel"}}, act("click", BUTTON), False),
    ("action", {"target": {"name": "re:^Pay"}}, act("click", BUTTON | {"name": "Pay\u200b now"}), True),
    (
        "action",
        {"target": {"name": "Pay now"}},
        act("click", BUTTON | {"name": "\u2060Ｐａｙ\u00a0 now"}),
        True,
    ),
    ("action", {"target": {"text": "Pay now"}}, act("click", BUTTON | {"text": "Pay\nnow"}), True),
    ("action", {"target": {"tag": "button"}}, act("click", BUTTON), True),
    (
        "action",
        {"target": {"href": "https://shop.test/*"}},
        act("click", {"href": "https://shop.test/a"}),
        True,
    ),
    ("action", {"target": {"href": "*"}}, act("click", {}), False),
    ("action", {"target": {"form_method": "post"}}, act("click", {"form_method": "post"}), True),
    (
        "action",
        {"target": {"form_action": "*/orders"}},
        act("click", {"form_action": "https://a.test/orders"}),
        True,
    ),
    (
        "action",
        {"target": {"frame_origin": "https://ads.test"}},
        act("click", {"frame_origin": "null"}),
        False,
    ),
    ("action", {"target": {"editable": True}}, act("type", {"editable": True}, text="a"), True),
    ("action", {"target": {"editable": True}}, act("type", {}, text="a"), False),
    ("action", {"target": {"password": False}}, act("type", {}, text="a"), True),
    ("action", {"target": {"submits": True}}, act("click", {"submits": True}), True),
    ("action", {"target": {"input_type": "file"}}, act("click", {"input_type": "file"}), True),
    ("action", {"target": {"input_type": "*"}}, act("click", {}), False),
    ("action", {"target": {"role": "button"}}, act("wait"), False),
    ("action", {"page": "https://shop.test/cart"}, act("click", BUTTON), True),
    ("action", {"page": "https://shop.test/pay*"}, act("click", BUTTON), False),
    ("action", {"keys": "ctrl+l"}, act("press", {}, keys="CTRL+L"), True),
    ("action", {"keys": "ctrl+l"}, act("hold", {}, keys=["ctrl", "l"], seconds=1), True),
    ("action", {"keys": "Enter"}, act("press", {}, keys="Return"), True),
    ("action", {"keys": "Enter"}, act("press", {}, keys="ctrl+Enter"), False),
    ("action", {"keys": "Enter"}, act("type", {}, text="abc\n"), True),
    ("action", {"keys": "Enter"}, act("type", {}, text="abc\r"), True),
    ("action", {"keys": "Enter"}, act("type", {}, text="abc"), False),
    ("action", {"keys": "Space"}, act("type", {}, text="a b"), True),
    ("action", {"keys": "Tab"}, act("type", {}, text="a\tb"), True),
    ("action", {"keys": "Enter"}, act("click", {}), False),
    ("action", {"text": "re:[0-9]{16}"}, act("type", {}, text="4111111111111111"), True),
    ("action", {"text": "re:[0-9]{16}"}, act("type", {}, text="4111\u200b111111111111"), True),
    ("action", {"text": "re:\\n"}, act("type", {}, text="a\n"), True),
    ("action", {"text": "*password*"}, act("ask_user", question="What is the password?"), True),
    ("action", {"text": "*42*"}, act("answer", text="It is 42."), True),
    ("action", {"text": "no*"}, act("give_up", reason="no way"), True),
    ("action", {"url": "https://shop.test/admin*"}, act("goto", url="https://shop.test/%61dmin"), True),
    ("action", {"url": "https://shop.test/*"}, act("new_tab", url="https://shop.test/"), True),
    ("action", {"url": "*"}, act("new_tab"), False),
    ("action", {"button": "right"}, act("click", {}, button="right"), True),
    ("action", {"button": "right"}, act("click", {}), False),
    ("action", {"button": "left"}, act("drag", {}, path=[[0, 0], [1, 1]]), True),
    ("action", {"files": "*.pdf"}, act("upload", {}, files=["a.txt", "b.pdf"]), True),
    ("action", {"files": "*.pdf"}, act("upload", {}, files=["a.txt"]), False),
    ("request", {}, request(), True),
    ("request", {"method": "post"}, request(method="POST"), True),
    ("request", {"method": "POST"}, request(method="post"), True),
    ("request", {"method": ["PUT", "POST"]}, request(), False),
    ("request", {"url": "https://shop.test/orders*"}, request("https://shop.test/orders"), True),
    ("request", {"url": "https://shop.test/orders*"}, request("https://shop.test/%6Frders"), True),
    ("request", {"url": "https://shop.test/orders*"}, request("https://shop.test//orders"), True),
    ("request", {"url": "https://shop.test/orders*"}, request("https://shop.test/a/..%2forders"), True),
    ("request", {"url": "*_method=DELETE*"}, request("https://shop.test/?_method=%44ELETE"), True),
    ("request", {"url": "https://shop.test/orders*"}, request("https://shop.test/cart"), False),
    ("request", {"host": "Shop.test"}, request(), True),
    ("request", {"host": "*.shop.test"}, request(), False),
    ("request", {"header": {"X-Method": "DELETE"}}, request(headers=(("x-method", "DELETE"),)), True),
    ("request", {"header": {"x-method": "*"}}, request(headers=(("x-m", "a"), ("x-method", "b"))), True),
    ("request", {"header": {"x-method": "*"}}, request(headers=(("accept", "a"),)), False),
    ("request", {"header": {"a": "1", "b": "2"}}, request(headers=(("a", "1"), ("b", "3"))), False),
    ("request", {"header": {"a": "1"}}, request(headers=(("a", "0"), ("a", "1"))), True),
    ("request", {"resource": ["image", "font"]}, request(resource="font"), True),
    ("request", {"initiator": "https://ads.test"}, request(initiator="https://ads.test"), True),
    ("request", {"initiator": "*"}, request(), False),
    ("request", {"body_size": "> 10kB"}, request(body_size=10_001), True),
    ("request", {"body_size": "> 10kB"}, request(body_size=10_000), False),
    ("request", {"body_size": ["0", "> 1MB"]}, request(body_size=0), True),
    ("request", {"body_size": 5}, request(body_size=5), True),
    ("navigate", {"url": "https://shop.test/admin*"}, act("goto", url="https://shop.test/admin"), True),
    ("navigate", {"url": "https://shop.test/admin*"}, act("new_tab", url="https://shop.test/admin"), True),
    ("navigate", {"host": "shop.test"}, request(resource="document"), True),
    ("navigate", {"host": "shop.test"}, request(resource="frame"), False),
    ("navigate", {}, act("click", {}), False),
    ("navigate", {}, act("new_tab"), False),
    ("plan", {"text": "*password*"}, Plan(text="Type the pass\u200bword."), True),
    ("plan", {"text": "*password*"}, Plan(text="Look."), False),
    ("signal", {"provider": "openai"}, SafetySignal(provider="openai", code="x"), True),
    ("signal", {"code": "malicious*"}, SafetySignal(provider="o", code="malicious_instructions"), True),
    ("signal", {"message": "re:(?i)danger"}, SafetySignal(provider="o", code="x", message="Danger!"), True),
    ("signal", {"provider": "openai"}, SafetySignal(provider="gemini", code="x"), False),
]


@pytest.mark.parametrize(("on", "when", "effect", "speaks"), SPEAKS)
def test_when_a_rule_speaks(on: str, when: dict[str, Any], effect: Effect, speaks: bool) -> None:
    verdict = engine({"on": on, "when": when, "verdict": "stop"}).judge(effect)
    assert (verdict.rule == "rule 0") is speaks
    assert (verdict.outcome == "stop") is speaks


@pytest.mark.parametrize(
    ("verdicts", "outcome", "rule"),
    [
        ([], "allow", "default"),
        (["allow", "ask"], "ask", "rule 1"),
        (["ask", "allow", "deny"], "deny", "rule 2"),
        (["deny", "stop", "allow", "ask"], "stop", "rule 1"),
        (["ask", "ask"], "ask", "rule 0"),
        (["allow"], "allow", "rule 0"),
    ],
)
def test_most_restrictive_wins_and_then_the_first(verdicts: list[str], outcome: str, rule: str) -> None:
    verdict = engine(*({"verdict": one} for one in verdicts)).judge(act("click", {}))
    assert (verdict.outcome, verdict.rule) == (outcome, rule)


def test_what_no_rule_speaks_of_gets_the_default() -> None:
    judge = engine(default={"action": "ask", "request": "deny"})
    assert judge.judge(act("click", {})).outcome == "ask"
    assert judge.judge(request()).outcome == "deny"
    assert "default.request is deny" in judge.judge(request()).reason
    assert judge.judge(Plan(text="a")).outcome == "allow"
    assert judge.judge(SafetySignal(provider="a", code="b")).outcome == "ask"


def test_a_policy_that_says_nothing_allows_no_action_and_no_request() -> None:
    judge = Engine(Policy(name="x"))
    for effect in (act("click", {}), act("wait"), act("goto", url="https://shop.test/"), request()):
        assert judge.judge(effect).outcome == "deny"


NAVIGATION = [
    ("https://shop.test/", "allow"),
    ("https://shop.test/?next=https://evil.test/", "allow"),
    ("http://shop.test/", "deny"),
    ("https://evil.test/", "deny"),
    ("https://shop.test@evil.test/", "deny"),
    ("https://me@shop.test/", "deny"),
    ("https://shop.test./", "deny"),
    ("wss://shop.test/", "deny"),
    ("about:blank", "deny"),
    ("view-source:https://shop.test/", "deny"),
    ("javascript:alert(1)", "deny"),
    ("data:text/html,hello", "deny"),
    ("blob:https://shop.test/1", "deny"),
    ("file:///etc/passwd", "deny"),
    ("chrome://version", "deny"),
    ("shop.test", "deny"),
    ("x", "deny"),
]


@pytest.mark.parametrize(("url", "outcome"), NAVIGATION)
def test_pages_are_held_to_domains_navigate(url: str, outcome: str) -> None:
    judge = engine()
    assert judge.judge(act("goto", url=url)).outcome == outcome
    assert judge.judge(request(url, resource="document")).outcome == outcome
    assert judge.may_start(url).outcome == outcome


def test_a_new_tab_may_be_blank() -> None:
    judge = engine()
    assert judge.judge(act("new_tab")).outcome == "allow"
    assert judge.judge(act("new_tab", url="about:blank")).outcome == "allow"
    assert judge.judge(act("new_tab", url="about:srcdoc")).outcome == "deny"
    assert judge.judge(act("new_tab", url="https://evil.test/")).rule == "domains.navigate"


def test_everything_else_is_held_to_domains_load() -> None:
    judge = engine(domains={"navigate": ["shop.test"], "load": ["*.cdn.test"]})
    assert judge.judge(request("https://a.cdn.test/x.js", resource="script")).outcome == "allow"
    assert judge.judge(request("https://shop.test/x.js", resource="script")).outcome == "allow"
    assert judge.judge(request("wss://shop.test/live", resource="websocket")).outcome == "allow"
    assert judge.judge(request("https://a.cdn.test/", resource="document")).rule == "domains.navigate"
    refused = judge.judge(request("https://evil.test/x.gif", resource="image"))
    assert (refused.outcome, refused.rule) == ("deny", "domains.load")
    assert judge.judge(request("https://evil.test/", resource="frame")).rule == "domains.load"


def test_the_reason_says_what_may_be_reached_and_what_was_tried() -> None:
    verdict = engine().judge(act("goto", url="https://evil.test/"))
    assert verdict.reason == "shop.test may be visited, evil.test may not: it is not in domains.navigate"
    nothing = engine(domains={}).judge(act("goto", url="https://evil.test/"))
    assert nothing.reason == "nothing may be visited, evil.test may not: the policy names no domains"


@pytest.mark.parametrize("outcome", ["ask", "deny", "stop"])
def test_pages_outside_get_the_default_that_is_written(outcome: str) -> None:
    judge = engine(default=OPEN | {"navigate": outcome})
    assert judge.judge(act("goto", url="https://evil.test/")).outcome == outcome
    assert judge.judge(request("https://evil.test/", resource="document")).outcome == outcome
    assert judge.judge(request("https://evil.test/x.gif", resource="image")).outcome == "deny"
    assert judge.judge(act("goto", url="https://me@evil.test/")).outcome == "deny"


def test_no_rule_opens_a_host_that_domains_omits() -> None:
    judge = engine(
        {"on": ["request", "navigate", "action"], "verdict": "allow"}, {"on": "navigate", "verdict": "allow"}
    )
    assert judge.judge(act("goto", url="https://evil.test/")).outcome == "deny"
    assert judge.judge(request("https://evil.test/", resource="document")).outcome == "deny"
    assert judge.judge(request("https://evil.test/", resource="image")).outcome == "deny"


def test_a_page_within_the_domains_still_needs_the_default_or_a_rule() -> None:
    shut = {"action": "deny", "request": "deny"}
    assert engine(default=shut).judge(act("goto", url="https://shop.test/")).rule == "default"
    opened = engine({"on": "navigate", "verdict": "allow"}, default=shut)
    assert opened.judge(act("goto", url="https://shop.test/")).outcome == "allow"
    assert opened.judge(request(resource="document")).outcome == "allow"
    assert opened.judge(request(resource="image")).outcome == "deny"


def test_a_task_may_start_where_pages_may_be_whatever_actions_need() -> None:
    judge = engine(
        {"on": "navigate", "when": {"url": "*/admin*"}, "verdict": "ask"}, default={"action": "deny"}
    )
    assert judge.may_start("https://shop.test/").outcome == "allow"
    assert judge.may_start("https://shop.test/admin").outcome == "ask"
    verdict = judge.may_start("https://shop.test/")
    assert verdict.effect == digest(act("goto", url="https://shop.test/"))
    assert clear(act("goto", url="https://shop.test/"), verdict).verdict is verdict


@pytest.mark.parametrize("url", ["", "x" * 70_000])
def test_a_start_that_is_no_url_is_denied(url: str) -> None:
    assert engine().may_start(url).outcome == "deny"


def test_what_is_not_known_restricts_and_never_allows() -> None:
    when = {"kind": "click", "target": {"role": "button", "name": "re:Pay"}}
    asking = engine({"when": when, "verdict": "ask"})
    assert asking.judge(act("click")).outcome == "ask"
    assert asking.judge(act("click", {})).outcome == "allow"
    allowing = engine({"when": when, "verdict": "allow"}, default={"action": "deny"})
    assert allowing.judge(act("click")).outcome == "deny"
    assert allowing.judge(act("click", BUTTON)).outcome == "allow"


def test_a_rule_that_allows_needs_every_spelling() -> None:
    shut = {"request": "deny"}
    allowing = engine({"on": "request", "when": {"url": "*/public/*"}, "verdict": "allow"}, default=shut)
    assert allowing.judge(request("https://shop.test/public/a")).outcome == "allow"
    assert allowing.judge(request("https://shop.test/public/..%2fadmin")).outcome == "deny"
    files = engine({"when": {"files": "*.pdf"}, "verdict": "allow"}, default={"action": "deny"})
    assert files.judge(act("upload", {}, files=["a.pdf"])).outcome == "allow"
    assert files.judge(act("upload", {}, files=["a.pdf", "id_rsa"])).outcome == "deny"
    absent = engine({"when": {"files": "*"}, "verdict": "allow"}, default={"action": "deny"})
    assert absent.judge(act("click", {})).outcome == "deny"


def test_a_verdict_is_for_this_policy_and_this_effect() -> None:
    judge = engine()
    verdict = judge.judge(act("click", {}))
    assert verdict.policy == judge.sha256 == judge.policy.sha256
    assert verdict.effect == digest(act("click", {}))
    assert clear(act("click", {}), verdict).verdict is verdict


def test_a_rule_that_fails_is_a_denial_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = engine({"when": {"target": {"name": "re:a"}}, "verdict": "allow"})

    def fail(*_: object) -> int:
        raise RuleFailedError(1, MemoryError("no room"))

    monkeypatch.setattr(judge._tables["action"], "_matching", fail)
    verdict = judge.judge(act("click", BUTTON))
    assert (verdict.outcome, verdict.rule) == ("deny", "rule 0")
    assert verdict.reason.startswith("rule failed")
    assert judge.judge(act("goto", url="https://shop.test/")).outcome == "deny"


def test_anything_else_that_fails_is_a_denial_too(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = engine()

    def fail(*_: object) -> list[Said]:
        raise OSError("gone")

    monkeypatch.setattr(judge, "_spoken", fail)
    assert judge.judge(act("click", {})).outcome == "deny"
    assert judge.may_start("https://shop.test/").outcome == "deny"
    assert judge.may_start("https://shop.test/").effect == ""


def test_what_is_no_effect_at_all_is_denied_and_clears_nothing() -> None:
    broken = act("click", {}).model_copy(update={"action": object()})
    verdict = engine().judge(broken)
    assert (verdict.outcome, verdict.rule, verdict.effect) == ("deny", "engine", "")
    not_an_effect: Any = Target()
    assert engine().judge(not_an_effect).outcome == "deny"


def test_addresses_are_named_only_where_they_are_written() -> None:
    judge = engine(domains={"navigate": ["http://127.0.0.1:8000"], "load": ["http://[::1]"]})
    assert judge.names_address("127.0.0.1")
    assert judge.names_address("::1")
    assert not judge.names_address("10.0.0.1")
    assert not engine().names_address("127.0.0.1")


TEXT = st.text(max_size=30)
URLS = st.one_of(
    st.sampled_from([url for url, _ in NAVIGATION]),
    TEXT.filter(bool),
    st.builds("https://{}/{}".format, TEXT, TEXT),
)
TARGETS = st.none() | st.builds(Target, role=TEXT, name=TEXT, text=TEXT, href=st.none() | URLS, url=URLS)
EFFECTS: st.SearchStrategy[Effect] = st.one_of(
    st.builds(lambda target: act("click", None).model_copy(update={"target": target}), TARGETS),
    st.builds(
        lambda text, target: act("type", None, text=text).model_copy(update={"target": target}), TEXT, TARGETS
    ),
    st.builds(lambda url: act("goto", url=url), URLS),
    st.builds(
        request,
        url=URLS,
        method=st.sampled_from(["GET", "POST", "get", ""]) | TEXT,
        headers=st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
        resource=st.sampled_from(["document", "image", "websocket", "frame"]),
        initiator=st.none() | TEXT,
        body_size=st.integers(-5, 10**6),
    ),
    st.builds(Plan, text=TEXT),
    st.builds(SafetySignal, provider=TEXT, code=TEXT, message=TEXT),
)
WHENS = {
    "action": st.sampled_from(
        [
            *(
                {},
                {"kind": "click"},
                {"kind": ["type", "goto"]},
                {"target": {"name": "re:a|e"}},
                {"text": "*a*"},
            ),
            *({"target": {"href": "https://shop.test/*"}}, {"keys": "Enter"}, {"url": "https://shop.test/*"}),
        ]
    ),
    "request": st.sampled_from(
        [
            *(
                {},
                {"method": "GET"},
                {"url": "https://shop.test/*"},
                {"body_size": "> 10"},
                {"host": "*test"},
            ),
            *({"resource": "document"}, {"header": {"a": "*"}}, {"initiator": "*"}),
        ]
    ),
    "navigate": st.sampled_from([{}, {"host": "shop.test"}, {"url": "re:a"}]),
    "plan": st.sampled_from([{}, {"text": "re:a"}]),
    "signal": st.sampled_from([{}, {"code": "*a*"}]),
}
RULES = st.sampled_from(sorted(WHENS)).flatmap(
    lambda on: st.fixed_dictionaries(
        {"on": st.just(on), "when": WHENS[on], "verdict": st.sampled_from(STRICTNESS)}
    )
)


def rank(verdict: Verdict) -> int:
    return STRICTNESS.index(verdict.outcome)


@settings(max_examples=250, deadline=None)
@given(effect=EFFECTS, rules=st.lists(RULES, max_size=6))
def test_no_effect_makes_the_judge_raise_or_forget_the_domains(
    effect: Effect, rules: list[dict[str, Any]]
) -> None:
    judge = engine(*rules)
    verdict = judge.judge(effect)
    assert verdict.effect == digest(effect)
    assert verdict.outcome in STRICTNESS
    if isinstance(effect, Request) and verdict.outcome in ("allow", "ask"):
        assert effect.url.strip().lower().startswith(("https:", "wss:"))


@settings(max_examples=250, deadline=None)
@given(
    effect=EFFECTS,
    rules=st.lists(RULES, max_size=6),
    added=RULES,
    default=st.sampled_from(["allow", "ask", "deny"]),
)
def test_adding_a_rule_never_makes_an_outcome_less_strict(
    effect: Effect, rules: list[dict[str, Any]], added: dict[str, Any], default: str
) -> None:
    defaults = {"action": default, "request": default, "plan": default, "signal": default}
    before = engine(*rules, default=defaults).judge(effect)
    after = engine(*rules, added, default=defaults).judge(effect)
    # A default is what holds where nothing was said, so the first rule that speaks replaces it, and only it.
    if before.rule != "default" or default == "allow":
        assert rank(after) <= rank(before)


@settings(max_examples=100, deadline=None)
@given(effect=EFFECTS, rules=st.lists(RULES, min_size=2, max_size=6))
def test_the_order_of_rules_does_not_change_an_outcome(effect: Effect, rules: list[dict[str, Any]]) -> None:
    assert engine(*rules).judge(effect).outcome == engine(*reversed(rules)).judge(effect).outcome


def test_a_thousand_rules_say_what_each_would_say_alone() -> None:
    rules = [
        {
            "when": {"target": {"name": rf"re:(?i)\bword{place}\b"}},
            "verdict": ["ask", "deny", "allow"][place % 3],
        }
        for place in range(1_000)
    ]
    judge = engine(*rules)
    assert judge.judge(act("click", {"name": "Word997"})).rule == "rule 997"
    assert judge.judge(act("click", {"name": "word4 word3"})).rule == "rule 4"
    assert judge.judge(act("click", {"name": "word3 word0"})).rule == "rule 0"
    assert judge.judge(act("click", {"name": "nothing"})).rule == "default"
