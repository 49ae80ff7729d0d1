"""Policy files that are read, and policy files that are not: each bad one gives one line with its place."""

# ruff: noqa: RUF001 - letters that look like others are what is tested

from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.errors import PolicyError
from harness.policy.engine import Engine
from harness.policy.schema import Policy
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

FULL = """\
version: 1
name: full
domains:
  navigate: [shop.test]
  load: ["*.cdn.test"]
default: {action: allow, request: allow, navigate: ask}
rules:
  - name: spending needs a person
    on: action
    when: {kind: [click, press], target: {role: button, name: "re:(?i)pay|buy|order"}}
    verdict: ask
    why: It spends money.
  - name: orders
    on: [request]
    when: {method: [post, put], url: "https://shop.test/orders*", header: {X-Kind: a}, body_size: "> 10kB"}
    verdict: deny
limits: {steps: 50, seconds: 600, text: 4096, download: 50MB, tokens: 500k, cost: 2.00 USD}
approval: {timeout: 5m, otherwise: stop}
secrets: {shop_password: {from: "env:SHOP_PASSWORD", hosts: [shop.test]}}
dialogs: dismiss
examples:
  - {action: {kind: click, target: {role: button, name: Pay now}}, expect: ask}
  - {navigate: "https://shop.test@evil.test/", expect: deny}
"""

RULE = "name: x\nrules:\n  - name: a\n    on: action\n    when: {}\n    verdict: ask\n"


def read(tmp_path: Path, text: str) -> Policy:
    file = tmp_path / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    return Policy.load(file)


def test_a_whole_policy_is_read(tmp_path: Path) -> None:
    policy = read(tmp_path, FULL)
    assert policy.domains.navigate == ("shop.test",)
    assert policy.domains.load == ("*.cdn.test",)
    assert policy.rules[0].when.kind == ("click", "press")
    assert policy.rules[1].on == ("request",)
    assert policy.limits.download == 50_000_000
    assert policy.limits.tokens == 500_000
    assert policy.approval.timeout == 300
    assert policy.approval.otherwise == "stop"
    assert policy.secrets["shop_password"].source == "env:SHOP_PASSWORD"
    assert policy.dialogs == "dismiss"


def test_what_is_not_written_is_refused() -> None:
    policy = Policy(name="x")
    assert (policy.default.action, policy.default.request, policy.default.navigate) == (
        "deny",
        "deny",
        "deny",
    )
    assert policy.default.signal == "ask"
    assert policy.domains.loaded.patterns == ()
    assert policy.dialogs == "show"


def test_load_always_includes_navigate(tmp_path: Path) -> None:
    loaded = read(tmp_path, FULL).domains.loaded
    assert [pattern.text for pattern in loaded.patterns] == ["shop.test", "*.cdn.test"]


def test_a_policy_is_frozen() -> None:
    policy = Policy(name="x")
    with pytest.raises(ValidationError):
        policy.name = "y"  # type: ignore[misc]


def test_the_hash_is_of_the_meaning_and_not_of_the_spelling(tmp_path: Path) -> None:
    one = read(tmp_path, "name: x\nversion: 1\napproval: {timeout: 5m}\ndomains: {navigate: shop.test}\n")
    two = read(tmp_path, "# a note\nname: x\napproval: {timeout: 300s}\ndomains: {navigate: [shop.test]}\n")
    other = read(tmp_path, "name: x\napproval: {timeout: 299s}\ndomains: {navigate: [shop.test]}\n")
    assert one.sha256 == two.sha256
    assert one.sha256 != other.sha256
    assert len(one.sha256) == 64


@pytest.mark.parametrize("options", [{"by_alias": True}, {}, {"exclude_defaults": True}])
def test_a_policy_from_a_trace_is_the_same_policy(tmp_path: Path, options: dict[str, Any]) -> None:
    policy = read(tmp_path, FULL)
    again = Policy.model_validate(policy.model_dump(mode="json", **options))
    assert again == policy
    assert again.sha256 == policy.sha256


def test_a_copy_does_not_keep_the_hash() -> None:
    policy = Policy(name="x")
    before = policy.sha256
    assert policy.model_copy(update={"dialogs": "accept"}).sha256 != before


