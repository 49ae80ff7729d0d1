"""A fine-tuning set: what was seen and asked for, and the action that was done.

A folder with `openai.jsonl`, a line an example as chats that OpenAI fine-tunes on with the picture in it;
`pairs.jsonl`, the same as plain JSON that names a picture; and `images/`, each picture once. Only actions
that were done are in it, never refused ones, and of runs that passed only, unless others are asked for.
Secrets stay the placeholders that the model wrote. An example that is there already is left out.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from harness.clearance import Act
from harness.errors import InputError
from harness.trace.blobs import BlobStore
from harness.trace.export.base import dump, whole
from harness.trace.export.steps import Row, rows
from harness.trace.reader import Trace, member
from harness.words import describe

HISTORY = 10
"""Actions before, that an example tells of in words."""
_SYSTEM = (
    "You operate a web browser to reach a goal. You see the goal, what was done so far and a screenshot. "
    "Answer with the next action as one JSON object."
)


class Told(NamedTuple):
    """What became of an export."""

    examples: int
    pictures: int
    repeated: int
    """Examples that were there already."""
    left_out: int
    """Runs that did not pass."""


class _Example(NamedTuple):
    run: str
    step: int
    place: int
    goal: str
    url: str
    history: tuple[str, ...]
    thought: str
    action: dict[str, JsonValue]
    screenshot: str
    size: tuple[int, int]
    blobs: BlobStore

    @property
    def key(self) -> str:
        """The same for examples that teach the same."""
        seen: JsonValue = [self.goal, list(self.history), self.screenshot, dict(self.action)]
        return hashlib.sha256(dump(seen).encode()).hexdigest()

    @property
    def question(self) -> str:
        """What the model is told beside the picture."""
        done = "\n".join(f"{number}. {one}" for number, one in enumerate(self.history, 1)) or "nothing yet"
        screen = f"Screen: {self.size[0]} by {self.size[1]} pixels"
        return f"Goal: {self.goal}\n\nDone so far:\n{done}\n\nAddress: {self.url}\n{screen}"


def export(traces: Sequence[Trace], out: Path, *, failed: bool = False) -> Told:
    """Write the examples of runs to a folder.

    Raises:
        InputError: if there is nothing to learn from.
        TraceError: if a picture is damaged, or the folder cannot be written.
    """
    chosen = [one for one in traces if failed or (one.finish is not None and one.finish.outcome == "done")]
    if not chosen:
        raise InputError(f"none of {len(traces)} runs passed; --failed takes the others too")
    seen: set[str] = set()
    pictures: set[str] = set()
    repeated = 0
    with whole(out) as path:
        (path / "images").mkdir(parents=True)
        with (
            (path / "openai.jsonl").open("w", encoding="utf-8") as chats,
            (path / "pairs.jsonl").open("w", encoding="utf-8") as pairs,
        ):
            for one in (example for trace in chosen for example in _examples(trace)):
                if one.key in seen:
                    repeated += 1
                    continue
                seen.add(one.key)
                png = one.blobs.get(one.screenshot)
                if one.screenshot not in pictures:
                    pictures.add(one.screenshot)
                    (path / "images" / f"{one.screenshot}.png").write_bytes(png)
                chats.write(dump(_chat(one, png)) + "\n")
                pairs.write(dump(_pair(one)) + "\n")
        if not seen:
            raise InputError(
                f"nothing was done in {len(chosen)} runs, so there is nothing to learn from them"
            )
    return Told(len(seen), len(pictures), repeated, len(traces) - len(chosen))


def _examples(trace: Trace) -> Iterator[_Example]:
    history: list[str] = []
    goal = member(trace.header.task, "goal")
    for row in rows(trace):
        result, observed = row.deed.result, row.step.observed
        if result is None or result.status != "done" or row.deed.refused:
            continue
        if observed is not None and row.step.reply is not None:
            yield _Example(
                trace.header.run_id,
                row.step.number,
                row.index,
                goal,
                observed.url,
                tuple(history[-HISTORY:]),
                row.step.reply.thought,
                _action(row),
                observed.screenshot,
                observed.size,
                trace.blobs,
            )
        history.append(describe(Act(action=row.action, target=row.deed.target)))


def _action(row: Row) -> dict[str, JsonValue]:
    return {"kind": row.action.kind, **row.action.model_dump(mode="json", exclude_defaults=True)}


def _chat(one: _Example, png: bytes) -> JsonValue:
    url = f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
    return {
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": one.question},
                    {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
                ],
            },
            {"role": "assistant", "content": dump({"thought": one.thought, "action": one.action})},
        ]
    }


def _pair(one: _Example) -> JsonValue:
    return {
        "run": one.run,
        "step": one.step,
        "index": one.place,
        "goal": one.goal,
        "url": one.url,
        "history": list(one.history),
        "screenshot": f"images/{one.screenshot}.png",
        "size": list(one.size),
        "thought": one.thought,
        "action": one.action,
    }
