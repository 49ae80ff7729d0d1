"""The ready-made policies, and where they are found."""

from pathlib import Path

import pytest
from harness.action import parse_action
from harness.clearance import Act, Outcome, Request
from harness.policy import load
from harness.policy.check import check, run_examples
from harness.policy.engine import Engine
from harness.policy.load import locate, ready_made
from harness.policy.schema import Policy

NAMES = ["base", "form-filling", "locked-down", "permissive", "read-only", "research", "shopping"]
FOLDER = Path(__file__).resolve().parents[2] / "policies"
EXAMPLES = sorted(file.stem for file in (FOLDER / "examples").glob("*.yaml"))


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


def test_there_is_nothing_ready_made_that_is_not_tested() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.yaml")) == NAMES
    assert len(EXAMPLES) == 9


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_kind_of_rule_that_evaluators_know_has_an_example(name: str) -> None:
    policy = Policy.load(FOLDER / "examples" / f"{name}.yaml")
    results = run_examples(policy)
    assert len({one.outcome for one in results}) > 1
    assert [one.message for one in results if not one.passed] == []
    assert check(policy) == ()


_HELD = {
    "Control": ("ctrl", "CTRL", "Control", "control_l", "Control_R", "ControlLeft", "ControlRight"),
    "Meta": ("cmd", "command", "super", "Super_L", "win", "windows", "MetaLeft", "meta_r"),
}
_CHORDS = {
    "address bar": ("{}+l", "{}+L", "{}+k", "{}+e", "alt+d", "Alt_L+D", "option+d", "AltLeft+d", "F6"),
    "open file": ("{}+o", "{}+KeyO"),
    "developer tools": ("{}+shift+i", "{}+shift+J", "{}+Shift_L+c", "shift+{}+i", "F12", "shift+F12"),
    "new window or tab": ("{}+n", "{}+shift+n", "{}+t", "{}+shift+t"),
    "print": ("{}+p", "{}+shift+p"),
    "save": ("{}+s", "{}+shift+s"),
    "view source": ("{}+u",),
    "task manager": ("shift+Escape", "Shift_R+esc", "ShiftLeft+escape", "{}+shift+esc"),
    "close, history, downloads": ("{}+w", "{}+h", "{}+j", "{}+shift+delete", "alt+F4", "{}+F4"),
    "other tabs": ("{}+Tab", "{}+shift+Tab", "{}+pgdn", "{}+3"),
}


@pytest.mark.parametrize("what", _CHORDS)
@pytest.mark.parametrize("held", [one for names in _HELD.values() for one in names])
def test_base_refuses_what_works_the_browser_in_any_spelling(what: str, held: str) -> None:
    judge = Engine(Policy.load(ready_made("base") or ""))
    for chord in _CHORDS[what]:
        for spelt in (chord.format(held), chord.format(held).split("+")):
            for data in ({"kind": "press", "keys": spelt}, {"kind": "hold", "keys": spelt, "seconds": 1}):
                verdict = judge.judge(Act(action=parse_action(data)))
                assert verdict.rule == "browser chords are not for models", spelt


@pytest.mark.parametrize(
    "keys",
    [
        "ctrl+a",
        "ctrl+c",
        "cmd+v",
        "ctrl+x",
        "ctrl+z",
        "ctrl+shift+z",
        "Enter",
        "shift+Tab",
        "Escape",
        "F2",
        "shift+Home",
        "ctrl+ArrowLeft",
        "alt+ArrowDown",
        "ctrl+Backspace",
        "shift+a",
        "ctrl+Enter",
        "PageDown",
    ],
)
def test_base_leaves_editing_to_the_page(keys: str) -> None:
    judge = Engine(Policy.load(ready_made("base") or ""))
    assert judge.judge(Act(action=parse_action({"kind": "press", "keys": keys}))).rule == "default"


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
