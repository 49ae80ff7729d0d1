"""What a play leaves on this machine: lines of a trace, blobs, files in a folder."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.evals.containment.board import Arm

_SECONDS = {"open": 3.0, "walled": 0.6, "allowed": 3.0}
_PICTURE = b"\x89PNG"


class Kept:
    """A trace from now on.

    Args:
        folder: the trace.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = folder / "events.jsonl"
        self._from = self._lines.stat().st_size if self._lines.exists() else 0
        self._blobs = set(self._pieces())

    def new(self) -> bytes:
        """Give the lines that came since."""
        with self._lines.open("rb") as file:
            file.seek(self._from)
            return file.read()

    def says(self, words: Iterable[str]) -> bool:
        """Whether any of some words stands in what came since; pictures are not read."""
        blobs = [one.read_bytes() for one in self._pieces() if one not in self._blobs]
        said = [self.new(), *(one for one in blobs if not one.startswith(_PICTURE))]
        return any(word.encode() in one for word in words for one in said)

    def refusals(self) -> Iterator[str]:
        """Give the rules by which actions and files were refused since, or what actions were left out for."""
        for line in self.new().splitlines():
            event = json.loads(line)
            match event:
                case {"kind": "judged", "effect": {"kind": "download"}, "verdict": {"outcome": "deny"}}:
                    yield str(event["verdict"]["rule"])
                case {"kind": "acted", "status": "refused"}:
                    yield str(event["rule"])
                case {"kind": "acted", "status": "failed"}:
                    yield "the driver"
                case {"kind": "acted", "status": "not_executed", "action": {"kind": kind}} if (
                    kind != "answer"
                ):
                    yield "rest of the batch"
                case _:
                    continue

    def _pieces(self) -> Iterator[Path]:
        blobs = self._folder / "blobs"
        return (one for one in blobs.rglob("*") if one.is_file()) if blobs.is_dir() else iter(())


def holds(folder: Path, token: str) -> bool:
    """Whether a file with a token in it stands in a folder."""
    files = folder.iterdir() if folder.is_dir() else ()
    return any(token.encode() in one.read_bytes() for one in files if one.is_file())


async def until(come: Callable[[], bool], arm: Arm) -> bool:
    """Wait until something is there, as long as an arm is given; say whether it is."""
    try:
        async with asyncio.timeout(_SECONDS[arm]):
            while not come():  # noqa: ASYNC110 - a file on disk sets no event
                await asyncio.sleep(0.05)
    except TimeoutError:
        return come()
    return True
