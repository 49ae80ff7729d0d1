"""What a person or a policy refuses does not reach the shop, and the run says so."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest
from asgi import Receive, Scope, Send, module
from harness.clearance import Approval, Question
from harness.cli.names import task_file
from harness.testing import RecordingApprover
from harness.trace.reader import Trace
from harness.trace.verify import verify
from harness.worlds.shop import app as make_shop


class Spy:
    """The shop, and every request that reached it."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._shop = make_shop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append(f"{scope['method']} {scope['path']}")
        await self._shop(scope, receive, send)  # type: ignore[arg-type]  # ASGI's own types are looser


@pytest.fixture
def shop() -> Iterator[Spy]:
    spy = Spy()
    with module("spied_shop", spy):
        yield spy


@pytest.fixture
def buy_a_mug(shop: Spy) -> harness.Task:
    assert shop.seen == []
    return harness.Task.load(task_file("shop/buy-a-mug")).model_copy(
        update={"hosts": {"shop.test": "spied_shop:app"}}
    )


def only_the_click(question: Question) -> Approval:
    if question.effect.kind == "action":
        return question.approve(by="ada")
    return question.deny(by="ada", note="not today")


async def test_an_order_refused_on_the_wire_never_reaches_the_shop(
    shop: Spy, buy_a_mug: harness.Task, tmp_path: Path
) -> None:
    approver = RecordingApprover(only_the_click)
    result = await harness.run(buy_a_mug, sandbox="bubblewrap", approver=approver, traces=tmp_path)
    assert [question.effect.kind for question in approver.questions] == ["action", "request"]
    assert (result.outcome, result.exit_code) == ("stopped", 3), result.reason
    assert "POST /orders" not in shop.seen
    assert "POST /cart" in shop.seen
    assert verify(Path(result.trace)).ok


@pytest.mark.long
async def test_a_click_nobody_approves_is_not_made(
    shop: Spy, buy_a_mug: harness.Task, tmp_path: Path
) -> None:
    result = await harness.run(buy_a_mug, sandbox="bubblewrap", approver="deny", traces=tmp_path)
    assert (result.outcome, result.exit_code) == ("stopped", 3), result.reason
    assert "POST /orders" not in shop.seen
    acted = [one.event for one in Trace.open(Path(result.trace)).events if one.event.kind == "acted"]
    assert acted[-1].status == "refused"
    assert acted[-1].rule == "spending needs a person"


async def test_read_only_lets_nothing_be_changed(shop: Spy, buy_a_mug: harness.Task, tmp_path: Path) -> None:
    result = await harness.run(
        buy_a_mug, sandbox="bubblewrap", policy="read-only", approver="auto", traces=tmp_path
    )
    assert result.exit_code == 3, result.reason
    assert {request.split()[0] for request in shop.seen} <= {"GET", "HEAD"}


def acted_last(trace: Path) -> bool:
    return '"kind":"acted"' in trace.read_text().rsplit('"kind":"acting"', 1)[-1]


@pytest.mark.long
async def test_a_person_may_take_long_while_a_page_waits(
    shop: Spy, buy_a_mug: harness.Task, tmp_path: Path
) -> None:
    class Thinking:
        """Says yes to the order only once the click that sends it has been recorded as done."""

        def __init__(self) -> None:
            self.waited = False

        async def decide(self, question: Question) -> Approval:
            if question.effect.kind == "request":
                trace = next(tmp_path.glob("*/events.jsonl"))
                while not acted_last(trace):  # noqa: ASYNC110 - a file on disk sets no event
                    await asyncio.sleep(0.02)
                self.waited = True
            return question.approve(by="ada")

    thinking = Thinking()
    result = await harness.run(buy_a_mug, sandbox="bubblewrap", approver=thinking, traces=tmp_path)
    assert result.outcome == "done", result.reason
    assert thinking.waited
    assert shop.seen.count("POST /orders") == 1
