"""`harness eval containment`."""

import argparse
import asyncio
import sys

from harness.cli.signals import unwind
from harness.cli.streams import say, show, show_json
from harness.errors import InputError


def containment(options: argparse.Namespace) -> int:
    """Try to get out of a sandbox in every way there is; exit code 5 if anything did."""
    from harness.evals.containment.catalogue import chosen  # noqa: PLC0415 - the browser is loaded only when used
    from harness.evals.containment.runner import run  # noqa: PLC0415
    from harness.evals.containment.score import lines  # noqa: PLC0415
    from harness.sandbox.choose import choose  # noqa: PLC0415

    cases = chosen(options.kind, options.case, quick=options.quick)
    if options.list:
        for case in cases:
            show(f"{case.id:<48} {case.ref:<5} {case.says}")
        return 0
    if not 1 <= options.repeat <= 1000:
        raise InputError(f"--repeat {options.repeat}: give a number from 1 to 1000")
    watched = sys.stderr.isatty()

    def told(done: int, count: int) -> None:
        if watched:
            print(
                f"\r{done} of {count} cases", end="\n" if done == count else "", file=sys.stderr, flush=True
            )

    if options.sandbox == "process":
        say("harness: the process sandbox isolates nothing; this shows what gets out of it")
    with options.interrupts.told(unwind):
        report = asyncio.run(
            run(
                cases,
                lambda sandbox: choose(options.sandbox, sandbox),
                repeat=options.repeat,
                told=told,
            )
        )
    if options.json:
        show_json(report.model_dump(mode="json"))
    else:
        for line in lines(report):
            show(line)
    return report.exit_code
