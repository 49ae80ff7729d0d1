"""What the lines of one trace tell about what was done, what left, and what was under way at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin

from harness.checkpoint import SAFE
from harness.clearance import Act, Effect, Request, Sight, Usage
from harness.limits import Used, together
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    Judged,
    Messaged,
    ModelReplied,
    Observed,
    Requested,
    Responded,
)
from harness.trace.reader import Recorded
from harness.words import describe


@dataclass
class Sent:
    """A request that left the sandbox and may have changed something outside."""

    request: Request
    """What was sent."""
    step: int
    """The step in flight."""
    at: datetime
    """When it was about to leave."""
    after: int = 0
    """The step of the model's last answer before it: what it asked for may have caused it."""
    answer: Responded | None = None
    """What became of it, as far as that was recorded."""
    seen: bool = False
    """Whether the screen was looked at after the answer."""

    @property
    def happened(self) -> bool:
        """Whether it was answered so that it surely took place."""
        return self.answer is not None and self.answer.status is not None and self.answer.status < 400

    @property
    def in_doubt(self) -> bool:
        """Whether the trace cannot tell if it took place, and nobody has looked since."""
        if self.happened:
            return False
        if self.answer is None:
            return True
        refused = self.answer.status is not None and self.answer.status < 500 and self.answer.error is None
        return not (refused or self.seen)

    @property
    def words(self) -> str:
        """The request in words, with its answer."""
        answer = "no answer" if self.answer is None or self.answer.status is None else self.answer.status
        return f"{describe(self.request)} ({answer}, step {self.step})"


class Doubt(NamedTuple):
    """Something that left the sandbox, of which the trace cannot tell whether it took place."""

    words: str
    """What."""
    after: int
    """The step of the model's last answer before it."""
    at: datetime
    """When it was about to leave."""


@dataclass(frozen=True)
class Deed:
    """An action that was begun."""

    step: int
    """The step in flight."""
    words: str
    """What."""
    result: str | None
    """What became of it; nothing if the run died before that was recorded."""


