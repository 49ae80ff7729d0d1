"""Parquet: a row an action, of many runs in one file, for pandas, DuckDB, Polars and the like.

Needs the extra `parquet`. `SCHEMA` is the table: columns are only ever added, at the end. What was not
recorded is null, and never zero. Tokens and cost are the answer's and stand in the first action's row only,
so that sums are right.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.clearance import Act
from harness.trace.export.base import missing, whole
from harness.trace.export.steps import Row, rows
from harness.trace.reader import Trace, member, sandbox_name
from harness.words import describe, points

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA: tuple[tuple[str, str, str], ...] = (
    ("run", "string", "the run's id"),
    ("task", "string", "the task's name"),
    ("model", "string", "who decides"),
    ("policy", "string", "the policy's name"),
    ("policy_sha256", "string", "its hash"),
    ("sandbox", "string", "where it happened"),
    ("outcome", "string", "how the run ended; unfinished if it was cut off"),
    ("step", "int32", "the question to the model; 0 is before the first"),
    ("index", "int32", "the action's place in its step, from 0"),
    ("time", "timestamp", "when it was judged, UTC"),
    ("began", "timestamp", "when it was about to be performed; null if it never was"),
    ("ended", "timestamp", "when its result was known"),
    ("seconds", "float64", "how long it took"),
    ("kind", "string", "the action: click, type, …"),
    ("action", "string", "the action as JSON"),
    ("words", "string", "the action in words"),
    ("x", "int32", "first point, CSS pixels"),
    ("y", "int32", "first point, CSS pixels"),
    ("text", "string", "what was typed; secrets are placeholders"),
    ("target_role", "string", "what it touched"),
    ("target_name", "string", "its name: page text"),
    ("target_url", "string", "the tab's address"),
    ("target_fingerprint", "string", "hash of the element"),
    ("verdict", "string", "the policy's last verdict: allow, ask, deny, stop"),
    ("rule", "string", "the rule that decided"),
    ("reason", "string", "why"),
    ("asked", "bool", "whether a person was asked"),
    ("approval", "string", "their answer: approve, edit, deny, stop"),
    ("approved_by", "string", "who answered"),
    ("status", "string", "done, refused, failed, not_executed; null if it is not known"),
    ("message", "string", "why"),
    ("url", "string", "the active tab's address at the look before"),
    ("title", "string", "its title"),
    ("screenshot_sha256", "string", "the picture that the model saw"),
    ("width", "int32", "of the picture, pixels"),
    ("height", "int32", "of the picture, pixels"),
    ("thought", "string", "what the model said"),
    ("model_seconds", "float64", "how long the answer took; in a step's first row"),
    ("input_tokens", "int64", "of the answer; in a step's first row"),
    ("output_tokens", "int64", "of the answer; in a step's first row"),
    ("cost_usd", "float64", "of the answer; in a step's first row"),
    ("requests", "int32", "requests in flight in the step; in its first row"),
    ("refused_requests", "int32", "those that were refused; in a step's first row"),
    ("screenshot_png", "binary", "the picture itself; null unless pictures are asked for"),
)
"""Name, type and meaning of each column, in order."""
BATCH = 256
"""Rows in memory at a time."""


def export(traces: Sequence[Trace], out: Path, *, pictures: bool = False) -> int:
    """Write the actions of runs as one table, and give how many there are.

    Raises:
        InputError: if the extra `parquet` is not installed.
        TraceError: if a picture is damaged, or the file cannot be written.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing("parquet", error) from error
    schema = _schema(pa)
    found = (line for trace in traces for line in _lines(trace, pictures=pictures))
    count = 0
    with whole(out) as path, parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(found, BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def _schema(arrow: Any) -> "pa.Schema":
    types = {
        "string": arrow.string(),
        "int32": arrow.int32(),
        "int64": arrow.int64(),
        "float64": arrow.float64(),
        "bool": arrow.bool_(),
        "binary": arrow.binary(),
        "timestamp": arrow.timestamp("us", tz="UTC"),
    }
    return arrow.schema(
        [arrow.field(name, types[kind], metadata={"description": what}) for name, kind, what in SCHEMA],
        metadata={"made_by": "harness", "rows": "one an action"},
    )


def _lines(trace: Trace, *, pictures: bool) -> Iterator[dict[str, Any]]:
    header, finish = trace.header, trace.finish
    run = {
        "run": header.run_id,
        "task": member(header.task, "name"),
        "model": header.model,
        "policy": member(header.policy, "name"),
        "policy_sha256": header.policy_sha256,
        "sandbox": sandbox_name(header.sandbox),
        "outcome": finish.outcome if finish else "unfinished",
    }
    for row in rows(trace):
        line = {**run, **_acted(row), **_judged(row), **_seen(row)}
        if row.index == 0:
            line |= _cost(row)
        observed = row.step.observed
        if pictures and observed is not None:
            line["screenshot_png"] = trace.blobs.get(observed.screenshot)
        yield line


def _acted(row: Row) -> dict[str, Any]:
    deed, action = row.deed, row.action
    fields = action.model_dump(mode="json", exclude_defaults=True)
    first = next(iter(points(action)), None)
    target, result = deed.target, deed.result
    return {
        "step": row.step.number,
        "index": row.index,
        "time": deed.time or deed.began or deed.ended,
        "began": deed.began,
        "ended": deed.ended,
        "seconds": result.seconds if result else None,
        "kind": action.kind,
        "action": json.dumps({"kind": action.kind, **fields}, ensure_ascii=False),
        "words": describe(Act(action=action, target=target)),
        "x": first[0] if first else None,
        "y": first[1] if first else None,
        "text": action.text if action.kind == "type" else None,
        "target_role": target.role or target.tag if target else None,
        "target_name": target.name if target else None,
        "target_url": target.url if target else None,
        "target_fingerprint": target.fingerprint if target else None,
        "status": result.status if result else None,
        "message": result.message if result else None,
    }


def _judged(row: Row) -> dict[str, Any]:
    verdict = row.deed.verdicts[-1] if row.deed.verdicts else None
    given = row.deed.askings[-1].given if row.deed.askings else None
    return {
        "verdict": verdict.outcome if verdict else None,
        "rule": verdict.rule if verdict else None,
        "reason": verdict.reason if verdict else None,
        "asked": bool(row.deed.askings),
        "approval": given.approval.decision if given else None,
        "approved_by": given.approval.by if given else None,
    }


def _seen(row: Row) -> dict[str, Any]:
    observed, reply = row.step.observed, row.step.reply
    return {
        "url": observed.url if observed else None,
        "title": observed.title if observed else None,
        "screenshot_sha256": observed.screenshot if observed else None,
        "width": observed.size[0] if observed else None,
        "height": observed.size[1] if observed else None,
        "thought": reply.thought if reply else None,
    }


def _cost(row: Row) -> dict[str, Any]:
    step = row.step
    told: dict[str, Any] = {
        "requests": len(step.exchanges),
        "refused_requests": sum(one.refused for one in step.exchanges),
    }
    if step.reply is not None:
        usage = step.reply.usage
        told |= {
            "model_seconds": step.reply.seconds,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cost_usd": usage.cost_usd,
        }
    return told
