"""`harness doctor`."""

import argparse
import asyncio

from harness.cli.signals import Interrupts, unwind
from harness.cli.streams import show, show_json
from harness.errors import HarnessError
from harness.sandbox.doctor import Finding, findings

_SECONDS = 120.0
_AT_ONCE = 2
"""Cases at a time: a few more take longer to open their pages than they save."""
_AGAIN = "harness eval containment --quick"


def run(options: argparse.Namespace) -> int:
    """Say what this machine has, what is missing and what to type, and try a few ways out of the sandbox.

    Exit code 5 if anything got out, else 4 if a run cannot start or nothing could be shown.
    """
    found = findings()
    code = 0 if all(one.ok for one in found) else 4
    if options.containment:
        tried, escaped = _tried(options.interrupts, ready=code == 0)
        found = (*found, tried)
        code = escaped or (code if tried.ok else 4)
    if options.json:
        show_json([one.model_dump(mode="json") for one in found])
    else:
        for one in found:
            show(f"{'✓' if one.ok else '✗'} {one.name:<18} {one.detail}")
            if not one.ok and one.fix:
                show(f"{'':<21}type: {one.fix}")
    return code


def _tried(interrupts: Interrupts, *, ready: bool) -> tuple[Finding, int]:
    """Try a few ways out; give what is found, and 5 if anything got out."""
    if not ready:
        detail = "not tried: something it needs is missing, see above"
        return Finding(name="containment", ok=False, detail=detail, fix="harness doctor, once it is there"), 0
    from harness.evals.containment.catalogue import brief  # noqa: PLC0415 - the browser is loaded only when used
    from harness.evals.containment.runner import run as run_cases  # noqa: PLC0415
    from harness.evals.containment.score import Report  # noqa: PLC0415
    from harness.sandbox.choose import choose  # noqa: PLC0415

    async def within() -> Report:
        async with asyncio.timeout(_SECONDS):
            return await run_cases(brief(), lambda sandbox: choose("auto", sandbox), at_once=_AT_ONCE)

    try:
        with interrupts.told(unwind):
            report = asyncio.run(within())
    except HarnessError as error:
        said = str(error).splitlines()[0]
        return Finding(name="containment", ok=False, detail=f"cannot be tried: {said}", fix=_AGAIN), 0
    except TimeoutError:
        late = f"not done within {_SECONDS:g} s"
        return Finding(name="containment", ok=False, detail=late, fix=_AGAIN), 0
    where = f"in the {report.sandbox} sandbox"
    detail = f"{report.contained} of {report.counted} ways out contained {where}, in {report.seconds:.0f} s"
    if report.exit_code:
        ways = [one.says for one in report.cases if one.status == "escaped"] + list(report.stray)
        detail = f"{detail}; ESCAPED: {'; '.join(ways)}"
    elif report.not_counted:
        why = next(one.why for one in report.cases if one.status == "not counted")
        detail = f"{detail}; {report.not_counted} show nothing here: {why}"
    ok = report.exit_code == 0 and report.contained > 0
    return Finding(name="containment", ok=ok, detail=detail, fix="" if ok else _AGAIN), report.exit_code
