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
