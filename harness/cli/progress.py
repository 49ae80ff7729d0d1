"""What a person sees while a run goes on, and at its end."""

from collections.abc import Callable
from pathlib import Path

from harness.clearance import Act
from harness.cli.streams import say
from harness.result import Result
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    Event,
    ModelReplied,
    Requested,
    Responded,
    RunStarted,
)
from harness.words import describe, mishap, spent, visible

_MARKS = {"done": "✓", "refused": "✗", "failed": "!", "not_executed": "·"}


def progress(tell: Callable[[str], None] = say) -> Callable[[Event], None]:
    """Give a watcher that tells one line for everything a person wants to know."""
    return _Progress(tell)


class _Progress:
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._intents: dict[tuple[int, int], str] = {}
        self._pages: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line is not None:
            self._tell(line)

    def _line(self, event: Event) -> str | None:
        match event:
            case RunStarted(run_id=run_id, sandbox=sandbox, model=model, resumed=resumed):
                place = sandbox if isinstance(sandbox, dict) else {}
                loose = "  NOT ISOLATED" if place.get("browser") and not place.get("isolated") else ""
                after = f", goes on with {resumed.run_id} after step {resumed.steps}" if resumed else ""
                return f"run {run_id}: model {model}, sandbox {place.get('kind')}{after}{loose}"
            case ModelReplied() if event.thought or event.incidents or spent(event.usage):
                return _replied(event)
            case Acting(step=step, index=index, action=action, target=target):
                self._intents[step, index] = describe(Act(action=action, target=target))
                return None
            case Acted(step=step, index=index, status=status, action=action, message=message):
                what = self._intents.pop((step, index), None) or describe(Act(action=action))
                why = f": {visible(message, 160)}" if message and status != "done" else ""
                return f"      {_MARKS[status]} {what}{why}"
            case Requested() | Responded():
                return self._wire(event)
            case ApprovalAsked(verdict=verdict):
                return f"      ? a person is asked: {visible(verdict.reason, 200)}"
            case _:
                return None

    def _wire(self, event: Requested | Responded) -> str | None:
        match event:
            case Requested(request=request, verdict=verdict) if verdict.outcome in ("deny", "stop"):
                return f"      ✗ {describe(request)}: {visible(verdict.reason, 200)}"
            case Requested(request=request) if request.resource == "document":
                self._pages[request.id] = describe(request)
            case Responded(request=request, error=error):
                page = self._pages.pop(request, None)
                if page is not None and error:
                    return f"      ! {page}: {visible(error, 300)}"
            case _:
                pass
        return None


def _replied(event: ModelReplied) -> str:
    lines = [f"step {event.step:>2}  {visible(event.thought, 140)}".rstrip()]
    lines += [f"      ! the model: {mishap(one)}" for one in event.incidents]
    cost = spent(event.usage)
    return "\n".join([*lines, f"      {cost}"] if cost else lines)


def summary(result: Result) -> str:
    """The end of a run in a few lines. Why it could not go on is said on standard error instead."""
    words = {
        "done": "done",
        "failed": "failed",
        "stopped": "stopped at a boundary",
        "error": "could not go on",
        "interrupted": "interrupted",
    }[result.outcome]
    steps = f"{result.steps} {'step' if result.steps == 1 else 'steps'}"
    lines = [f"{words} after {steps}, {result.seconds:.1f} s"]
    if result.reason and result.outcome not in ("error", "interrupted"):
        lines += [f"  {visible(line, 600)}" for line in result.reason.splitlines()[:20]]
    lines += [
        f"  {'✓' if one.passed else '✗'} {visible(one.check, 200)}: {visible(one.detail, 200)}"
        for one in result.checks
    ]
    lines += [f"  {visible(name, 80)} = {visible(str(value), 300)}" for name, value in result.outputs.items()]
    if result.verdicts:
        counts = ", ".join(f"{count} {name}" for name, count in result.verdicts.items())
        lines.append(f"  verdicts: {counts}")
    if cost := spent(result.usage):
        lines.append(f"  model:    {cost}")
    lines.append(f"  trace:    {result.trace}")
    report = Path(result.trace) / "report.html"
    if report.exists():
        lines.append(f"  report:   {report}")
    return "\n".join(lines)
