"""A trace as plain text for a terminal: one line an event, aligned, with nothing invisible in it."""

from collections.abc import Iterator
from typing import assert_never

from harness.action import Action
from harness.clearance import Act, Effect, FileOffer, Plan, Request, SafetySignal, Verdict
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    AskedModel,
    Checked,
    Console,
    Dialogued,
    Event,
    Failed,
    Judged,
    Messaged,
    ModelReplied,
    Noted,
    Observed,
    Requested,
    Responded,
    RunFinished,
    RunStarted,
)
from harness.trace.lineage import kin
from harness.trace.reader import Trace, member, sandbox_name
from harness.trace.words import OUTCOMES, count, seconds, size, visible
from harness.words import describe

_WIDEST = max(len("approval_given"), len("model_replied"))


def lines(trace: Trace) -> Iterator[str]:
    """Give the lines: number, seconds since the start, step, kind, what happened."""
    start = trace.events[0].time
    digits = len(str(len(trace.events)))
    for recorded in trace.events:
        since = (recorded.time - start).total_seconds()
        step = _step(recorded.event)
        words = visible(_words(recorded.event), most=400)
        place = f"{recorded.seq:>{digits}} {since:>9.3f} {step:>4}"
        yield f"{place} {recorded.event.kind:<{_WIDEST}} {words}".rstrip()
    yield from (f"! {visible(one)}" for one in kin(trace))
    if trace.recovered:
        yield f"! {trace.recovered}"
    if trace.finish is None:
        yield "! the trace has no end: the run was killed, or has not ended yet"


def _step(event: Event) -> str:
    match event:
        case RunStarted() | RunFinished() | Checked():
            return ""
        case _:
            return str(event.step)


def _words(event: Event) -> str:
    match event:
        case Judged() | Acting() | Acted():
            return _hand(event)
        case Requested() | Responded() | Messaged():
            return _wire(event)
        case ApprovalAsked() | ApprovalGiven():
            return _person(event)
        case Observed() | AskedModel() | ModelReplied() | Noted() | Failed():
            return _eye(event)
        case Console() | Dialogued():
            return _page(event)
        case RunStarted() | Checked() | RunFinished():
            return _frame(event)
        case _:
            assert_never(event)


def _frame(event: RunStarted | Checked | RunFinished) -> str:
    match event:
        case RunStarted():
            sandbox = event.sandbox
            isolated = isinstance(sandbox, dict) and sandbox.get("isolated") is True
            place = f"{sandbox_name(sandbox)}{'' if isolated else ' (not isolated)'}"
            policy = f"{member(event.policy, 'name') or 'unnamed'} {event.policy_sha256[:12]}"
            shown = f" · redacted, made of run {event.redacted.run_id}" if event.redacted else ""
            task = member(event.task, "name") or event.run_id
            return f"{task}: {event.model} in {place}, policy {policy}{shown}"
        case Checked():
            detail = f": {event.detail}" if event.detail else ""
            return f"{'passed' if event.passed else 'FAILED'} {event.check}{detail}"
        case RunFinished():
            reason = f": {event.reason}" if event.reason else ""
            after = f"{count(event.steps, 'step')} in {seconds(event.seconds)}"
            return f"{OUTCOMES[event.outcome]}{reason} ({after}, exit {event.exit_code})"
        case _:
            assert_never(event)


def _eye(event: Observed | AskedModel | ModelReplied | Noted | Failed) -> str:
    match event:
        case Observed():
            parts = [event.url, *([repr(event.title)] if event.title else []), *event.notes]
            parts += [f"download {one.status}: {one.name}" for one in event.downloads]
            parts += [] if event.settled else ["still changing"]
            return " · ".join(parts)
        case AskedModel():
            return ""
        case ModelReplied():
            asked = "; ".join(describe(Act(action=action)) for action in event.actions) or "no action"
            return f"{asked} ({seconds(event.seconds)}){f' · {event.thought}' if event.thought else ''}"
        case Noted():
            return event.text
        case Failed():
            return f"{event.error}: {event.message}"
        case _:
            assert_never(event)


def _page(event: Console | Dialogued) -> str:
    match event:
        case Console():
            where = f" ({event.url}{'' if event.line is None else f':{event.line}'})" if event.url else ""
            return f"{event.level}: {event.text}{where}"
        case Dialogued():
            answer = "" if event.answer is None else f" with {event.answer!r}"
            return f"{event.type} {event.message!r}: {'accepted' if event.accepted else 'dismissed'}{answer}"
        case _:
            assert_never(event)


def _hand(event: Judged | Acting | Acted) -> str:
    match event:
        case Judged():
            return f"{_verdict(event.verdict)} · {_effect(event.effect)}"
        case Acting():
            return describe(Act(action=event.action, target=event.target))
        case Acted():
            rule = f" by {event.rule!r}" if event.rule else ""
            message = f": {event.message}" if event.message else ""
            return f"{event.status.replace('_', ' ')}{rule}{message} · {_short(event.action)}"
        case _:
            assert_never(event)


def _wire(event: Requested | Responded | Messaged) -> str:
    match event:
        case Requested():
            return f"{_verdict(event.verdict)} · {_effect(event.request)} [{event.request.id}]"
        case Messaged():
            kind = "text" if event.text else "binary"
            why = f"REFUSED by {event.refused} · " if event.refused else ""
            return f"{why}{size(event.size)} of {kind} {event.direction} [{event.request}]"
        case Responded():
            status = "no status" if event.status is None else str(event.status)
            error = f": {event.error}" if event.error else ""
            amount = f"{size(event.sent)} out, {size(event.received)} in, {seconds(event.seconds)}"
            return f"{status}{error} · {amount} [{event.request}]"
        case _:
            assert_never(event)


def _person(event: ApprovalAsked | ApprovalGiven) -> str:
    match event:
        case ApprovalAsked():
            return f"{_effect(event.effect)} · {event.verdict.reason} · {seconds(event.seconds)} to answer"
        case ApprovalGiven(approval=approval):
            note = f": {approval.note}" if approval.note else ""
            return f"{approval.decision} by {approval.by} after {seconds(event.seconds)}{note}"
        case _:
            assert_never(event)


def _verdict(verdict: Verdict) -> str:
    return verdict.outcome if verdict.outcome == "allow" else f"{verdict.outcome.upper()} by {verdict.rule!r}"


def _effect(effect: Effect) -> str:
    match effect:
        case Act(action=action, target=target):
            return describe(Act(action=action, target=target))
        case Request():
            return f"{effect.method} {effect.url} ({effect.resource})"
        case FileOffer():
            return describe(effect)
        case Plan(text=text):
            return f"plan: {text}"
        case SafetySignal():
            return f"{effect.provider} warns {effect.code}: {effect.message}"
        case _:
            assert_never(effect)


def _short(action: Action) -> str:
    return action.kind.replace("_", " ")
