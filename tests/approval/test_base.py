import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal, Never

import pytest
from harness.action import Click, Goto
from harness.approval.base import ask
from harness.clearance import (
    Act,
    Approval,
    Effect,
    Question,
    Request,
    Verdict,
    clear,
    digest,
)
from harness.errors import NotClearedError

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
CLICK = Act(action=Click(x=1, y=2))
OTHER = Act(action=Goto(url="https://evil.test/"))


def verdict(effect: Effect) -> Verdict:
    return Verdict(outcome="ask", rule="r", reason="because", policy="0" * 64, effect=digest(effect))


def question(effect: Effect = CLICK, seconds: float = 30.0, name: str = "q1") -> Question:
    return Question(id=name, effect=effect, verdict=verdict(effect), goal="g", step=1, seconds=seconds)


class Says:
    """An approver that answers whatever it is told to, typed or not."""

    def __init__(self, answer: Callable[[Question], Awaitable[Any]]) -> None:
        self._answer = answer

    async def decide(self, question: Question) -> Approval:
        answer: Approval = await self._answer(question)
        return answer


def says(answer: Any) -> Says:
    async def given(_: Question) -> Any:
        return answer

    return Says(given)


async def asked(
    approver: Any, one: Question | None = None, otherwise: Literal["deny", "stop"] = "deny"
) -> Approval:
    loop = asyncio.get_running_loop()
    return await ask(approver, one or question(), clock=loop.time, now=lambda: NOON, otherwise=otherwise)


async def test_a_yes_gets_its_time_and_what_was_shown() -> None:
    approval = await asked(says(Approval(decision="approve", by="Ada")))
    assert approval == Approval(decision="approve", by="Ada", at=NOON, shown=digest(CLICK))
    assert clear(CLICK, verdict(CLICK), approval).effect == CLICK


async def test_an_answer_keeps_its_own_time_and_note() -> None:
    earlier = datetime(2025, 1, 1, tzinfo=UTC)
    approval = await asked(says(question().deny("Ada", earlier, "too dear")))
    assert (approval.decision, approval.at, approval.note) == ("deny", earlier, "too dear")


async def test_an_edit_keeps_what_to_do_instead() -> None:
    other = Act(action=Click(x=3, y=4))
    approval = await asked(says(Approval(decision="edit", by="Ada", effect=other)))
    assert (approval.decision, approval.effect, approval.shown) == ("edit", other, digest(CLICK))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "NoneType"),
        (True, "bool"),
        ("approve", "str"),
        ({"decision": "approve", "by": "x"}, "dict"),
        (Approval.model_construct(decision="yes", by="x"), "not whole"),  # type: ignore[arg-type]
        (Approval.model_construct(decision="approve"), "not whole"),  # type: ignore[call-arg]
        (Approval(decision="approve", by="x", shown=digest(OTHER)), "another effect"),
        (Approval(decision="approve", by="x", shown=""), "another effect"),
        (Approval(decision="approve", by="x", effect=OTHER), "cannot change the effect"),
        (Approval(decision="edit", by="x"), "must say what to do instead"),
        (
            Approval(decision="edit", by="x", effect=Request(id="r", method="GET", url="https://a.test/")),
            "must be an action",
        ),
    ],
)
async def test_what_is_not_a_whole_answer_to_this_question_is_a_refusal(answer: Any, why: str) -> None:
    approval = await asked(says(answer))
    assert (approval.decision, approval.by, approval.at) == ("deny", "malformed", NOON)
    assert why in approval.note
    with pytest.raises(NotClearedError):
        clear(CLICK, verdict(CLICK), approval)


async def test_a_subclass_of_an_answer_is_a_refusal() -> None:
    class Sneaky(Approval):
        pass

    assert (await asked(says(Sneaky(decision="approve", by="x")))).by == "malformed"


