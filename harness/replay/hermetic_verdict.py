"""What a hermetic replay came to: each screenshot by its hash, where the runs part, and what was missing."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.gateway.upstreams.recording import RecordingUpstream, Told
from harness.replay.compare import compare, pixels
from harness.replay.picture import side_by_side
from harness.replay.recording import Recording
from harness.trace.events import Acted, ApprovalGiven, ModelReplied, RunFinished

SHADE: Final = 4
"""How far a channel may differ, of 255, without anybody seeing it."""


class Ended(NamedTuple):
    """How the loop ended."""

    outcome: Literal["done", "failed", "stopped", "error", "interrupted", "over"]
    """`over` if all that was recorded was done again, and the recorded run went no further."""
    reason: str
    """In words."""
    left: int
    """Recorded replies that were not given."""


class Again(NamedTuple):
    """What was seen and done in a replay."""

    seen: Mapping[int, str]
    """The SHA-256 of the picture of each step."""
    done: Mapping[tuple[int, int], Acted]
    """What became of each action, by step and place."""
    pictures: Mapping[str, bytes]
    """Pictures that the recording does not have."""
    ended: Ended
    """How it ended."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Shot(_Part):
    """One recorded screenshot, and the one in its place."""

    step: int
    """The step."""
    recorded: str
    """Hex SHA-256 of the recorded one."""
    replayed: str | None
    """Hex SHA-256 of the other; nothing if the step was not reached."""
    settled: bool
    """Whether the recorded page was still; a page that moves gives another picture each time."""
    shade: int | None = None
    """How far a channel of a pixel differs at most, of 255, if no eye sees it; nothing if one may, or if they
    are equal. A browser smooths edges now and then by a shade more or less."""

    @property
    def same(self) -> bool:
        """Whether they are equal, byte for byte."""
        return self.recorded == self.replayed


class Parted(_Part):
    """The first place where the runs part."""

    step: int
    """The step."""
    what: Literal["picture", "action", "end"]
    """What is different."""
    detail: str
    """In words."""
    picture: str | None = None
    """A file with both screenshots and their difference."""


class Strange(_Part):
    """A request that is not as in the recording."""

    method: str
    """Its method."""
    url: str
    """Its URL."""
    what: str
    """What is different."""


class Hermetic(_Part):
    """A run done again from its own record."""

    verdict: Literal["identical", "alike", "diverged"]
    """`identical`: every screenshot of a page that was still is, byte for byte, and so is what became of
    every action; `alike`: some are but for shades that no eye sees."""
    exit_code: int
    """0, or 5 if it diverged."""
    of: str
    """The recorded run."""
    shots: tuple[Shot, ...]
    """Every recorded screenshot, in order."""
    parted: Parted | None = None
    """Where they part first."""
    unsettled: tuple[int, ...] = ()
    """Steps whose recorded page was not still and whose pictures differ; they decide nothing."""
    served: int
    """Requests that were answered from the recording."""
    misses: tuple[Strange, ...] = ()
    """Requests that the recording has no answer to; they were refused."""
    loose: tuple[Strange, ...] = ()
    """Requests that were answered though they are not quite the recorded ones."""
    unasked: int = 0
    """Recorded requests that were not asked again."""
    sent_out: Literal[0] = 0
    """Requests that left: there is nothing that could have let one out."""
    recorded_seconds: float
    """How long the recorded run took, its model and people included."""
    model_seconds: float
    """How much of that was the model's."""
    people_seconds: float
    """How much of that was people's."""
    seconds: float
    """How long this took, from an empty folder to an ended browser."""
    times_faster: float
    """Recorded over replayed."""
    sheet: bytes | None = Field(default=None, exclude=True, repr=False)
    """The picture of the first difference, a PNG file."""


