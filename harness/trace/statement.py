"""What is said of a trace by whoever signs or anchors it: which run, how long, and what it came to."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import TraceError
from harness.trace.lines import stamp


class Statement(BaseModel):
    """What is said of a trace, by a signature or an anchor."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    run_id: str
    """Names the run."""
    lines: Annotated[int, Field(ge=1)]
    """Whole lines."""
    head: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the last of them."""
    time: str
    """When it was said, in UTC."""

    def data(self, domain: bytes) -> bytes:
        """Give the bytes that are signed or stamped."""
        return domain + json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode("ascii")

    @classmethod
    def of(cls, run_id: str, lines: int, head: str, time: datetime) -> Self:
        """Say what a trace came to."""
        return cls(run_id=run_id, lines=lines, head=head, time=stamp(time))

    def differs(self, run_id: str, lines: int, head: str) -> str:
        """Say how a trace is another than the one spoken of; nothing if it is the same."""
        if self.run_id != run_id:
            return f"run {self.run_id[:100]!r}, and this is {run_id[:100]!r}"
        if self.lines != lines:
            return f"{self.lines:,} lines, and there are {lines:,}"
        return "" if self.head == head else f"a trace that ends in {self.head}, and this one ends in {head}"


def put(path: Path, data: bytes) -> None:
    """Write a file beside a record, whole and on the medium, and never over another.

    Raises:
        TraceError: if there is one already, or it cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    absent(path)
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
    except OSError as error:
        raise TraceError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def absent(path: Path) -> None:
    """See that there is no such file.

    Raises:
        TraceError: if there is.
    """
    if os.path.lexists(path):
        raise TraceError(f"{path}: is there already; move it away to have another")
