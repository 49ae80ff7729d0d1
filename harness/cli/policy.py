"""`harness policy check|test`."""

import argparse
import json
import sys
from pathlib import Path

from harness.errors import PolicyError
from harness.policy.check import check, run_examples
from harness.policy.load import ready_made
from harness.policy.schema import Policy


def _load(name: str) -> Policy:
    found = None if name.endswith((".yaml", ".yml")) else ready_made(name)
    return Policy.load(found or Path(name))


def check_policies(options: argparse.Namespace) -> int:
    """Read each policy; name what is wrong with it, or what cannot be meant."""
    rows, code = [], 0
    for name in options.policies:
        try:
            policy = _load(name)
        except PolicyError as error:
            code = 2
            rows.append({"policy": name, "ok": False, "error": str(error)})
            print(f"harness: {error}", file=sys.stderr)
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
            print(f"{name}: {len(policy.rules)} rules, sha256 {policy.sha256}")
            for one in findings:
                print(f"  {one.rule}: {one.message}")
    if options.json:
        print(json.dumps(rows, indent=2))
    return code


def test_policies(options: argparse.Namespace) -> int:
    """Run the examples of each policy; exit code 1 if one is judged otherwise than it says."""
    rows, failed = [], 0
    for name in options.policies:
        policy = _load(name)
        results = run_examples(policy)
        wrong = [one for one in results if not one.passed]
        failed += len(wrong)
        rows.append({"policy": name, "examples": [one.model_dump(mode="json") for one in results]})
        if not options.json:
            print(f"{name}: {len(results) - len(wrong)} of {len(results)} examples hold")
            for one in wrong:
                print(f"  {one.message}")
    if options.json:
        print(json.dumps(rows, indent=2))
    return 1 if failed else 0
