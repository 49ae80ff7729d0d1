"""Reads traces back: one as a whole, or a folder of them as a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import JsonValue

from harness.errors import TraceError
from harness.trace.blobs import FOLDER, BlobStore
from harness.trace.decode import Decoder, Recorded
from harness.trace.events import AskedModel, RunFinished, RunStarted
from harness.trace.lines import FILE, START, events_file, lines, parse
from harness.trace.verify import Verification, torn, verify

__all__ = ["Recorded", "Summary", "Trace", "Verification", "list_traces", "verify"]


@dataclass(frozen=True, slots=True)
class Trace:
    """A recorded run, which may still be growing."""

    folder: Path
    """The run's folder."""
    header: RunStarted
    """What the run began with."""
    events: Sequence[Recorded]
    """Every whole line, in order."""
    blobs: BlobStore
    """Its screenshots and messages, verified as they are read."""
    recovered: str | None
    """What was left out of the end, if a last line was torn."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a trace, given its folder or its events file.

        The chain and the blobs are not checked; `verify` does that.

        Raises:
            TraceError: if there is none, it is damaged, or a newer harness wrote it.
        """
        file = events_file(path)
        decoder = Decoder(str(file))
        events: list[Recorded] = []
        recovered = None
        for line in lines(file):
            if line.huge:
                raise TraceError(f"{file}: line {line.number} is longer than a line may be; it is no trace")
            if not line.whole:
                recovered = torn(line)
                break
            try:
                events.append(decoder.decode(parse(line.raw), events[-1].hash if events else START))
            except ValueError as error:
                raise TraceError(
                    f"{file}: line {line.number}: {error}; `harness trace verify` lists all that is wrong"
                ) from error
        if not events:
            raise TraceError(f"{file}: holds no event; the run ended before it began")
        header = events[0].event
        if not isinstance(header, RunStarted):
            raise TraceError(f"{file}: does not begin with run_started, so it is not a trace")
        return cls(file.parent, header, tuple(events), BlobStore(file.parent / FOLDER), recovered)

    @property
    def finish(self) -> RunFinished | None:
        """How the run ended; nothing if it did not, or has not yet."""
        last = self.events[-1].event
        return last if isinstance(last, RunFinished) else None

    @property
    def seconds(self) -> float:
        """From the first line to the last, or what the run itself says."""
        finish = self.finish
        return finish.seconds if finish else (self.events[-1].time - self.events[0].time).total_seconds()

    @property
    def steps(self) -> int:
        """Questions to the model, with those of the runs it goes on with."""
        if self.finish is not None:
            return self.finish.steps
        before = self.header.resumed.steps if self.header.resumed else 0
        return before + sum(isinstance(one.event, AskedModel) for one in self.events)


class Summary(NamedTuple):
    """One run in a list."""

    run_id: str
    """The name of its folder."""
    path: Path
    """Its folder."""
    start: datetime | None
    """When it began, in UTC."""
    task: str
    """The task's name."""
    model: str
    """Who decided."""
    sandbox: str
    """Where it happened."""
    outcome: str
    """How it ended; `unfinished` or `broken` if it did not, or cannot be read."""
    steps: int
    """Questions to the model."""
    seconds: float
    """From start to end."""
    problem: str | None
    """Why it cannot be read."""
    resumed: str | None = None
    """The run it goes on with."""


def list_traces(root: Path) -> tuple[Summary, ...]:
    """List the runs in a folder, oldest first; broken ones are in the list, with what is wrong.

    Raises:
        TraceError: if the folder cannot be read.
    """
    try:
        folders = sorted(folder for folder in root.iterdir() if (folder / FILE).exists())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise TraceError(f"{root}: cannot be read: {error.strerror or error}") from error
    found = [_summary(folder) for folder in folders]
    return tuple(sorted(found, key=lambda one: (one.start is not None, str(one.start), one.run_id)))


def member(value: JsonValue, name: str) -> str:
    """Give a member of a JSON object as text; empty if there is none."""
    found = value.get(name) if isinstance(value, dict) else None
    return "" if found is None else str(found)


def sandbox_name(sandbox: JsonValue) -> str:
    """Give what a run's sandbox is called."""
    return sandbox if isinstance(sandbox, str) else member(sandbox, "kind") or member(sandbox, "name") or "?"


def _summary(folder: Path) -> Summary:
    try:
        trace = Trace.open(folder)
    except TraceError as error:
        return Summary(folder.name, folder, None, "", "", "", "broken", 0, 0.0, str(error))
    finish = trace.finish
    return Summary(
        run_id=folder.name,
        path=folder,
        start=trace.events[0].time,
        task=member(trace.header.task, "name"),
        model=trace.header.model,
        sandbox=sandbox_name(trace.header.sandbox),
        outcome=finish.outcome if finish else "unfinished",
        steps=trace.steps,
        seconds=trace.seconds,
        problem=trace.recovered,
        resumed=trace.header.resumed.run_id if trace.header.resumed else None,
    )
