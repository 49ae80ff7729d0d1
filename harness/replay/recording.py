"""A trace as what is to be done again: what was seen at each step, and what was done then."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import ValidationError

from harness.action import Action, Answer, GiveUp, Type
from harness.clearance import Target
from harness.errors import TraceError
from harness.policy.schema import Policy
from harness.secrets import named
from harness.task import Task
from harness.trace.events import Acted, Acting, ModelReplied, Observed, RunFinished
from harness.trace.reader import Trace

Status = Literal["done", "refused", "failed", "not_executed", "unknown"]
"""What became of an action; `unknown` if the run ended while it was under way."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One action of a recorded reply."""

    step: int
    """The recorded step."""
    index: int
    """Its place in the reply, from 0."""
    action: Action
    """What was done, as a person may have edited it; else what was asked for."""
    target: Target | None
    """On what; nothing if it was refused before, or has no target."""
    status: Status
    """What became of it."""

    @property
    def again(self) -> bool:
        """Whether it is done again: what policy or person refused, or was never tried, is not."""
        return self.status in ("done", "failed", "unknown")


@dataclass(frozen=True, slots=True)
class Look:
    """One recorded step."""

    step: int
    """Its number, from 1."""
    seen: Observed | None
    """The screen, if one was recorded."""
    replied: ModelReplied | None
    """What the model answered, if it did."""
    deeds: tuple[Deed, ...]
    """What came of it, in order."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a trace says was seen and done."""

    trace: Trace
    """The trace."""
    task: Task
    """What was to be done, inputs filled in."""
    policy: Policy
    """What was allowed."""
    looks: tuple[Look, ...]
    """Its steps, in order."""

    @classmethod
    def of(cls, trace: Trace) -> Self:
        """Read a trace.

        Raises:
            TraceError: if its task or policy is none of ours, or nothing was done in it.
        """
        where = str(trace.folder)
        try:
            task = Task.model_validate(trace.header.task)
        except ValidationError as error:
            raise TraceError(f"{where}: its task cannot be read: {_first(error)}") from error
        try:
            policy = Policy.model_validate(trace.header.policy)
        except ValidationError as error:
            raise TraceError(f"{where}: its policy cannot be read: {_first(error)}") from error
        looks = tuple(_looks(trace))
        if not any(look.deeds for look in looks):
            raise TraceError(f"{where}: no model answered in this run, so there is nothing to do again")
        return cls(trace, task, policy, looks)

    @property
    def run_id(self) -> str:
        """Names the recorded run."""
        return self.trace.header.run_id

    @property
    def finish(self) -> RunFinished | None:
        """How it ended, if it did."""
        return self.trace.finish

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets that were typed in it, sorted."""
        typed = (deed.action.text for deed in self.deeds if isinstance(deed.action, Type))
        return tuple(sorted({name for text in typed for name in named(text)}))

    @property
    def deeds(self) -> Iterator[Deed]:
        """Every action, in order."""
        return (deed for look in self.looks for deed in look.deeds)

    def png(self, look: Look) -> bytes | None:
        """Give what was seen at a step, if it was kept.

        Raises:
            TraceError: if the blob is missing or was changed.
        """
        return None if look.seen is None else self.trace.blobs.get(look.seen.screenshot)


def _looks(trace: Trace) -> Iterator[Look]:
    seen: dict[int, Observed] = {}
    replies: dict[int, ModelReplied] = {}
    intents: dict[tuple[int, int], Acting] = {}
    results: dict[tuple[int, int], Acted] = {}
    for event in (recorded.event for recorded in trace.events):
        match event:
            case Observed():
                seen[event.step] = event
            case ModelReplied():
                replies[event.step] = event
            case Acting():
                intents[event.step, event.index] = event
            case Acted():
                results[event.step, event.index] = event
            case _:
                pass
    for step in sorted({*seen, *replies}):
        reply = replies.get(step)
        deeds: list[Deed] = []
        for index, asked in enumerate(reply.actions if reply else ()):
            intent, result = intents.get((step, index)), results.get((step, index))
            action = intent.action if intent else result.action if result else asked
            deeds.append(
                Deed(step, index, action, intent.target if intent else None, _status(asked, intent, result))
            )
        yield Look(step, seen.get(step), reply, tuple(deeds))


def _status(asked: Action, intent: Acting | None, result: Acted | None) -> Status:
    if result is not None:
        return result.status
    if isinstance(asked, Answer | GiveUp):
        return "done"
    return "unknown" if intent is not None else "not_executed"


def _first(error: ValidationError) -> str:
    one = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
