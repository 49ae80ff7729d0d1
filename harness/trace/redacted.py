"""Makes of a trace another that may be shown: what must not be seen is masked, and it is said what and where.

The new trace has a chain of its own and verifies. Its first line names the run and the head of the trace it
was made of, and how often what was masked; `redaction.json` says where, and never what it was. Hashes by
which guesses could be tried are gone with it: of effects, bodies and elements. The old head stays, so that
whoever has both traces can see that they belong together, and so do the lengths of bodies.
"""

import json
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.errors import TraceError
from harness.trace.blobs import FOLDER
from harness.trace.compact import Fields
from harness.trace.events import Event, Redacted, RunFinished
from harness.trace.folder import FILES, FOLDERS, REDACTION, REPORT
from harness.trace.lines import FILE
from harness.trace.patterns import Patterns
from harness.trace.reader import Trace
from harness.trace.redact_events import Masking, Removal, unfit
from harness.trace.redact_pictures import Pictures, Reads
from harness.trace.redact_typed import Typed
from harness.trace.statement import put
from harness.trace.verify import Verification, verify
from harness.trace.writer import TraceWriter

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def redacted(trace: Trace, out: Path, patterns: Patterns, reads: Reads | None) -> tuple[Removal, ...]:
    """Write a trace in which nothing that `patterns` finds can be seen, and say what was removed.

    Args:
        trace: the trace, which must verify.
        out: the new trace's folder, which must be empty or not be there.
        patterns: what to mask.
        reads: reads pictures; if nothing, every picture is painted over as a whole.

    Raises:
        TraceError: if the trace does not verify, or the new one cannot be written; nothing is left of it.
    """
    found = verify(trace.folder)
    if not found.ok:
        raise TraceError(f"{trace.folder}: does not verify, so no copy is made: {found.problems[0]}")
    if out.resolve().is_relative_to(trace.folder.resolve()):
        raise TraceError(f"{out}: is inside the trace; name another folder")
    moments = iter([one.time for one in trace.events])
    writer = TraceWriter.create(out, now=lambda: next(moments))
    try:
        typed = Typed((one.event for one in trace.events), patterns)
        masking = Masking(trace.blobs, writer, patterns, Pictures(patterns, reads), typed)
        numbered = list(enumerate((one.event for one in trace.events), 1))
        # Texts before pictures: what is masked in a text is looked for in every picture.
        texts = [masking.texts(number, event) for number, event in numbered]
        whole = [
            masking.pictures(number, event, fields)
            for (number, event), fields in zip(numbered, texts, strict=True)
        ]
        whole[0] |= _origin(found, masking.removals)
        for number, fields in enumerate(whole, 1):
            writer.write(_event(number, fields, writer.head))
        writer.close()
        put(out / REDACTION, _told(trace.folder, found, patterns, masking.removals))
    except BaseException:
        writer.close()
        _clear(out)
        raise
    return tuple(masking.removals)


def _event(number: int, fields: Fields, head: str) -> Event:
    try:
        event = _EVENT.validate_python(fields)
    except ValidationError as error:
        raise unfit(number, error) from error
    return event.model_copy(update={"head": head}) if isinstance(event, RunFinished) else event


def _origin(found: Verification, removals: list[Removal]) -> Fields:
    counts = Counter[str]()
    for one in removals:
        counts[one.kind] += one.count
    origin = Redacted(
        run_id=found.run_id, head=found.head, lines=found.lines, counts=dict(sorted(counts.items()))
    )
    return {"run_id": f"{found.run_id}-redacted", "redacted": origin.model_dump(mode="json")}


def _told(folder: Path, found: Verification, patterns: Patterns, removals: list[Removal]) -> bytes:
    beside = (name for name in (*FILES, *FOLDERS) if name not in (FILE, FOLDER, REPORT))
    told = {
        "version": 1,
        "from": {"run_id": found.run_id, "head": found.head, "lines": found.lines},
        "patterns": list(patterns.names),
        "left_out": sorted(name for name in beside if (folder / name).exists()),
        "removed": [asdict(one) for one in removals],
    }
    return json.dumps(told, indent=1).encode("ascii") + b"\n"


def _clear(out: Path) -> None:
    # Only what this made: the folder was empty before.
    (out / FILE).unlink(missing_ok=True)
    shutil.rmtree(out / FOLDER, ignore_errors=True)