BAD = [
    ("domain: {}", "3:1", "unknown key 'domain'; did you mean 'domains'?"),
    ("Domains: {}", "3:1", "unknown key 'Domains'; did you mean 'domains'?"),
    ("X: {}", "3:1", "unknown key 'X'; known keys"),
    ("rule: []", "3:1", "did you mean 'rules'?"),
    ("version: 2", "3:1", "version"),
    ("domains: {navigat: [a.test]}", "3:11", "did you mean 'navigate'?"),
    ("domains: {navigate: 5}", "3:11", "domains.navigate"),
    ("domains: {navigate: {a: b}}", "3:11", "domains.navigate"),
    ("domains:\n  navigate:\n    - a.test\n    - '*'", "6:7", "would let everything out"),
    ("domains:\n  load: ['*.co.uk']", "4:10", r"anyone can register a name under co.uk"),
    ("domains: {navigate: [com]}", "3:22", "public suffix"),
    ("domains: {navigate: [аllowed.test]}", "3:22", "say 'xn--llowed-2nf.test'"),
    ("domains: {navigate: ['a.test:70000']}", "3:22", "from 1 to 65535"),
    ("domains: {navigate: ['me@a.test']}", "3:22", "without @"),
    ("domains: {navigate: ['a.test.']}", "3:22", "write 'a.test'"),
    ("domains: {navigate: ['0x7f.1']}", "3:22", "'127.0.0.1'"),
    ("domains: {navigate: ['shop.*']}", "3:22", "only at the front"),
    ("domains: {navigate: ['ftp://a.test']}", "3:22", "never loaded"),
    ("default: {navigate: allow}", "3:11", "one of ask, deny, stop"),
    ("default: {action: alow}", "3:11", "did you mean 'allow'?"),
    ("default: {actions: allow}", "3:11", "did you mean 'action'?"),
    ("default: allow", "3:1", "default"),
    ("limits: {step: 4}", "3:10", "did you mean 'steps'?"),
    ("limits: {steps: many}", "3:10", "5000 or 500k"),
    ("limits: {seconds: -1}", "3:10", "limits.seconds"),
    ("limits: {download: 5 parsecs}", "3:10", "50MB"),
    ("approval: {timeout: soon}", "3:12", "90s, 5m or 1h"),
    ("approval: {timeout: 0}", "3:12", "greater than 0"),
    ("approval: {otherwise: allow}", "3:12", "one of deny, stop"),
    ("secrets: {pw: {from: PASSWORD, hosts: [a.test]}}", "3:16", "write env:NAME"),
    ("secrets: {pw: {form: 'env:P', hosts: [a.test]}}", "3:16", "did you mean 'from'?"),
    ("secrets: {pw: {from: 'env:P', hosts: ['*']}}", "3:39", "let everything out"),
    ("secrets: {pw: {from: 'env:P', hosts: []}}", "3:31", "at least one"),
    ("secrets: {pw: {from: 'env:P'}}", "3:11", "'secrets.pw.hosts' is missing"),
    ("dialogs: shw", "3:1", "did you mean 'show'?"),
    ("extends: [bse]", "3:11", "no such policy"),
    ("rules: {a: b}", "3:1", "rules"),
    ("rules: [a]", "3:9", "rules.0"),
    ("rules: [{name: a, on: action, when: {}}]", "3:9", "'rules.0.verdict' is missing"),
    ("rules: [{name: a, on: action, verdict: ask}]", "3:9", "'rules.0.when' is missing"),
    ("rules: [{name: a, on: action, when: , verdict: ask}]", "3:31", "write when: {}"),
    ("rules: [{name: a, on: acton, when: {}, verdict: ask}]", "3:19", "did you mean 'action'?"),
    ("rules: [{name: a, on: [], when: {}, verdict: ask}]", "3:19", "at least one"),
    ("rules: [{name: a, on: yes, when: {}, verdict: ask}]", "3:19", "one of action, request"),
    ("rules: [{name: a, on: action, when: {}, verdict: denny}]", "3:41", "did you mean 'deny'?"),
    ("rules: [{name: a, on: action, when: {}, verdict: ask, wy: b}]", "3:55", "did you mean 'why'?"),
    ("rules: [{name: default, on: action, when: {}, verdict: ask}]", "3:10", "a name of its own"),
    ('rules: [{name: "a\\nb", on: action, when: {}, verdict: ask}]', "3:10", "on one line"),
    ("rules: [{name: '', on: action, when: {}, verdict: ask}]", "3:10", "at least 1 character"),
    (
        "rules:\n  - {name: a, on: action, when: {}, verdict: ask}\n  - {name: a, on: plan, when: {}, verdict: ask}",  # noqa: E501
        "5:6",
        "another rule has this name",
    ),
    ("rules: [{name: a, on: action, when: {knd: click}, verdict: ask}]", "3:38", "did you mean 'kind'?"),
    ("rules: [{name: a, on: action, when: {kind: [press, clik]}, verdict: ask}]", "3:52", "'click'?"),
    ("rules: [{name: a, on: action, when: {kind: []}, verdict: ask}]", "3:38", "at least one"),
    ("rules: [{name: a, on: action, when: {kind: }, verdict: ask}]", "3:38", "nothing stands behind it"),
    ("rules: [{name: a, on: action, when: {target: {nme: x}}, verdict: ask}]", "3:47", "'name'?"),
    ("rules: [{name: a, on: action, when: {target: {}}, verdict: ask}]", "3:38", "no condition"),
    (
        "rules: [{name: a, on: action, when: {target: {submits: often}}, verdict: ask}]",
        "3:47",
        "true or false",
    ),
    (
        "rules: [{name: a, on: action, when: {target: {name: 're:(pay'}}, verdict: ask}]",
        "3:47",
        "missing \\)",
    ),
    (
        "rules: [{name: a, on: action, when: {target: {name: 're:(?=a)'}}, verdict: ask}]",
        "3:47",
        "look-around",
    ),
    ("rules: [{name: a, on: action, when: {target: {name: 7}}, verdict: ask}]", "3:47", "write text"),
    (
        "rules: [{name: a, on: action, when: {keys: ctrl+entr}, verdict: ask}]",
        "3:38",
        "did you mean 'Enter'?",
    ),
    ("rules: [{name: a, on: action, when: {button: lft}, verdict: ask}]", "3:38", "did you mean 'left'?"),
    ("rules: [{name: a, on: action, when: {url: /orders}, verdict: ask}]", "3:38", "begins with a scheme"),
    (
        "rules: [{name: a, on: action, when: {method: GET}, verdict: ask}]",
        "3:38",
        "an action has no 'method'",
    ),
    ("rules: [{name: a, on: request, when: {kind: click}, verdict: ask}]", "3:39", "a request has no 'kind'"),
    ("rules: [{name: a, on: navigate, when: {text: x}, verdict: ask}]", "3:40", "a navigate has no 'text'"),
    ("rules: [{name: a, on: plan, when: {url: 'https://a/'}, verdict: ask}]", "3:36", "a plan has no 'url'"),
    (
        "rules: [{name: a, on: [action, request], when: {method: GET}, verdict: ask}]",
        "3:49",
        "an action has no",
    ),
    (
        "rules: [{name: a, on: request, when: {resource: imge}, verdict: ask}]",
        "3:39",
        "did you mean 'image'?",
    ),
    ("rules: [{name: a, on: request, when: {body_size: '> ten'}, verdict: ask}]", "3:39", "> 10kB"),
    ("rules: [{name: a, on: request, when: {body_size: -1}, verdict: ask}]", "3:39", "> 10kB"),
    ("rules: [{name: a, on: request, when: {header: {}}, verdict: ask}]", "3:39", "at least one"),
    ("rules: [{name: a, on: request, when: {header: {x: 're:('}}, verdict: ask}]", "3:48", "missing \\)"),
    ("rules: [{name: a, on: request, when: {header: {X-A: 're:('}}, verdict: ask}]", "3:48", "header.X-A"),
    ("examples: [{action: {kind: clik}, expect: ask}]", "3:13", "did you mean 'click'?"),
    ("examples: [{action: {kind: click, target: {rol: x}}, expect: ask}]", "3:44", "did you mean 'role'?"),
    ("examples: [{action: {kind: click}}]", "3:12", "'examples.0.expect' is missing"),
    ("examples: [{action: {kind: click}, expect: aks}]", "3:36", "did you mean 'ask'?"),
    ("examples: [{expect: ask}]", "3:12", "one of action, request"),
    ("examples: [{action: {kind: click}, plan: a, expect: ask}]", "3:12", "one of action, request"),
    ("examples: [{request: {method: GET}, expect: ask}]", "3:13", "'examples.0.request.url' is missing"),
]


