"""The ready-made policies, and where they are found."""

from pathlib import Path

import pytest
from harness.clearance import Outcome, Request
from harness.policy import load
from harness.policy.check import check, run_examples
from harness.policy.engine import Engine
from harness.policy.load import locate, ready_made
from harness.policy.schema import Policy

NAMES = ["base", "permissive", "read-only", "shopping"]


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_ready_made_policy_hold(name: str) -> None:
    file = ready_made(name)
    assert file is not None
    results = run_examples(Policy.load(file))
    assert len(results) >= 8
    assert [one.message for one in results if not one.passed] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_ready_made_policy_has_nothing_odd(name: str) -> None:
    odd = check(Policy.load(ready_made(name) or ""))
    assert [one for one in odd if name != "base" or one.rule != "domains.navigate"] == []


def test_a_broken_example_is_noticed() -> None:
    policy = Policy.load(ready_made("shopping") or "")
    example = policy.examples[0].model_copy(update={"expect": "allow"})
    results = run_examples(policy.model_copy(update={"examples": (example,)}))
    assert not results[0].passed


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "post", "TRACE", "CONNECT", "MKCOL", "G ET", ""]
)
def test_read_only_lets_no_method_out_that_changes_things(method: str) -> None:
    judge = Engine(Policy.load(ready_made("read-only") or ""))
    for resource in ("document", "fetch", "other"):
        request = Request.model_validate(
            {"id": "r", "method": method, "url": "https://shop.test/cart", "resource": resource}
        )
        assert judge.judge(request).outcome == "deny"


@pytest.mark.parametrize(
    ("url", "resource", "headers", "outcome"),
    [
        ("https://shop.test/", "document", (), "allow"),
        ("https://shop.test/style.css", "style", (), "allow"),
        ("wss://shop.test/live", "other", (), "deny"),
        ("https://shop.test/live", "websocket", (), "deny"),
        ("https://shop.test/live", "fetch", (("upgrade", "websocket"),), "deny"),
        ("https://shop.test/", "fetch", (("x-http-method-override", "DELETE"),), "deny"),
    ],
)
def test_read_only_opens_no_channel(
    url: str, resource: str, headers: tuple[tuple[str, str], ...], outcome: Outcome
) -> None:
    judge = Engine(Policy.load(ready_made("read-only") or ""))
    request = Request.model_validate(
        {"id": "r", "method": "GET", "url": url, "resource": resource, "headers": headers}
    )
    assert judge.judge(request).outcome == outcome


@pytest.mark.parametrize(
    "name", ["", "nothing", "../policies/base", "base.yaml", "/etc/passwd", "a" * 200, "bäse"]
)
def test_only_names_of_ready_made_policies_are_found(name: str) -> None:
    assert ready_made(name) is None


def test_an_installed_package_has_its_own_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "base.yaml").write_text("name: base\n")
    monkeypatch.setattr(load, "_FOLDERS", (tmp_path / "nowhere", tmp_path / "data"))
    assert ready_made("base") == tmp_path / "data" / "base.yaml"
    assert ready_made("shopping") is None


def test_a_neighbour_comes_before_what_is_ready_made(tmp_path: Path) -> None:
    assert locate("base", tmp_path) == ready_made("base")
    (tmp_path / "base.yaml").write_text("name: base\n")
    assert locate("base", tmp_path) == tmp_path / "base.yaml"
    assert locate("base.yaml", tmp_path) == tmp_path / "base.yaml"
    assert locate("base", None) == ready_made("base")
    assert locate("nothing", tmp_path) is None
