"""Judges recorded runs again, under another policy, without a browser.

Every effect that a trace has is judged as a run under the new policy would judge it, with what such a run
would remember: the screens it saw, and what was cleared before, in runs that it goes on with as well. What
was cleared is taken from the recording, for nobody knows how the run had gone on otherwise: after the first
effect that the new policy would not have let through, the answers are about the run as it was, not as it
would have been.

Only effects are judged. The new policy's limits are not, and neither are secrets that only it names: their
values are in no trace. Its canaries are looked for.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import JsonValue

from harness.clearance import LONGEST_BODY, Effect, Outcome, Request, Sight
from harness.errors import TraceError
from harness.policy.engine import Engine, Said
from harness.policy.schema import Policy
from harness.replay.bodies import Bodies
from harness.replay.carried import Carried
from harness.replay.doubt import BODY, SCREEN, Doubt
from harness.replay.effects import Heard
from harness.replay.moments import Answered, Asked, Look, Recording, Stale
from harness.words import describe

Now = Literal["allow", "ask", "deny", "stop", "cannot be told"]
UNTOLD: Final = "cannot be told"
"""Stands for an outcome that hangs on what the trace does not have."""
OUTCOMES: Final[tuple[Now, ...]] = ("allow", "ask", "deny", "stop", UNTOLD)
"""In the order of a table."""


@dataclass(slots=True)
class Difference:
    """An effect of which the new policy says something else, or of which it cannot be told what it says."""

    run: str
    """Names the run."""
    seq: int
    """The line in the trace, from 0."""
    step: int
    """The step in flight."""
    effect: Effect
    """What it was."""
    then: Outcome
    """What was said when it was recorded."""
    then_rule: str
    """What decided."""
    then_reason: str
    """Why."""
    now: Now
    """What the new policy says."""
    rule: str
    """What decides; where it cannot be told, what might."""
    reason: str
    """Why."""
    happened: bool
    """Whether it was let through when it was recorded, by the policy or by a person."""
    answer: str = ""
    """What a person said and who, such as `approve by ada`; empty if nobody was asked or answered."""

    @property
    def words(self) -> str:
        """What it was, in words."""
        return describe(self.effect)

    @property
    def in_vain(self) -> bool:
        """Whether a person was asked, approved, and would now not be asked."""
        return self.then == "ask" and self.happened and self.now == "allow"

    @property
    def newly_asked(self) -> bool:
        """Whether a person would now be asked about what was allowed."""
        return self.then == "allow" and self.now == "ask"

    @property
    def prevented(self) -> bool:
        """Whether it happened, and would now be refused, or wait for a person who was not asked."""
        return self.happened and (self.now in ("deny", "stop") or self.newly_asked)

    @property
    def opened(self) -> bool:
        """Whether it was refused, and would now be allowed."""
        return not self.happened and self.now == "allow"

    @property
    def untold(self) -> bool:
        """Whether it cannot be told."""
        return self.now == UNTOLD


@dataclass(slots=True)
class Rejudged:
    """What another policy says of one run or of many."""

    policy: str
    """The new policy's name."""
    policy_sha256: str
    """Its hash."""
    traces: int = 0
    """Runs."""
    effects: int = 0
    """Effects that were judged."""
    table: Counter[tuple[Outcome, Now]] = field(default_factory=Counter)
    """How many effects had one outcome when they were recorded, and another now."""
    differences: list[Difference] = field(default_factory=list)
    """In the order of runs and lines."""
    unsought: set[str] = field(default_factory=set)
    """Secrets of the new policy that the recorded runs did not know, and that were not looked for."""

    def add(self, other: "Rejudged") -> None:
        """Put the runs of another judgement under the same policy behind these."""
        self.traces += other.traces
        self.effects += other.effects
        self.table += other.table
        self.differences += other.differences
        self.unsought |= other.unsought