@pytest.mark.parametrize(("text", "place", "says"), BAD)
def test_a_bad_policy_gives_one_line_with_its_place(tmp_path: Path, text: str, place: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as failed:
        read(tmp_path, f"# a policy\nname: x\n{text}\n")
    message = str(failed.value)
    assert message.startswith(f"{tmp_path / 'policy.yaml'}:{place}: ")
    assert "\n" not in message


UNREADABLE = [
    ("", "must be a mapping"),
    ("- a\n", "must be a mapping"),
    ("just words\n", "must be a mapping"),
    ("name: [\n", "not YAML"),
    ("name: x\nname: y\n", "a second time"),
    ("name: &a x\nextends: [*a]\n", "aliases"),
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases"),
    ("name: !!python/name:os.system x\n", "types"),
    ("name: " + "[" * 100 + "]" * 100 + "\n", "nested"),
    ("name: x\n# " + "a" * 1_100_000, "longer than a file"),
    ("name: x\ndomains: \x00\n", "not YAML"),
    ("version: 1\n", "'name' is missing"),
    ("name: a b\n", "name"),
]


@pytest.mark.parametrize(("text", "says"), UNREADABLE)
def test_what_is_no_policy_at_all(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PolicyError, match=says) as failed:
        read(tmp_path, text)
    assert "policy.yaml" in str(failed.value)


def test_a_missing_file_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "shopping.yaml").write_text("name: x\n")
    with pytest.raises(PolicyError, match=r"no such file; did you mean .*shopping\.yaml"):
        Policy.load(tmp_path / "shoping.yaml")