def conclude(recording: Recording, again: Again, upstream: RecordingUpstream, seconds: float) -> Hermetic:
    """Say what a replay came to.

    Raises:
        TraceError: if a recorded picture that is needed is missing or was changed.
    """
    shots = tuple(
        Shot(
            step=look.step,
            recorded=look.seen.screenshot,
            replayed=again.seen.get(look.step),
            settled=look.seen.settled,
            shade=_shade(recording, again, look.seen.screenshot, again.seen.get(look.step)),
        )
        for look in recording.looks
        if look.seen is not None
    )
    parted, sheet = _parted(recording, again, shots)
    events = [one.event for one in recording.trace.events]
    took = recording.trace.seconds
    shaded = any(one.settled and not one.same for one in shots)
    return Hermetic(
        verdict="diverged" if parted else "alike" if shaded else "identical",
        exit_code=0 if parted is None else 5,
        of=recording.run_id,
        shots=shots,
        parted=parted,
        unsettled=tuple(one.step for one in shots if not one.settled and not one.same),
        served=upstream.served,
        misses=_strange(upstream.misses),
        loose=_strange(upstream.loose),
        unasked=len(upstream.unused),
        recorded_seconds=round(took, 3),
        model_seconds=round(sum(one.seconds for one in events if isinstance(one, ModelReplied)), 3),
        people_seconds=round(sum(one.seconds for one in events if isinstance(one, ApprovalGiven)), 3),
        seconds=round(seconds, 3),
        times_faster=round(took / max(seconds, 0.001), 2),
        sheet=sheet,
    )


def _parted(
    recording: Recording, again: Again, shots: tuple[Shot, ...]
) -> tuple[Parted | None, bytes | None]:
    for shot in shots:
        differs = not shot.same and shot.shade is None
        if differs and shot.settled and shot.replayed is not None:
            return _picture(recording, again, shot, shot.replayed)
        if shot.replayed is None:
            why = f"the replay ended before this step: {again.ended.outcome}: {again.ended.reason}"
            return Parted(step=shot.step, what="end", detail=why), None
        if found := _action(recording, again, shot.step):
            return found, None
    return _end(recording, again), None


def _picture(
    recording: Recording, again: Again, shot: Shot, replayed: str
) -> tuple[Parted | None, bytes | None]:
    then, now = recording.trace.blobs.get(shot.recorded), _png(recording, again, replayed)
    if now is None:
        return Parted(step=shot.step, what="picture", detail="the screenshots differ"), None
    found = compare(then, now)
    detail = f"{found.share:.2%} of the pixels differ" if found.how == "pixels" else "the sizes differ"
    title = f"step {shot.step}: {detail}"
    sheet = side_by_side(then, now, boxes=found.boxes, title=title)
    return Parted(step=shot.step, what="picture", detail=detail), sheet


def _png(recording: Recording, again: Again, name: str) -> bytes | None:
    """Give a picture of the replay: a new one, or one that another step of the recording has."""
    if name in again.pictures:
        return again.pictures[name]
    known = any(one.seen is not None and one.seen.screenshot == name for one in recording.looks)
    return recording.trace.blobs.get(name) if known else None


def _shade(recording: Recording, again: Again, recorded: str, replayed: str | None) -> int | None:
    if replayed is None or replayed == recorded:
        return None
    png = _png(recording, again, replayed)
    if png is None:
        return None
    then, now = pixels(recording.trace.blobs.get(recorded)), pixels(png)
    if then.shape != now.shape:
        return None
    most = int((np.maximum(then, now) - np.minimum(then, now)).max())
    return most if most <= SHADE else None


def _action(recording: Recording, again: Again, step: int) -> Parted | None:
    # What the recorded run did not come to, as it was stopped or died, has no result to compare.
    # Of an action that was tried again, as its target had moved, the last result counts.
    events = (one.event for one in recording.trace.events)
    results = {one.index: one for one in events if isinstance(one, Acted) and one.step == step}
    for was in results.values():
        now = again.done.get((step, was.index))
        if now is not None and now.status == was.status:
            continue
        status = "not reached" if now is None else now.status
        why = f": {now.message}" if now is not None and now.message else ""
        detail = f"action {was.index + 1} ({was.action.kind}) was {was.status}, and is {status}{why}"
        return Parted(step=step, what="action", detail=detail)
    return None


def _end(recording: Recording, again: Again) -> Parted | None:
    ended, was = again.ended, recording.finish
    step = recording.looks[-1].step
    if ended.outcome == "error" or ended.left:
        why = f"the replay ended with {ended.left} recorded answers to go: {ended.outcome}: {ended.reason}"
        return Parted(step=step, what="end", detail=why)
    if isinstance(was, RunFinished) and was.outcome == "done" and ended.outcome != "done":
        why = f"the recorded run was done, this one is {ended.outcome}: {ended.reason}"
        return Parted(step=step, what="end", detail=why)
    return None


def _strange(told: list[Told]) -> tuple[Strange, ...]:
    return tuple(Strange(method=one.method, url=one.url[:2000], what=one.what) for one in told)
