"""A run that dies at any moment loses nothing it told, and goes on to exactly one order."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.errors import InputError
from harness.replay.past import Past
from harness.replay.resume import understood
from harness.trace.events import Acting, RunStarted
from harness.trace.held import held
from harness.trace.reader import Trace
from harness.trace.verify import verify
from tests.cli.commands import NO_ENGINE
from tests.replay.dying import count, shop_of

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180
EVENTS = 125
"""Fewer than a whole run of the task has."""


@dataclass
class Child:
    """What a run told before its end."""

    code: int
    told: list[dict[str, Any]]
    result: dict[str, Any] | None
    said: str


@dataclass
class Shop:
    """A folder of traces, and the runs in it."""

    folder: Path

    def run(self, when: str, number: int = 0, trace: Path | None = None, answers: str = "truth") -> Child:
        """Run the task, or go on with it, until it ends or dies."""
        runtime = self.folder / "r"
        runtime.mkdir(mode=0o711, exist_ok=True)
        words = [str(self.folder / "t"), when, str(number), answers, *([str(trace)] if trace else [])]
        done = subprocess.run(
            [sys.executable, "-m", "tests.replay.dying", *words],
            cwd=ROOT,
            env={
                **os.environ,
                "XDG_RUNTIME_DIR": str(runtime),
                "TMPDIR": str(runtime),
                "DOCKER_HOST": NO_ENGINE,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        results = [line["result"] for line in lines if "result" in line]
        told = [line for line in lines if "kind" in line]
        return Child(done.returncode, told, results[0] if results else None, done.stderr)

    def traces(self) -> list[Path]:
        """The runs so far, oldest first."""
        found = (self.folder / "t").iterdir() if (self.folder / "t").is_dir() else ()
        return sorted(found, key=lambda one: one.stat().st_ctime_ns)


@pytest.fixture
def shop() -> Iterator[Shop]:
    # Not under pytest's own folder: the browser's user must be able to pass through.
    folder = Path(tempfile.mkdtemp(prefix="harness-resume-", dir="/tmp"))
    folder.chmod(0o711)
    yield Shop(folder)
    shutil.rmtree(folder)


def newest(shop: Shop, known: set[Path]) -> Path:
    """Give the one trace that came since."""
    (found,) = set(shop.traces()) - known
    return found


def assert_told(child: Child, trace: Path) -> None:
    """Whatever was reported is in the trace, in order, and the trace verifies."""
    assert verify(trace).ok
    recorded = [one.event for one in Trace.open(trace).events]
    assert len(recorded) - len(child.told) in (0, 1)
    for told, event in zip(child.told, recorded, strict=False):
        assert (told["kind"], told["step"]) == (event.kind, vars(event).get("step", 0))


def died(shop: Shop, when: str, number: int, trace: Path | None = None) -> Path | None:
    """Let a run die, and give its trace; nothing if it had no line yet."""
    known = set(shop.traces())
    child = shop.run(when, number, trace)
    assert child.code == -signal.SIGKILL, child.said
    found = newest(shop, known)
    assert not held(found)
    if not (found / "events.jsonl").stat().st_size:
        assert child.told == []
        return None
    assert_told(child, found)
    return found


def finish(shop: Shop, trace: Path | None) -> Path:
    """Go on until the task is done, and give the last trace: one order, its checks passed."""
    known = set(shop.traces())
    child = shop.run("never", 0, trace)
    assert child.result is not None, child.said
    assert child.result["outcome"] == "done", (child.result["reason"], child.said)
    found = newest(shop, known)
    assert_told(child, found)
    assert all(check["passed"] for check in child.result["checks"])
    assert count(found, "orders") == 1
    assert count(found, "order_lines") == 1
    assert not (found / "state" / "cookies.json").exists()
    return found


def whole(shop: Shop, when: str, number: int) -> None:
    """Let a run die at a moment, and go on with it to its end."""
    first = died(shop, when, number)
    if first is None:
        finish(shop, None)
        return
    finished = Trace.open(first).finish
    if finished is not None:
        assert finished.outcome == "done"
        with pytest.raises(InputError, match="nothing to go on with: it was done"):
            Past.read(first)
        assert count(first, "orders") == 1
        return
    mode = (first / "state" / "cookies.json").stat().st_mode if count_of(first) else 0o600
    assert mode & 0o777 == 0o600
    last = finish(shop, first)
    begun, before = Trace.open(last).header, Trace.open(first)
    assert isinstance(begun, RunStarted)
    assert begun.resumed is not None
    assert (begun.resumed.run_id, begun.resumed.head) == (first.name, before.events[-1].hash)
    assert begun.task == before.header.task
    with pytest.raises(InputError, match=f"{last.name} went on with it already"):
        Past.read(first)


def count_of(trace: Path) -> bool:
    """Whether a run had seen a screen, and so kept cookies."""
    return any(one.event.kind == "observed" for one in Trace.open(trace).events)


@pytest.mark.parametrize(
    ("answer", "happened", "url"),
    [
        ("happened", True, None),
        (" It happened. ", True, None),
        ("yes", True, None),
        ("happened, go on at https://a.test/x", True, "https://a.test/x"),
        ("Happened: https://a.test/x", True, "https://a.test/x"),
        ("did not happen", False, None),
        ("no", False, None),
    ],
)
def test_an_answer_says_whether_it_happened(answer: str, happened: bool, url: str | None) -> None:
    assert understood(answer) == (happened, url)


@pytest.mark.parametrize(
    "answer", ["", "perhaps", "Nobody is here to answer", "happened?", "not happened yes"]
)
def test_anything_else_is_no_answer(answer: str) -> None:
    assert understood(answer) is None


def test_an_order_that_was_placed_and_not_answered_is_not_placed_again(shop: Shop) -> None:
    first = died(shop, "ordered", 0)
    assert first is not None
    assert count(first, "orders") == 1
    child = shop.run("never", 0, first, "deny")
    assert child.result is not None, child.said
    assert (child.result["outcome"], child.result["exit_code"]) == ("stopped", 3)
    assert "POST https://shop.test/orders" in child.result["reason"]
    assert f"--resume {first}" in child.result["reason"]
    finish(shop, first)


@pytest.mark.long
@pytest.mark.parametrize(
    ("when", "number"),
    [("first", 0), ("order", 0), ("report", 0), ("written", 1), ("told", 1)],
)
def test_moments_that_matter(shop: Shop, when: str, number: int) -> None:
    whole(shop, when, number)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
def test_a_run_killed_at_any_moment_ends_with_one_order(shop: Shop, seed: int) -> None:
    picked = random.Random(seed)  # noqa: S311 - which moment is no secret
    whole(shop, picked.choice(("told", "written")), picked.randint(1, EVENTS))


@pytest.mark.long
def test_a_run_that_dies_again_and_again_ends_with_one_order(shop: Shop) -> None:
    trace: Path | None = None
    for number in (60, 20, 45, 30):
        trace = died(shop, "told", number, trace) or trace
    last = finish(shop, trace)
    steps = [one.event.step for one in Trace.open(last).events if isinstance(one.event, Acting)]
    header = Trace.open(last).header
    assert header.resumed is not None
    assert min(step for step in steps if step) > header.resumed.steps
    assert shop_of(last).exists()
