"""What the conditions of a rule are compared with."""

import pytest
from harness.action import Action, parse_action
from harness.clearance import Act, Plan, Request, SafetySignal, Target
from harness.policy.urls import parse
from harness.policy.values import (
    action_values,
    leads_to,
    page_values,
    plan_values,
    request_values,
    signal_values,
)


def action(kind: str, **fields: object) -> Action:
    return parse_action({"kind": kind} | fields)


def test_a_missing_target_is_unknown_only_where_one_would_be_touched() -> None:
    touching = [
        *(action(kind, x=1, y=1) for kind in ("click", "mouse_down", "mouse_up")),
        *(action("type", text="a"), action("press", keys="a"), action("hold", keys="a", seconds=1)),
        action("drag", path=[[0, 0], [1, 1]]),
    ]
    for one in touching:
        assert action_values(Act(action=one))("target.role") is None
        assert action_values(Act(action=one, target=Target()))("target.role") == ("",)
    for one in (
        action("wait"),
        action("move", x=1, y=1),
        action("goto", url="https://a.test/"),
        action("back"),
    ):
        assert action_values(Act(action=one))("target.role") == ()


def test_what_a_target_does_not_have_is_nothing() -> None:
    read = action_values(Act(action=action("click", x=1, y=1), target=Target()))
    for field in ("page", "target.href", "target.form_method", "target.form_action", "target.input_type"):
        assert read(field) == ()
    assert read("target.submits") == ("false",)


@pytest.mark.parametrize(
    ("made", "url"),
    [
        (action("goto", url="https://a.test/"), "https://a.test/"),
        (action("goto", url="about:blank"), "about:blank"),
        (action("new_tab", url="https://a.test/"), "https://a.test/"),
        (action("new_tab", url="about:blank"), None),
        (action("new_tab"), None),
        (action("reload"), None),
    ],
)
def test_what_an_action_loads_by_itself(made: Action, url: str | None) -> None:
    assert leads_to(made) == url


def test_typed_text_is_compared_folded_and_as_it_is() -> None:
    read = action_values(Act(action=action("type", text="a\u200bb  c\n"), target=Target()))
    assert read("text") == ("ab c", "a\u200bb  c\n")
    assert read("keys") == ("Enter", "Space")
    assert action_values(Act(action=action("type", text="abc")))("text") == ("abc",)


def test_a_request_is_read_by_field() -> None:
    request = Request(
        id="r",
        method="post",
        url="https://Shop.test/a#b",
        headers=(("X-A", "1"), ("x-a", "2")),
        resource="fetch",
    )
    read = request_values(request)
    assert read("method") == ("POST",)
    assert read("url") == ("https://shop.test/a",)
    assert read("host") == ("shop.test",)
    assert read("header.x-a") == ("1", "2")
    assert read("header.x-b") == ()
    assert read("resource") == ("fetch",)
    assert read("initiator") == ()
    assert request_values(Request(id="r", method="GET", url="nonsense"))("host") == ()


def test_pages_plans_and_warnings_are_read_by_field() -> None:
    page = page_values("https://a.test/%61", parse("https://a.test/%61"))
    assert page("host") == ("a.test",)
    assert page("url") == ("https://a.test/%61", "https://a.test/a")
    assert page_values("nonsense", None)("host") == ()
    assert plan_values(Plan(text="pay\u200b now"))("text") == ("pay now", "pay\u200b now")
    signal = signal_values(SafetySignal(provider="openai", code="x", message="Careful"))
    assert (signal("provider"), signal("code"), signal("message")) == (("openai",), ("x",), ("Careful",))


def test_a_field_that_does_not_exist_is_an_error_and_not_a_miss() -> None:
    with pytest.raises(KeyError):
        action_values(Act(action=action("wait")))("mood")
    with pytest.raises(KeyError):
        request_values(Request(id="r", method="GET", url="https://a.test/"))("mood")
