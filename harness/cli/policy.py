"""`harness policy check|chromium|explain|test`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from harness.cli.names import load_policy
from harness.cli.streams import say, show, show_json
from harness.errors import PolicyError
from harness.policy.check import check, run_examples
from harness.policy.chromium import reach
from harness.policy.examples import Situation
from harness.policy.explain import explain_effects, read_situation
from harness.policy.rules import STRICTNESS
from harness.sandbox.managed import managed
from harness.yamlfile import LARGEST, parse_yaml, read_yaml

_PIPE = "standard input"


def check_policies(options: argparse.Namespace) -> int:
    """Read each policy; name what is wrong with it, or what cannot be meant. Exit code 2 for a broken one."""
    rows: list[dict[str, Any]] = []
    for name in options.policies:
        try:
            policy = load_policy(name)
        except PolicyError as error:
            rows.append(_broken(name, error))
            continue
        findings = check(policy)
        rows.append(
            {
                "policy": name,
                "ok": True,
                "sha256": policy.sha256,
                "findings": [one.model_dump(mode="json") for one in findings],
            }
        )
        if not options.json:
            count = len(policy.rules)
            show(f"{name}: {count} {'rule' if count == 1 else 'rules'}, sha256 {policy.sha256}")
            for one in findings:
                show(f"  {one.rule}: {one.message}")
    if options.json:
        show_json(rows)
    return 0 if all(row["ok"] for row in rows) else 2


def managed_policy(options: argparse.Namespace) -> int:
    """Print Chromium's managed policy for runs under a policy. Exit code 2 if it cannot be read."""
    show_json(managed(reach(load_policy(options.policy))))
    return 0


def explain_effect(options: argparse.Namespace) -> int:
    """Say why a policy says what it says of one effect. Exit code 2 if either cannot be read."""
    found = explain_effects(load_policy(options.policy), _situation(options.effect))
    outcome = min((one.outcome for one in found), key=STRICTNESS.index)
    if options.json:
        show_json({"outcome": outcome, "effects": [one.model_dump(mode="json") for one in found]})
        return 0
    for one in found:
        for line in one.lines():
            show(line)
    if len(found) > 1:
        show(f"In all: {outcome}.")
    return 0


def _situation(text: str) -> Situation:
    if text == "-":
        return read_situation(*parse_yaml(sys.stdin.read(LARGEST), _PIPE, PolicyError), _PIPE)
    if text.lstrip().startswith("{") or "\n" in text:
        return read_situation(*parse_yaml(text, "effect", PolicyError), "effect")
    if not Path(text).is_file():
        example = "'{request: {url: https://shop.test/}}'"
        raise PolicyError(f"{text!r} is no file; write an effect such as {example}, or - for standard input")
    return read_situation(*read_yaml(Path(text), PolicyError), text)


def test_policies(options: argparse.Namespace) -> int:
    """Run the examples of each policy; exit code 1 if one does not hold, 2 if a policy cannot be read."""
    rows: list[dict[str, Any]] = []
    code = 0
    for name in options.policies:
        try:
            results = run_examples(load_policy(name))
        except PolicyError as error:
            rows.append(_broken(name, error))
            code = 2
            continue
        wrong = [one for one in results if not one.passed]
        code = max(code, 1 if wrong else 0)
        rows.append(
            {"policy": name, "ok": not wrong, "examples": [one.model_dump(mode="json") for one in results]}
        )
        if not options.json:
            show(f"{name}: {len(results) - len(wrong)} of {len(results)} examples hold")
            for one in wrong:
                show(f"  {one.message}")
    if options.json:
        show_json(rows)
    return code


def _broken(name: str, error: PolicyError) -> dict[str, Any]:
    say(f"harness: {error}")
    return {"policy": name, "ok": False, "error": str(error)}
