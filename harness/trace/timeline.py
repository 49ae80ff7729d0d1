"""Puts the events of a trace together as a person reads them: by step, by action, by request."""

from dataclasses import dataclass, field
from datetime import datetime

from harness.action import Action
from harness.clearance import Act, FileOffer, Plan, Request, SafetySignal, Target, Verdict
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    AskedModel,
    Checked,
    Console,
    Dialogued,
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
from harness.trace.reader import Trace
from harness.words import describe


@dataclass(slots=True)
class Asking:
    """A question to a person, and the answer."""

    asked: ApprovalAsked
    given: ApprovalGiven | None = None


@dataclass(slots=True)
class Deed:
    """One action of a reply, or another effect of it that was judged."""

    action: Action | None = None
    target: Target | None = None
    words: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    askings: list[Asking] = field(default_factory=list)
    intended: bool = False
    result: Acted | None = None

    @property
    def refused(self) -> bool:
        """Whether policy or person refused it."""
        if self.result is not None:
            return self.result.status == "refused"
        return bool(self.verdicts) and self.verdicts[-1].outcome in ("deny", "stop")


@dataclass(slots=True)
class Exchange:
    """One request, and what became of it."""

    request: Request
    verdict: Verdict
    askings: list[Asking] = field(default_factory=list)
    response: Responded | None = None
    messages: tuple[int, int] = (0, 0)
    """WebSocket messages that passed, out and in."""
    cut: str | None = None
    """Why a message was refused."""

    @property
    def refused(self) -> bool:
        """Whether policy, person or limit refused it or a message of it."""
        if self.verdict.outcome in ("deny", "stop") or self.cut is not None:
            return True
        return any(one.given is not None and one.given.approval.decision != "approve" for one in self.askings)


@dataclass(slots=True)
class Step:
    """Everything between one look at the screen and the next."""

    number: int
    time: datetime
    observed: Observed | None = None
    asked: bool = False
    reply: ModelReplied | None = None
    deeds: list[Deed] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)

    @property
    def refusals(self) -> int:
        """How many actions and requests were refused."""
        return sum(one.refused for one in self.deeds) + sum(one.refused for one in self.exchanges)

    @property
    def askings(self) -> int:
        """How many questions went to a person."""
        return sum(len(one.askings) for one in self.deeds) + sum(len(one.askings) for one in self.exchanges)


@dataclass(slots=True)
class Timeline:
    """A whole run: its steps in order, and its checks."""

    steps: list[Step] = field(default_factory=list)
    checks: list[Checked] = field(default_factory=list)


def timeline(trace: Trace) -> Timeline:
    """Put a trace together."""
    return _Builder().build(trace)


class _Builder:
    def __init__(self) -> None:
        self._found = Timeline()
        self._steps: dict[int, Step] = {}
        self._exchanges: dict[str, Exchange] = {}
        self._questions: dict[str, Asking] = {}
        self._open: Deed | None = None

    def build(self, trace: Trace) -> Timeline:
        for recorded in trace.events:
            event = recorded.event
            match event:
                case RunStarted() | RunFinished():
                    pass
                case Checked():
                    self._found.checks.append(event)
                case Requested() | Responded():
                    self._wire(event, recorded.time)
                case Messaged():
                    self._message(event)
                case ApprovalAsked() | ApprovalGiven():
                    self._person(event, recorded.time)
                case Judged() | Acting() | Acted():
                    self._hand(event, self._step(event.step, recorded.time))
                case _:
                    self._eye(event, self._step(event.step, recorded.time))
        self._found.steps = [self._steps[number] for number in sorted(self._steps)]
        return self._found

    def _step(self, number: int, time: datetime) -> Step:
        return self._steps.setdefault(number, Step(number, time))

    def _eye(
        self, event: Observed | AskedModel | ModelReplied | Console | Dialogued | Noted | Failed, step: Step
    ) -> None:
        match event:
            case Console(level="debug" | "info"):
                pass
            case Console():
                step.notes.append(f"console, {event.level}: {event.text}")
            case Dialogued():
                done = "accepted" if event.accepted else "dismissed"
                step.notes.append(f"{event.type} {event.message!r}: {done}")
            case Observed():
                step.observed = event
            case AskedModel():
                step.asked = True
            case ModelReplied():
                step.reply = event
            case Noted():
                step.notes.append(event.text)
            case Failed():
                step.failures.append(event)

    def _hand(self, event: Judged | Acting | Acted, step: Step) -> None:
        match event:
            case Judged(effect=Act() as act):
                deed = self._deed(step)
                deed.action, deed.target = act.action, act.target
                deed.verdicts.append(event.verdict)
            case Judged(effect=Plan() as plan):
                step.deeds.append(Deed(words=f"plan: {plan.text}", verdicts=[event.verdict]))
            case Judged(effect=FileOffer() as file):
                step.deeds.append(Deed(words=describe(file), verdicts=[event.verdict]))
            case Judged(effect=SafetySignal() as signal):
                words = f"warning by {signal.provider}: {signal.code}. {signal.message}"
                step.deeds.append(Deed(words=words, verdicts=[event.verdict]))
            case Acting():
                deed = self._deed(step)
                deed.action, deed.target, deed.intended = event.action, event.target, True
            case Acted():
                deed = self._deed(step)
                deed.action, deed.result = deed.action or event.action, event
                self._open = None
            case _:
                pass

    def _wire(self, event: Requested | Responded, time: datetime) -> None:
        if isinstance(event, Responded):
            if event.request in self._exchanges:
                self._exchanges[event.request].response = event
            return
        exchange = self._exchanges.get(event.request.id)
        if exchange is None:
            exchange = self._exchanges[event.request.id] = Exchange(event.request, event.verdict)
            self._step(event.step, time).exchanges.append(exchange)
        exchange.request, exchange.verdict = event.request, event.verdict

    def _message(self, event: Messaged) -> None:
        exchange = self._exchanges.get(event.request)
        if exchange is None:
            return
        out, inn = exchange.messages
        if event.refused is not None:
            exchange.cut = event.refused
        else:
            exchange.messages = (out + 1, inn) if event.direction == "out" else (out, inn + 1)

    def _person(self, event: ApprovalAsked | ApprovalGiven, time: datetime) -> None:
        if isinstance(event, ApprovalGiven):
            if event.question in self._questions:
                self._questions[event.question].given = event
            return
        asking = self._questions[event.question] = Asking(event)
        step = self._step(event.step, time)
        match event.effect:
            case Request() as request:
                if request.id not in self._exchanges:
                    self._exchanges[request.id] = Exchange(request, event.verdict)
                    step.exchanges.append(self._exchanges[request.id])
                self._exchanges[request.id].askings.append(asking)
            case Act(action=action, target=target):
                deed = self._deed(step)
                deed.action, deed.target = action, target
                deed.askings.append(asking)
            case FileOffer() | Plan() | SafetySignal():
                (step.deeds[-1] if step.deeds else self._deed(step)).askings.append(asking)

    def _deed(self, step: Step) -> Deed:
        if self._open is None or not any(one is self._open for one in step.deeds):
            self._open = Deed()
            step.deeds.append(self._open)
        return self._open