class Rejudge:
    """Judges runs again under one policy.

    Args:
        policy: the new one.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._sha256 = policy.sha256
        self._engine = Engine(policy)
        self._doubt = Doubt(self._engine)
        self._bodies = Bodies()

    def empty(self) -> Rejudged:
        """Give what is said of no run."""
        return Rejudged(self._policy.name, self._sha256)

    def run(self, recording: Recording, before: Sequence[Recording] = ()) -> Rejudged:
        """Judge every effect of a run.

        Args:
            recording: the run.
            before: the runs that it goes on with, oldest first: they count, and are not judged here. If they
                are missing, whatever counts them cannot be told.
        """
        self._doubt.restart()
        whole = (*before, recording)
        if whole[0].resumed is not None:
            self._doubt.forget()
        for one in whole:
            found = self._one(one)
        return found

    def _one(self, recording: Recording) -> Rejudged:
        found = self.empty()
        found.traces = 1
        carried = Carried(self._policy, *_sought(recording.policy))
        found.unsought = set(carried.unsought)
        if recording.resumed is not None:
            # A run that goes on with another has a new browser, which shows nothing yet.
            self._doubt.saw(Sight())
        reading = _Pass(
            recording, self._engine, self._doubt, carried=carried, bodies=self._bodies, found=found
        )
        reading.go()
        return found


class _Pass:
    """One reading of one run."""

    def __init__(
        self,
        recording: Recording,
        engine: Engine,
        doubt: Doubt,
        *,
        carried: Carried,
        bodies: Bodies,
        found: Rejudged,
    ) -> None:
        self._recording = recording
        self._engine = engine
        self._doubt = doubt
        self._carried = carried
        self._bodies = bodies
        self._found = found
        self._textless = False
        self._last: tuple[Heard, Effect, frozenset[str], Difference | None] | None = None
        self._open: dict[str, tuple[Heard | None, Effect, frozenset[str], Difference | None]] = {}
        self._acted: Difference | None = None

    def go(self) -> None:
        """Judge it all."""
        moments = self._recording.moments
        for place, moment in enumerate(moments):
            match moment:
                case Heard():
                    self._heard(moment)
                case Look():
                    self._look(moment)
                case Asked():
                    self._asked(moment)
                case Answered():
                    after = moments[place + 1] if place + 1 < len(moments) else None
                    self._answered(moment, after)
                case Stale():
                    if self._acted is not None:
                        self._acted.happened = False

    def _look(self, look: Look) -> None:
        text = None
        if SCREEN in self._doubt.asks and look.text is not None:
            try:
                text = self._recording.blobs.get(look.text).decode()
            except (TraceError, UnicodeDecodeError):
                text = None
        self._textless = text is None and SCREEN in self._doubt.asks
        sight = look.sight if text is None else Sight(**{**dict(look.sight), "text": text})
        self._doubt.saw(sight)

    def _heard(self, heard: Heard) -> None:
        effect, body, lacking = self._whole(heard)
        strict, mild = self._doubt.range(effect, lacking)
        now = _now(strict.outcome, mild.outcome)
        said = strict if now == UNTOLD else mild
        if isinstance(effect, Request):
            said, now = self._carrying(effect, body, said, now)
        self._found.effects += 1
        self._found.table[heard.outcome, now] += 1
        difference = None
        if now != heard.outcome:
            difference = Difference(
                self._recording.run_id,
                heard.seq,
                heard.step,
                heard.effect,
                *(heard.outcome, heard.rule, heard.reason),
                *(now, said.rule, said.reason),
                happened=heard.outcome == "allow",
            )
            self._found.differences.append(difference)
        self._last = heard, effect, lacking, difference
        if heard.outcome == "allow":
            self._happened(effect, lacking, difference)

    def _carrying(self, request: Request, body: bytes | None, said: Said, now: Now) -> tuple[Said, Now]:
        carried = self._carried.said(request, body)
        if carried is None:
            return said, now
        if carried.outcome == "deny":
            return (said, now) if now == "stop" else (carried, "deny")
        if not request.leaks:
            return (said, now) if now in ("deny", "stop") else (carried, UNTOLD)
        # Of an address without its path the host is known, which may be enough.
        outside = self._engine.boundaries(request)
        return (outside[0], outside[0].outcome) if outside else (carried, UNTOLD)

    def _asked(self, asked: Asked) -> None:
        if asked.effect is not None:
            self._open[asked.question] = None, asked.effect, frozenset(), None
        elif self._last is not None and self._last[0].seq == asked.seq - 1:
            self._open[asked.question] = self._last

    def _answered(self, answered: Answered, after: object) -> None:
        heard, effect, lacking, difference = self._open.pop(
            answered.question, (None, None, frozenset(), None)
        )
        if difference is not None:
            difference.answer = f"{answered.decision} by {answered.by}"
        if effect is None or answered.decision != "approve":
            return
        refused = (
            isinstance(after, Heard)
            and heard is not None
            and after.seq == answered.seq + 1
            and after.outcome in ("deny", "stop")
            and after.effect == heard.effect
        )
        if not refused:
            self._happened(effect, lacking, difference)

    def _happened(self, effect: Effect, lacking: frozenset[str], difference: Difference | None) -> None:
        self._doubt.happened(effect, lacking)
        if difference is not None:
            difference.happened = True
        if effect.kind == "action":
            self._acted = difference

    def _whole(self, heard: Heard) -> tuple[Effect, bytes | None, frozenset[str]]:
        effect, body, bodiless = heard.effect, None, False
        if isinstance(effect, Request) and (BODY in self._doubt.asks or self._carried.reads_bodies):
            body = self._bodies.body(self._recording.blobs, heard.body, effect)
            # What is longer than this no rule can read, and a run would not know it either.
            bodiless = body is None and effect.body_size <= LONGEST_BODY
            if body is not None and effect.body_text is None:
                effect = effect.model_copy(update={"body_text": self._bodies.text(effect, body)})
        return effect, body, self._doubt.lacks(effect, body=bodiless, text=self._textless)


def rejudge(recordings: Iterable[Recording], policy: Policy) -> Rejudged:
    """Judge runs again under another policy."""
    judge = Rejudge(policy)
    found = judge.empty()
    for one in recordings:
        found.add(judge.run(one))
    return found


def _now(strict: Outcome, mild: Outcome) -> Now:
    return strict if strict == mild else UNTOLD


def _sought(policy: JsonValue) -> tuple[frozenset[str], tuple[str, ...]]:
    """Give the names of a recorded policy's secrets, and its canaries."""
    if not isinstance(policy, dict):
        return frozenset(), ()
    secrets, canaries = policy.get("secrets"), policy.get("canaries")
    return (
        frozenset(secrets) if isinstance(secrets, dict) else frozenset(),
        tuple(str(one) for one in canaries) if isinstance(canaries, list) else (),
    )