def test_a_folder_and_bytes_are_not_policies(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(PolicyError, match=r"cannot be read|not YAML"):
        Policy.load(tmp_path / "bytes.yaml")


def test_an_explicit_empty_when_is_read(tmp_path: Path) -> None:
    assert list(read(tmp_path, RULE).rules[0].when.conditions()) == []


def test_a_dictionary_is_checked_as_a_file_is() -> None:
    with pytest.raises(ValidationError, match="did you mean 'click'"):
        Policy.model_validate(
            {
                "name": "x",
                "rules": [{"name": "a", "on": "action", "when": {"kind": "clik"}, "verdict": "ask"}],
            }
        )


WORDS = st.sampled_from(
    [
        "click",
        "shop.test",
        "*",
        "re:(",
        "re:a",
        "https://shop.test/*",
        "> 5",
        "ask",
        "x" * 5_000,
        "",
        "\u200b",
        "a\nb",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
JUNK: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, one in inner for deeper in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from(places(yaml.safe_load(FULL))), new=JUNK)
def test_a_policy_with_anything_in_any_place_is_read_or_refused(
    path: tuple[Any, ...], new: JsonValue
) -> None:
    data = replaced(yaml.safe_load(FULL), path, new)
    try:
        policy = Policy.model_validate(data)
    except ValidationError:
        return
    assert Engine(policy).sha256 == policy.sha256


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policies")


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, len(FULL)), junk=st.text(st.characters(codec="utf-8"), max_size=5))
def test_a_file_with_anything_in_any_place_is_read_or_refused(folder: Path, cut: int, junk: str) -> None:
    try:
        said = read(folder, FULL[:cut] + junk + FULL[cut:]).name
    except PolicyError as error:
        said = str(error).removeprefix(f"{folder}/policy.yaml:")
    assert said
    assert not said.startswith("/")
