"""A run that looks like a real one, written by the real writer."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.action import Action, Answer, Click, Drag, Goto, Scroll, Type, Zoom
from harness.clearance import (
    Act,
    Approval,
    Box,
    Effect,
    Outcome,
    Request,
    SafetySignal,
    Target,
    Usage,
    Verdict,
    digest,
)
from harness.screen import Download, Tab
from harness.trace.events import (
    Acted,
    Acting,
    ApprovalAsked,
    ApprovalGiven,
    AskedModel,
    Checked,
    Event,
    Failed,
    Judged,
    ModelReplied,
    Noted,
    Observed,
    Requested,
    Responded,
    RunFinished,
    RunStarted,
)
from harness.trace.writer import TraceWriter
from PIL import Image

EPOCH = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
POLICY = "ab" * 32
SHOP = "https://shop.test/products/blue-mug"


def picture(colour: str, width: int = 320, height: int = 200) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "PNG")
    return file.getvalue()


class Story:
    """Writes a run, a step a call."""

    def __init__(self, writer: TraceWriter) -> None:
        self.writer = writer
        self.events: list[Event] = []
        self.requests = 0

    def write(self, *events: Event) -> None:
        for event in events:
            self.writer.write(event)
            self.events.append(event)

    def verdict(self, effect: Effect, outcome: Outcome = "allow", rule: str = "default") -> Verdict:
        why = "No rule speaks of it." if outcome == "allow" else "It spends money."
        return Verdict(outcome=outcome, rule=rule, reason=why, policy=POLICY, effect=digest(effect))

    def start(self, *, isolated: bool = True, goal: str = "Buy one blue mug.") -> None:
        self.write(
            RunStarted(
                run_id="run-1",
                task={"name": "buy-a-mug", "goal": goal},
                policy={"name": "shopping", "version": 1},
                policy_sha256=POLICY,
                model="local",
                approver="terminal",
                sandbox={"kind": "bubblewrap", "isolated": isolated, "layers": ["network namespace"]},
                versions={"harness": "0.1.0", "python": "3.11"},
            )
        )

    def look(
        self, step: int, shot: bytes, *, title: str = "Blue mug", thought: str = "why", **more: str
    ) -> None:
        url = more.get("url", SHOP)
        self.write(
            Observed(
                step=step,
                screenshot=self.writer.blob(shot),
                size=(320, 200),
                url=url,
                title=title,
                tabs=(Tab(id=1, url=url, title=title, active=True), Tab(id=2, url="about:blank")),
                notes=("A dialog said: Added.",) if step == 1 else (),
                downloads=(
                    Download(name="a.pdf", suggested="../a.pdf", url=SHOP, size=48_213, status="completed"),
                )
                if step == 1
                else (),
            ),
            AskedModel(step=step),
            ModelReplied(step=step, thought=thought, raw=self.writer.blob(thought.encode()), seconds=0.21),
        )

    def request(self, step: int, method: str, url: str, outcome: Outcome = "allow", **more: str) -> Request:
        self.requests += 1
        request = Request(
            id=f"r{self.requests}",
            method=method,
            url=url,
            headers=(("host", "shop.test"), ("user-agent", "Chromium"), *more.items()),
            resource="document",
        )
        rule = "default" if outcome == "allow" else "domains"
        self.write(Requested(step=step, request=request, verdict=self.verdict(request, outcome, rule)))
        if outcome == "allow":
            self.write(Responded(step=step, request=request.id, status=200, received=4321, seconds=0.012))
        return request

    def act(
        self,
        step: int,
        action: Action,
        target: Target | None = None,
        *,
        outcome: Outcome = "allow",
        index: int = 0,
        approve: bool = True,
    ) -> None:
        act = Act(action=action, target=target)
        verdict = self.verdict(act, outcome, "default" if outcome == "allow" else "spending")
        self.write(Judged(step=step, effect=act, verdict=verdict))
        if outcome == "ask":
            name = f"q{step}-{index}"
            approval = Approval(
                decision="approve" if approve else "deny",
                by="ada",
                at=EPOCH,
                shown=digest(act),
                note="One mug.",
            )
            self.write(
                ApprovalAsked(step=step, question=name, effect=act, verdict=verdict, seconds=300),
                ApprovalGiven(step=step, question=name, approval=approval, seconds=12.3),
            )
        if outcome == "allow" or (outcome == "ask" and approve):
            self.write(
                Acting(step=step, index=index, action=action, target=target, effect=digest(act)),
                Acted(step=step, index=index, action=action, status="done", seconds=0.04),
            )
        else:
            self.write(
                Acted(step=step, index=index, action=action, status="refused", message="no", rule="spending")
            )

    def finish(self) -> None:
        self.write(
            Checked(check="the screen shows Thank you", passed=True, detail="it does"),
            Checked(check="one order in the state", passed=False, detail="there are two"),
        )
        self.write(
            RunFinished(
                outcome="done",
                exit_code=0,
                steps=4,
                outputs={"order_id": "10042"},
                usage=Usage(input_tokens=18_000, output_tokens=234, cost_usd=0.04),
                verdicts={"allow": 5, "ask": 1, "deny": 1},
                seconds=9.4,
                head=self.writer.head,
            )
        )
        self.writer.close()

    def whole(self) -> None:
        """A run with something of everything."""
        button = Target(
            role="button",
            name="Add to cart",
            tag="button",
            text="Add to cart",
            form_method="post",
            form_action="https://shop.test/cart/items",
            submits=True,
            frame_origin="https://shop.test",
            url=SHOP,
            box=Box(x=20, y=30, width=80, height=24),
            fingerprint="cd" * 32,
        )
        link = Target(
            role="link", name="Terms", tag="a", href="https://shop.test/terms", url="https://other.test/"
        )
        self.start()
        self.look(1, picture("white"), thought='click "Add to cart"')
        self.act(1, Click(x=60, y=42), button)
        self.request(1, "POST", "https://shop.test/cart/items", cookie="session=abcdef")
        self.request(1, "GET", "https://tracker.test/pixel", "deny")
        self.look(2, picture("white"))
        self.act(2, Scroll(x=100, y=100, dy=300), link)
        self.act(2, Type(text="Ada"), link, index=1)
        self.act(2, Drag(path=((10, 10), (50, 60), (90, 20))), index=2)
        self.look(3, picture("red"))
        self.act(3, Click(x=60, y=42, button="right", count=2), button, outcome="ask")
        self.act(3, Goto(url="https://evil.test/"), outcome="deny", index=1)
        self.write(
            Judged(
                step=3, effect=(sign := SafetySignal(provider="acme", code="odd")), verdict=self.verdict(sign)
            )
        )
        self.look(4, picture("blue"))
        self.act(4, Zoom(region=(10, 10, 100, 80)))
        self.act(4, Answer(text="Done", data={"order_id": "10042"}), index=1)
        self.write(
            Noted(step=4, text="the model says it is done"), Failed(step=4, error="SandboxError", message="x")
        )
        self.finish()


@pytest.fixture
def now() -> Callable[[], datetime]:
    """A clock that ticks 10 ms a look."""
    looked = iter(range(10**9))
    return lambda: EPOCH + timedelta(milliseconds=10 * next(looked))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "traces" / "run-1"


@pytest.fixture
def story(folder: Path, now: Callable[[], datetime]) -> Story:
    """An empty run, to be told."""
    return Story(TraceWriter.create(folder, now=now))


@pytest.fixture
def run(story: Story, folder: Path) -> Path:
    """A whole run on disk; what was written is in `story.events`."""
    story.whole()
    return folder


@pytest.fixture
def png() -> Callable[[str], bytes]:
    """Makes a picture of one colour."""
    return picture
