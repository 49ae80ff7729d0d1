"""Writes the page a person reads: one HTML file that needs nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path

from harness.errors import TraceError
from harness.trace.reader import Trace
from harness.trace.report_html import page
from harness.trace.report_media import BUDGET, Pictures
from harness.trace.timeline import Timeline, timeline
from harness.trace.verify import verify


def write_report(trace: Trace, out: Path, *, budget: int = BUDGET) -> None:
    """Write the report of a trace, finished or not, torn or not.

    Args:
        trace: the run.
        out: the HTML file; it is there whole or not at all.
        budget: bytes of pictures it carries as they are; later ones are made smaller, and say so.

    Raises:
        TraceError: if it cannot be written.
    """
    found = timeline(trace)
    pictures = Pictures(trace.blobs, _wanted(found), budget)
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors="backslashreplace") as file:
            for piece in page(trace, found, verify(trace.folder), pictures):
                file.write(piece)
        partial.replace(out)
    except OSError as error:
        raise TraceError(
            f"{out}: the report cannot be written: {error.strerror or error}; name another file with --out"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _wanted(found: Timeline) -> Iterator[str]:
    for step in found.steps:
        if step.observed is not None:
            yield step.observed.screenshot
        yield from (deed.result.image for deed in step.deeds if deed.result and deed.result.image)
