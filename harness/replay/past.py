"""A run that died, as its trace has it: what it was to do, what it used, and where it was.

Nothing here looks at anything but traces. `Past.read` takes the trace of the run and, if that went on with
another one itself, the traces of all before it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from harness.clearance import Effect, Sight
from harness.errors import InputError, TraceError
from harness.limits import Used, together
from harness.policy.schema import Policy
from harness.replay.story import Deed, Doubt, Sent, Story, counted
from harness.task import Task
from harness.trace.events import ModelReplied, Resumed
from harness.trace.held import held
from harness.trace.lineage import resumers
from harness.trace.reader import Trace
from harness.trace.verify import verify

_DEEPEST: Final = 1000
_OVER: Final = {
    "done": "it was done",
    "failed": "it ended as failed",
    "stopped": "it was stopped at a boundary",
}
_RAW: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class Past:
    """A run that died, as those who go on with it need it."""

    trace: Trace
    """Its trace."""
    before: tuple[Trace, ...]
    """Those it went on with itself, oldest first."""
    task: Task
    """What it was to do, inputs filled in."""
    policy: Policy
    """What it was judged by."""
    used: Used
    """What was used of its limits, with those before it."""
    cleared: tuple[Effect | Sight, ...]
    """What was let happen, and seen, in order, from the first run on."""
    story: Story
    """What its own lines tell."""
    sent: tuple[Sent, ...]
    """Every request that may have changed something outside, from the first run on."""
    deeds: tuple[Deed, ...]
    """Every action that was begun, from the first run on."""

    @classmethod
    def read(cls, path: Path) -> "Past":
        """Read what a run left. Hold its trace first: see `harness.trace.held.Claim`.

        Raises:
            TraceError: if a trace does not verify, or cannot be read.
            InputError: if the run cannot be gone on with, saying why and what to do instead.
        """
        trace = _verified(path)
        _may_go_on(trace)
        traces = (*reversed(list(_before(trace))), trace)
        stories = [_story(one) for one in traces]
        try:
            task = Task.model_validate(trace.header.task)
            policy = Policy.model_validate(trace.header.policy)
        except (ValidationError, InputError) as error:
            raise InputError(
                f"{trace.folder}: its task or policy cannot be used any more: {error}"
            ) from error
        if policy.sha256 != trace.header.policy_sha256:
            raise InputError(
                f"{trace.folder}: this harness does not read the recorded policy as the run did; begin anew"
            )
        return cls(
            trace=trace,
            before=traces[:-1],
            task=task,
            policy=policy,
            used=_used(counted(one.events, story) for one, story in zip(traces, stories, strict=True)),
            cleared=tuple(effect for story in stories for effect in story.cleared),
            story=stories[-1],
            sent=tuple(sent for story in stories for sent in story.sent.values()),
            deeds=tuple(deed for story in stories for deed in story.deeds),
        )

    @property
    def resumed(self) -> Resumed:
        """What the trace of the run that goes on says of this one."""
        return Resumed(
            run_id=self.trace.header.run_id, head=self.trace.events[-1].hash, steps=self.used.steps
        )

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What left and may have taken place or not, in order."""
        return self.story.doubts

    def place(self, since: int) -> JsonValue:
        """Give the model's place after the actions of a step; nothing if it keeps none.

        Args:
            since: a step of the run itself, 0 for its opening.
        """
        after: JsonValue = None
        for reply in self.story.replies:
            raw = self._raw(reply)
            if reply.step > since:
                return raw.get("before")
            after = raw.get("after")
        return after

    def _raw(self, reply: ModelReplied) -> dict[str, JsonValue]:
        if reply.raw is None:
            return {}
        try:
            raw = _RAW.validate_json(self.trace.blobs.get(reply.raw)).get("raw")
        except ValidationError:
            return {}
        return raw if isinstance(raw, dict) else {}


def _verified(path: Path) -> Trace:
    found = verify(path)
    if not found.ok:
        raise TraceError(
            f"{path}: does not verify, so nobody goes on with it: {found.problems[0]}; "
            "`harness trace verify` lists all that is wrong"
        )
    return Trace.open(path)


def _may_go_on(trace: Trace) -> None:
    if trace.finish is not None and trace.finish.outcome in _OVER:
        raise InputError(
            f"{trace.folder}: there is nothing to go on with: {_OVER[trace.finish.outcome]}; "
            "begin anew with `harness run TASK`"
        )
    if trace.header.resumed is not None and not went_on(trace):
        raise InputError(
            f"{trace.folder}: did nothing of its own yet: go on with the run that it was to go on with, "
            f"{trace.header.resumed.run_id}"
        )
    for folder in resumers(trace.folder, trace.header.run_id):
        if held(folder):
            raise InputError(f"{trace.folder}: {folder.name} goes on with it at this moment")
        if went_on(Trace.open(folder)):
            raise InputError(
                f"{trace.folder}: {folder.name} went on with it already; go on with that one: "
                f"harness run --resume {folder}"
            )


def went_on(trace: Trace) -> bool:
    """Whether a run that goes on with another came so far that its model answered."""
    return any(isinstance(one.event, ModelReplied) for one in trace.events)


def _before(trace: Trace) -> Iterator[Trace]:
    for _ in range(_DEEPEST):
        link = trace.header.resumed
        if link is None:
            return
        folder = trace.folder.parent / link.run_id
        if not folder.is_dir() or folder.parent != trace.folder.parent:
            raise InputError(
                f"{trace.folder}: went on with {link.run_id}, which is not beside it: bring it back, as what "
                "was used and done in it counts"
            )
        trace, told = _verified(folder), link.head
        if trace.events[-1].hash != told:
            raise TraceError(f"{folder}: is not what was gone on with: its head is not {told[:12]}…")
        yield trace
    raise TraceError(f"{trace.folder}: more than {_DEEPEST} runs went on with one another")


def _story(trace: Trace) -> Story:
    start = trace.header.task.get("start") if isinstance(trace.header.task, dict) else None
    story = Story(url=str(start or ""))
    story.steps = trace.header.resumed.steps if trace.header.resumed else 0
    for recorded in trace.events:
        story.take(recorded)
    return story


def _used(used: Iterable[Used]) -> Used:
    total = Used()
    for one in used:
        total = Used(
            steps=one.steps,
            seconds=total.seconds + one.seconds,
            requests=total.requests + one.requests,
            uploaded=total.uploaded + one.uploaded,
            downloaded=total.downloaded + one.downloaded,
            messages=total.messages + one.messages,
            usage=together(total.usage, one.usage),
        )
    return total
