"""Measure every figure the design promises, or the benchmarks named; print one table and write results.json.

Without a name all are measured: `python benchmarks/all.py policy trace` measures two of them. A ratio
compares two things that were measured in turn in the same run, so that a busy machine slows both.
"""

import argparse
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    bench_gateway,
    bench_ground,
    bench_import,
    bench_neighbours,
    bench_ocr,
    bench_own,
    bench_peers,
    bench_policy,
    bench_ready,
    bench_recording,
    bench_rejudge,
    bench_sandbox,
    bench_settle,
    bench_step,
    bench_tokens,
    bench_trace,
)
from benchmarks.figures import Figures, Measure, show, taken, write
from harness.errors import HarnessError
from playwright.async_api import Error as PlaywrightError
from rich.console import Console

MEASURES: dict[str, Measure] = {
    "own": bench_own.measure,
    "step": bench_step.measure,
    "ground": bench_ground.measure,
    "settle": bench_settle.measure,
    "ready": bench_ready.measure,
    "sandbox": bench_sandbox.measure,
    "gateway": bench_gateway.measure,
    "neighbours": bench_neighbours.measure,
    "policy": bench_policy.measure,
    "trace": bench_trace.measure,
    "rejudge": bench_rejudge.measure,
    "recording": bench_recording.measure,
    "tokens": bench_tokens.measure,
    "ocr": bench_ocr.measure,
    "import": bench_import.measure,
    "peers": bench_peers.measure,
}
RESULTS = Path(__file__).parent / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if a bar does not hold, 4 if something could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(MEASURES)}")
    parser.add_argument("--quick", action="store_true", help="few repeats, to see that it works")
    parser.add_argument("--json", type=Path, default=RESULTS, help="where to write the figures")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in MEASURES]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are: {', '.join(MEASURES)}")
    figures: Figures = {}
    console, failed = Console(stderr=True), False
    for name in options.names or MEASURES:
        console.print(f"measuring {name} …", style="dim")
        try:
            figures |= taken(MEASURES[name], quick=options.quick)
        except (HarnessError, PlaywrightError, OSError, RuntimeError) as error:
            console.print(f"{name} could not be measured: {type(error).__name__}: {error}", markup=False)
            failed = True
        gc.collect()
    show(figures)
    write(options.json, figures, quick=options.quick)
    return 4 if failed else 1 if any(one.holds is False for one in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
