"""OpenTelemetry: a run as spans that follow the conventions for generative AI.

    invoke_agent TASK                  the run
      step N                           from one look at the screen to the next
        chat MODEL                     the model's answer
        execute_tool KIND              an action, refused ones too
        METHOD                         a request, refused ones too

Ids come from the run's id, so exporting twice gives the same spans. `Spans` takes events one by one and gives
each span when it is over; the export of a trace and the live export are the same code. Without `content`
nothing is told that a page, a model or a person wrote: no messages, no arguments, no queries of URLs.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from harness._version import __version__
from harness.clearance import Act, Request, Target, Usage, Verdict
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
from harness.trace.export.base import nanos
from harness.trace.reader import Trace, member, sandbox_name
from harness.trace.timeline import NEVER
from harness.words import describe

Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]
_PROVIDERS = {
    "openai": "openai",
    "azure": "azure.ai.openai",
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "vertex": "gcp.vertex_ai",
    "gemini": "gcp.gemini",
}


@dataclass(frozen=True, slots=True)
class Span:
    """One span that is over."""

    name: str
    kind: Literal["internal", "client"]
    trace: str
    """32 hex digits."""
    id: str
    """16 hex digits."""
    parent: str | None
    """16 hex digits."""
    start: int
    """Nanoseconds since 1970."""
    end: int
    """Nanoseconds since 1970."""
    attributes: Mapping[str, Value]
    events: tuple[tuple[str, int, Mapping[str, Value]], ...] = ()
    """Name, nanoseconds, attributes."""
    error: str | None = None
    """Why it failed."""


@dataclass(slots=True)
class _Open:
    start: datetime
    attributes: Attributes = field(default_factory=dict)
    events: list[tuple[str, int, Mapping[str, Value]]] = field(default_factory=list)


@dataclass(slots=True)
class _Asked:
    start: datetime
    step: int
    request: Request
    verdict: Verdict
    events: list[tuple[str, int, Mapping[str, Value]]] = field(default_factory=list)


def spans(trace: Trace, *, content: bool = False) -> Iterator[Span]:
    """Give the spans of a run, each when it was over; what never was ends with the trace."""
    feed = Spans(content=content)
    for one in trace.events:
        yield from feed.take(one.event, one.time)
    yield from feed.end(trace.events[-1].time)


class Spans:
    """Makes spans of events, in the order of the events."""

    def __init__(self, *, content: bool = False) -> None:
        self._content = content
        self._run: RunStarted | None = None
        self._root = self._step = _Open(NEVER)
        self._number = 0
        self._deed = _Open(NEVER)
        self._deeds = self._chats = 0
        self._chat: tuple[datetime, Observed | None] | None = None
        self._seen: Observed | None = None
        self._requests: dict[str, _Asked] = {}
        self._questions: dict[str, list[tuple[str, int, Mapping[str, Value]]]] = {}
        self._waiting: dict[str, str] = {}

    def take(self, event: Event, time: datetime) -> list[Span]:
        """Take the next event, and give the spans that are over with it."""
        if isinstance(event, RunStarted):
            self._begin(event, time)
            return []
        if self._run is None:
            return []
        match event:
            case RunFinished():
                return [*self.end(time, event)]
            case Checked():
                self._root.events.append(("gen_ai.evaluation.result", nanos(time), self._score(event)))
                return []
            case Requested() | Responded() | Messaged():
                return self._wire(event, time)
            case ApprovalAsked() | ApprovalGiven():
                return self._person(event, time)
            case Judged() | Acting() | Acted():
                return self._hand(event, time)
            case _:
                return self._eye(event, time)

    def end(self, time: datetime, finish: RunFinished | None = None) -> Iterator[Span]:
        """Give what is still open, the run last; nothing the second time."""
        run = self._run
        if run is None:
            return
        yield from [self._request(one, time, None, "unfinished") for one in self._requests.values()]
        yield self._close(time)
        outcome = finish.outcome if finish else "unfinished"
        told: Attributes = {"harness.outcome": outcome, **_usage(finish.usage if finish else Usage())}
        if finish is not None:
            told |= {"harness.steps": finish.steps, "harness.exit_code": finish.exit_code}
            told |= {f"harness.verdicts.{name}": count for name, count in finish.verdicts.items()}
            if self._content and finish.outputs:
                answer = {"role": "assistant", "parts": [_text(json.dumps(finish.outputs))]}
                told["gen_ai.output.messages"] = json.dumps([answer])
        error = None if outcome in ("done", "failed") else (finish.reason if finish else "") or outcome
        told |= {"error.type": outcome} if outcome != "done" else {}
        name = f"invoke_agent {member(run.task, 'name')}".strip()
        yield self._span(
            name,
            "run",
            None,
            (self._root.start, time),
            self._root.attributes | told,
            events=self._root.events,
            error=error,
        )
        self._run = None

    def _begin(self, run: RunStarted, time: datetime) -> None:
        self._run = run
        task = member(run.task, "name")
        attributes: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": task,
            "gen_ai.conversation.id": run.run_id,
            **self._named(),
            "harness.policy.sha256": run.policy_sha256,
            "harness.sandbox": sandbox_name(run.sandbox),
            "harness.approver": run.approver,
        }
        if run.resumed is not None:
            attributes["harness.resumed.run_id"] = run.resumed.run_id
        if self._content:
            goal = {"role": "user", "parts": [_text(member(run.task, "goal"))]}
            attributes["gen_ai.input.messages"] = json.dumps([goal])
        self._root = _Open(time, attributes)
        self._step, self._number, self._deeds, self._chats = _Open(time), 0, 0, 0

    def _named(self) -> Attributes:
        name = self._run.model if self._run else ""
        kind, colon, rest = name.partition(":")
        model = rest.partition("@")[0].rpartition("=")[2] if colon else name
        return {"gen_ai.provider.name": _PROVIDERS.get(kind, "harness"), "gen_ai.request.model": model}

    def _id(self, key: str) -> str:
        run = self._run.run_id if self._run else ""
        return hashlib.sha256(f"{run}/{key}".encode()).hexdigest()[:16]

    def _span(
        self,
        name: str,
        key: str,
        parent: str | None,
        times: tuple[datetime, datetime],
        attributes: Mapping[str, Value],
        *,
        kind: Literal["internal", "client"] = "internal",
        events: Sequence[tuple[str, int, Mapping[str, Value]]] = (),
        error: str | None = None,
    ) -> Span:
        run = self._run.run_id if self._run else ""
        whole = hashlib.sha256(run.encode()).hexdigest()[:32]
        above = self._id(parent) if parent else None
        first, last = nanos(times[0]), max(nanos(times[1]), nanos(times[0]))
        return Span(
            name, kind, whole, self._id(key), above, first, last, dict(attributes), tuple(events), error
        )

    def _close(self, time: datetime) -> Span:
        name = f"step {self._number}" if self._number else "before the first step"
        told: Attributes = {"harness.step": self._number, **self._step.attributes}
        errors = [str(one[2].get("exception.type")) for one in self._step.events if one[0] == "exception"]
        told |= {"error.type": errors[0]} if errors else {}
        return self._span(
            name,
            f"step/{self._number}",
            "run",
            (self._step.start, time),
            told,
            events=self._step.events,
            error=errors[0] if errors else None,
        )

    def _eye(
        self,
        event: Observed | AskedModel | ModelReplied | Console | Dialogued | Noted | Failed,
        time: datetime,
    ) -> list[Span]:
        match event:
            case Observed() if event.step > self._number:
                over = self._close(time)
                self._step, self._number, self._seen = _Open(time), event.step, event
                self._deeds = self._chats = 0
                self._step.attributes["harness.screenshot.sha256"] = event.screenshot
                return [over]
            case AskedModel():
                self._chat = (time, self._seen)
            case ModelReplied():
                return [self._answer(event, time)]
            case Console() | Dialogued():
                kind = event.level if isinstance(event, Console) else event.type
                told: Attributes = {"harness.level": kind}
                if self._content:
                    told["harness.text"] = event.text if isinstance(event, Console) else event.message
                self._step.events.append((f"harness.{event.kind}", nanos(time), told))
            case Failed():
                thrown: Attributes = {"exception.type": event.error, "exception.message": event.message}
                self._step.events.append(("exception", nanos(time), thrown))
            case _:
                pass
        return []

    def _answer(self, reply: ModelReplied, time: datetime) -> Span:
        start, seen = self._chat or (time, self._seen)
        self._chat, self._chats = None, self._chats + 1
        named = self._named()
        told: Attributes = {
            "gen_ai.operation.name": "chat",
            **named,
            "gen_ai.response.finish_reasons": ("tool_call" if reply.actions else "stop",),
            **_usage(reply.usage),
        }
        if self._content:
            parts: list[JsonValue] = [_text(reply.thought)] if reply.thought else []
            for place, action in enumerate(reply.actions):
                arguments = action.model_dump(mode="json", exclude_defaults=True)
                call = {"type": "tool_call", "id": f"{reply.step}-{place}", "name": action.kind}
                parts.append({**call, "arguments": arguments})
            finish = str("tool_call" if reply.actions else "stop")
            answer = {"role": "assistant", "parts": parts, "finish_reason": finish}
            told["gen_ai.output.messages"] = json.dumps([answer])
            if seen is not None:
                picture: JsonValue = {"type": "uri", "modality": "image", "uri": f"sha256:{seen.screenshot}"}
                shown = "\n".join((f"{seen.title} {seen.url}", *seen.notes))
                told["gen_ai.input.messages"] = json.dumps(
                    [{"role": "user", "parts": [_text(shown), picture]}]
                )
        mishaps = [
            ("harness.incident", nanos(time), {"harness.fault": str(one.fault)}) for one in reply.incidents
        ]
        name, key = f"chat {named['gen_ai.request.model']}", f"step/{reply.step}/chat/{self._chats}"
        return self._span(name, key, f"step/{reply.step}", (start, time), told, kind="client", events=mishaps)

    def _hand(self, event: Judged | Acting | Acted, time: datetime) -> list[Span]:
        match event:
            case Judged(effect=Act()):
                if not self._deed.attributes:
                    self._deed = _Open(time)
                self._deed.attributes |= _verdict(event.verdict, content=self._content)
                self._deed.events.append(_judged(event.verdict, time))
            case Judged():
                self._step.events.append(_judged(event.verdict, time))
            case Acting(target=target):
                self._deed.attributes |= self._aimed(target)
            case Acted():
                return [self._tool(event, time)]
        return []

    def _aimed(self, target: Target | None) -> Attributes:
        if target is None:
            return {}
        told: Attributes = {"harness.target.role": target.role or target.tag}
        return told | ({"harness.target.name": target.name} if self._content else {})

    def _tool(self, acted: Acted, time: datetime) -> Span:
        deed, self._deed = self._deed, _Open(time)
        start = deed.start if deed.attributes else time
        told: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": acted.action.kind,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": f"{acted.step}-{acted.index}",
            "harness.status": acted.status,
            **deed.attributes,
        }
        if self._content:
            arguments = acted.action.model_dump(mode="json", exclude_defaults=True)
            told["gen_ai.tool.call.arguments"] = json.dumps(arguments)
            told["gen_ai.tool.call.result"] = acted.message or describe(Act(action=acted.action))
        error = None if acted.status == "done" else acted.rule or acted.status
        told |= {"error.type": acted.status} if error else {}
        key = f"step/{acted.step}/action/{acted.index}/{self._deeds}"
        self._deeds += 1
        return self._span(
            f"execute_tool {acted.action.kind}",
            key,
            f"step/{acted.step}",
            (start, time),
            told,
            events=deed.events,
            error=error,
        )

    def _wire(self, event: Requested | Responded | Messaged, time: datetime) -> list[Span]:
        if isinstance(event, Messaged):
            return []
        if isinstance(event, Responded):
            found = self._requests.pop(event.request, None)
            return [self._request(found, time, event, event.error)] if found else []
        name = event.request.id
        asked = self._requests.setdefault(name, _Asked(time, event.step, event.request, event.verdict))
        asked.verdict = event.verdict
        asked.events.append(_judged(event.verdict, time))
        if event.verdict.outcome in ("deny", "stop"):
            del self._requests[name]
            return [self._request(asked, time, None, f"refused by {event.verdict.rule}")]
        return []

    def _request(self, asked: _Asked, time: datetime, response: Responded | None, error: str | None) -> Span:
        request = asked.request
        parts = urlsplit(request.url)
        hidden = parts._replace(query="REDACTED" if parts.query else "", fragment="").geturl()
        told: Attributes = {
            "http.request.method": request.method,
            "url.full": request.url if self._content else hidden,
            "url.scheme": parts.scheme,
            "server.address": parts.hostname or "",
            "http.request.body.size": request.body_size,
            "harness.resource": request.resource,
            **_verdict(asked.verdict, content=self._content),
        }
        if response is not None:
            told["http.response.body.size"] = response.received
            if response.status is not None:
                told["http.response.status_code"] = response.status
                if response.status >= 400:
                    error = error or str(response.status)
        if error:
            kind = "refused" if error.startswith("refused") else "error" if response else error
            told["error.type"] = str(response.status) if response and response.status else kind
        return self._span(
            request.method,
            f"request/{request.id}",
            f"step/{asked.step}",
            (asked.start, time),
            told,
            kind="client",
            events=asked.events,
            error=error,
        )

    def _person(self, event: ApprovalAsked | ApprovalGiven, time: datetime) -> list[Span]:
        if isinstance(event, ApprovalAsked):
            request = event.effect if isinstance(event.effect, Request) else None
            asked = self._requests.get(request.id) if request else None
            where = asked.events if asked else self._deed.events
            if request:
                self._waiting[event.question] = request.id
            self._questions[event.question] = where
            where.append(("harness.approval.asked", nanos(time), {"harness.rule": event.verdict.rule}))
            return []
        approval = event.approval
        told: Attributes = {"harness.decision": approval.decision, "harness.by": approval.by}
        told |= {"harness.note": approval.note} if self._content and approval.note else {}
        self._questions.get(event.question, []).append(("harness.approval.given", nanos(time), told))
        found = self._requests.get(self._waiting.pop(event.question, ""))
        if found is not None and approval.decision != "approve":
            del self._requests[found.request.id]
            return [self._request(found, time, None, f"refused by {approval.by}")]
        return []

    def _score(self, one: Checked) -> Attributes:
        told: Attributes = {
            "gen_ai.evaluation.name": one.check,
            "gen_ai.evaluation.score.value": float(one.passed),
            "gen_ai.evaluation.score.label": "pass" if one.passed else "fail",
        }
        return told | ({"gen_ai.evaluation.explanation": one.detail} if self._content else {})


def _verdict(verdict: Verdict, *, content: bool) -> Attributes:
    told: Attributes = {"harness.verdict": verdict.outcome, "harness.rule": verdict.rule}
    return told | ({"harness.reason": verdict.reason} if content else {})


def _judged(verdict: Verdict, time: datetime) -> tuple[str, int, Mapping[str, Value]]:
    return ("harness.judged", nanos(time), _verdict(verdict, content=False))


def _usage(usage: Usage) -> Attributes:
    counts = {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens,
        "harness.cost_usd": usage.cost_usd,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _text(words: str) -> JsonValue:
    return {"type": "text", "content": words}


def resource(run: RunStarted) -> Attributes:
    """Say what made the spans."""
    return {
        "service.name": "harness",
        "service.version": run.versions.get("harness", __version__),
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.language": "python",
    }
