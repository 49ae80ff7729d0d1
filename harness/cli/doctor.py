"""`harness doctor`."""

import argparse

from harness.cli.streams import show, show_json
from harness.sandbox.doctor import findings


def run(options: argparse.Namespace) -> int:
    """Say what this machine has, what is missing and what to type; exit code 4 if a run cannot start."""
    found = findings()
    if options.json:
        show_json([one.model_dump(mode="json") for one in found])
    else:
        for one in found:
            show(f"{'✓' if one.ok else '✗'} {one.name:<18} {one.detail}")
            if not one.ok and one.fix:
                show(f"{'':<21}type: {one.fix}")
    return 0 if all(one.ok for one in found) else 4
