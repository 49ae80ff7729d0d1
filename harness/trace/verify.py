"""Checks a trace: every byte of its lines by the chain, every blob by its name, and the story they tell."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness.errors import TraceError
from harness.trace.blobs import FOLDER, BlobStore
from harness.trace.decode import Decoder, Recorded
from harness.trace.events import (
    Acted,
    Acting,
    AskedModel,
    Event,
    Messaged,
    ModelReplied,
    Observed,
    Requested,
    Responded,
    RunFinished,
    RunStarted,
)
from harness.trace.folder import beside, extra_blobs, links
from harness.trace.lines import START, Line, begins, events_file, lines, parse, sealed_with, short

MOST = 100
"""Problems that are told; further ones are counted."""


class Verification(NamedTuple):
    """What a check of a trace found."""

    ok: bool
    """Whether there is no problem. A torn tail is none: it was never reported to anyone as written."""
    lines: int
    """Whole lines."""
    head: str
    """Hash of the last whole line; compare it with a copy kept elsewhere to see that none was cut off."""
    problems: tuple[str, ...]
    """Each with its line number, in the order of the lines; the first is the place to look. What is wrong in
    files that no line names comes last."""
    complete: bool
    """Whether the last line says that the run ended."""
    recovered: str | None
    """What was left out of the end, if a last line was torn."""
    first: int | None = None
    """The number of the first bad line, from 1; nothing if no line is bad."""
    beside: tuple[str, ...] = ()
    """What else is in the run's folder and nothing vouches for: files that are no part of a trace, and blobs
    that a run which was cut off had not named yet."""
    run_id: str = ""
    """What the trace calls its run."""
    redacted: str | None = None
    """The head of the trace that this one was made of by masking what must not be shown, as it says."""


@dataclass(slots=True)
class _Story:
    """What the lines so far have said, for what a later line must agree with."""

    started: bool = False
    finished: bool = False
    run_id: str = ""
    redacted: str | None = None
    intent: tuple[int, Acting] | None = None
    blobs: dict[str, int] = field(default_factory=dict)


def verify(path: Path) -> Verification:
    """Check a trace, given its folder or its events file.

    Raises:
        TraceError: if there is no trace to check, or a newer harness wrote it.
    """
    file = events_file(path)
    decoder, story = Decoder(str(file)), _Story()
    found: list[tuple[int, str]] = []
    before, count, recovered = START, 0, None
    for line in lines(file):
        if not line.whole and not line.huge:
            told = _end(line, count, finished=story.finished)
            found += [(line.number, what) for what in told]
            recovered = None if told else torn(line)
            break
        count += 1
        told, before = _check(line, before, count - 1, decoder, story)
        found += [(line.number, what) for what in told]
    if count == 0:
        raise TraceError(f"{file}: holds no whole line, so there is nothing to verify")
    store = BlobStore(file.parent / FOLDER)
    found += _bad_blobs(store, story.blobs)
    found.sort(key=lambda one: one[0])
    extra = tuple(extra_blobs(file.parent / FOLDER, story.blobs))
    wrong = [f"line {number}: {what}" for number, what in found] + list(links(file))
    # Blobs are put before the line that names them, so only an end vouches that no line is to come.
    wrong += extra if story.finished else ()
    told = wrong[:MOST]
    if len(wrong) > MOST:
        told.append(f"and {len(wrong) - MOST:,} more problems")
    return Verification(
        ok=not wrong,
        lines=count,
        head=before,
        problems=tuple(told),
        complete=story.finished,
        recovered=recovered,
        first=found[0][0] if found else None,
        beside=(*(() if story.finished else extra[:MOST]), *tuple(beside(file.parent))[:MOST]),
        run_id=story.run_id,
        redacted=story.redacted,
    )


def torn(line: Line) -> str:
    """Say what was left out of the end of a file."""
    return f"line {line.number} was torn off after {len(line.raw):,} bytes and is left out"


def _end(line: Line, count: int, *, finished: bool) -> list[str]:
    """Give what is wrong with a last line without a newline, unless a cut-off write left it."""
    if finished:
        return ["it stands after the end of the run, and has no end itself"]
    if not begins(line.raw, count):
        return ["it was added or changed: it is not the beginning of this line that a cut-off write leaves"]
    return []


def _check(line: Line, before: str, seq: int, decoder: Decoder, story: _Story) -> tuple[list[str], str]:
    """Give the problems of one line, and the hash that the next line must follow."""
    if line.huge:
        return ["it is longer than a line may be; nothing after it was read"], before
    problems = (
        []
        if sealed_with(line.raw, before)
        else [
            "it was changed, or a line before it was changed, removed, added or moved: its hash is not right"
        ]
    )
    try:
        fields = parse(line.raw)
    except ValueError as error:
        return [*problems, f"it is not JSON as a trace has it: {error}"], before
    if fields.get("prev") != short(before):
        problems.append("it does not follow the line before: prev does not begin that line's hash")
    if fields.get("seq") != seq or isinstance(fields.get("seq"), bool):
        problems.append(f"seq is {str(fields.get('seq'))[:40]}, not {seq}")
    given = fields.get("hash")
    after = given if isinstance(given, str) and len(given) == 64 and given.isascii() else before
    try:
        recorded = decoder.decode(fields, before)
    except ValueError as error:
        return [*problems, str(error)], after
    return [*problems, *_told(line.number, recorded, story)], after


def _told(number: int, recorded: Recorded, story: _Story) -> list[str]:
    """Give what one line says against the lines before it, and remember it."""
    event = recorded.event
    problems = [
        what
        for wrong, what in (
            (story.finished, "it stands after the end of the run"),
            (story.started and isinstance(event, RunStarted), "the run starts a second time"),
            (
                not story.started and not isinstance(event, RunStarted),
                "the trace does not begin with run_started",
            ),
        )
        if wrong
    ]
    story.started = True
    for digest in references(event):
        story.blobs.setdefault(digest, number)
    match event:
        case Acting() | Observed() | AskedModel() | ModelReplied():
            if story.intent is not None:
                line, intent = story.intent
                problems.append(f"the run went on, but line {line} ({intent.action.kind}) has no result")
            story.intent = (number, event) if isinstance(event, Acting) else None
        case Acted(step=step, index=index):
            if story.intent is not None and (story.intent[1].step, story.intent[1].index) == (step, index):
                story.intent = None
        case RunStarted(run_id=run_id, redacted=redacted) if not story.run_id:
            story.run_id = run_id
            story.redacted = redacted.head if redacted else None
        case RunFinished():
            story.finished = True
            if event.head != recorded.prev:
                problems.append("the head it names is not the hash of the line before")
        case _:
            pass
    return problems


def references(event: Event) -> Iterator[str]:
    """Give the hex SHA-256 of every blob an event refers to."""
    match event:
        case Observed(screenshot=digest, text=text):
            yield digest
            if text is not None:
                yield text
        case ModelReplied(raw=str(digest)) | Acted(image=str(digest)) | Messaged(blob=str(digest)):
            yield digest
        case AskedModel(request=str(digest)) | Requested(body=str(digest)) | Responded(body=str(digest)):
            yield digest
        case _:
            pass


def _bad_blobs(store: BlobStore, blobs: dict[str, int]) -> Iterator[tuple[int, str]]:
    for digest, number in blobs.items():
        try:
            store.get(digest)
        except TraceError as error:
            yield number, str(error)
