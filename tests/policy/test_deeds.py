"""Every way to press a button is a click on it."""

from typing import Any

import pytest
from harness.action import parse_action
from harness.clearance import Act, Target
from harness.policy.deeds import deeds
from harness.policy.engine import Engine
from harness.policy.schema import Policy

PAY = {"role": "button", "name": "Pay", "tag": "button"}
CARD = {"role": "textbox", "name": "Card", "tag": "input", "editable": True, "form_method": "post"}


def engine(*rules: dict[str, Any], action: str = "allow") -> Engine:
    named = [
        {"name": f"rule {at}", "on": "action", "verdict": "deny"} | rule for at, rule in enumerate(rules)
    ]
    policy = {"name": "t", "default": {"action": action}, "rules": named}
    return Engine(Policy.model_validate(policy))


def act(action: dict[str, Any], target: dict[str, Any] | None) -> Act:
    return Act(action=parse_action(action), target=None if target is None else Target.model_validate(target))


NO_PAY = engine({"when": {"kind": "click", "target": {"role": "button", "name": "Pay"}}})

WAYS: list[tuple[dict[str, Any], dict[str, Any] | None]] = [
    ({"kind": "click", "x": 1, "y": 1}, PAY),
    ({"kind": "press", "keys": "Enter"}, PAY),
    ({"kind": "press", "keys": "Return"}, PAY),
    ({"kind": "press", "keys": "ctrl+Enter"}, PAY),
    ({"kind": "press", "keys": "space"}, PAY),
    ({"kind": "press", "keys": "shift+space"}, PAY),
    ({"kind": "press", "keys": ["Enter", "Tab"]}, PAY),
    ({"kind": "press", "keys": ["Tab", "Enter"]}, CARD),
    ({"kind": "press", "keys": ["Tab", " "]}, CARD),
    ({"kind": "press", "keys": ["Enter", " "]}, {"role": "textbox", "tag": "textarea", "editable": True}),
    ({"kind": "press", "keys": "alt+p"}, CARD),
    ({"kind": "press", "keys": "Enter"}, CARD | {"submitter": PAY}),
    ({"kind": "press", "keys": "Enter"}, {"role": "checkbox", "tag": "input", "submitter": PAY}),
    ({"kind": "press", "keys": "Enter"}, None),
    ({"kind": "hold", "keys": "Enter", "seconds": 1}, PAY),
    ({"kind": "hold", "keys": "space", "seconds": 0}, PAY),
    ({"kind": "type", "text": "\n"}, PAY),
    ({"kind": "type", "text": "a b"}, PAY),
    ({"kind": "type", "text": "4242\n"}, CARD | {"submitter": PAY}),
    ({"kind": "type", "text": "4242\r"}, CARD | {"submitter": PAY}),
    ({"kind": "type", "text": "x\n"}, None),
    ({"kind": "mouse_down", "x": 1, "y": 1}, PAY),
    ({"kind": "mouse_up"}, PAY),
    ({"kind": "drag", "path": [[0, 0], [5, 5]]}, PAY | {"end": {"role": "generic"}}),
    ({"kind": "drag", "path": [[0, 0], [5, 5]]}, {"role": "generic", "end": PAY}),
    ({"kind": "drag", "path": [[0, 0], [5, 5]]}, {"role": "generic"}),
    ({"kind": "press", "keys": "Enter"}, {"role": "button", "name": "Pay", "tag": "div"}),
    ({"kind": "press", "keys": "Enter"}, PAY | {"editable": True}),
    ({"kind": "press", "keys": "Enter"}, {"tag": "chrome", "role": "listbox", "behind": PAY}),
    ({"kind": "press", "keys": "Enter"}, {"tag": "chrome", "behind": CARD | {"submitter": PAY}}),
]


@pytest.mark.parametrize(("action", "target"), WAYS)
def test_a_rule_on_clicks_speaks_of_every_way_to_press(
    action: dict[str, Any], target: dict[str, Any] | None
) -> None:
    verdict = NO_PAY.judge(act(action, target))
    assert (verdict.outcome, verdict.rule) == ("deny", "rule 0")


