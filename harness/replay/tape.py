"""A trace as answers to what its pages asked for, for a gateway that lets nothing out."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from harness.clearance import Request
from harness.errors import TraceError
from harness.gateway.upstreams.playback import Message
from harness.gateway.upstreams.recording import Recorded
from harness.trace.events import ApprovalAsked, ApprovalGiven, Messaged, Requested, Responded
from harness.trace.reader import Trace

_GONE: Final = frozenset({"the browser hung up", "the gateway was closed"})
_BODYLESS: Final = frozenset({101, 204, 304})
_WAITS: Final = 2
"""Steps that an answer took before it is held back in a replay too: one is the next look at the page."""


@dataclass(slots=True)
class _Asked:
    request: Request
    step: int
    passed: bool
    answer: Responded | None = None
    messages: list[Message] = field(default_factory=list)


def tape(trace: Trace) -> tuple[Recorded, ...]:
    """Give all requests that were let out, in order, with what was answered.

    Raises:
        TraceError: if the trace is of a version that kept no answers.
    """
    asked: dict[str, _Asked] = {}
    questions: dict[str, str] = {}
    for one in trace.events:
        match one.event:
            case Requested(request=request, verdict=verdict) as event:
                found = asked.setdefault(request.id, _Asked(request, event.step, passed=False))
                found.request, found.passed = request, verdict.outcome == "allow"
            case ApprovalAsked(question=question, effect=Request(id=ident)):
                questions[question] = ident
            case ApprovalGiven(question=question, approval=approval) if questions.get(question) in asked:
                asked[questions[question]].passed = approval.decision == "approve"
            case Responded(request=ident) as event if ident in asked:
                asked[ident].answer = event
            case Messaged(request=ident) as event if ident in asked and event.refused is None:
                asked[ident].messages.append(_message(trace, event))
            case _:
                pass
    answers = [one.answer for one in asked.values() if one.answer is not None]
    if any(one.received for one in answers) and not any(one.headers for one in answers):
        raise TraceError(
            f"{trace.folder}: recorded by a version that kept no answers of servers, so there is nothing to "
            "serve its pages from; use --live"
        )
    return tuple(_recorded(trace, one) for one in asked.values() if one.passed or one.answer is not None)


def _recorded(trace: Trace, one: _Asked) -> Recorded:
    request, answer = one.request, one.answer
    wanted = next((value for name, value in request.headers if name == "range"), None)
    found = Recorded(request.method, request.url, request.body_sha256, wanted, cut=True)
    if answer is None:
        return found
    bare = request.method == "HEAD" or answer.status in _BODYLESS
    return replace(
        found,
        step=answer.step if answer.step - one.step >= _WAITS else 0,
        status=answer.status,
        headers=answer.headers,
        body=partial(trace.blobs.get, answer.body) if answer.body is not None else None,
        lost=answer.error is None and not bare and answer.body is None and answer.received > 0,
        error=answer.error,
        cut=answer.error in _GONE,
        messages=tuple(one.messages),
    )


def _message(trace: Trace, event: Messaged) -> Message:
    return Message(
        out=event.direction == "out",
        step=event.step,
        text=event.text,
        sha256=event.sha256,
        data=partial(trace.blobs.get, event.blob) if event.blob is not None else None,
    )
