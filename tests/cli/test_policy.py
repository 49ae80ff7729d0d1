"""Checking and trying policies with the command."""

import json

from tests.cli.commands import POLICY, Command, Place


def test_one_broken_policy_does_not_hide_the_others(command: Command, place: Place) -> None:
    (place.folder / "broken.yaml").write_text("version: 1\nnam: p\n")
    told = command("policy", "check", "broken.yaml", "policy.yaml")
    assert told.code == 2
    assert "did you mean 'name'?" in told.err
    assert told.out.startswith("policy.yaml: 0 rules, sha256 ")
    rows = json.loads(command("policy", "check", "broken.yaml", "policy.yaml", "--json").out)
    assert [row["ok"] for row in rows] == [False, True]
    told = command("policy", "test", "broken.yaml", "shopping")
    assert told.code == 2
    assert "examples hold" in told.out


def test_an_example_that_does_not_hold_is_exit_code_1(command: Command, place: Place) -> None:
    example = 'examples:\n  - {navigate: "https://a.test/", expect: deny}\n'
    (place.folder / "policy.yaml").write_text(POLICY + example)
    told = command("policy", "test", "policy.yaml")
    assert told.code == 1
    assert "0 of 1 examples hold" in told.out
    assert json.loads(command("policy", "test", "policy.yaml", "--json").out)[0]["ok"] is False


def test_names_that_are_no_policy(command: Command) -> None:
    assert "did you mean 'shopping'?" in command("policy", "check", "shoping").err
    assert "is a folder" in command("policy", "check", "site").err
    assert "there is no such file" in command("policy", "check", "none.yaml").err


def test_a_verdict_is_explained(command: Command, place: Place) -> None:
    effect = '{request: {url: "https://shop.test/orders", method: POST}}'
    told = command("policy", "explain", "shopping", effect)
    assert told.code == 0
    assert "the rule 'orders are confirmed on the wire' decides" in told.out
    data = json.loads(command("policy", "explain", "shopping", effect, "--json").out)
    assert (data["outcome"], data["effects"][0]["rule"]) == ("ask", "orders are confirmed on the wire")
    (place.folder / "effect.yaml").write_text("navigate: https://evil.test/\n")
    told = command("policy", "explain", "shopping", "effect.yaml")
    assert "In all: deny." in told.out


def test_an_effect_that_cannot_be_read(command: Command) -> None:
    for effect, says in (
        ("none.yaml", "is no file"),
        ("{acton: {}}", "effect:1:2: unknown key 'acton'; did you mean 'action'?"),
        ("{", "effect:1:2: not YAML"),
    ):
        told = command("policy", "explain", "shopping", effect)
        assert told.code == 2
        assert says in told.err
        assert told.err.count("\n") == 1


def test_chromiums_policy_is_printed(command: Command) -> None:
    told = command("policy", "chromium", "shopping")
    assert told.code == 0
    said = json.loads(told.out)
    assert "https://.shop.test:443" in said["URLAllowlist"]
    assert "*" in said["URLBlocklist"]
    assert command("policy", "chromium", "shopping", "--json").out == told.out
    # A person may allow pages outside: Chromium is not told to block them.
    assert "https://*" in json.loads(command("policy", "chromium", "research").out)["URLAllowlist"]
    assert command("policy", "chromium", "shoping").code == 2
