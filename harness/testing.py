"""Fakes that ship with the harness, for tests of your own models, approvers and policies.

They stand in for the vision model, the sandbox, the person and the clock; nothing here is used in a real run.
"""

import hashlib
import io
from collections.abc import Callable, Iterable
from pathlib import Path

from PIL import Image

from harness.action import Action, Answer
from harness.clearance import (
    Act,
    Approval,
    Cleared,
    Effect,
    Outcome,
    Question,
    Reply,
    Target,
    Verdict,
    digest,
    redeem,
)
from harness.sandbox.base import ActOutcome, SandboxInfo
from harness.screen import Observation, Screen, Screenshot, Tab
from harness.trace.events import Event


class ScriptedModel:
    """Replies with what it was given, in order, then answers; keeps every observation in `seen`."""

    def __init__(self, replies: Iterable[Reply | Action]) -> None:
        self.seen: list[Observation] = []
        self._replies = iter(replies)

    async def reply(self, observation: Observation) -> Reply:
        """Give the next reply."""
        self.seen.append(observation)
        found = next(self._replies, Answer(text="the script is over"))
        return found if isinstance(found, Reply) else Reply(actions=(found,))


def blank(width: int = 320, height: int = 200, colour: str = "white") -> Screenshot:
    """Give a screenshot of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return Screenshot.of(file.getvalue())


class FakeSandbox:
    """A sandbox without a browser: shows one picture, and keeps what was done in `acted`.

    Args:
        target: what every action touches, or a function from action to target.
    """

    def __init__(self, target: Target | Callable[[Action], Target | None] | None = None) -> None:
        self.acted: list[Action] = []
        self.opened = self.closed = False
        self.url = "about:blank"
        self._target = target
        self._screenshot = blank()

    @property
    def info(self) -> SandboxInfo:
        """What it is."""
        return SandboxInfo(kind="fake", isolated=False, browser="none")

    async def open(self, socket: Path, spki: str) -> None:
        """Do nothing but remember."""
        self.opened = socket.name != "" and spki != ""

    async def observe(self) -> Screen:
        """Give the picture."""
        tab = Tab(id=1, url=self.url, active=True)
        return Screen(screenshot=self._screenshot, url=self.url, tabs=(tab,))

    async def ground(self, action: Action) -> Target | None:
        """Give the target it was made with."""
        return self._target(action) if callable(self._target) else self._target

    async def place(self) -> str:
        """Name the page by its address."""
        return self.url

    async def act(self, cleared: Cleared) -> ActOutcome:
        """Spend the ticket and remember the action."""
        effect = redeem(cleared)
        if not isinstance(effect, Act):
            return ActOutcome(ok=False, message=f"a sandbox performs actions, not a {effect.kind}")
        self.acted.append(effect.action)
        if effect.action.kind == "goto":
            self.url = effect.action.url
        return ActOutcome(ok=True)

    async def close(self) -> None:
        """Remember."""
        self.closed = True


class FixedJudge:
    """A policy that gives every effect the same outcome, or what a function says."""

    sha256 = "f" * 64

    def __init__(self, outcome: Outcome | Callable[[Effect], Outcome]) -> None:
        self._outcome = outcome

    def judge(self, effect: Effect) -> Verdict:
        """Give the verdict."""
        outcome = self._outcome(effect) if callable(self._outcome) else self._outcome
        return Verdict(
            outcome=outcome, rule="the rule", reason="because", policy=self.sha256, effect=digest(effect)
        )


class MemoryRecorder:
    """A recorder that keeps events and blobs in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.blobs: dict[str, bytes] = {}

    @property
    def head(self) -> str:
        """A hash that tells nothing."""
        return "0" * 64

    @property
    def kinds(self) -> list[str]:
        """The kind of each event."""
        return [event.kind for event in self.events]

    def write(self, event: Event, *, sync: bool = False) -> None:
        """Keep an event."""
        del sync
        self.events.append(event)

    def blob(self, data: bytes) -> str:
        """Keep bytes."""
        name = hashlib.sha256(data).hexdigest()
        self.blobs[name] = data
        return name


class RecordingApprover:
    """Answers each question with the next decision (the last one again when they run out)."""

    def __init__(self, *decisions: Approval | Callable[[Question], Approval]) -> None:
        self.questions: list[Question] = []
        self._decisions = decisions

    async def decide(self, question: Question) -> Approval:
        """Keep the question and give the next decision."""
        self.questions.append(question)
        if not self._decisions:
            return question.deny(by="test")
        found = self._decisions[min(len(self.questions), len(self._decisions)) - 1]
        return found(question) if callable(found) else found


class FakeClock:
    """A clock that moves only when told."""

    def __init__(self, start: float = 0.0) -> None:
        self.time = start

    def __call__(self) -> float:
        """Seconds."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds
