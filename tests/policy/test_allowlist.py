from typing import Any

import pytest
from harness.policy.allowlist import LONGEST, connection_allowlist
from harness.policy.schema import Policy


def value(**fields: Any) -> str | None:
    return connection_allowlist(Policy.model_validate({"name": "p", **fields}))


def test_hosts_to_visit_and_to_load_from_are_listed_without_their_paths() -> None:
    domains = {
        "navigate": ["shop.test/public*"],
        "load": ["*.cdn.test", "http://old.test:8080", "wss://a.test:9"],
    }
    assert value(domains=domains) == (
        '(response-origin "https://shop.test" "wss://shop.test" "https://*.cdn.test" "wss://*.cdn.test"'
        ' "http://old.test:8080" "ws://old.test:8080" "wss://a.test:9");redirects=allow'
    )
    assert value() == "(response-origin);redirects=allow"


@pytest.mark.parametrize(
    "fields",
    [
        {"default": {"navigate": "ask"}},
        {"default": {"navigate": "stop"}},
        {"rules": [{"name": "r", "on": "request", "when": {}, "verdict": "stop"}]},
        {"domains": {"navigate": ["[::1]"]}},
        {"domains": {"navigate": [f"host{number}.shop.test" for number in range(LONGEST // 20)]}},
    ],
)
def test_there_is_none_where_the_gateway_must_hear_or_it_cannot_be_said(fields: dict[str, Any]) -> None:
    assert value(**{"domains": {"navigate": ["shop.test"]}, **fields}) is None


def test_a_rule_that_stops_for_an_action_takes_nothing_away() -> None:
    rules = [{"name": "r", "on": "action", "when": {}, "verdict": "stop"}]
    assert value(domains={"navigate": ["shop.test"]}, rules=rules) is not None
