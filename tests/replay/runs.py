"""Small recorded runs, written as a harness writes them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from harness.action import Action, Answer
from harness.clearance import Target
from harness.replay.recording import Recording
from harness.screen import Screenshot
from harness.trace.events import Acted, Acting, AskedModel, ModelReplied, Observed, RunFinished, RunStarted
from harness.trace.reader import Trace
from harness.trace.writer import TraceWriter
from tests.replay.pages import shot

TASK = {"name": "t", "goal": "Save it.", "start": "https://a.test/"}
POLICY = {
    "name": "p",
    "domains": {"navigate": ["a.test"]},
    "default": {"action": "allow", "request": "allow"},
}


class Then(NamedTuple):
    """One recorded step."""

    deeds: Sequence[tuple[Action, Target | None]]
    screen: Screenshot = shot()
    url: str = "https://a.test/"


def record(folder: Path, *steps: Then, outcome: str = "done") -> Recording:
    """Write a run of these steps and read it back; an answer ends it."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    writer = TraceWriter.create(folder, now=lambda: moment)
    writer.write(
        RunStarted(
            run_id="r1",
            task=dict(TASK),
            policy=dict(POLICY),
            policy_sha256="0" * 64,
            model="local",
            approver="auto",
            sandbox={"kind": "bubblewrap"},
            versions={},
        )
    )
    ending = Then(((Answer(text="ok"), None),), steps[-1].screen, steps[-1].url)
    for step, then in enumerate((*steps, ending), 1):
        blob = writer.blob(then.screen.png)
        size = (then.screen.width, then.screen.height)
        writer.write(Observed(step=step, screenshot=blob, size=size, url=then.url))
        writer.write(AskedModel(step=step))
        writer.write(ModelReplied(step=step, actions=tuple(action for action, _ in then.deeds)))
        for index, (action, target) in enumerate(then.deeds):
            if isinstance(action, Answer):
                continue
            writer.write(Acting(step=step, index=index, action=action, target=target, effect="0" * 64))
            writer.write(Acted(step=step, index=index, action=action, status="done"))
    finish = {"outcome": outcome, "exit_code": 0, "steps": len(steps) + 1, "seconds": 1.0}
    writer.write(RunFinished.model_validate(finish | {"head": writer.head}))
    writer.close()
    return Recording.of(Trace.open(folder))