@dataclass
class Story:
    """What the lines of one trace tell, in order."""

    url: str = ""
    """What the active tab showed last, or was about to show."""
    since: int = 0
    """The step of the model's last answer before that page came."""
    cleared: list[Effect | Sight] = field(default_factory=list)
    """What was let happen, and seen, in order."""
    sent: dict[str, Sent] = field(default_factory=dict)
    """By its id, every request that left and may have changed something outside."""
    deeds: list[Deed] = field(default_factory=list)
    """Every action that was begun."""
    flight: Acting | None = None
    """The action that was under way."""
    begun: datetime | None = None
    """When it was begun."""
    messages: int = 0
    """WebSocket messages that left since then."""
    replies: list[ModelReplied] = field(default_factory=list)
    """Every answer of the model."""
    steps: int = 0
    """The number of the last question."""
    screen: Observed | None = None
    """What was seen last."""
    _asked: dict[str, Effect] = field(default_factory=dict)
    _before: tuple[str, int] = ("", 0)
    _approved: Effect | None = None

    def take(self, recorded: Recorded) -> None:  # noqa: C901 - one case a kind of line
        """Take in the next line."""
        event, approved = recorded.event, self._approved
        self._approved = None
        match event:
            case Judged(effect=effect, verdict=verdict):
                self._judged(effect, verdict.outcome, approved, recorded)
            case Requested(request=request, verdict=verdict):
                self._judged(request, verdict.outcome, approved, recorded)
            case ApprovalAsked(question=question, effect=effect):
                self._asked[question] = effect
            case ApprovalGiven(question=question, approval=approval) if approval.decision == "approve":
                self._approved = self._asked.get(question)
                if self._approved is not None:
                    self._clear(self._approved, recorded)
            case Observed():
                self._look(event)
            case ModelReplied():
                self.replies.append(event)
            case Acting() | Acted():
                self._hand(event, recorded.time)
            case Responded():
                self._answered(event)
            case Messaged(direction="out", refused=None):
                self.messages += 1
            case _:
                pass

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What left and may have taken place or not, in order."""
        found = [
            Doubt(describe(one.request), one.after, one.at) for one in self.sent.values() if one.in_doubt
        ]
        if self.flight is not None and self.begun is not None and self.messages:
            what = f"{self.messages} WebSocket messages after {_words(self.flight)}"
            found.append(Doubt(what, self._answered_at, self.begun))
        return tuple(found)

    def _judged(self, effect: Effect, outcome: str, approved: Effect | None, recorded: Recorded) -> None:
        if outcome == "allow":
            self._clear(effect, recorded)
        elif outcome in ("deny", "stop") and approved is not None and approved == effect:
            # What was cleared while a person thought has made it something to refuse.
            self.cleared.pop()
            if isinstance(effect, Request):
                self.sent.pop(effect.id, None)

    def _clear(self, effect: Effect, recorded: Recorded) -> None:
        self.cleared.append(effect)
        if not isinstance(effect, Request):
            return
        step = recorded.event.step if isinstance(recorded.event, Requested | ApprovalGiven) else 0
        if effect.method not in SAFE:
            self.sent[effect.id] = Sent(effect, step, recorded.time, self._answered_at)
        elif effect.resource == "document":
            self._goes(effect.url, self._answered_at)

    def _goes(self, url: str, since: int) -> None:
        if url.startswith(("https://", "http://")):
            self._before, self.url, self.since = (self.url, self.since), url, since

    @property
    def _answered_at(self) -> int:
        # Not the step of the line: a page that comes late comes within the next step.
        return self.replies[-1].step if self.replies else 0

    def _look(self, event: Observed) -> None:
        self.screen, self.steps = event, max(self.steps, event.step)
        for one in self.sent.values():
            one.seen = one.seen or one.answer is not None
        active = next((tab.id for tab in event.tabs if tab.active), None)
        self.cleared.append(Sight(url=event.url, title=event.title, tab=active, tabs=max(1, len(event.tabs))))
        if _same(event.url, self.url):
            self.url = event.url
        elif _same(event.url, self._before[0]):
            # What was asked for did not become the page: a download, or a tab that closed.
            self.url, self.since = self._before
        else:
            self._goes(event.url, self._answered_at)

    def _hand(self, event: Acting | Acted, at: datetime) -> None:
        if isinstance(event, Acting):
            self.flight, self.begun, self.messages = event, at, 0
            self.deeds.append(Deed(event.step, _words(event), None))
        elif self.flight is not None and (self.flight.step, self.flight.index) == (event.step, event.index):
            last, self.flight = self.deeds.pop(), None
            self.deeds.append(Deed(last.step, last.words, event.status.replace("_", " ")))

    def _answered(self, event: Responded) -> None:
        sent = self.sent.get(event.request)
        if sent is None:
            return
        sent.answer = event
        location = next((value for name, value in event.headers if name == "location"), None)
        if event.status in (301, 302, 303) and location is not None and sent.request.resource == "document":
            self._goes(urljoin(sent.request.url, location), sent.after)


def _words(event: Acting) -> str:
    return describe(Act(action=event.action, target=event.target))


def _same(one: str, other: str) -> bool:
    return urldefrag(one).url == urldefrag(other).url


def counted(events: Sequence[Recorded], story: Story) -> Used:
    """Say what one run used, by its own lines and their times."""
    requests = [one for one in story.cleared if isinstance(one, Request)]
    sizes = {"out": 0, "in": 0}
    downloaded = messages = waiting = 0
    waited, since, usage = 0.0, events[0].time, Usage()
    for recorded in events:
        match recorded.event:
            case Responded(received=received):
                downloaded += received
            case Messaged(size=size, direction=direction, refused=None):
                sizes[direction] += size
                messages += 1
            case ModelReplied(usage=more):
                usage = together(usage, more)
            case ApprovalAsked():
                since = since if waiting else recorded.time
                waiting += 1
            case ApprovalGiven():
                waiting -= 1
                waited += 0.0 if waiting else (recorded.time - since).total_seconds()
            case _:
                pass
    last = events[-1].time
    waited += (last - since).total_seconds() if waiting > 0 else 0.0
    return Used(
        steps=story.steps,
        seconds=max(0.0, (last - events[0].time).total_seconds() - waited),
        requests=len(requests),
        uploaded=sum(one.body_size for one in requests) + sizes["out"],
        downloaded=downloaded + sizes["in"],
        messages=messages,
        usage=usage,
    )
