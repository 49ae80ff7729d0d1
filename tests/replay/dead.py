"""Traces of runs that died, line by line, without a browser."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from harness.action import Click
from harness.clearance import Act, Approval, Effect, Outcome, Reply, Request, Usage, Verdict, digest
from harness.policy.schema import Policy
from harness.task import Task
from harness.testing import blank
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    AskedModel,
    Event,
    ModelReplied,
    Observed,
    Requested,
    Responded,
    Resumed,
    RunStarted,
)
from harness.trace.writer import TraceWriter

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TASK = Task(name="t", goal="g", start="https://a.test/")
POLICY = Policy.model_validate(
    {"name": "p", "domains": {"navigate": ["a.test"]}, "default": {"action": "allow", "request": "allow"}}
)
PRESS = Click(x=5, y=6)


class Dead:
    """Writes the trace of a run that dies where the writing ends; a second passes before each line."""

    def __init__(self, folder: Path, *, resumed: Resumed | None = None, policy: Policy = POLICY) -> None:
        self.folder = folder
        self.time = START
        self.policy = policy
        self.writer = TraceWriter.create(folder, now=self._now)
        self.write(
            RunStarted(
                run_id=folder.name,
                task=TASK.model_dump(mode="json", exclude_defaults=True),
                policy=policy.model_dump(mode="json", exclude_defaults=True),
                policy_sha256=policy.sha256,
                model="local",
                approver="auto",
                sandbox={"kind": "fake"},
                versions={},
                resumed=resumed,
            )
        )

    def _now(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time

    def write(self, *events: Event) -> None:
        """Write lines."""
        for event in events:
            self.writer.write(event)

    def look(self, step: int, url: str = "https://a.test/") -> None:
        """A screen, the question to the model and its answer."""
        raw = {"before": step * 10, "after": step * 10 + 1}
        blob = Reply(raw=raw).model_dump_json(include={"raw"}).encode()
        self.write(
            Observed(step=step, screenshot=self.writer.blob(blank().png), size=(320, 200), url=url),
            AskedModel(step=step),
            ModelReplied(
                step=step,
                actions=(PRESS,),
                usage=Usage(input_tokens=100, output_tokens=5),
                raw=self.writer.blob(blob),
            ),
        )

    def verdict(self, effect: Effect, outcome: Outcome = "allow") -> Verdict:
        """What the policy said."""
        return Verdict(
            outcome=outcome, rule="r", reason="x", policy=self.policy.sha256, effect=digest(effect)
        )

    def act(self, step: int) -> None:
        """An action begins."""
        self.write(Acting(step=step, index=0, action=PRESS, effect=digest(Act(action=PRESS))))

    def acted(self, step: int) -> None:
        """It is over."""
        self.write(Acted(step=step, index=0, action=PRESS, status="done"))

    def send(
        self,
        step: int,
        name: str,
        method: str = "POST",
        outcome: Outcome = "allow",
        url: str = "https://a.test/order",
    ) -> Request:
        """A request was judged."""
        request = Request(id=name, method=method, url=url, resource="document", body_size=7)
        self.write(Requested(step=step, request=request, verdict=self.verdict(request, outcome)))
        return request

    def ask(self, step: int, request: Request) -> None:
        """A person is asked."""
        self.write(
            ApprovalAsked(
                step=step,
                question=request.id,
                effect=request,
                verdict=self.verdict(request, "ask"),
                seconds=300,
            )
        )

    def approve(self, step: int, request: Request) -> None:
        """The person says yes."""
        approval = Approval(decision="approve", by="p", shown=digest(request))
        self.write(ApprovalGiven(step=step, question=request.id, approval=approval, seconds=1))

    def answer(self, step: int, name: str, status: int | None, **more: object) -> None:
        """The answer to a request."""
        self.write(Responded(step=step, request=name, status=status, received=11).model_copy(update=more))

    def die(self) -> Path:
        """End here."""
        self.writer.close()
        return self.folder
