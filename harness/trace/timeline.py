"""Puts the events of a trace together as a person reads them: by step, by action, by request."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

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

NEVER = datetime.min.replace(tzinfo=UTC)
"""Stands for a time that nobody recorded."""


@dataclass(slots=True)
class Asking:
    """A question to a person, and the answer."""

    asked: ApprovalAsked
    time: datetime = NEVER
    """When it was asked."""
    given: ApprovalGiven | None = None
    ended: datetime | None = None
    """When it was answered."""


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
    time: datetime | None = None
    """When it was first judged."""
    began: datetime | None = None
    """When it was about to be performed."""
    ended: datetime | None = None
    """When its result was known."""

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
    time: datetime = NEVER
    """When it was first judged."""
    step: int = 0
    """The step in flight."""
    askings: list[Asking] = field(default_factory=list)
    body: str | None = None
    """Hex SHA-256 of the blob with its body."""
    response: Responded | None = None
    ended: datetime | None = None
    """When the answer was whole."""
    messages: tuple[int, int] = (0, 0)
    """WebSocket messages that passed, out and in."""
    frames: list[tuple[datetime, Messaged]] = field(default_factory=list)
    """Every WebSocket message, refused ones too."""
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
    request: str | None = None
    """Hex SHA-256 of the blob with what the vendor was sent."""
    reply: ModelReplied | None = None
    deeds: list[Deed] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    times: dict[str, datetime] = field(default_factory=dict)
    """When it was last `observed`, `asked_model` and `model_replied`."""
    pages: list[tuple[datetime, Console | Dialogued]] = field(default_factory=list)
    """What pages wrote to their console, and their dialogs."""

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
                    self._message(event, recorded.time)
                case ApprovalAsked() | ApprovalGiven():
                    self._person(event, recorded.time)
                case Judged() | Acting() | Acted():
                    self._hand(event, self._step(event.step, recorded.time), recorded.time)
                case _:
                    self._eye(event, self._step(event.step, recorded.time), recorded.time)
        self._found.steps = [self._steps[number] for number in sorted(self._steps)]
        return self._found

    def _step(self, number: int, time: datetime) -> Step:
        return self._steps.setdefault(number, Step(number, time))

    def _eye(
        self,
        event: Observed | AskedModel | ModelReplied | Console | Dialogued | Noted | Failed,
        step: Step,
        time: datetime,
    ) -> None:
        step.times[event.kind] = time
        if isinstance(event, Console | Dialogued):
            step.pages.append((time, event))
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
                step.asked, step.request = True, event.request
            case ModelReplied():
                step.reply = event
            case Noted():
                step.notes.append(event.text)
            case Failed():
                step.failures.append(event)

    def _hand(self, event: Judged | Acting | Acted, step: Step, time: datetime) -> None:
        match event:
            case Judged(effect=Act() as act):
                deed = self._deed(step)
                deed.time = deed.time or time
                deed.action, deed.target = act.action, act.target
                deed.verdicts.append(event.verdict)
            case Judged(effect=Plan() as plan):
                step.deeds.append(Deed(words=f"plan: {plan.text}", verdicts=[event.verdict], time=time))
            case Judged(effect=FileOffer() as file):
                step.deeds.append(Deed(words=describe(file), verdicts=[event.verdict], time=time))
            case Judged(effect=SafetySignal() as signal):
                words = f"warning by {signal.provider}: {signal.code}. {signal.message}"
                step.deeds.append(Deed(words=words, verdicts=[event.verdict], time=time))
            case Acting():
                deed = self._deed(step)
                deed.action, deed.target, deed.intended = event.action, event.target, True
                deed.began = time
            case Acted():
                deed = self._deed(step)
                deed.action, deed.result = deed.action or event.action, event
                deed.ended = time
                self._open = None
            case _:
                pass

    def _wire(self, event: Requested | Responded, time: datetime) -> None:
        if isinstance(event, Responded):
            if event.request in self._exchanges:
                self._exchanges[event.request].response = event
                self._exchanges[event.request].ended = time
            return
        exchange = self._exchanges.get(event.request.id)
        if exchange is None:
            exchange = self._exchanges[event.request.id] = Exchange(
                event.request, event.verdict, time, event.step
            )
            self._step(event.step, time).exchanges.append(exchange)
        exchange.request, exchange.verdict = event.request, event.verdict
        exchange.body = event.body or exchange.body

    def _message(self, event: Messaged, time: datetime) -> None:
        exchange = self._exchanges.get(event.request)
        if exchange is None:
            return
        exchange.frames.append((time, event))
        out, inn = exchange.messages
        if event.refused is not None:
            exchange.cut = event.refused
        else:
            exchange.messages = (out + 1, inn) if event.direction == "out" else (out, inn + 1)

    def _person(self, event: ApprovalAsked | ApprovalGiven, time: datetime) -> None:
        if isinstance(event, ApprovalGiven):
            if event.question in self._questions:
                self._questions[event.question].given = event
                self._questions[event.question].ended = time
            return
        asking = self._questions[event.question] = Asking(event, time)
        step = self._step(event.step, time)
        match event.effect:
            case Request() as request:
                if request.id not in self._exchanges:
                    self._exchanges[request.id] = Exchange(request, event.verdict, time, event.step)
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
