"""What a person sees while a run goes on, and at its end."""

import sys
from collections.abc import Callable
from typing import TextIO

from harness.words import describe, visible
from harness.clearance import Act
from harness.result import Result
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    Event,
    Failed,
    ModelReplied,
    Requested,
    RunStarted,
)

_MARKS = {"done": "✓", "refused": "✗", "failed": "!", "not_executed": "·"}


def progress(out: TextIO) -> Callable[[Event], None]:
    """Give a watcher that prints one line for everything a person wants to know."""
    return _Progress(out)


class _Progress:
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._intents: dict[tuple[int, int], str] = {}

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line is not None:
            print(line, file=self._out, flush=True)

    def _line(self, event: Event) -> str | None:
        match event:
            case RunStarted(run_id=run_id, sandbox=sandbox, model=model):
                place = sandbox if isinstance(sandbox, dict) else {}
                loose = "" if place.get("isolated") else "  NOT ISOLATED"
                return f"run {run_id}: model {model}, sandbox {place.get('kind')}{loose}"
            case ModelReplied(step=step, thought=thought) if thought:
                return f"step {step:>2}  {visible(thought, 140)}"
            case Acting(step=step, index=index, action=action, target=target):
                self._intents[step, index] = describe(Act(action=action, target=target))
                return None
            case Acted(step=step, index=index, status=status, action=action, message=message):
                what = self._intents.pop((step, index), None) or describe(Act(action=action))
                why = f": {visible(message, 160)}" if message and status != "done" else ""
                return f"      {_MARKS[status]} {what}{why}"
            case Requested(request=request, verdict=verdict) if verdict.outcome in ("deny", "stop"):
                return f"      ✗ {describe(request)}: {verdict.reason}"
            case ApprovalAsked(verdict=verdict):
                return f"      ? a person is asked: {verdict.reason}"
            case Failed(message=message):
                return f"      ! {visible(message, 400)}"
            case _:
                return None


def summary(result: Result) -> str:
    """The end of a run in a few lines."""
    words = {
        "done": "done",
        "failed": "failed",
        "stopped": "stopped at a boundary",
        "error": "could not go on",
        "interrupted": "interrupted",
    }[result.outcome]
    lines = [f"{words} after {result.steps} steps, {result.seconds:.1f} s"]
    if result.reason:
        lines.append(f"  {visible(result.reason, 600)}")
    lines += [
        f"  {'✓' if one.passed else '✗'} {one.check}: {visible(one.detail, 200)}" for one in result.checks
    ]
    lines += [f"  {name} = {visible(str(value), 300)}" for name, value in result.outputs.items()]
    if result.verdicts:
        counts = ", ".join(f"{count} {name}" for name, count in result.verdicts.items())
        lines.append(f"  verdicts: {counts}")
    lines.append(f"  trace:    {result.trace}")
    lines.append(f"  report:   {result.trace}/report.html")
    return "\n".join(lines)


def say(text: str, out: TextIO = sys.stderr) -> None:
    """Print for people, away from what machines read."""
    print(text, file=out, flush=True)
