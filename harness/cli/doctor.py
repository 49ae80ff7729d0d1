"""`harness doctor`."""

import argparse
import json

from harness.sandbox.doctor import findings


def run(options: argparse.Namespace) -> int:
    """Say what this machine has, what is missing and what to type; exit code 4 if a run cannot start."""
    found = findings()
    if options.json:
        print(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        for one in found:
            print(f"{'✓' if one.ok else '✗'} {one.name:<18} {one.detail}")
            if not one.ok and one.fix:
                print(f"{'':<21}type: {one.fix}")
    return 0 if all(one.ok for one in found) else 4
