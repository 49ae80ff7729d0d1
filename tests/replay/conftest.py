"""Runs recorded by the real checkpoint and the real writer, without a browser."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from harness.checkpoint import Checkpoint
from harness.clearance import Approver, Cleared, Effect, Refusal, Request
from harness.limits import Budget
from harness.policy import Engine, Policy
from harness.screen import Screen, Tab
from harness.task import Limits
from harness.testing import FakeClock, RecordingApprover, blank
from harness.trace.events import Observed, RunFinished, RunStarted
from harness.trace.writer import TraceWriter

EPOCH = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def policy(*rules: dict[str, Any], name: str = "p", **more: Any) -> Policy:
    """Make a policy that allows what no rule speaks of, on any host under .test."""
    whole: dict[str, Any] = {
        "name": name,
        "domains": {"navigate": ["*.test"]},
        "default": {"action": "allow", "request": "allow"},
        "rules": list(rules),
        **more,
    }
    return Policy.model_validate(whole)


class Played:
    """A run whose effects go through a checkpoint, and which is written as it goes."""

    def __init__(self, folder: Path, under: Policy, approver: Approver | None = None) -> None:
        self.folder = folder
        ticks, ids = itertools.count(), itertools.count(1)
        self.writer = TraceWriter.create(folder, now=lambda: EPOCH + timedelta(milliseconds=10 * next(ticks)))
        self.writer.write(
            RunStarted(
                run_id=folder.name,
                task={"name": "t", "goal": "g"},
                policy=under.model_dump(mode="json", by_alias=True),
                policy_sha256=under.sha256,
                model="scripted",
                approver="test",
                sandbox={"kind": "fake", "isolated": False},
                versions={"harness": "0"},
            )
        )
        self.checkpoint = Checkpoint(
            Engine(under),
            approver or RecordingApprover(),
            self.writer,
            Budget(Limits(), FakeClock()),
            goal="g",
            timeout=5,
            otherwise="deny",
            clock=FakeClock(),
            now=lambda: EPOCH,
            ids=lambda: f"q{next(ids)}",
        )
        self.checkpoint.begin()

    async def do(self, *effects: Effect) -> list[Cleared | Refusal]:
        """Bring effects to the checkpoint, one after the other."""
        return [
            await (self.checkpoint.admit(one) if isinstance(one, Request) else self.checkpoint.decide(one))
            for one in effects
        ]

    def look(self, url: str, title: str = "", text: str | None = None, *, tell: bool = True) -> None:
        """Show a screen; without `tell`, the trace does not have its text."""
        tab = Tab(id=1, url=url, title=title, active=True)
        self.checkpoint.step += 1
        self.checkpoint.screen = Screen(screenshot=blank(), url=url, title=title, tabs=(tab,), text=text)
        self.writer.write(
            Observed(
                step=self.checkpoint.step,
                screenshot=self.writer.blob(blank().png),
                size=(320, 200),
                url=url,
                title=title,
                tabs=(tab,),
                text=self.writer.blob(text.encode()) if text is not None and tell else None,
            )
        )

    def finish(self) -> Path:
        """End the run."""
        self.writer.write(
            RunFinished(
                outcome="done", exit_code=0, steps=self.checkpoint.step, seconds=1, head=self.writer.head
            )
        )
        self.writer.close()
        return self.folder


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Played]:
    """Begin runs under policies, each in a folder of its own under `traces`."""
    numbers = itertools.count(1)

    def begin(under: Policy, approver: Approver | None = None) -> Played:
        return Played(tmp_path / "traces" / f"run-{next(numbers):04}", under, approver)

    return begin
