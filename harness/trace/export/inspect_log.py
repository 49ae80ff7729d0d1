"""An Inspect log, `FILE.eval`: `inspect view` shows one sample a run, and Inspect's analysis tools read it.

Needs the extra `inspect`. What policy and people said of an action are approvals of its tool call; checks are
scores. Each model call shows the goal and what was seen at that step.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import JsonValue

from harness._version import __version__
from harness.clearance import Act, Usage
from harness.trace.events import Console, Dialogued
from harness.trace.export.base import iso, missing, whole
from harness.trace.reader import Trace, member, sandbox_name
from harness.trace.timeline import Deed, Exchange, Step, Timeline, timeline
from harness.words import describe

if TYPE_CHECKING:
    from inspect_ai.event import Event
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.model import ChatMessage, ModelUsage
    from inspect_ai.scorer import Score
    from inspect_ai.tool import ToolCall

_Decision = Literal["approve", "modify", "reject", "escalate", "terminate"]
_VERDICTS: dict[str, _Decision] = {
    "allow": "approve",
    "ask": "escalate",
    "deny": "reject",
    "stop": "terminate",
}
_ANSWERS: dict[str, _Decision] = {
    "approve": "approve",
    "edit": "modify",
    "deny": "reject",
    "stop": "terminate",
}


def export(traces: Sequence[Trace], out: Path) -> None:
    """Write runs as the samples of one Inspect log.

    Raises:
        InputError: if the extra `inspect` is not installed.
        TraceError: if a blob is damaged, or the file cannot be written.
    """
    try:
        from inspect_ai.log import write_eval_log  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing("inspect", error) from error
    with whole(out) as path:
        write_eval_log(log(traces), path, format="eval")


def log(traces: Sequence[Trace]) -> "EvalLog":
    """Give the log of runs of which the first names task, model and policy."""
    from inspect_ai.log import (  # noqa: PLC0415 - an extra
        EvalConfig,
        EvalDataset,
        EvalLog,
        EvalMetric,
        EvalResults,
        EvalScore,
        EvalSpec,
        EvalStats,
    )

    first = traces[0]
    header = first.header
    names = list(dict.fromkeys(one.header.run_id for one in traces))
    passed = [one.finish is not None and one.finish.outcome == "done" for one in traces]
    usage: dict[str, ModelUsage] = {}
    for one in traces:
        model = one.header.model
        usage[model] = usage[model] + _usage(one) if model in usage else _usage(one)
    status: dict[str, Any] = {"status": "success"}
    if len(traces) == 1:
        status = _status(first)
    accuracy = EvalMetric(name="accuracy", value=sum(passed) / len(passed))
    return EvalLog(
        **status,
        eval=EvalSpec(
            eval_id=header.run_id,
            run_id=header.run_id,
            created=iso(first.events[0].time),
            task=member(header.task, "name") or "run",
            task_id=header.run_id,
            dataset=EvalDataset(name="harness", samples=len(names), sample_ids=[*names]),
            model=header.model,
            config=EvalConfig(),
            packages={"harness": header.versions.get("harness", __version__)},
            metadata={
                "policy": header.policy,
                "policy_sha256": header.policy_sha256,
                "sandbox": header.sandbox,
                "approver": header.approver,
                "versions": header.versions,
            },
        ),
        results=EvalResults(
            total_samples=len(traces),
            completed_samples=sum(one.finish is not None for one in traces),
            scores=[EvalScore(name="passed", scorer="passed", metrics={"accuracy": accuracy})],
        ),
        stats=EvalStats(
            started_at=iso(first.events[0].time),
            completed_at=iso(max(one.events[-1].time for one in traces)),
            model_usage=usage,
        ),
        samples=[_Sample(one, _epoch(traces, place)).build() for place, one in enumerate(traces)],
    )


def _epoch(traces: Sequence[Trace], place: int) -> int:
    """Tell runs of one name apart, from 1."""
    return sum(one.header.run_id == traces[place].header.run_id for one in traces[: place + 1])


def _status(trace: Trace) -> dict[str, Any]:
    finish = trace.finish
    match finish.outcome if finish else "error":
        case "error":
            return {"status": "error", "error": _error(finish.reason if finish else "the run was cut off")}
        case "interrupted":
            return {"status": "cancelled"}
        case _:
            return {"status": "success"}


def _error(message: str) -> Any:
    from inspect_ai.log import EvalError  # noqa: PLC0415 - an extra

    return EvalError(message=message, traceback=message, traceback_ansi=message)


def _usage(trace: Trace) -> "ModelUsage":
    told = [one.event.usage for one in trace.events if one.event.kind == "model_replied"]
    return _spent(trace.finish.usage if trace.finish else told[-1] if told else Usage())


def _spent(usage: Usage) -> "ModelUsage":
    from inspect_ai.model import ModelUsage  # noqa: PLC0415 - an extra

    read, written = usage.input_tokens or 0, usage.output_tokens or 0
    cached, wrote = usage.cached_tokens, usage.cache_write_tokens
    return ModelUsage(
        input_tokens=max(read - (cached or 0) - (wrote or 0), 0),
        output_tokens=written,
        total_tokens=read + written,
        input_tokens_cache_read=cached,
        input_tokens_cache_write=wrote,
        total_cost=usage.cost_usd,
    )


@dataclass(frozen=True)
class _Called:
    deed: Deed
    call: "ToolCall"


class _Sample:
    def __init__(self, trace: Trace, epoch: int) -> None:
        self._trace, self._epoch = trace, epoch
        self._found: Timeline = timeline(trace)
        self._goal = member(trace.header.task, "goal") or member(trace.header.task, "name")
        self._zero = trace.events[0].time
        self._messages: list[ChatMessage] = []
        self._events: list[Event] = []

    def build(self) -> "EvalSample":
        from inspect_ai.dataset import Sample  # noqa: PLC0415 - an extra
        from inspect_ai.event import SampleInitEvent, ScoreEvent  # noqa: PLC0415 - an extra
        from inspect_ai.log import EvalSample, condense_sample  # noqa: PLC0415 - an extra
        from inspect_ai.model import ChatMessageUser, ModelOutput  # noqa: PLC0415 - an extra

        trace, finish = self._trace, self._trace.finish
        name = trace.header.run_id
        self._messages.append(ChatMessageUser(content=self._goal, id=f"{name}-goal"))
        start = Sample(input=self._goal, id=name)
        self._events.append(SampleInitEvent(sample=start, state={}, timestamp=self._zero))
        output = ModelOutput(model=trace.header.model)
        for step in self._found.steps:
            output = self._step(step, output)
        scores = self._scores()
        last = trace.events[-1].time
        self._events += [
            ScoreEvent(score=score, scorer=scorer, timestamp=last) for scorer, score in scores.items()
        ]
        sample = EvalSample(
            id=name,
            epoch=self._epoch,
            input=self._goal,
            target="",
            messages=self._messages,
            output=output,
            scores=scores,
            metadata={
                "outcome": finish.outcome if finish else "unfinished",
                "reason": finish.reason if finish else "",
                "outputs": finish.outputs if finish else {},
                "verdicts": finish.verdicts if finish else {},
                "policy_sha256": trace.header.policy_sha256,
                "sandbox": sandbox_name(trace.header.sandbox),
            },
            events=self._events,
            model_usage={trace.header.model: _usage(trace)},
            started_at=iso(self._zero),
            completed_at=iso(last),
            total_time=trace.seconds,
            uuid=name,
            error=_status(trace).get("error"),
        )
        return condense_sample(sample)

    def _step(self, step: Step, output: Any) -> Any:
        from inspect_ai.event import ErrorEvent, SpanBeginEvent, SpanEndEvent  # noqa: PLC0415 - an extra

        span = f"{self._trace.header.run_id}-step-{step.number}"
        name = f"step {step.number}" if step.number else "before the first step"
        times = [step.time, *step.times.values(), *(one.ended for one in step.deeds if one.ended)]
        self._events.append(SpanBeginEvent(id=span, name=name, type="step", timestamp=min(times)))
        calls = [_Called(deed, self._call(step, place, deed)) for place, deed in enumerate(step.deeds)]
        if step.reply is not None:
            output = self._asked(step, calls, span)
        for called in calls:
            self._done(called, step, span)
        for time, page in step.pages:
            self._info("page", _paged(page), time, span)
        if step.exchanges:
            wire: list[JsonValue] = [_wired(one) for one in step.exchanges]
            self._info("network", wire, step.exchanges[-1].ended or step.time, span)
        for note in step.notes:
            self._info("harness", note, max(times), span)
        for failure in step.failures:
            message = f"{failure.error}: {failure.message}"
            self._events.append(ErrorEvent(error=_error(message), timestamp=max(times), span_id=span))
        self._events.append(SpanEndEvent(id=span, timestamp=max(times)))
        return output

    def _call(self, step: Step, place: int, deed: Deed) -> "ToolCall":
        from inspect_ai.tool import ToolCall  # noqa: PLC0415 - an extra

        fields = deed.action.model_dump(mode="json", exclude_defaults=True) if deed.action else {}
        kind = deed.action.kind if deed.action else "effect"
        fields = fields if deed.action else {"what": deed.words}
        return ToolCall(id=f"call-{step.number}-{place}", function=kind, arguments=fields)

    def _asked(self, step: Step, calls: Sequence[_Called], span: str) -> Any:
        from inspect_ai.event import ModelEvent  # noqa: PLC0415 - an extra
        from inspect_ai.model import (  # noqa: PLC0415 - an extra
            ChatCompletionChoice,
            ChatMessageAssistant,
            ContentImage,
            ContentText,
            GenerateConfig,
            ModelOutput,
        )

        assert step.reply is not None  # noqa: S101 - the caller looked
        model = self._trace.header.model
        told: ChatMessage = self._seen(step, ContentText, ContentImage)
        answer = ChatMessageAssistant(
            id=f"{span}-answer",
            content=step.reply.thought,
            tool_calls=[one.call for one in calls if one.deed.action is not None] or None,
            model=model,
            source="generate",
        )
        output = ModelOutput(
            model=model,
            choices=[ChatCompletionChoice(message=answer, stop_reason="tool_calls" if calls else "stop")],
            usage=_spent(step.reply.usage),
            time=step.reply.seconds,
        )
        ended = step.times.get("model_replied", step.time)
        asked = step.times.get("asked_model", ended - timedelta(seconds=step.reply.seconds))
        self._events.append(
            ModelEvent(
                model=model,
                input=[self._messages[0], told],
                tools=[],
                tool_choice="auto",
                config=GenerateConfig(),
                output=output,
                timestamp=asked,
                completed=ended,
                working_time=step.reply.seconds,
                call=self._call_of(step),
                span_id=span,
            )
        )
        self._messages += [told, answer]
        return output

    def _call_of(self, step: Step) -> Any:
        """Give what the vendor was sent and what it answered, word for word, where both were kept."""
        from inspect_ai.model import ModelCall  # noqa: PLC0415 - an extra

        raw = step.reply.raw if step.reply else None
        if step.request is None:
            return None
        try:
            sent = json.loads(self._trace.blobs.get(step.request))
            answer = json.loads(self._trace.blobs.get(raw)) if raw else None
        except ValueError:
            return None
        sent = sent if isinstance(sent, dict) else {"request": sent}
        answer = answer if isinstance(answer, dict) or answer is None else {"response": answer}
        return ModelCall(request=sent, response=answer, time=step.reply.seconds if step.reply else None)

    def _seen(self, step: Step, text: Any, image: Any) -> "ChatMessage":
        from inspect_ai.model import ChatMessageUser  # noqa: PLC0415 - an extra

        observed = step.observed
        if observed is None:
            return ChatMessageUser(content="(nothing was seen)")
        said = [f"{observed.title} — {observed.url}", *observed.notes]
        png = base64.b64encode(self._trace.blobs.get(observed.screenshot)).decode("ascii")
        picture = image(image=f"data:image/png;base64,{png}")
        return ChatMessageUser(
            id=f"{self._trace.header.run_id}-seen-{step.number}",
            content=[text(text="\n".join(said)), picture],
        )

    def _done(self, called: _Called, step: Step, span: str) -> None:
        from inspect_ai.event import ApprovalEvent, ToolEvent  # noqa: PLC0415 - an extra
        from inspect_ai.model import ChatMessageTool  # noqa: PLC0415 - an extra
        from inspect_ai.tool import ToolCallError  # noqa: PLC0415 - an extra

        deed, call = called.deed, called.call
        began = deed.began or deed.time or step.time
        words = describe(Act(action=deed.action, target=deed.target)) if deed.action else deed.words
        for approver, decision, why in _decisions(deed):
            self._events.append(
                ApprovalEvent(
                    message=words,
                    call=call,
                    approver=approver,
                    decision=decision,
                    explanation=why,
                    timestamp=deed.time or began,
                    span_id=span,
                )
            )
        result = deed.result
        if deed.action is None:
            return
        status = result.status if result else "unknown"
        error = None
        if status != "done":
            kind: Literal["permission", "unknown"] = "permission" if deed.refused else "unknown"
            why = (result.message if result else "") or status
            error = ToolCallError(type=kind, message=f"{status}: {why}")
        said = f"{words}: {status}"
        self._events.append(
            ToolEvent(
                id=call.id,
                function=call.function,
                arguments=call.arguments,
                result=said,
                error=error,
                timestamp=began,
                completed=deed.ended,
                working_time=result.seconds if result else None,
                span_id=span,
            )
        )
        self._messages.append(
            ChatMessageTool(
                id=f"{span}-{call.id}",
                content=said,
                tool_call_id=call.id,
                function=call.function,
                error=error,
            )
        )

    def _info(self, source: str, data: JsonValue, time: datetime, span: str) -> None:
        from inspect_ai.event import InfoEvent  # noqa: PLC0415 - an extra

        self._events.append(InfoEvent(source=source, data=data, timestamp=time, span_id=span))

    def _scores(self) -> "dict[str, Score]":
        from inspect_ai.scorer import CORRECT, INCORRECT, Score  # noqa: PLC0415 - an extra

        finish = self._trace.finish
        passed = finish is not None and finish.outcome == "done"
        why = finish.reason if finish else "the run was cut off"
        scores = {"passed": Score(value=CORRECT if passed else INCORRECT, explanation=why)}
        for number, one in enumerate(self._found.checks, 1):
            scores[f"check {number}"] = Score(
                value=CORRECT if one.passed else INCORRECT, answer=one.check, explanation=one.detail
            )
        return scores


def _decisions(deed: Deed) -> Iterator[tuple[str, _Decision, str]]:
    for verdict in deed.verdicts:
        yield f"policy: {verdict.rule}", _VERDICTS[verdict.outcome], verdict.reason
    for asking in deed.askings:
        if asking.given is None:
            yield "nobody", "reject", f"no answer within {asking.asked.seconds:g} s"
        else:
            approval = asking.given.approval
            yield approval.by, _ANSWERS[approval.decision], approval.note


def _paged(page: Console | Dialogued) -> JsonValue:
    return {**page.model_dump(mode="json", exclude_defaults=True), "kind": page.kind}


def _wired(exchange: Exchange) -> JsonValue:
    response = exchange.response
    return {
        "method": exchange.request.method,
        "url": exchange.request.url,
        "verdict": exchange.verdict.outcome,
        "rule": exchange.verdict.rule,
        "status": response.status if response else None,
        "received": response.received if response else 0,
        "error": response.error if response else None,
    }
