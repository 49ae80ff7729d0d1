"""`harness trace clean|rm|pin|unpin|dedup`: how long runs are kept, and how much room they take."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from harness.cli.compose import new_id, utc_now
from harness.cli.streams import say, show, show_json
from harness.cli.trace_list import existing
from harness.errors import InputError, TraceError
from harness.task import Size
from harness.trace.index import listed
from harness.trace.retention import Choice, Plan, freed, look, pin, plan, read_age, remove, sweep, unpin
from harness.trace.store import drop, share
from harness.trace.words import size
from harness.words import visible

_SIZE: TypeAdapter[int] = TypeAdapter(Size)


def add(traces: "argparse._SubParsersAction[Any]") -> None:
    """Declare the commands."""
    what = "delete runs by age and size, never those that are pinned or running"
    sub = traces.add_parser("clean", help=what, description=what)
    sub.add_argument("folder", nargs="?", default="traces", type=Path)
    sub.add_argument("--older-than", metavar="AGE", help="runs whose last line is older: 30d, 12h, 2w")
    sub.add_argument("--max-size", metavar="SIZE", help="the oldest, until the rest is no larger: 10GB")
    sub.add_argument("--keep-failed", action="store_true", help="keep every run that did not end well")
    sub.add_argument("--dry-run", action="store_true", help="say what would be deleted, and delete nothing")
    sub.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    sub.set_defaults(run=clean)
    commands: tuple[tuple[str, Callable[[argparse.Namespace], int], str], ...] = (
        ("rm", rm, "delete runs, if they are neither pinned nor running"),
        ("pin", pin_command, "keep runs from being deleted"),
        ("unpin", unpin_command, "let pinned runs be deleted again"),
    )
    for name, command, words in commands:
        sub = traces.add_parser(name, help=words, description=words)
        sub.add_argument("traces", nargs="+", type=Path, metavar="TRACE", help="folders of traces")
        sub.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        sub.set_defaults(run=command)
    what = "keep what runs have in common on the disk once, by hard links"
    sub = traces.add_parser("dedup", help=what, description=what)
    sub.add_argument("folder", nargs="?", default="traces", type=Path)
    sub.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    sub.set_defaults(run=dedup)


def clean(options: argparse.Namespace) -> int:
    """Delete by age and size. Exit code 5 if something could not be deleted."""
    root = existing(options.folder)
    older = read_age(options.older_than) if options.older_than is not None else None
    most = _read_size(options.max_size) if options.max_size is not None else None
    runs = look(listed(root))
    chosen = plan(
        root,
        runs,
        now=utc_now().timestamp(),
        older_than=older,
        max_size=most,
        keep_failed=options.keep_failed,
    )
    left = 0 if options.dry_run else sweep(root)
    deleted, problems = (chosen.delete, ()) if options.dry_run else _deleted(chosen)
    garbage = drop(root, dry_run=options.dry_run)
    if options.json:
        show_json(
            {
                "dry_run": options.dry_run,
                "deleted": [_plain(one) for one in deleted],
                "kept": [_plain(one) for one in chosen.keep],
                "bytes_before": chosen.size,
                "bytes_freed": chosen.freed,
                "leftovers_removed": left,
                "unused_blobs": garbage.files,
                "problem": chosen.problem,
                "problems": problems,
            }
        )
    else:
        _tell(chosen, deleted, len(runs), dry_run=options.dry_run)
        if left:
            show(f"removed what was left of {left:,} runs that an earlier cleaning had begun to delete")
    for problem in problems:
        say(f"harness: {visible(problem, 500)}")
    return TraceError.exit_code if problems else 0


def _deleted(chosen: Plan) -> tuple[tuple[Choice, ...], tuple[str, ...]]:
    deleted: list[Choice] = []
    problems: list[str] = []
    for choice in chosen.delete:
        try:
            remove(choice.run.path, new_id)
            deleted.append(choice)
        except TraceError as error:
            problems.append(str(error))
    return tuple(deleted), tuple(problems)


def _tell(chosen: Plan, deleted: tuple[Choice, ...], count: int, *, dry_run: bool) -> None:
    would, gives = ("would delete", "would free") if dry_run else ("deleted", "freed")
    for verb, choices in ((would, deleted), ("kept", chosen.keep)):
        for choice in choices:
            show(f"{verb}  {visible(choice.run.path.name, 200)}  {size(choice.run.size)}  {choice.why}")
    show(f"{would} {len(deleted):,} of {count:,} runs, {gives} {size(chosen.freed)} of {size(chosen.size)}")
    if chosen.problem:
        show(chosen.problem)


def rm(options: argparse.Namespace) -> int:
    """Delete runs. Exit code 5 if one is pinned, running or cannot be deleted."""
    total = 0
    for path in _all(options.traces):
        root = path.parent
        total += freed(root, [run for run in look(listed(root)) if run.path.name == path.name])
        remove(path, new_id)
        drop(root)
    if options.json:
        show_json({"deleted": [str(path) for path in options.traces], "bytes_freed": total})
    else:
        count = len(options.traces)
        show(f"deleted {count:,} {'run' if count == 1 else 'runs'}, freed {size(total)}")
    return 0


def pin_command(options: argparse.Namespace) -> int:
    """Pin runs."""
    return _marked(options, pin, "pinned")


def unpin_command(options: argparse.Namespace) -> int:
    """Let runs go."""
    return _marked(options, unpin, "not pinned")


def dedup(options: argparse.Namespace) -> int:
    """Share blobs. Exit code 5 if some were damaged and left alone."""
    root = existing(options.folder)
    found = share(root, tuple(one.path for one in listed(root)))
    drop(root)
    if options.json:
        show_json(found._asdict())
    else:
        show(f"{found.blobs:,} blobs, {found.linked:,} linked now, freed {size(found.saved)}")
    for problem in found.problems:
        say(f"harness: {visible(problem, 500)}")
    return TraceError.exit_code if found.problems else 0


def _marked(options: argparse.Namespace, mark: Callable[[Path], None], words: str) -> int:
    for path in _all(options.traces):
        mark(path)
    if options.json:
        show_json({words.replace(" ", "_"): [str(path) for path in options.traces]})
    else:
        for path in options.traces:
            show(f"{visible(str(path), 300)}: {words}")
    return 0


def _all(paths: list[Path]) -> list[Path]:
    for path in paths:
        if not path.is_dir():
            raise InputError(
                f"{path}: there is no such trace; 'harness trace ls FOLDER' lists those in a folder"
            )
    return [path.absolute() for path in paths]


def _read_size(text: str) -> int:
    try:
        return _SIZE.validate_python(text)
    except ValidationError as error:
        what = error.errors(include_url=False)[0]["msg"]
        raise InputError(f"--max-size {text!r}: {what}") from error


def _plain(one: Choice) -> dict[str, Any]:
    run = one.run
    return {"path": str(run.path), "outcome": run.outcome, "bytes": run.size, "why": one.why}