@pytest.mark.parametrize(
    ("action", "target"),
    [
        ({"kind": "press", "keys": "Enter"}, CARD | {"submitter": {"role": "button", "name": "Search"}}),
        ({"kind": "press", "keys": "Tab"}, PAY),
        ({"kind": "press", "keys": "space"}, CARD | {"submitter": PAY}),
        ({"kind": "type", "text": "12 St James's Square"}, CARD | {"submitter": PAY}),
        ({"kind": "type", "text": "two\nlines"}, {"role": "textbox", "tag": "textarea", "editable": True}),
        ({"kind": "press", "keys": "Enter"}, {"role": "textbox", "tag": "div", "editable": True}),
        ({"kind": "press", "keys": "space"}, {"role": "document", "tag": "body"}),
        ({"kind": "press", "keys": "ctrl+a"}, CARD),
        ({"kind": "move", "x": 1, "y": 1}, PAY),
        ({"kind": "drag", "path": [[0, 0], [5, 5]]}, {"role": "slider", "end": {"role": "slider"}}),
        ({"kind": "press", "keys": "ArrowDown"}, {"role": "radio", "name": "Standard", "tag": "input"}),
    ],
)
def test_what_presses_nothing_is_not_a_click_on_it(action: dict[str, Any], target: dict[str, Any]) -> None:
    assert NO_PAY.judge(act(action, target)).outcome == "allow"


def test_the_reason_says_what_the_action_comes_to() -> None:
    typed = act({"kind": "type", "text": "4242\n"}, CARD | {"submitter": PAY})
    reason = NO_PAY.judge(typed).reason
    assert "click 'Pay' (button)" in reason
    assert "a newline is the Enter key" in reason


@pytest.mark.parametrize("keys", ["ctrl+v", "ctrl+shift+v", "cmd+v", "shift+Insert"])
def test_a_paste_is_typing_of_nobody_knows_what(keys: str) -> None:
    no_cards = engine({"when": {"kind": "type", "text": "re:[0-9]{16}"}})
    assert no_cards.judge(act({"kind": "press", "keys": keys}, CARD)).outcome == "deny"
    only_words = engine({"when": {"kind": "type", "text": "re:^[a-z]*$"}, "verdict": "allow"}, action="deny")
    assert only_words.judge(act({"kind": "press", "keys": keys}, CARD)).outcome == "deny"
    into_passwords = engine({"when": {"kind": "type", "target": {"password": True}}})
    assert into_passwords.judge(act({"kind": "press", "keys": keys}, CARD)).outcome == "allow"
    assert (
        into_passwords.judge(act({"kind": "press", "keys": keys}, CARD | {"password": True})).outcome
        == "deny"
    )


def test_a_middle_click_in_a_field_pastes_and_letters_pressed_one_by_one_are_typed() -> None:
    no_typing = engine({"when": {"kind": "type", "target": {"name": "Card"}}})
    middle = {"kind": "click", "x": 1, "y": 1, "button": "middle"}
    assert no_typing.judge(act(middle, CARD)).outcome == "deny"
    assert no_typing.judge(act(middle, PAY)).outcome == "allow"
    assert no_typing.judge(act({"kind": "press", "keys": "shift+a"}, CARD)).outcome == "deny"
    assert no_typing.judge(act({"kind": "hold", "keys": "7", "seconds": 1}, CARD)).outcome == "deny"


def test_keys_choose_in_menus_and_radio_groups() -> None:
    no_express = engine(
        {"when": {"kind": "click", "target": {"role": ["radio", "option"], "name": "Express"}}}
    )
    for role, key in (("radio", "ArrowDown"), ("combobox", "e"), ("listbox", "End")):
        target = {"role": role, "name": "Delivery", "tag": "select"}
        assert no_express.judge(act({"kind": "press", "keys": key}, target)).outcome == "deny"
    typed = act({"kind": "type", "text": "exp"}, {"role": "combobox", "tag": "select"})
    assert no_express.judge(typed).outcome == "deny"


def test_a_form_without_a_button_is_sent_by_enter_all_the_same() -> None:
    no_orders = engine({"when": {"kind": "click", "target": {"form_action": "https://shop.test/orders*"}}})
    field = CARD | {"form_action": "https://shop.test/orders"}
    assert no_orders.judge(act({"kind": "press", "keys": "Enter"}, field)).outcome == "deny"
    assert no_orders.judge(act({"kind": "press", "keys": "a"}, field)).outcome == "allow"


def test_an_allowed_key_needs_an_allowed_click() -> None:
    keys_alone = engine({"when": {"kind": "press"}, "verdict": "allow"}, action="deny")
    assert keys_alone.judge(act({"kind": "press", "keys": "Tab"}, PAY)).outcome == "allow"
    denied = keys_alone.judge(act({"kind": "press", "keys": "Enter"}, PAY))
    assert (denied.outcome, denied.rule) == ("deny", "default")


def test_an_effect_without_these_facts_has_the_digest_it_always_had() -> None:
    assert "submitter" not in act({"kind": "press", "keys": "Enter"}, PAY).model_dump_json()
    assert len(list(deeds(act({"kind": "click", "x": 1, "y": 1}, PAY)))) == 1