@pytest.mark.parametrize("error", [ValueError("no\x1b[2Jpe"), OSError("gone"), NotImplementedError()])
async def test_an_approver_that_raises_refuses(error: Exception) -> None:
    async def raising(_: Question) -> Approval:
        raise error

    approval = await asked(Says(raising))
    assert (approval.decision, approval.by) == ("deny", "failed")
    assert type(error).__name__ in approval.note
    assert "\x1b" not in approval.note


async def test_something_that_cannot_decide_refuses() -> None:
    assert (await asked(object())).by == "failed"


async def test_an_approver_that_is_cancelled_from_inside_refuses() -> None:
    async def cancelled(_: Question) -> Approval:
        raise asyncio.CancelledError

    approval = await asked(Says(cancelled))
    assert (approval.decision, approval.by) == ("deny", "failed")


async def _forever(_: Question) -> Approval:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("otherwise", ["deny", "stop"])
async def test_no_answer_in_time_does_what_the_policy_says(otherwise: Literal["deny", "stop"]) -> None:
    approval = await asked(Says(_forever), question(seconds=0.02), otherwise)
    assert (approval.decision, approval.by, approval.shown) == (otherwise, "deadline", digest(CLICK))


async def test_an_answer_after_the_deadline_is_no_answer_even_if_the_loop_was_blocked() -> None:
    times = iter([0.0, 31.0])
    approval = await ask(
        says(question().approve("Ada")), question(), clock=lambda: next(times), now=lambda: NOON
    )
    assert (approval.decision, approval.by) == ("deny", "deadline")


async def test_an_approver_that_will_not_stop_is_left_behind() -> None:
    over = asyncio.Event()

    async def stubborn(one: Question) -> Approval:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue
        return one.approve("stubborn")

    approval = await asked(Says(stubborn), question(seconds=0.02))
    assert (approval.decision, approval.by) == ("deny", "deadline")
    over.set()
    await asyncio.sleep(0)


async def test_being_cancelled_cancels_even_if_the_approver_answers_it_with_a_yes() -> None:
    shown = asyncio.Event()

    async def sly(one: Question) -> Approval:
        shown.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return one.approve("sly")
        raise AssertionError

    task = asyncio.ensure_future(asked(Says(sly)))
    await shown.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class OneAtATime:
    """Shows one question at a time, and answers when it is let."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.shown: list[str] = []
        self.go = asyncio.Semaphore(0)
        self.seen = asyncio.Semaphore(0)

    @asynccontextmanager
    async def turn(self, question: Question) -> AsyncIterator[None]:
        async with self.lock:
            self.shown.append(question.id)
            yield

    async def decide(self, question: Question) -> Approval:
        self.seen.release()
        await self.go.acquire()
        return question.approve("Ada")


async def test_questions_wait_for_their_turn() -> None:
    approver = OneAtATime()
    tasks = [asyncio.ensure_future(asked(approver, question(name=name))) for name in ("a", "b")]
    await approver.seen.acquire()
    assert approver.shown == ["a"]
    approver.go.release()
    await approver.seen.acquire()
    assert approver.shown == ["a", "b"]
    approver.go.release()
    assert [one.decision for one in await asyncio.gather(*tasks)] == ["approve", "approve"]


async def test_waiting_for_a_turn_is_bounded_and_gives_the_turn_back() -> None:
    approver = OneAtATime()
    async with approver.lock:
        approval = await asked(approver, question(seconds=0.02))
        assert (approval.by, approval.note) == ("deadline", "the question could not be shown within 0.02 s")
    approver.go.release()
    assert (await asked(approver)).decision == "approve"
    assert not approver.lock.locked()


async def test_a_refusal_gives_the_turn_back() -> None:
    approver = OneAtATime()
    assert (await asked(approver, question(seconds=0.02))).by == "deadline"
    assert not approver.lock.locked()


async def test_a_turn_that_cannot_be_had_refuses() -> None:
    class Broken(OneAtATime):
        def turn(self, question: Question) -> Never:
            raise OSError(f"no place for {question.id}")

    approval = await asked(Broken())
    assert (approval.decision, approval.by) == ("deny", "failed")
    assert "no place for q1" in approval.note
