"""Who says yes: one way to ask, which fails closed."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from pydantic import ValidationError

from harness.clearance import Approval, Approver, Question, digest
from harness.words import visible

_GRACE = 1.0


@runtime_checkable
class TakesTurns(Protocol):
    """An approver that can show one question at a time, such as a terminal."""

    def turn(self, question: Question) -> AbstractAsyncContextManager[None]:
        """Wait until this question can be shown; its deadline starts then."""
        ...


async def ask(
    approver: Approver,
    question: Question,
    *,
    clock: Callable[[], float],
    now: Callable[[], datetime],
    otherwise: Literal["deny", "stop"] = "deny",
) -> Approval:
    """Ask an approver, and let nothing but a well-formed answer in time to exactly this question be a yes.

    The question has `question.seconds` to be answered from when it is shown, and as long before that to be
    shown. An answer that is late, malformed, about another effect, or an exception becomes a refusal whose
    `by` is `deadline`, `failed` or `malformed`, and whose `note` says why. Being cancelled cancels.

    Args:
        approver: who is asked.
        question: what is asked.
        clock: seconds that only go forward.
        now: the time of the answer.
        otherwise: what such a refusal decides.
    """

    def refused(by: str, note: str) -> Approval:
        return Approval(decision=otherwise, by=by, at=now(), shown=digest(question.effect), note=note)

    late = f"nobody answered within {question.seconds:g} s"
    try:
        async with asyncio.timeout(question.seconds):
            turn = approver.turn(question) if isinstance(approver, TakesTurns) else nullcontext()
            await turn.__aenter__()
    except TimeoutError:
        return refused("deadline", f"the question could not be shown within {question.seconds:g} s")
    except Exception as error:  # noqa: BLE001 - an approver that fails refuses, whatever it raised
        return refused("failed", f"the question could not be shown: {_said(error)}")
    try:
        started = clock()
        try:
            answer = await _bounded(approver, question)
        except TimeoutError:
            return refused("deadline", late)
        except Exception as error:  # noqa: BLE001 - an approver that fails refuses, whatever it raised
            return refused("failed", f"the approver failed: {_said(error)}")
        if clock() - started > question.seconds:
            return refused("deadline", late)
        wrong = _wrong(answer, question)
        if wrong or not isinstance(answer, Approval):
            return refused("malformed", f"the approver's answer cannot be used: {wrong}")
        return answer.model_copy(update={"at": answer.at or now(), "shown": digest(question.effect)})
    finally:
        await turn.__aexit__(None, None, None)


def _said(error: BaseException) -> str:
    return visible(f"{type(error).__name__}: {error}".removesuffix(": "), 300)


async def _bounded(approver: Approver, question: Question) -> object:
    task = asyncio.ensure_future(_decide(approver, question))
    try:
        done, _ = await asyncio.wait({task}, timeout=question.seconds)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        # An approver that swallows its cancellation is left behind rather than waited for.
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE)
        if task.done() and not task.cancelled():
            task.exception()


async def _decide(approver: Approver, question: Question) -> object:
    try:
        return await approver.decide(question)
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        raise RuntimeError("it was cancelled from inside") from error


def _wrong(answer: object, question: Question) -> str:
    """Say what is wrong with an answer; nothing if it can be used."""
    if type(answer) is not Approval:
        return f"it is {type(answer).__name__}, not an Approval"
    try:
        Approval.model_validate_json(answer.model_dump_json())
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        return f"it is not whole ({type(error).__name__})"
    if answer.shown is not None and answer.shown != digest(question.effect):
        return "it was given for another effect"
    if answer.decision == "edit" and answer.effect is None:
        return "an edit must say what to do instead"
    if answer.decision == "edit" and answer.effect is not None and answer.effect.kind != question.effect.kind:
        return f"an edit of {_a(question.effect.kind)} must be {_a(question.effect.kind)}"
    if answer.decision == "approve" and answer.effect not in (None, question.effect):
        return "an approve cannot change the effect; an edit can"
    return ""


def _a(kind: str) -> str:
    return f"an {kind}" if kind == "action" else f"a {kind}"
